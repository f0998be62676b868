"""A record is locked where there is a bucket for it, and it is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.incident.command import IncidentError, Scope, runtime, write_new
from deploy.incident.records import lock, locker
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


def test_a_record_is_for_its_writer_alone(tmp_path: Path) -> None:
    write_new(tmp_path / "record.json", {"what": "before containing alice"})
    assert (tmp_path / "record.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", '{"schema": 99}', '{"schema": 1, "bucket": 7}'])
def test_a_damaged_runtime_document_is_told(text: str) -> None:
    class Parameters:
        def get_parameter(self, *, Name: str) -> dict[str, Any]:
            return {"Parameter": {"Value": text}}

    with pytest.raises(IncidentError, match="cannot be read"):
        runtime(PROD, lambda _: Parameters())
