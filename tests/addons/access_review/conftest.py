"""The function as Lambda imports it, and what it makes of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.addons.access_review.world import NOW, FakeAnalyzer, FakeIam
from tests.addons.lambda_folder import lambda_folder

SOURCE = Path(__file__).resolve().parents[3] / "stacks/addons/access_review/review"


@pytest.fixture(scope="module")
def modules() -> Iterator[Mapping[str, ModuleType]]:
    """The function's modules, imported as Lambda does: from their own folder."""
    with lambda_folder(SOURCE) as found:
        yield found


class Waits:
    """Time that passes when somebody waits, and at no other time."""

    def __init__(self, seconds: float = 600) -> None:
        self.seconds = seconds

    def left(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds -= seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def reviewed(modules: Mapping[str, ModuleType], waits: Waits) -> Callable[..., Any]:
    """Review the roles of an account; returns the record as it would be stored."""

    def make(iam: FakeIam, fetch: Any, *, after_days: int = 400, environment: str = "prod") -> Any:
        handler = modules["handler"]
        found = modules["reviewing"].review(
            iam,
            environment=environment,
            now=NOW,
            after_days=after_days,
            fetch=fetch,
            waiting=handler.Waiting(left=waits.left, pause=waits.pause),
        )
        return {
            "schema": 1,
            "kind": "starburst access review",
            "environment": environment,
            "quarter": "2026-Q4",
            "round": 1,
            "at": NOW.isoformat(),
            "by": "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-accessreview",
            "roles": list(found.roles),
            "tracked": found.tracked,
            "untold": found.untold,
            "findings": modules["findings"].findings_of(FakeAnalyzer(), {})[0],
            "unread": list(found.unread),
        }

    return make
