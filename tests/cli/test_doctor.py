"""The doctor finds keys that never expire (G2), and budgets that count nothing (S19)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from starburst._client.access.connection import Connection
from starburst.aws.cost_tag import look_at_cost_tag
from starburst.cli.doctor import Finding, examine
from starburst.cli.doctor.examining import _python
from starburst.errors import EnvironmentNotFound
from tests.files.conftest import connection, refused
from tests.incident.environments import DOCUMENT

__all__ = ["connection", "refused"]  # the fixtures

TAG = "starburst-cost"
LONG_LIVED, PASSING = "AKIA" + "Q" * 16, "ASIA" + "Q" * 16


def no_environment() -> Connection:
    raise EnvironmentNotFound("none here")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any key."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path


def judgement() -> tuple[bool, str]:
    first = next(iter(examine(no_environment)))
    return first.sound, f"{first.text} {first.fix}".strip()


@pytest.mark.usefixtures("home")
def test_a_home_without_keys_is_sound() -> None:
    assert judgement() == (True, "no long-lived AWS keys in the environment or in AWS's files")


def test_keys_that_expire_are_sound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", PASSING)
    (home / ".aws/credentials").write_text(f"[default]\naws_access_key_id = {PASSING}\n")
    assert judgement()[0]


@pytest.mark.parametrize("file", ["credentials", "config"])
def test_keys_in_a_file_are_found(home: Path, file: str) -> None:
    place = home / ".aws" / file
    place.write_text(f"[profile old]\naws_access_key_id = {LONG_LIVED}\n")
    sound, text = judgement()
    assert not sound
    assert str(place) in text
    assert "delete the keys" in text
    assert LONG_LIVED not in text


def test_keys_in_a_file_that_a_variable_names_are_found(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = home / "elsewhere"
    place.write_text(f"aws_access_key_id={LONG_LIVED}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(place))
    assert str(place) in judgement()[1]


@pytest.mark.usefixtures("home")
def test_keys_in_the_environment_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", LONG_LIVED)
    sound, text = judgement()
    assert (sound, LONG_LIVED in text) == (False, False)
    assert "AWS_ACCESS_KEY_ID" in text


def test_keys_in_several_places_are_all_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", LONG_LIVED)
    files = [home / ".aws" / name for name in ("credentials", "config")]
    for file in files:
        file.write_text(LONG_LIVED)
    _, text = judgement()
    assert f"AWS_ACCESS_KEY_ID and {files[0]} and {files[1]}" in text


@pytest.mark.parametrize(("wanted", "sound"), [("3.0", False), ("here", True), ("9.9", False)])
def test_a_python_that_is_not_the_workers_is_told(wanted: str, sound: bool) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    finding = _python(here if wanted == "here" else wanted)
    assert finding.sound == sound
    assert here in finding.text
    assert sound or f"{wanted} on the workers" in finding.text


class Billing:
    """Cost Explorer, as far as the tag goes: its states, or why it does not say."""

    def __init__(self, says: list[str] | str | Exception) -> None:
        self.says = says

    def list_cost_allocation_tags(self, *, TagKeys: list[str], Type: str) -> dict[str, Any]:
        assert (TagKeys, Type) == (["starburst-cost"], "UserDefined")
        if isinstance(self.says, Exception):
            raise self.says
        if isinstance(self.says, str):
            error: Any = {"Error": {"Code": self.says, "Message": "no"}}
            raise botocore.exceptions.ClientError(error, "ListCostAllocationTags")
        named = {"TagKey": "starburst-cost", "Type": "UserDefined"}
        return {"CostAllocationTags": [{**named, "Status": state} for state in self.says]}


def examined(
    says: list[str] | str | Exception, monkeypatch: pytest.MonkeyPatch, *, environment: str = "prod"
) -> list[Finding]:
    nothing: Any = None
    connection = Connection(
        document=replace(DOCUMENT, environment=environment),
        workspace="genomics",
        user="alice",
        s3=nothing,
        sqs=nothing,
        kms=nothing,
        functions=nothing,
    )
    monkeypatch.setattr("starburst.cli.doctor.clock.look_at_clock", lambda _: iter(()))
    for look in ("_bucket", "_data"):
        monkeypatch.setattr(
            f"starburst.cli.doctor.examining.{look}", lambda *_: Finding(True, "can be read")
        )
    for look in ("look_at_key", "look_at_controller"):
        monkeypatch.setattr(
            f"starburst.cli.doctor.services.{look}", lambda *_: Finding(True, "can be used")
        )
    return list(examine(lambda: connection, cost_tag=lambda: look_at_cost_tag(Billing(says), TAG)))


@pytest.mark.parametrize(
    ("says", "sound", "words"),
    [
        (["Active"], True, "budgets count what carries the tag starburst-cost"),
        (["Inactive"], False, "is not active, so every budget reads zero: activate it in"),
        ([], False, "is not known to billing, a day after the first session, so every budget"),
        (
            "AccessDeniedException",
            True,
            "is unknown (these credentials may not ask): ask",
        ),
        ("ValidationException", True, "is unknown (ValidationException): ask with credentials of"),
        (
            botocore.exceptions.ConnectTimeoutError(endpoint_url="https://ce"),
            True,
            "is unknown (ConnectTimeoutError): ask with credentials of the account that pays",
        ),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_budget_that_counts_nothing_is_told(
    says: Any, sound: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, finding = examined(says, monkeypatch)
    assert words in finding.text
    assert finding.sound is sound


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("steward", "writers", "words"),
    [
        (
            False,
            "steward",
            "the data of study can be read, and there are none yet; its steward wri",
        ),
        (False, "analysts", "the data of study can be read and written, and there are none yet"),
        (True, "steward", "the data of study can be read and written, and there are none yet"),
    ],
)
def test_who_writes_the_data_is_told(
    steward: bool, writers: Any, words: str, connection: Connection
) -> None:
    object.__setattr__(connection.document.workspaces["study"], "data_writers", writers)
    who = replace(connection, steward=steward)
    found = [finding for finding in examine(lambda: who) if "data of" in finding.text]
    assert [(finding.sound, finding.text.startswith(words)) for finding in found] == [(True, True)]


@pytest.mark.usefixtures("home")
def test_a_steward_is_asked_for_no_session(refused: Callable[..., Connection]) -> None:
    steward = refused("list_objects_v2", steward=True)
    keys, who, data = examine(lambda: steward)
    assert keys.sound
    assert who.text.endswith("workspace study, steward alice")
    assert (data.sound, data.text.startswith("no data of study: cannot list")) == (False, True)


@pytest.mark.usefixtures("home")
def test_an_environment_of_an_earlier_release_is_not_faulted(
    refused: Callable[..., Connection],
) -> None:
    analyst = refused("list_objects_v2")
    [data] = [each for each in examine(lambda: analyst) if each.text.startswith("no data of study")]
    assert data.sound


@pytest.mark.usefixtures("home")
def test_a_sessions_limits_and_totals_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    *_, limits, ours, mine = examined(["Active"], monkeypatch, environment="local")
    assert limits.text.startswith("a session may have 100 workers, 400 vCPU, 1600 GB and $50 an")
    assert ours.text.startswith("all sessions of genomics in total: 50 sessions, 500 workers, $150")
    assert mine.text.startswith("all of yours in total: 50 sessions, 500 workers, $150 an hour")
