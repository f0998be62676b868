"""The doctor names what is wrong with a login, a clock or an installation, and how to fix it."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

import starburst
from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import Connection, _connect_locally
from starburst.cli import main
from starburst.cli.doctor import Finding, examine
from starburst.cli.doctor.clock import look_at_clock
from starburst.cli.doctor.fixes import fix_of
from starburst.cli.doctor.login import look_at_login
from starburst.errors import KeyUnavailable, SessionError, StarburstError, VersionMismatch
from tests.files.conftest import connection

__all__ = ["connection"]  # the fixture

NOW = dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.UTC)
SIGN_ON = "https://company.awsapps.com/start"
CONFIG = f"""
[default]
region = eu-west-1
[profile study]
region = eu-west-1
sso_session = company
sso_account_id = 123456789012
sso_role_name = analyst
[sso-session company]
sso_region = eu-west-1
sso_start_url = {SIGN_ON}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two profiles, one of them of a single sign-on that nobody is logged in to."""
    for name in ("PROFILE", "REGION", "DEFAULT_REGION", "ACCESS_KEY_ID", "CREDENTIAL_EXPIRATION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "STARBURST_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws/sso/cache").mkdir(parents=True)
    (tmp_path / ".aws/config").write_text(CONFIG)
    return tmp_path


def found(profile: str | None = None) -> dict[str, Finding]:
    return {each.check: each for each in look_at_login(profile, now=lambda: NOW)}


def logged_in(home: Path, end: str, **terms: str) -> None:
    # As AWS's tools name the file.
    name = hashlib.sha1(b"company", usedforsecurity=False).hexdigest()
    token = {"accessToken": "t", "expiresAt": end, **terms}
    (home / f".aws/sso/cache/{name}.json").write_text(json.dumps(token))


def test_a_login_that_is_well_is_not_faulted(home: Path) -> None:
    assert [each.sound for each in look_at_login(None)] == [True]
    logged_in(home, "2026-11-30T20:00:00Z")
    assert found("study")["login"].text.startswith("the single sign-on will do until 2026-11-30")
    logged_in(home, "2026-11-30T11:00:00Z", refreshToken="r")
    assert found("study")["login"].sound


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "nobody is logged in to single sign-on"),
        ("2026-11-30T11:59:00Z", "the single sign-on ended at"),
        ("2026-11-30T12:05:00Z", "the single sign-on will end in 5 minutes"),
    ],
)
def test_a_sign_on_that_ended_is_told_with_the_command(
    end: str | None, words: str, home: Path
) -> None:
    if end is not None:
        logged_in(home, end)
    login = found("study")["login"]
    assert (login.sound, login.text.startswith(words)) == (False, True)
    assert login.fix.startswith("log in: aws sso login --profile study")


def test_keys_of_the_environment_have_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA")
    assert "login" not in found()
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-30T10:00:00+00:00")
    assert not found()["login"].sound
    assert "unset AWS_ACCESS_KEY_ID" in found()["login"].fix


def test_a_profile_that_does_not_exist_is_told_beside_those_that_do() -> None:
    login = found("clinc")["login"]
    assert login.text == "there is no AWS profile 'clinc'; this computer has default, study"
    assert "aws configure sso --profile clinc" in login.fix


@pytest.mark.parametrize(
    ("region", "fix"),
    [("", "export AWS_REGION=REGION"), ("eu-west-11", "export AWS_REGION=eu-west-1")],
)
def test_a_region_that_is_none_is_told(
    region: str, fix: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws/config").write_text("[default]\n")
    monkeypatch.setenv("AWS_REGION", region)
    told = found()["region"]
    assert (told.sound, told.fix.startswith(fix)) == (False, True)


@pytest.mark.parametrize(
    ("url", "sound", "words"),
    [
        ("http://localhost:4566", False, "which is this computer and not AWS"),
        ("http://10.0.0.1", False, "where nothing is encrypted"),
        ("https://vpce-1.s3.eu-west-1.vpce.amazonaws.com", True, "as AWS_ENDPOINT_URL_S3 says"),
    ],
)
def test_calls_that_do_not_go_to_aws_are_told(
    url: str, sound: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    told = found()["endpoint"]
    assert (told.sound, words in told.text) == (sound, True)
    assert told.fix == ("" if sound else "unset AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert "endpoint" not in found()


@pytest.mark.parametrize(("off", "word"), [(0, ""), (90, "90 seconds fast"), (-400, "400 seconds")])
def test_a_clock_that_is_wrong_is_told(off: int, word: str, connection: Connection) -> None:
    class Dated:
        def list_objects_v2(self, **_: object) -> Any:
            date = "Mon, 30 Nov 2026 12:00:00 GMT"
            return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    object.__setattr__(connection, "s3", Dated())
    [told] = look_at_clock(connection, now=lambda: NOW.timestamp() + off)
    assert told.sound is not bool(word)
    assert word in told.text
    assert bool(told.fix) is bool(word)


def refused(error: Exception) -> StarburstError:
    with pytest.raises(StarburstError) as caught, aws_errors("ask"):
        raise error
    return caught.value


def answered(code: str, said: str = "no") -> Exception:
    terms: Any = {"Error": {"Code": code, "Message": said}}
    return botocore.exceptions.ClientError(terms, "GetParameter")


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (botocore.exceptions.NoCredentialsError(), "log in: aws sso login --profile study"),
        (answered("ExpiredToken"), "log in: aws sso login --profile study"),
        (answered("RequestTimeTooSkewed"), "set this computer's clock"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="https://x"), "connect to the"),
        (answered("ThrottlingException"), "ask again in a minute"),
        (answered("AccessDenied"), "log in: aws sso login --profile study; "),
    ],
)
def test_what_aws_refuses_has_a_fix(error: Exception, fix: str) -> None:
    assert fix_of(refused(error), profile="study").startswith(fix)


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (VersionMismatch("old"), "install the release that it names"),
        (KeyUnavailable("off"), "only they can enable the key"),
        (SessionError("odd"), "show this to your platform engineer"),
        (starburst.EnvironmentNotFound("none"), "STARBURST_ENVIRONMENT"),
        (starburst.WorkspaceNotFound("none"), "STARBURST_WORKSPACE"),
    ],
)
def test_every_other_error_has_a_fix(error: StarburstError, fix: str) -> None:
    assert fix in fix_of(error)


def test_what_was_wrong_beforehand_is_not_told_twice() -> None:
    def connect() -> Connection:
        raise starburst.ConfigurationError("no AWS region is set")

    ill = Finding(False, "no Region", "export it", "region")
    *_, last = examine(connect, beforehand=[ill])
    assert last is ill
    *_, last = examine(connect)
    assert last.text == "no AWS region is set"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the local extra, and no environment that runs."""
    whole: Callable[[str], str] = importlib.metadata.version

    def version(name: str) -> str:
        if name == "ministack":
            raise importlib.metadata.PackageNotFoundError(name)
        return whole(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    _connect_locally.cache_clear()  # an earlier test of this process may have connected
    monkeypatch.setattr("starburst.local.sharing._own", [])
    monkeypatch.setattr("starburst.local.server.tempfile", None)  # nothing may be made
    for name in ("STARBURST_ENVIRONMENT", "STARBURST_LOCAL_STATE", "STARBURST_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("bare")
def test_the_local_extra_is_named_by_its_install_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = "pip install 'starburst[local]'"
    assert main(["doctor"]) == 1
    _, text, fix = capsys.readouterr().out.splitlines()
    assert text.startswith("FIX   the local environment is not installed here")
    assert fix == f"      -> {line}"
    with pytest.raises(starburst.LocalEnvironmentError) as caught:
        starburst.map(abs, [1])
    assert line in str(caught.value)
    assert "hypercorn" not in str(caught.value)
    assert main(["local", "--", "true"]) == 1
    assert line in capsys.readouterr().err
