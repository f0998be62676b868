"""A first day that could begin: all is at hand but AWS and the CDK."""

from __future__ import annotations

import pytest

from deploy.rehearsal import first_day
from deploy.rehearsal.account import Account
from deploy.rehearsal.cost import Cost
from deploy.rehearsal.day import Day
from tests.first_day.stubs import BROKER


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> list[Day]:
    """Everything but AWS and the CDK is there; a day that would begin is kept."""
    begun: list[Day] = []

    def run(self: Day, **_: object) -> int:
        begun.append(self)
        return 0

    cost = Cost(hour=0.2, once=0.2, by_use=(), prices="List prices of eu-west-1.")
    account = Account(session=None, role_arn=BROKER)  # type: ignore[arg-type]
    for name, value in (
        ("find_account", lambda chosen: account),
        ("reserved_executions", lambda assembly: 10),
        ("require_ready", lambda trial, clients, reserved: None),
        ("synthesize", lambda trial, outdir: outdir),
        ("price", lambda trial, assembly, workers: cost),
    ):
        monkeypatch.setattr(first_day, name, value)
    monkeypatch.setattr(Day, "run", run)
    monkeypatch.setattr(Day, "finish", run)
    monkeypatch.setenv("CDK_DOCKER", "true")  # a program that is there
    monkeypatch.setenv("BASE", f"python@sha256:{'0' * 64}")
    return begun
