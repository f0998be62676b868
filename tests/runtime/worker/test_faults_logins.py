"""Logins that end and keys that are throttled or disabled, under a client and under a worker."""

from __future__ import annotations

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    CredentialRetrievalError,
    NoCredentialsError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst.errors import (
    AccessDenied,
    ConfigurationError,
    KeyUnavailable,
    SessionError,
    StarburstError,
)
from tests.runtime.fleet import BUCKET, REGION, Fleet
from tests.runtime.sessions import ONE, opened, square
from tests.runtime.worker.faults import Faulty, RawBody, refusal, sdk_config, squares
from tests.session_internals import flush, queue_url

pytestmark = pytest.mark.usefixtures("forked")


@dataclasses.dataclass
class Provider:
    """ECS's credentials as a worker gets them: each set lasts half an hour of a clock that runs.

    AWS refuses a call that was signed with a set which has run out by then.
    """

    now: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))
    fails: int = 0
    handed_out: list[datetime] = dataclasses.field(default_factory=list)
    refused: int = 0

    def fetch(self) -> dict[str, str]:
        if self.handed_out and self.fails:
            self.fails -= 1
            raise CredentialRetrievalError(provider="container-role", error_msg="503")
        self.handed_out.append(self.now + timedelta(minutes=30))
        return {
            "access_key": f"KEY{len(self.handed_out)}",
            "secret_key": "secret",
            "token": "token",
            "expiry_time": self.handed_out[-1].isoformat(),
        }

    def judge(self, request: Any, **_: object) -> AWSResponse | None:
        """Let AWS's clock run, and refuse who is late."""
        self.now += timedelta(minutes=2)
        signed = str(request.headers["Authorization"])
        number = re.search(r"Credential=KEY(\d+)/", signed)
        assert number is not None
        if self.now <= self.handed_out[int(number[1]) - 1]:
            return None
        self.refused += 1
        body = b"<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>"
        return AWSResponse(request.url, 400, {}, RawBody(body))  # type: ignore[arg-type]

    def client(self, service: str) -> Any:
        session = botocore.session.get_session()
        session._credentials = RefreshableCredentials.create_from_metadata(  # type: ignore[attr-defined]
            self.fetch(), refresh_using=self.fetch, method="container-role"
        )
        session._credentials._time_fetcher = lambda: self.now  # type: ignore[attr-defined]
        aws = boto3.session.Session(botocore_session=session, region_name=REGION)
        client: Any = aws.client(service)  # type: ignore[call-overload]
        client.meta.events.register_first("before-send", self.judge)
        return client


# What cannot be given back for want of a login comes back when its lease has run out.
@pytest.mark.timings(first_pause_seconds=0.001, lease_seconds=5)
@pytest.mark.parametrize("outage", [0, 4], ids=["refreshed", "after an outage of the provider"])
def test_a_workers_credentials_are_refreshed_and_no_task_is_lost(
    connection: Connection, fleet: Fleet, outage: int
) -> None:
    provider = Provider()
    session = opened(connection, fleet, tasks=40)
    theirs = dataclasses.replace(fleet, s3=provider.client("s3"), sqs=provider.client("sqs"))
    provider.fails = outage
    made = theirs.supervisor(session.manifest.keys, queue_url(session))
    with ThreadPoolExecutor() as pool:
        life = pool.submit(made.run)
        assert session.collect(timeout=90) == squares(40)
        session.cleanup()
        assert life.exception() is None
    assert len(provider.handed_out) > 3
    assert not provider.refused
    assert not provider.fails


def test_tasks_submitted_with_an_ended_login_say_so_and_what_was_stored_is_found_again(
    connection: Connection, fleet: Fleet
) -> None:
    """The pack was stored, its messages were not sent: the tasks are accepted all the same."""
    fleet.launch = False
    sqs: Any = Faulty(fleet.sqs)
    s3: Any = Faulty(fleet.s3)
    timings = Timings(silence_seconds=0.1)
    mine = dataclasses.replace(connection, sqs=sqs, s3=s3, timings=timings)
    session = open_session(mine, ONE, progress=False)
    sqs.error = refusal("ExpiredToken")
    stored = session.submit(square, 7)
    with pytest.raises(AccessDenied, match="Log in again"):
        stored.result(timeout=30)
    s3.error = refusal("ExpiredToken")
    with pytest.raises(AccessDenied, match="Log in again"):
        session.submit(square, 8).result(timeout=30)
    session.detach()
    fleet.add_worker(session.manifest.keys, queue_url(session))
    theirs = dataclasses.replace(connection, timings=timings)
    again = attach_session(theirs, session.id, progress=False)
    assert again.collect(timeout=60) == [49]
    again.cleanup()


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        UnauthorizedSSOTokenError(),
        SSOTokenLoadError(error_msg="no token"),
        CredentialRetrievalError(provider="process", error_msg="it said no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_login_that_cannot_be_renewed_names_the_way_back(
    connection: Connection, fleet: Fleet, error: Exception
) -> None:
    s3 = Faulty(fleet.s3)
    session = opened(dataclasses.replace(connection, s3=s3), fleet)  # type: ignore[arg-type]
    s3.error = error
    with pytest.raises(ConfigurationError, match=r"Log in .*starburst\.attach"):
        session.futures[0].result(timeout=30)
    session.detach()
    fleet.add_worker(session.manifest.keys, queue_url(session))
    again = attach_session(connection, session.id, progress=False)
    assert again.collect(timeout=60) == squares(4)
    again.cleanup()


def throttle(client: Any, times: int) -> list[str]:
    """Have AWS throttle the next calls; return what was asked, as it is asked."""
    asked: list[str] = []

    def judge(request: Any, **_: object) -> AWSResponse | None:
        asked.append(request.headers["X-Amz-Target"])
        if len(asked) > times:
            return None
        return AWSResponse(request.url, 400, {}, RawBody(b'{"__type": "ThrottlingException"}'))  # type: ignore[arg-type]

    client.meta.events.register_first("before-send", judge)
    return asked


def test_a_throttled_key_is_asked_again_after_a_while(
    connection: Connection, fleet: Fleet, pauses: list[float]
) -> None:
    kms = boto3.client("kms", REGION, config=sdk_config())
    throttle(kms, 3)
    session = opened(dataclasses.replace(connection, kms=kms), fleet)
    fleet.add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(4)
    assert len(pauses) >= 3
    assert all(pause > 0 for pause in pauses)
    session.cleanup()


@pytest.mark.usefixtures("pauses")
def test_a_key_that_stays_throttled_is_a_typed_error_and_nothing_is_stored(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    before = stored(fleet)
    kms = boto3.client("kms", REGION, config=sdk_config())
    asked = throttle(kms, 10_000)
    throttled = dataclasses.replace(connection, kms=kms)
    with pytest.raises(StarburstError, match="ThrottlingException"):
        open_session(throttled, ONE, progress=False)
    with pytest.raises(StarburstError, match="ThrottlingException"):
        attach_session(throttled, session.id, progress=False)
    assert len(asked) >= 2 * 6
    assert stored(fleet) == before
    session.cleanup()


def stored(fleet: Fleet) -> dict[str, bytes]:
    """Return every version of every object."""
    versions = fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
    return {
        f"{v['Key']}?{v['VersionId']}": fleet.s3.get_object(
            Bucket=BUCKET, Key=v["Key"], VersionId=v["VersionId"]
        )["Body"].read()
        for v in versions
    }


def test_a_disabled_key_starts_nothing_and_stores_nothing(
    connection: Connection, fleet: Fleet
) -> None:
    kms = Faulty(fleet.kms)
    kms.error = refusal("DisabledException")
    with pytest.raises(KeyUnavailable, match="Nothing was sent unencrypted"):
        open_session(dataclasses.replace(connection, kms=kms), ONE, progress=False)  # type: ignore[arg-type]
    assert stored(fleet) == {}
    assert not fleet.requests


@pytest.mark.timings(first_pause_seconds=0.001, most_failures=2)
def test_a_key_disabled_in_mid_session_stops_it_closed_and_enabled_again_it_goes_on(
    connection: Connection, fleet: Fleet
) -> None:
    secret = "BRCA1-carrier"
    fleet.launch = False
    theirs, mine = Faulty(fleet.s3, "put_object"), Faulty(fleet.s3, "get_object", "put_object")
    session = open_session(dataclasses.replace(connection, s3=mine), ONE, progress=False)  # type: ignore[arg-type]
    futures = session.map(lambda x: f"{secret}{x}", [secret] * 4)
    flush(session)
    keys, url = session.manifest.keys, queue_url(session)

    theirs.error = refusal("KMS.DisabledException")
    with pytest.raises(SessionError, match=r"KMS\.DisabledException"):
        dataclasses.replace(fleet, s3=theirs).supervisor(keys, url).run()
    assert not [name for name in stored(fleet) if name.startswith(keys.results)]

    mine.error = refusal("KMS.DisabledException")
    with pytest.raises(KeyUnavailable, match="Nothing was sent unencrypted"):
        session.submit(square, 1).result(timeout=30)
    with pytest.raises(KeyUnavailable, match=r"starburst\.attach"):
        session.status()
    assert not any(future.done() and not future.exception() for future in futures)
    session.detach()

    fleet.add_worker(keys, url)
    again = attach_session(connection, session.id, progress=False)
    assert again.collect(timeout=60) == [f"{secret}{secret}"] * 4
    for body in stored(fleet).values():
        assert secret.encode() not in body
    again.cleanup()


def test_a_worker_that_cannot_unwrap_the_sessions_key_ends_before_it_reads_anything(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    kms = Faulty(fleet.kms)
    kms.error = refusal("DisabledException")
    with pytest.raises(KeyUnavailable):
        dataclasses.replace(fleet, kms=kms).supervisor(session.manifest.keys, queue_url(session))
    fleet.add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(4)
    session.cleanup()
