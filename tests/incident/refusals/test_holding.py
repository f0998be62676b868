"""A hold reaches every version of thousands; what is not held or not brought back is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

import deploy.incident.erase
import deploy.incident.hold
import deploy.incident.isolate
import deploy.incident.restore
from tests.incident.environments import BUCKET
from tests.incident.refusals.scenes import ALICE, HERS, account
from tests.small_aws.account import SmallAws
from tests.small_aws.ec2 import NetworkEc2
from tests.small_aws.errors import AwsError
from tests.small_aws.iam import InlineIam
from tests.small_aws.s3 import VersionedS3


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def storage(aws: SmallAws) -> VersionedS3:
    return cast("VersionedS3", aws.services["s3"])


def held(aws: SmallAws) -> int:
    return sum(one.held for one in storage(aws).buckets[BUCKET].values())


def test_every_version_of_thousands_is_held_and_freed(capsys: pytest.CaptureFixture[str]) -> None:
    aws = account()
    s3 = storage(aws)
    s3.size = 1000
    for number in range(2300):
        s3.store(BUCKET, f"{ALICE}results/{number % 900}", marker=number % 900 == 7)
    there = sum(not one.marker and one.key.startswith(ALICE) for one in s3.buckets[BUCKET].values())
    assert deploy.incident.hold.main([*HERS, "--apply", "--record", "a"], clients=aws) == 0
    assert held(aws) == there > 2000
    assert (
        f"{there:,} versions below sessions/genomics/alice/, home/genomics/alice/ are on hold"
        in capsys.readouterr().out
    )
    words = [*HERS, "--undo", "--apply", "--record", "b"]
    assert deploy.incident.hold.main(words, clients=aws) == 0
    assert held(aws) == 0


def test_a_version_that_went_meanwhile_is_no_trouble_and_counts_for_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = account()
    s3, put = storage(aws), storage(aws).put_object_legal_hold

    def vanish(**words: Any) -> None:
        s3.buckets[BUCKET].pop((f"{ALICE}manifest.json", "v000001"), None)
        put(**words)

    monkeypatch.setattr(s3, "put_object_legal_hold", vanish)
    assert deploy.incident.hold.main([*HERS, "--apply", "--record", "a"], clients=aws) == 0
    assert "5 versions below" in capsys.readouterr().out


def test_a_receipt_counts_what_lies_on_every_page() -> None:
    aws = account()
    s3 = storage(aws)
    for _ in range(10):
        s3.store(BUCKET, f"{ALICE}results/0", b"four")
    s3.store(BUCKET, f"{ALICE}results/gone", marker=True)
    words = [*HERS, "--apply", "--receipt", "r.json"]
    assert deploy.incident.erase.main(words, clients=aws) == 0
    receipt = json.loads(Path("r.json").read_text())
    assert (receipt["objects"], receipt["versions"], receipt["markers"]) == (4, 16, 2)
    assert receipt["bytes"] == 3 * len("old" + "newer") + 10 * len("four")


def test_a_session_on_a_later_page_of_the_active_ones_keeps_its_objects(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    for name in [*("0" * 19 + str(n) for n in range(7)), "a" * 20]:
        storage(aws).store(BUCKET, f"_control/active/{name}.json")
    before = dict(storage(aws).buckets[BUCKET])
    assert deploy.incident.erase.main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 2
    assert "is active" in capsys.readouterr().err
    assert storage(aws).buckets[BUCKET] == before
    assert not Path("r").exists()


def test_who_is_kept_by_the_last_of_many_policies_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    iam, before = cast("InlineIam", aws.services["iam"]), dict(storage(aws).buckets[BUCKET])
    for role in ("starburst-prod-controller", "starburst-prod-analyst-genomics"):
        policies = iam.roles[role]
        policies |= {f"Another{number}": {} for number in range(7)}
        policies[
            "DenyErasing-held-genomics-alice" if "analyst" in role else "DenyLaunch-genomics"
        ] = {}
        assert deploy.incident.erase.main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 2
        assert f"a policy of role {role} says so" in capsys.readouterr().err
        policies.clear()
    assert storage(aws).buckets[BUCKET] == before


def test_a_user_on_a_later_page_is_known() -> None:
    aws = account()
    for user in ("carol", "dave", "erin", "frank", "grace", "heidi", "zoe"):
        storage(aws).store(BUCKET, f"sessions/genomics/{user}/x/manifest.json")
    words = [*HERS[:-1], "zoe", "--apply", "--record", "a"]
    assert deploy.incident.hold.main(words, clients=aws) == 0
    assert held(aws) == 1


def test_what_cannot_be_written_again_is_found_as_it_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To bring an earlier version back, the newest is hidden first; that is taken back."""
    aws = account()
    s3 = storage(aws)
    before = s3.bodies(BUCKET)
    monkeypatch.setattr(s3, "put_object", refuse("AccessDenied"))
    words = [*HERS, "--at", "2026-01-01T00:04:00Z", "--apply"]
    assert deploy.incident.restore.main(words, clients=aws) == 2
    err = capsys.readouterr().err
    assert f"{ALICE}status.json" in err
    assert "could not be brought back, all others are" in err
    assert s3.bodies(BUCKET) == before


def test_what_can_be_neither_written_nor_shown_again_is_told_with_both_reasons(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = account()
    s3 = storage(aws)
    delete = s3.delete_object

    def hide(**words: Any) -> Any:
        return refuse("SlowDown")() if "VersionId" in words else delete(**words)

    with monkeypatch.context() as patch:
        patch.setattr(s3, "put_object", refuse("AccessDenied"))
        patch.setattr(s3, "delete_object", hide)
        words = [*HERS, "--at", "2026-01-01T00:04:00Z", "--apply"]
        assert deploy.incident.restore.main(words, clients=aws) == 2
    err = capsys.readouterr().err
    assert "AccessDenied" in err
    assert "Nor could our delete marker" in err
    assert "SlowDown" in err
    # Nothing is lost: what was hidden is there, and a second run brings it back.
    assert deploy.incident.restore.main(words, clients=aws) == 0
    found = s3.bodies(BUCKET)
    assert [found[f"{ALICE}{name}"] for name in ("results/0", "status.json")] == [b"old"] * 2


def test_a_network_acl_that_ec2_does_not_know_yet_is_told_and_used_by_the_next_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    ec2 = cast("NetworkEc2", aws.services["ec2"])
    ec2.lags = True
    words = ["--environment", "prod", "--apply", "--record", "way-back.json"]
    assert deploy.incident.isolate.main(words, clients=aws) == 2
    assert "InvalidNetworkAclID.NotFound" in capsys.readouterr().err
    assert ec2.rules == {"out": [], "in": []}
    assert deploy.incident.isolate.main(words, clients=aws) == 0
    closed = {acl: subnets for acl, subnets in ec2.acls.items() if acl.startswith("acl-made")}
    assert {acl: sorted(subnets) for acl, subnets in closed.items()} == {
        "acl-made-1": ["subnet-1", "subnet-2"]
    }


def refuse(code: str) -> Any:
    def refused(**_: Any) -> None:
        raise AwsError(code, "no", 403)

    return refused
