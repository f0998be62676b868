"""The doctor finds keys that never expire, wherever boto3 would find them (G2)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from starburst._client.access.connection import Connection
from starburst.cli.doctor import _python, examine
from starburst.errors import EnvironmentNotFound

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
