"""The three incidents: what the attacker does, and by which doors they could come again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import boto3
from botocore.exceptions import ClientError

from deploy.drill.burst import Burst, opened
from deploy.drill.evidence import worker_lines
from deploy.drill.on_workers import keeps_sending, mines, sends, sends_again, steals
from deploy.drill.stage import WORKSPACE, Stage, static
from deploy.incident.command import IncidentError
from starburst import Connection
from starburst.contract import TAMPERING, queue_name
from starburst.errors import IntegrityError

__all__ = ["ALL", "FOREIGN", "Attack", "Incident"]

FOREIGN: Final = "drill-foreign-"
"""What the name of an attacker's bucket begins with."""

_SECONDS: Final = 600.0
_PAUSE: Final = 0.5

_MANY: Final = 1000
"""Tasks of a hostile session: more than it will live to see."""

Door = Callable[[], object]
"""A call that an attacker makes with what they stole; it raises where it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack that succeeded, as far as it could.

    Attributes:
        doors: what the attacker can still read, by its name; all are open now.
        start: starts one more session with what was stolen.
        told: what was seen of it, in words.
        recorded: whether what should have been noticed of it was.
    """

    doors: Mapping[str, Door]
    start: Door
    told: tuple[str, ...] = ()
    recorded: Mapping[str, bool]


class Play(Protocol):
    """Attacks a burst."""

    def __call__(self, stage: Stage, burst: Burst, *, endless: bool) -> Attack:
        """Return how far it got."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One of those that a drill plays.

    Attributes:
        name: in words.
        user: whose burst it strikes.
        alone: whether the user alone is contained, and not their workspace.
        isolates: whether the network is cut as well.
        rings: whether workers' own lines ring an alarm.
        endless: whether a hostile task never ends, so that its worker is there until it must go.
        play: attacks a burst.
    """

    name: str
    user: str
    alone: bool = False
    isolates: bool = False
    rings: bool = False
    endless: bool = False
    play: Play

    @property
    def words(self) -> tuple[str, ...]:
        """What follows ``deploy.contain``, without whether to do it."""
        return (
            *("--environment", "local", "--workspace", WORKSPACE),
            *(("--user", self.user) if self.alone else ()),
            *(("--isolate",) if self.isolates else ()),
            "--hold",
        )


def steal_credentials(stage: Stage, burst: Burst, **_: bool) -> Attack:
    """Take an analyst's session credentials: read, spoil, and start a session of one's own."""
    thief = _with(stage, burst.connection, _stolen(burst.connection, stage.local.region))
    read = thief.s3.get_object(Bucket=stage.bucket, Key=burst.result)["Body"].read()
    thief.s3.delete_object(Bucket=stage.bucket, Key=burst.result)
    thief.s3.put_object(Bucket=stage.bucket, Key=burst.notes, Body=b"ransom")
    session = opened(thief)
    session.submit(abs, -1).result(_SECONDS)  # a worker of theirs runs
    session.map(mines(), range(_MANY))
    session.detach()
    return Attack(
        doors={
            "the stolen session": lambda: _read(thief.s3, stage.bucket, burst.notes),
            "a new login in the user's name": _login(stage, burst, burst.notes),
        },
        start=lambda: opened(thief),
        told=(
            f"read {len(read):,} bytes of a result, deleted it, overwrote a file of the home, "
            "started a session",
        ),
        recorded={},
    )


def send_out(stage: Stage, burst: Burst, *, endless: bool) -> Attack:
    """Run a task that takes its worker's credentials, and sends data to a foreign bucket."""
    foreign = f"{FOREIGN}{burst.session.id}"
    where = {"LocationConstraint": stage.local.region}
    stage.root("s3").create_bucket(Bucket=foreign, CreateBucketConfiguration=where)
    session = opened(burst.connection)
    keys = session.submit(sends(), foreign).result(_SECONDS)
    session.map(keeps_sending() if endless else sends_again(), [foreign] * _MANY)
    session.detach()
    arrived = stage.root("s3").list_objects_v2(Bucket=foreign).get("KeyCount", 0)
    s3 = stage.local.client(static(keys, stage.local.region), "s3")
    return Attack(
        doors={
            "the worker's stolen credentials": lambda: _read(s3, stage.bucket, burst.result),
            "a new login in the user's name": _login(stage, burst, burst.result),
        },
        start=lambda: opened(burst.connection),
        told=(f"sent to s3://{foreign}: {keys['said'] or 'it ARRIVED'}",),
        recorded={
            "nothing arrived at the foreign bucket": not arrived,
            "the refusal is in the session's results": "AccessDenied" in keys["said"],
        },
    )


def tamper(stage: Stage, burst: Burst, **_: bool) -> Attack:
    """Put a forged object in the place of a result, as an administrator of the login can.

    Their own rights are refused; so they sign in as the user, and use a worker's credentials.
    """
    bucket, key = stage.bucket, burst.result
    platform = stage.local.client(stage.local.platform_session(), "s3")
    began = datetime.now(UTC)
    refused = _refused(
        lambda: platform.put_object(Bucket=bucket, Key=key, Body=b"forged", IfNoneMatch="*")
    )
    user = _with(stage, burst.connection, _stolen(burst.connection, stage.local.region))
    keys = burst.session.submit(steals()).result(_SECONDS)
    worker = stage.local.client(static(keys, stage.local.region), "s3")
    user.s3.delete_object(Bucket=bucket, Key=key)
    worker.put_object(Bucket=bucket, Key=key, Body=b"forged", IfNoneMatch="*")
    noticed = ""
    try:
        burst.again()
    except IntegrityError as error:
        noticed = str(error)
    # A worker notices as well, and its log is what the alarm hears.
    _forge_message(user, burst.session.id)
    heard = _until(lambda: any(TAMPERING in line for line in worker_lines(stage, began)))
    return Attack(
        doors={
            "the login in the user's name": lambda: _read(user.s3, bucket, burst.notes),
            "a new login in the user's name": _login(stage, burst, burst.notes),
            "the worker's stolen credentials": lambda: _read(worker, bucket, key),
        },
        start=lambda: opened(user),
        told=(f"the analyst's client says: {noticed.partition('.')[0] or 'NOTHING'}",),
        recorded={
            "the administrator's own rights were refused": refused,
            "the analyst's client noticed the forged result": bool(noticed),
            "a worker noticed a forged message, and wrote it into its log": heard,
        },
    )


ALL: Final = (
    Incident(name="stolen analyst credentials", user="drill1", alone=True, play=steal_credentials),
    Incident(
        name="a worker sends data out",
        user="drill2",
        isolates=True,
        endless=True,
        play=send_out,
    ),
    Incident(name="tampered results", user="drill3", rings=True, play=tamper),
)


def _stolen(connection: Connection, region: str) -> boto3.Session:
    """Return a person's session credentials as somebody else has them: for as long as they last."""
    credentials = connection.aws and connection.aws.get_credentials()
    if not credentials:  # pragma: no cover - a local connection has some
        raise IncidentError("the analyst has no credentials, so none can be stolen")
    keys = credentials.get_frozen_credentials()
    named = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token or "",
    }
    return static(named, region)


def _with(stage: Stage, connection: Connection, session: boto3.Session) -> Connection:
    """Return a connection that acts with other credentials."""
    client = stage.local.client
    return replace(
        connection,
        s3=client(session, "s3"),
        sqs=client(session, "sqs"),
        kms=client(session, "kms"),
        functions=client(session, "lambda"),
        ssm=client(session, "ssm"),
        aws=session,
    )


def _login(stage: Stage, burst: Burst, key: str) -> Door:
    def read() -> None:
        session = stage.local.analyst_session(user=burst.connection.user, workspace=WORKSPACE)
        _read(stage.local.client(session, "s3"), stage.bucket, key)

    return read


def _read(s3: Any, bucket: str, key: str) -> None:  # noqa: ANN401
    s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _refused(call: Door) -> bool:
    try:
        call()
    except ClientError as error:
        return "AccessDenied" in str(error)
    return False


def _forge_message(user: Connection, session: str) -> None:
    """Send a message into the session's queue that no client of the session has sealed."""
    name = queue_name("local", WORKSPACE, session)
    url = user.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    user.sqs.send_message(QueueUrl=url, MessageBody="forged")


def _until(look: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + _SECONDS
    while not look():
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE)
    return True
