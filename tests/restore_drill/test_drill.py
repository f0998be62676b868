"""A restore that is not what was backed up, or comes too late, fails its drill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.incident.command import IncidentError
from deploy.restore_drill import command
from deploy.restore_drill.comparing import compare
from environments import REGULATED
from stacks.addons.finma import Classification, Finma
from tests.quick_moto import quick_aws, quick_client
from tests.restore_drill.vault import KEY, Vault

REGION = REGULATED.region
SOURCE = "regulated-data"
HOLDER = f"arn:aws:iam::{REGULATED.account}:role/restorer"
FINMA = Finma(
    classification=Classification(confidentiality="high", integrity="high", availability="high"),
    rto_hours=4,
    drillers=(HOLDER,),
)
ON = replace(REGULATED, addons=(FINMA,), data_role_arns=(HOLDER,))
SCRATCH = FINMA.scratch_name(ON)
CONTENT = {
    "data/trials/a.csv": b"a,b\n1,2\n",
    "data/trials/empty": b"",
    "home/trials/ada/é.bin": bytes(range(256)) * 5000,
    "sessions/trials/ada/s/results/0": b"sealed",
}


class Clock:
    """Tells the time, which passes when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The data bucket with its objects, and an empty one to restore into."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with quick_aws():
        client = quick_client("s3", REGION)
        for bucket in (SOURCE, SCRATCH):
            client.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        for key, body in CONTENT.items():
            client.put_object(Bucket=SOURCE, Key=key, Body=body)
        yield client


@pytest.fixture
def vault(s3: Any) -> Vault:
    now = datetime.now(UTC)
    begun = now + timedelta(minutes=1)
    return Vault(s3=s3, content=CONTENT, begun=begun, ended=begun + timedelta(minutes=1))


def tried(vault: Vault, monkeypatch: pytest.MonkeyPatch, clock: Clock | None = None) -> Any:
    told = type("Runtime", (), {"bucket": SOURCE})
    monkeypatch.setattr(command, "runtime", lambda *_: told)
    clock = clock or Clock()
    clients = {"s3": vault.s3, "backup": vault}
    return command.drill(ON, clients.__getitem__, now=clock.now, wait=clock.wait)


def test_what_comes_back_as_it_was_passes_and_is_timed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tried(vault, monkeypatch)
    assert record["faithful"] is True
    assert record["within_rto"] is True
    assert record["objects"]["same"] == len(CONTENT)
    assert record["objects"]["size"] == sum(map(len, CONTENT.values()))
    assert record["seconds"] == 60.0
    [asked] = vault.started
    assert asked["IamRoleArn"].endswith(":role/starburst-regulated-finma-restore")
    assert asked["Metadata"] == {
        "DestinationBucketName": SCRATCH,
        "NewBucket": "false",
        "EncryptionType": "SSE-KMS",
        "KMSKey": KEY,
    }
    left = vault.s3.list_object_versions(Bucket=SCRATCH)
    assert "Versions" not in left
    assert command._judged(record) == 0


def flipped(key: str, body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1]) if key.startswith("home/") else body


def cut(key: str, body: bytes) -> bytes:
    return body[:-1] if key.startswith("home/") else body


def lost(key: str, body: bytes) -> bytes | None:
    return None if key.startswith("home/") else body


@pytest.mark.parametrize(
    ("tampers", "wrong", "missing"), [(flipped, 1, 0), (cut, 1, 0), (lost, 0, 1)]
)
def test_one_wrong_or_missing_object_fails_and_is_named(
    tampers: Any, wrong: int, missing: int, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.tampers = tampers
    record = tried(vault, monkeypatch)
    assert record["faithful"] is False
    assert (record["objects"]["wrong"], record["objects"]["missing"]) == (wrong, missing)
    assert record["objects"]["keys"] == ["home/trials/ada/é.bin"]
    with pytest.raises(IncidentError, match="not what was backed up: home/trials/ada"):
        command._judged(record)


def test_what_an_older_drill_left_is_not_taken_for_this_one(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, body in CONTENT.items():
        vault.s3.put_object(Bucket=SCRATCH, Key=key, Body=body)
    vault.tampers = lambda _key, _body: None
    record = tried(vault, monkeypatch)
    assert record["objects"]["missing"] == len(CONTENT)


def test_a_restore_that_takes_too_long_fails(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.states = ["RUNNING"]
    clock = Clock()
    record = tried(vault, monkeypatch, clock)
    assert (record["within_rto"], record["faithful"]) == (False, False)
    assert 4 * 3600 < clock.seconds <= 4 * 3600 + 30
    with pytest.raises(IncidentError, match="RUNNING when the time was over; job job goes on"):
        command._judged(record)


def test_what_is_compared_after_the_time_fails_as_well(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    def late(**options: Any) -> Any:
        clock.wait(4 * 3600 + 1)
        return compare(options.pop("s3"), **options)

    monkeypatch.setattr(command, "compare", lambda s3, **options: late(s3=s3, **options))
    record = tried(vault, monkeypatch, clock)
    assert (record["within_rto"], record["faithful"]) == (False, True)
    with pytest.raises(IncidentError, match="longer than rto_hours"):
        command._judged(record)


def test_a_restore_that_aws_ends_says_why(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.states = ["RUNNING", "FAILED"]
    record = tried(vault, monkeypatch)
    with pytest.raises(IncidentError, match="FAILED: the role may not"):
        command._judged(record)


def test_without_a_backup_nothing_is_restored(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.content = None
    with pytest.raises(IncidentError, match="no complete backup"):
        tried(vault, monkeypatch)
    assert vault.started == []


def test_an_environment_without_the_addon_is_refused(vault: Vault) -> None:
    with pytest.raises(IncidentError, match="no add-on finma"):
        command.drill(REGULATED, {"s3": vault.s3, "backup": vault}.__getitem__)


def test_an_object_is_compared_with_its_version_of_that_time(s3: Any) -> None:
    """What came later, or was deleted later, is no fault; what changed meanwhile is either."""
    key = "data/trials/a.csv"
    old = s3.head_object(Bucket=SOURCE, Key=key)["LastModified"]
    s3.put_object(Bucket=SOURCE, Key=key, Body=b"later")
    s3.put_object(Bucket=SOURCE, Key="data/trials/new", Body=b"new")
    s3.delete_object(Bucket=SOURCE, Key="data/trials/empty")
    for one, body in CONTENT.items():
        s3.put_object(Bucket=SCRATCH, Key=one, Body=body)
    s3.put_object(Bucket=SCRATCH, Key="data/trials/erased", Body=b"in no version any more")
    where = {"source": SOURCE, "scratch": SCRATCH}
    # moto keeps whole seconds, so that all of this is of one moment: a backup while it changed.
    during = compare(s3, **where, begun=old - timedelta(seconds=1), ended=datetime.now(UTC))
    assert (during.same, during.wrong, during.missing) == (len(CONTENT), 0, 0)
    assert during.not_compared == 1
    before = compare(s3, **where, begun=old - timedelta(days=1), ended=old - timedelta(days=1))
    assert (before.same, before.missing) == (0, 0)
    assert not before.faithful, "nothing was compared"


def test_a_record_is_written_and_never_over_another(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = type("Runtime", (), {"bucket": SOURCE})
    monkeypatch.setattr(command, "runtime", lambda *_: told)
    monkeypatch.setattr(command, "find_environment", lambda _name: ON)
    who = type("Sts", (), {"get_caller_identity": lambda _self: {"Arn": HOLDER}})()
    clients = {"s3": vault.s3, "backup": vault, "sts": who}
    monkeypatch.setattr(command.Scope, "clients", lambda _self: clients.__getitem__)
    locked: list[Any] = []
    monkeypatch.setattr(command, "try_lock", lambda *said: locked.append(said))
    vault.states = ["COMPLETED"]
    path = tmp_path / "record.json"
    assert command.main(["--environment", "regulated", "--record", str(path)]) == 0
    record = json.loads(path.read_text())
    assert (record["by"], record["faithful"], record["within_rto"]) == (HOLDER, True, True)
    assert len(locked) == 1
    assert command.main(["--environment", "regulated", "--record", str(path)]) == 2
    assert json.loads(path.read_text()) == record
    vault.tampers = flipped
    assert command.main(["--environment", "regulated", "--record", str(tmp_path / "b")]) == 2
    assert json.loads((tmp_path / "b").read_text())["faithful"] is False
