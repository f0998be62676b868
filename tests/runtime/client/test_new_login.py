"""A login that ends in the middle of a wait: the profile is read again, and the wait goes on."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import SSOTokenLoadError

from starburst._client.access.connection import Connection, connect
from starburst._client.access.renewal import Login, renewing_session
from starburst._client.access.timings import Timings
from starburst._client.display.progress import describe
from starburst._client.tasks.task_list import Tally
from starburst.contract import runtime_parameter
from starburst.errors import AccessDenied, ConfigurationError
from tests.runtime.fleet import REGION, Fleet
from tests.runtime.sessions import opened, square, work
from tests.runtime.worker.faults import Faulty, RawBody, refusal, squares
from tests.session_internals import core, flush

pytestmark = pytest.mark.usefixtures("forked")

OFTEN = Timings(status_seconds=0.02)


@dataclasses.dataclass
class Profile:
    """A profile as a SAML login writes it, and AWS as it takes its keys until they expire.

    Attributes:
        path: its credentials file.
        ended: access keys whose time is over.
        refused: how often each was refused.
    """

    path: Path
    ended: set[str] = dataclasses.field(default_factory=set)
    refused: Counter[str] = dataclasses.field(default_factory=Counter)
    heard: threading.Event = dataclasses.field(default_factory=threading.Event)

    def log_in(self, key: str) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(
            f"[study]\naws_access_key_id={key}\naws_secret_access_key=s\naws_session_token=t{key}\n"
        )
        draft.replace(self.path)

    def end(self, key: str) -> None:
        self.heard.clear()
        self.ended.add(key)

    def judge(self, request: Any, **_: object) -> Any:
        found = re.search(r"Credential=(\w+)/", str(request.headers["Authorization"]))
        assert found is not None
        if found[1] not in self.ended:
            return None
        self.refused[found[1]] += 1
        self.heard.set()
        if "X-Amz-Target" in request.headers:
            body = b'{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"late"}'
        else:
            body = (
                b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired."
                b"</Message></Error>"
            )
        raw: Any = RawBody(body)
        none: Any = {}
        return AWSResponse(request.url, 400, none, raw)

    def client(self, aws: boto3.session.Session, service: str) -> Any:
        client: Any = aws.client(service)  # type: ignore[call-overload]
        client.meta.events.register_first("before-send", self.judge)
        return client


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> Profile:
    del fleet  # it sets keys of its own, which would win
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    made = Profile(tmp_path / "credentials")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(made.path))
    made.log_in("FIRST")
    return made


@pytest.fixture
def mine(connection: Connection, profile: Profile) -> Connection:
    aws = renewing_session("study", REGION)
    s3, sqs = profile.client(aws, "s3"), profile.client(aws, "sqs")
    return dataclasses.replace(connection, s3=s3, sqs=sqs, timings=OFTEN, renews=True)


def test_a_wait_goes_on_after_a_new_login_and_again_after_the_next(
    mine: Connection, fleet: Fleet, profile: Profile
) -> None:
    """One login was there before AWS said no; for the other it had to be waited."""
    session = opened(mine, fleet)
    profile.log_in("SECOND")
    profile.end("FIRST")
    assert profile.heard.wait(60)
    profile.end("SECOND")
    assert profile.heard.wait(60)
    assert not any(future.done() for future in session.futures)
    profile.log_in("THIRD")
    work(fleet, session)
    assert session.collect(timeout=60) == squares(4)
    session.cleanup()
    assert profile.refused["FIRST"] == 1  # the new keys were there: who called never heard of it
    assert not profile.refused["THIRD"]


def test_tasks_wait_for_a_login_before_they_are_stored(
    mine: Connection, fleet: Fleet, profile: Profile
) -> None:
    session = opened(mine, fleet)
    profile.end("FIRST")
    late = session.submit(square, 9)
    assert profile.heard.wait(60)
    profile.log_in("SECOND")
    flush(session)
    work(fleet, session)
    assert late.result(60) == 81
    assert session.collect(timeout=60)[:4] == squares(4)
    session.cleanup()


def test_the_bar_and_where_there_is_none_the_log_say_what_to_do(
    mine: Connection, fleet: Fleet, profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    drawn: list[str] = []
    session = opened(mine, fleet)
    told = threading.Event()

    def update(_: object, __: object, *, waits_for: str) -> None:
        drawn.append(waits_for)
        if waits_for:
            told.set()

    bar: Any = core(session).display._bar
    bar.update = update
    with caplog.at_level(logging.WARNING, "starburst"):
        profile.end("FIRST")
        assert told.wait(60)
        profile.log_in("SECOND")
        work(fleet, session)
        assert session.collect(timeout=60) == squares(4)
    session.cleanup()
    assert {"log in again", ""} <= set(drawn)
    assert drawn[-1] == ""
    said = [record.getMessage() for record in caplog.records if record.name == "starburst"]
    assert said == [f"session {session.id} waits for you: log in again"]
    shown = describe(Tally(total=4, done=1), None, waits_for="log in again")
    assert shown == "log in again, starting"


def test_a_login_that_nobody_renews_ends_the_wait_typed_and_keeps_the_session(
    mine: Connection, fleet: Fleet, profile: Profile
) -> None:
    session = opened(
        dataclasses.replace(mine, timings=dataclasses.replace(OFTEN, login_seconds=0.3)), fleet
    )
    profile.end("FIRST")
    with pytest.raises(AccessDenied, match="Log in again"):
        session.futures[0].result(30)
    session.detach()


@pytest.mark.parametrize("renews", [True, False])
def test_a_login_by_single_sign_on_is_waited_for_where_it_can_be_renewed(
    connection: Connection, fleet: Fleet, renews: bool
) -> None:
    s3: Any = Faulty(fleet.s3)
    session = opened(dataclasses.replace(connection, s3=s3, timings=OFTEN, renews=renews), fleet)
    s3.error = SSOTokenLoadError(error_msg="no token")
    if not renews:
        with pytest.raises(ConfigurationError, match="Log in"):
            session.futures[0].result(30)
        session.detach()
        return
    assert core(session).tasks.wait(0.5, lambda: False) is False
    assert not session.futures[0].done()
    s3.error = None
    work(fleet, session)
    assert session.collect(timeout=60) == squares(4)
    session.cleanup()


def test_keys_that_were_handed_over_are_not_waited_for(
    connection: Connection, fleet: Fleet
) -> None:
    s3: Any = Faulty(fleet.s3)
    session = opened(dataclasses.replace(connection, s3=s3, timings=OFTEN), fleet)
    s3.error = refusal("ExpiredToken")
    with pytest.raises(AccessDenied, match="Log in again"):
        session.futures[0].result(30)
    session.detach()


# The login itself.


def test_a_connection_by_profile_renews_and_one_with_keys_of_ones_own_does_not(
    connection: Connection, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    ssm = boto3.client("ssm", REGION, aws_access_key_id="a", aws_secret_access_key="b")
    document = connection.document
    ssm.put_parameter(
        Name=runtime_parameter("test"), Value=document.to_json(), Type="String", Tier="Advanced"
    )
    found = connect("test", profile="study", user="alice")
    assert found.renews
    own = boto3.session.Session("a", "b", "c", REGION)
    assert not connect("test", aws=own, user="alice").renews
    found.s3.meta.events.register_first("before-send", profile.judge)
    profile.end("FIRST")
    profile.log_in("SECOND")
    assert found.read("sessions/study/alice/none", purpose="look") is None
    assert profile.refused == {"FIRST": 1}


def test_a_process_that_gives_keys_without_an_end_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Fleet
) -> None:
    """``credential_process``: without ``Expiration`` boto3 itself would never ask again."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    keys = tmp_path / "keys.json"
    config = tmp_path / "config"
    reader = f"{sys.executable} -c \"print(open('{keys}').read())\""
    config.write_text(f"[profile study]\ncredential_process = {reader}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    def log_in(key: str) -> None:
        said = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": "s", "SessionToken": "t"}
        keys.write_text(json.dumps(said))

    log_in("FIRST")
    aws = Profile(tmp_path / "unused")
    s3 = aws.client(renewing_session("study", REGION), "s3")
    assert s3.list_buckets()["Buckets"]
    log_in("SECOND")
    aws.end("FIRST")
    assert s3.list_buckets()["Buckets"]
    assert aws.refused == {"FIRST": 1}


def test_a_role_whose_source_has_ended_is_assumed_with_the_newer_login() -> None:
    """What botocore holds for a role keeps the source's old keys for good."""
    now = [0.0]

    class Held:
        def __init__(self, key: str) -> None:
            self.key = key

        def get_frozen_credentials(self) -> Any:
            if self.key in ended:
                raise refusal("ExpiredToken")
            return type("Frozen", (), {"access_key": self.key, "token": "t"})()

    ended: set[str] = set()
    source = ["FIRST"]
    load: Any = lambda: Held(source[0])  # noqa: E731 - it is handed over
    held: Any = Held("FIRST")
    login = Login(held, load=load, clock=lambda: now[0])
    assert login.get_frozen_credentials().access_key == "FIRST"
    ended.add("FIRST")
    with pytest.raises(Exception, match="ExpiredToken"):
        login.get_frozen_credentials()
    source[0] = "SECOND"
    with pytest.raises(Exception, match="ExpiredToken"):  # the profile is not read all the time
        login.get_frozen_credentials()
    now[0] += 1.0
    assert login.get_frozen_credentials().access_key == "SECOND"


def test_a_profile_that_is_being_written_is_read_again_later(profile: Profile) -> None:
    aws = renewing_session("study", REGION)
    s3 = profile.client(aws, "s3")
    s3.list_buckets()
    profile.path.write_text("[study\naws_access")
    profile.end("FIRST")
    with pytest.raises(Exception, match="ExpiredToken"):
        s3.list_buckets()
    login: Any = aws.get_credentials()
    login._read = float("-inf")
    profile.log_in("SECOND")
    assert s3.list_buckets()["Buckets"]


@pytest.mark.parametrize("error", [ValueError("no JSON"), FileNotFoundError("no such program")])
def test_a_process_that_gives_no_keys_for_a_while_is_asked_again_later(error: Exception) -> None:
    now = [0.0]

    def load() -> Any:
        if now[0] < 2.0:
            raise error
        return boto3.session.Session("SECOND", "s", "t", REGION).get_credentials()

    held: Any = boto3.session.Session("FIRST", "s", "t", REGION).get_credentials()
    login = Login(held, load=load, clock=lambda: now[0])
    assert not login.renew()
    now[0] = 2.0
    assert login.renew()
    assert login.get_frozen_credentials().access_key == "SECOND"
