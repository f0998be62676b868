"""Without --apply every command shows each change that it would make, and makes none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import deploy.incident.contain
import deploy.incident.erase
import deploy.incident.hold
import deploy.incident.isolate
import deploy.incident.restore
import deploy.incident.revoke
from tests.incident.environments import BUCKET
from tests.incident.refusals.scenes import ALICE, HERS, SCENES, account, state
from tests.small_aws.account import SmallAws
from tests.small_aws.ec2 import NetworkEc2
from tests.small_aws.errors import AwsError
from tests.small_aws.order import is_effect
from tests.small_aws.s3 import VersionedS3
from tests.some import some

WORKSPACE = ("--environment", "prod", "--workspace", "genomics")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def changes(aws: SmallAws) -> set[str]:
    """Return the names of policies, subnets and objects that were changed."""
    about = ("PolicyName", "AssociationId", "Key")
    return {
        str(call.words[name]).removeprefix("aclassoc-").partition("-acl-")[0]
        for call in aws.calls
        for name in about
        if is_effect(call) and name in call.words and "incidents/" not in str(call.words[name])
    }


@pytest.mark.parametrize("name", SCENES)
def test_all_that_would_be_changed_is_shown_and_nothing_is(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = SCENES[name]
    aws = scene.prepared()
    before, there = state(aws), sorted(Path().iterdir())
    capsys.readouterr()
    more = ["--record", "isolation.json"] if scene.main is deploy.incident.isolate.main else []
    assert scene.main([*scene.words, *more], clients=aws) == 0
    out = capsys.readouterr().out
    assert "Nothing was changed. Add --apply to do it." in out
    assert (state(aws), sorted(Path().iterdir())) == (before, there)
    assert not [call for call in aws.calls if is_effect(call)]
    done = scene.prepared()
    assert scene.run(done) == 0
    counted = scene.main in (deploy.incident.erase.main, deploy.incident.hold.main)
    for what in changes(done):
        if not (counted and what.startswith("sessions/")):  # thousands: they are counted
            assert what in out
    undone = "--undo" in scene.words
    if scene.main in (deploy.incident.contain.main, deploy.incident.revoke.main):
        assert ("would take" in out) is undone
        assert ("would put" in out) is not undone


@pytest.mark.parametrize("name", ["release a user", "unrevoke", "lift", "heal"])
def test_what_is_taken_back_leaves_nothing_behind(name: str) -> None:
    aws = SCENES[name].prepared()
    assert SCENES[name].run(aws) == 0
    new, now = state(account()), state(aws)
    del new["running"], now["running"]  # who was stopped stays so
    assert now == new


@pytest.mark.parametrize(
    ("command", "words", "policy"),
    [
        (deploy.incident.hold, ["--user", "alice"], "DenyErasing-held-{}-alice"),
        (deploy.incident.hold, [], "DenyErasing-held-{}"),
        (deploy.incident.revoke, [], "DenyOlderSessions"),
    ],
)
def test_the_roles_of_every_workspace_are_denied(
    command: Any, words: list[str], policy: str
) -> None:
    aws = account()
    assert command.main(["--environment", "prod", "--apply", *words], clients=aws) == 0
    roles: Any = aws.services["iam"]
    assert {role: [*found] for role, found in roles.roles.items() if found} == {
        f"starburst-prod-{kind}-{workspace}": [policy.format(workspace)]
        for kind in ("analyst", "steward", "worker")
        for workspace in ("genomics", "markets")
    }


def test_every_rule_that_an_isolation_would_revoke_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    ec2 = cast("NetworkEc2", aws.services["ec2"])
    assert deploy.incident.isolate.main(["--environment", "prod"], clients=aws) == 0
    out = capsys.readouterr().out
    for way, rules in some(ec2.rules.items()):
        for rule in some(rules):
            assert f"would revoke on sg-1, {way}: {json.dumps(rule)}" in out


@pytest.mark.parametrize("words", [["--apply"], ["--undo", "--apply"], []])
def test_a_record_of_another_deployment_is_no_way_back(
    words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    scene = SCENES["isolate"]
    assert scene.run(account()) == 0
    record = json.loads(Path("isolation.json").read_text())
    for changed in ({"group": "sg-other"}, {"environment": "dev"}):
        Path("other.json").write_text(json.dumps({**record, **changed}))
        aws = account()
        more = ["--environment", "prod", "--record", "other.json", *words]
        assert deploy.incident.isolate.main(more, clients=aws) == 2
        assert "it belongs to another deployment" in capsys.readouterr().err
        assert not [call for call in aws.calls if is_effect(call)]


def test_where_ec2_names_no_acl_it_is_said_that_connections_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    cast("NetworkEc2", aws.services["ec2"]).acls.clear()
    assert SCENES["isolate"].run(aws) == 0
    assert "EC2 names no ACL of the subnets: open connections last" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "left"), [(deploy.incident.erase, 0), (deploy.incident.hold, 12)]
)
def test_a_whole_workspace_needs_no_user(command: Any, left: int) -> None:
    aws = account()
    words = [*WORKSPACE, "--apply", "--receipt" if command is deploy.incident.erase else "--record"]
    assert command.main([*words, "r.json"], clients=aws) == 0
    s3 = cast("VersionedS3", aws.services["s3"])
    assert sum(one.held for one in s3.buckets[BUCKET].values()) == left
    assert len(s3.buckets[BUCKET]) == (13 if left else 0)


def test_a_role_that_is_missing_tells_nobody_who_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for role in ("starburst-prod-analyst-genomics", "starburst-prod-controller"):
        aws = account()
        roles: Any = aws.services["iam"]
        del roles.roles[role]
        assert deploy.incident.erase.main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 2
        err = capsys.readouterr().err
        assert f"there is no role {role} in this account" in err
        assert "nobody can tell who is contained; nothing was done" in err
        assert not [call for call in aws.calls if is_effect(call)]


def test_an_object_whose_hold_cannot_be_asked_for_by_its_name_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = account()
    s3 = cast("VersionedS3", aws.services["s3"])
    look = s3.get_object_legal_hold

    def odd(**words: Any) -> Any:
        if words["Key"].endswith("status.json"):
            raise AwsError("InvalidArgument", "not this name")
        return look(**words)

    monkeypatch.setattr(s3, "get_object_legal_hold", odd)
    assert deploy.incident.erase.main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 0
    assert not [key for key, _ in s3.buckets[BUCKET] if key.startswith(ALICE)]


def test_a_hundred_of_those_that_stay_are_named_and_the_rest_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    s3 = cast("VersionedS3", aws.services["s3"])
    s3.size = 1000
    for number in range(103):
        s3.store(BUCKET, f"{ALICE}results/x{number:03}")
    s3.answer_of = lambda key, version: (
        AwsError("InvalidArgument", "not this") if "/x" in key else None
    )
    words = [*HERS, "--apply", "--receipt", "r.json"]
    assert deploy.incident.erase.main(words, clients=aws) == 2
    out, err = capsys.readouterr()
    assert out.count("stays: sessions/") == 100
    assert "stays: and 3 more" in out
    assert "not all could be erased: 103 for InvalidArgument. r.json says so" in err
    assert "is the receipt" not in out
    receipt = json.loads(Path("r.json").read_text())
    assert receipt["not_erased"] == {"InvalidArgument": 103}
    assert receipt["finished"]
    s3.size = 1
    s3.buckets[BUCKET] = {
        k: v for k, v in s3.buckets[BUCKET].items() if k[0] < f"{ALICE}results/x100"
    }
    capsys.readouterr()
    assert deploy.incident.erase.main([*words[:-1], "again.json"], clients=aws) == 2
    assert "more" not in capsys.readouterr().out
