"""A finding is told once, and again where it is worse; what goes wrong is told twice, never not."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stacks.addons.guardduty as addon

HANDLER = Path(addon.__file__).with_name("telling") / "handler.py"


class Kept:
    """A bucket and a topic: what is there, what was said, and what fails next."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.said: list[dict[str, str]] = []
        self.fails = ""

    def _may(self, what: str) -> None:
        if self.fails == what:
            raise ConnectionError(what)

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        assert Bucket == "told"
        self._may("list")
        found = [{"Key": one} for one in self.keys if one.startswith(Prefix)]
        return {"Contents": found} if found else {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        assert (Bucket, Body) == ("told", b"")
        self._may("put")
        self.keys.append(Key)

    def publish(self, **said: str) -> None:
        self._may("publish")
        self.said.append(said)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("GUARDDUTY_TOLD", "told")
    monkeypatch.setenv("GUARDDUTY_TOPIC", "arn:aws:sns:eu-west-1:111122223333:security")
    return Kept()


@pytest.fixture
def handle(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    spec = importlib.util.spec_from_file_location("telling_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.boto3, "client", lambda _: kept)
    return lambda event: module.handle(event, None)


def finding(severity: float = 8.0, identity: str = "a" * 32, **more: Any) -> dict[str, Any]:
    detail = {
        "id": identity,
        "severity": severity,
        "type": "Exfiltration:S3/AnomalousBehavior",
        "title": "Somebody reads what nobody read before.",
        "description": "An API commonly used in exfiltration was called.",
        "updatedAt": "2026-11-30T10:00:00Z",
        "service": {"count": 3},
        **more,
    }
    return {
        "source": "aws.guardduty",
        "detail-type": "GuardDuty Finding",
        "account": "111122223333",
        "region": "eu-west-1",
        "detail": detail,
    }


def test_a_repeated_finding_is_told_once(kept: Kept, handle: Callable[..., Any]) -> None:
    assert handle(finding()) == {"told": True}
    assert handle(finding(service={"count": 9}, updatedAt="2026-11-30T11:00:00Z")) == {
        "told": False
    }
    [said] = kept.said
    assert said["Subject"] == "GuardDuty, high: Exfiltration:S3/AnomalousBehavior"
    assert "Seen: 3 times until 2026-11-30T10:00:00Z" in said["Message"]
    assert "Where: account 111122223333, eu-west-1" in said["Message"]


def test_another_finding_is_told_and_a_worse_one_again(
    kept: Kept, handle: Callable[..., Any]
) -> None:
    severities = [("a", 5.0), ("b", 5.0), ("a", 9.5), ("a", 5.0), ("a", 8.0), ("a", 9.9)]
    told = [handle(finding(severity, name * 32))["told"] for name, severity in severities]
    assert told == [True, True, True, False, False, False]
    assert "worse than what you were told of it before" in kept.said[2]["Message"]
    assert "worse" not in kept.said[1]["Message"]


@pytest.mark.parametrize(("fails", "before"), [("list", 0), ("publish", 0), ("put", 1)])
def test_what_fails_is_told_when_lambda_tries_again(
    kept: Kept, handle: Callable[..., Any], fails: str, before: int
) -> None:
    kept.fails = fails
    with pytest.raises(ConnectionError):
        handle(finding())
    assert len(kept.said) == before
    kept.fails = ""
    assert handle(finding()) == {"told": True}
    assert handle(finding()) == {"told": False}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail": None},
        {"detail": "a finding"},
        finding(severity="high"),  # type: ignore[arg-type]
        finding(identity=None),  # type: ignore[arg-type]
    ],
    ids=["empty", "nothing", "a text", "no number", "no id"],
)
def test_what_cannot_be_read_is_told_as_well(
    kept: Kept, handle: Callable[..., Any], event: dict[str, Any]
) -> None:
    assert handle(event) == {"told": True}
    assert kept.said[0]["Subject"].startswith("GuardDuty, critical: ")
    assert handle(event) == {"told": False}


def test_a_huge_and_hostile_finding_is_told_in_short_and_plain(
    kept: Kept, handle: Callable[..., Any]
) -> None:
    handle(
        finding(
            title="x" * 5_000_000, type="a\r\nBcc: b\x1b[31m\u202e" + "y" * 99, description="ü" * 9
        )
    )
    [said] = kept.said
    assert len(said["Message"]) < 8 * 1_000 + 200
    assert said["Subject"].isascii()
    assert len(said["Subject"]) < 100
    assert said["Subject"].isprintable()
    assert len(said["Message"].splitlines()) == 8
