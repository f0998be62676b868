"""The doctor finds keys that never expire (G2), and budgets that count nothing (S19)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from starburst._client.access.connection import Connection
from starburst.aws.cost_tag import look_at_cost_tag
from starburst.cli.doctor import Finding, _python, examine
from starburst.errors import EnvironmentNotFound
from tests.incident.environments import DOCUMENT

TAG = "starburst-workspace"
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
    return first.sound, first.text


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
        assert (TagKeys, Type) == (["starburst-workspace"], "UserDefined")
        if isinstance(self.says, Exception):
            raise self.says
        if isinstance(self.says, str):
            error: Any = {"Error": {"Code": self.says, "Message": "no"}}
            raise botocore.exceptions.ClientError(error, "ListCostAllocationTags")
        named = {"TagKey": "starburst-workspace", "Type": "UserDefined"}
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
    monkeypatch.setattr("starburst.cli.doctor._bucket", lambda _: Finding(True, "can be read"))
    return list(examine(lambda: connection, cost_tag=lambda: look_at_cost_tag(Billing(says), TAG)))


@pytest.mark.parametrize(
    ("says", "sound", "words"),
    [
        (["Active"], True, "budgets count what carries the tag starburst-workspace"),
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
def test_a_sessions_limits_and_totals_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    *_, limits, ours, mine = examined(["Active"], monkeypatch, environment="local")
    assert limits.text.startswith("a session may have 100 workers, 400 vCPU, 1600 GB and $50 an")
    assert ours.text.startswith("all sessions of genomics in total: 50 sessions, 500 workers, $150")
    assert mine.text.startswith("all of yours in total: 50 sessions, 500 workers, $150 an hour")
