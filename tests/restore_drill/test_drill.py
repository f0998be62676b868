"""A restore that is not what was backed up, or comes too late, fails its drill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.incident.command import IncidentError
from deploy.restore_drill import command, permission
from deploy.restore_drill.comparing import compare
from environments import REGULATED
from stacks.addons.finma import Classification, Finma
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from tests.incident.calls import actions, taken
from tests.quick_moto import quick_aws, quick_client
from tests.restore_drill.vault import KEY, Vault

REGION = REGULATED.region
SOURCE = "regulated-data"
DAY = timedelta(days=1)
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


def tried(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, clock: Clock | None = None, **more: Any
) -> Any:
    told = type("Runtime", (), {"bucket": SOURCE})
    monkeypatch.setattr(command, "runtime", lambda *_: told)
    clock = clock or Clock()
    clients = {"s3": vault.s3, "backup": vault}
    return command.drill(ON, clients.__getitem__, now=clock.now, wait=clock.wait, **more)


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


def test_an_old_backup_is_told_by_its_age(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That nightly backups fail since a month shows nowhere else."""
    record = tried(vault, monkeypatch, today=lambda: vault.begun + 30 * DAY)
    assert record["backup_age_hours"] == 720.0
    assert command._judged(record) == 0
    assert "of a backup that was 720.0 hours old" in capsys.readouterr().out


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


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_while_an_earlier_drill_restores_none_begins(
    status: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What that one has brought back already would make this one faster than a restore is."""
    role = f"arn:aws:iam::{REGULATED.account}:role/starburst-regulated-finma-restore"
    vault.s3.put_object(Bucket=SCRATCH, Key="of the earlier one", Body=b"")
    vault.going = [{"RestoreJobId": "earlier", "Status": status, "IamRoleArn": role}]
    with pytest.raises(IncidentError, match=f"restore job earlier of an earlier drill is {status}"):
        tried(vault, monkeypatch)
    assert vault.started == []
    assert vault.s3.list_objects_v2(Bucket=SCRATCH)["KeyCount"] == 1
    # What somebody else restores, and what has ended, keeps no drill.
    vault.going = [
        {"RestoreJobId": "theirs", "Status": status, "IamRoleArn": f"{role}r"},
        {"RestoreJobId": "ended", "Status": "ABORTED", "IamRoleArn": role},
    ]
    assert tried(vault, monkeypatch)["faithful"] is True


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
    assert (during.not_compared, during.keys_not_compared) == (1, ["data/trials/erased"])
    before = compare(s3, **where, begun=old - timedelta(days=1), ended=old - timedelta(days=1))
    assert (before.same, before.missing) == (0, 0)
    assert not before.faithful, "nothing was compared"


def test_what_was_deleted_before_the_backup_and_comes_back_is_wrong(s3: Any) -> None:
    key = "data/trials/a.csv"
    s3.delete_object(Bucket=SOURCE, Key=key)
    s3.put_object(Bucket=SCRATCH, Key=key, Body=CONTENT[key])
    s3.put_object(Bucket=SCRATCH, Key="data/trials/empty", Body=b"")
    later = datetime.now(UTC) + timedelta(minutes=1)
    found = compare(s3, source=SOURCE, scratch=SCRATCH, begun=later, ended=later)
    assert (found.same, found.wrong, found.not_compared) == (1, 1, 0)
    assert key in found.keys


def test_a_backup_of_nothing_proves_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in CONTENT:
        [version] = vault.s3.list_object_versions(Bucket=SOURCE, Prefix=key)["Versions"]
        vault.s3.delete_object(Bucket=SOURCE, Key=key, VersionId=version["VersionId"])
    vault.content = {}
    record = tried(vault, monkeypatch)
    assert (record["job"], record["faithful"]) == ("COMPLETED", False)
    with pytest.raises(IncidentError, match="nothing could be compared"):
        command._judged(record)


@pytest.fixture
def terminal(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The command's surroundings; returns what was locked."""
    told = type("Runtime", (), {"bucket": SOURCE, "key_arn": KEY.replace("vault", "data")})
    for module in (command, permission):
        monkeypatch.setattr(module, "runtime", lambda *_: told)
    monkeypatch.setattr(command, "find_environment", lambda _name: ON)
    monkeypatch.setattr(permission, "locker", lambda *_: None)
    who = type("Sts", (), {"get_caller_identity": lambda _self: {"Arn": HOLDER}})()
    clients = {"s3": vault.s3, "backup": vault, "sts": who}
    monkeypatch.setattr(command.Scope, "clients", lambda _self: clients.__getitem__)
    locked: list[Any] = []
    monkeypatch.setattr(command, "try_lock", lambda *said: locked.append(said))
    vault.states = ["COMPLETED"]
    return locked


def ran(*words: str) -> int:
    return command.main(["--environment", "regulated", *words])


def test_a_drill_that_ends_early_leaves_a_record_that_says_so(
    vault: Vault,
    terminal: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def expired(*_: object, **__: object) -> None:
        code = {"Code": "ExpiredTokenException", "Message": "expired"}
        raise ClientError({"Error": code}, "DescribeRestoreJob")  # type: ignore[typeddict-item]

    monkeypatch.setattr(vault, "describe_restore_job", expired)
    path = tmp_path / "record.json"
    assert ran("--record", str(path)) == 1
    record = json.loads(path.read_text())
    assert (record["faithful"], record["within_rto"]) == (False, False)
    assert "ended early" in record["job"]
    assert "ExpiredTokenException" in record["job"]
    assert len(terminal) == 1
    assert "deploy.restore_drill --permission prints" in capsys.readouterr().err


def test_where_no_record_can_be_written_nothing_is_restored(
    vault: Vault, terminal: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("--record", str(tmp_path / "nowhere" / "record.json")) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert ran() == 2
    assert "no file is named" in capsys.readouterr().err
    assert vault.started == []
    assert terminal == []


def test_the_permission_that_it_prints_is_what_it_takes(
    vault: Vault, terminal: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("--permission") == 0
    printed = json.loads(capsys.readouterr().out)
    assert not list(complaints(Policy.parse("printed", printed)))
    calls = taken(vault.s3)
    assert ran("--record", str(tmp_path / "record.json")) == 0
    listed = [
        {**one, "Action": [one["Action"]] if isinstance(one["Action"], str) else one["Action"]}
        for one in printed["Statement"]
    ]
    # The vault of these tests puts what is restored by the same client.
    assert calls - {"s3:PutObject"} <= actions({"Statement": listed}, "s3")
    # Nor is anything let through in the scratch bucket that a drill does not do.
    [ours] = [one for one in listed if one["Sid"] == "ReadWhatCameBack"]
    assert {*ours["Action"]} <= calls
    assert {
        *("backup:ListRestoreJobs", "backup:StartRestoreJob", "iam:PassRole", "kms:Decrypt"),
        "ssm:GetParameter",
    } <= actions({"Statement": listed}, "backup", "iam", "kms", "ssm")
    assert terminal


def test_a_record_is_written_and_never_over_another(
    vault: Vault, terminal: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "record.json"
    assert ran("--record", str(path)) == 0
    record = json.loads(path.read_text())
    assert (record["by"], record["faithful"], record["within_rto"]) == (HOLDER, True, True)
    assert len(terminal) == 1
    assert ran("--record", str(path)) == 2
    assert json.loads(path.read_text()) == record
    vault.tampers = flipped
    assert ran("--record", str(tmp_path / "b")) == 2
    assert json.loads((tmp_path / "b").read_text())["faithful"] is False
