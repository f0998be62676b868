"""Which environment, workspace and person are meant: arguments, then variables, then discovery."""

from __future__ import annotations

from typing import Any

import pytest

from starburst._client.access import connection as module
from starburst._client.access.connection import connect


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was looked for: name, workspace, person."""
    found: list[tuple[Any, ...]] = []
    for name in ("ENVIRONMENT", "WORKSPACE", "USER", "LOCAL_STATE"):
        monkeypatch.delenv(f"STARBURST_{name}", raising=False)

    def far(
        _: object, name: str, *, workspace: str | None, user: str | None, steward: bool
    ) -> None:
        found.append((name, workspace, user, *(["steward"] if steward else [])))

    def near(workspace: str, user: str, shared: str | None, *, steward: bool) -> None:
        found.append(("local", workspace, user, shared, *(["steward"] if steward else [])))

    monkeypatch.setattr(module, "_connect", far)
    monkeypatch.setattr(module, "_connect_locally", near)
    return found


def own() -> Any:
    return object()


def test_arguments_win_over_variables(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ENVIRONMENT", "test"), ("WORKSPACE", "study"), ("USER", "bob")):
        monkeypatch.setenv(f"STARBURST_{name}", value)
    connect(aws=own())
    connect("prod", "genomics", user="alice", aws=own())
    assert asked == [("test", "study", "bob"), ("prod", "genomics", "alice")]


def test_who_acts_as_steward_says_so(asked: list[tuple[Any, ...]]) -> None:
    connect("prod", "genomics", user="alice", aws=own(), steward=True)
    connect(steward=True)
    assert asked == [
        ("prod", "genomics", "alice", "steward"),
        ("local", "demo", "analyst", None, "steward"),
    ]


def test_what_nobody_names_is_left_to_discovery(asked: list[tuple[Any, ...]]) -> None:
    connect("prod", aws=own())
    assert asked == [("prod", None, None)]


def test_another_local_environment_is_another_connection(
    asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect()
    monkeypatch.setenv("STARBURST_LOCAL_STATE", "/this/one")
    connect("local", "other", user="alice")
    assert asked == [("local", "demo", "analyst", None), ("local", "other", "alice", "/this/one")]
