"""A record is locked where there is a bucket for it, and it is said where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.officer import Scope
from deploy.records import lock, locker
from environments import PROD
from stacks.settings import Audit


def nothing(service: str) -> object:
    raise AssertionError(f"{service} was asked")


def test_with_an_organizations_trail_the_file_is_the_only_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    about = Scope(environment=replace(PROD, audit=Audit(trail=False)), workspaces=("genomics",))
    assert locker(about.environment, nothing) is None
    lock(about, nothing, "contain", {"what": "before containing"})
    out = capsys.readouterr().out
    assert "The trail is your organization's" in out
    assert "put it where nobody can change it" in out
