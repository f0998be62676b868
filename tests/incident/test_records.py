"""A record is locked where there is a bucket for it, and it is said where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.incident.command import IncidentError, Scope, runtime, write_new
from deploy.incident.records import RecordError, lock, locker
from environments import PROD
from stacks.settings import Audit
from tests.incident.environments import AUDIT
from tests.incident.refusals.scenes import account
from tests.small_aws.errors import AwsError


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


@pytest.mark.parametrize(("code", "status"), [("PreconditionFailed", 412), ("AccessDenied", 403)])
def test_a_record_whose_answer_was_lost_is_there_and_one_that_was_refused_is_not(
    code: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Botocore sends it again, and then meets its own first try."""
    about = Scope(environment=PROD, workspaces=("genomics",))
    aws = account()
    s3: Any = aws.services["s3"]
    put = s3.put_object

    def lost(**words: Any) -> None:
        if code == "PreconditionFailed":
            put(**words)
        raise AwsError(code, "no", status)

    s3.put_object = lost
    if code == "AccessDenied":
        with pytest.raises(RecordError, match="could not be locked"):
            lock(about, aws, "erase", {"what": "before erasing"})
    else:
        lock(about, aws, "erase", {"what": "before erasing"})
    kept = [f"s3://{AUDIT}/{one.key}" for one in s3.buckets[AUDIT].values()]
    said = capsys.readouterr().out
    assert len(kept) == (code == "PreconditionFailed")
    assert all(f"{place}: the record is kept there" in said for place in kept)
    assert bool(said) == bool(kept)


@pytest.mark.parametrize("text", ["", "{", '{"schema": 99}', '{"schema": 1, "bucket": 7}'])
def test_a_damaged_runtime_document_is_told(text: str) -> None:
    class Parameters:
        def get_parameter(self, *, Name: str) -> dict[str, Any]:
            return {"Parameter": {"Value": text}}

    with pytest.raises(IncidentError, match="cannot be read"):
        runtime(PROD, lambda _: Parameters())
