"""What lies beside sessions is held, erased and brought back: homes a person's, data the team's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import deploy.incident.erase
import deploy.incident.hold
from deploy.incident.command import Clients
from deploy.incident.restore import Step, restore
from deploy.incident.versions import Version
from starburst_constructs.policies.retention import Keeping
from tests.incident.environments import BUCKET, Parameters, Trail, make_audit
from tests.quick_moto import quick_aws, quick_client

GENOMICS = ["--environment", "prod", "--workspace", "genomics"]
HERS = [*GENOMICS, "--user", "alice"]
KEYS = (
    f"sessions/genomics/alice/{'a' * 20}/manifest.json",
    "home/genomics/alice/notes.txt",
    "home/genomics/bob/notes.txt",
    "home/markets/alice/notes.txt",
    "data/genomics/cohort.parquet",
    f"packages/genomics/{'0' * 64}.00",
    "data/markets/prices.parquet",
)
OF_ALICE = KEYS[:2]
OF_GENOMICS = (KEYS[0], KEYS[1], KEYS[2], KEYS[4], KEYS[5])


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clients]:
    """An object of each area and owner, in two versions."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        s3 = quick_client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        for key in KEYS:
            for body in (b"old", b"newer"):
                s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        make_audit(s3)
        iam = quick_client("iam", "eu-west-1")
        for workspace in ("genomics", "markets"):
            for purpose in ("analyst", "steward", "worker"):
                role = f"starburst-prod-{purpose}-{workspace}"
                iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        iam.create_role(RoleName="starburst-prod-controller", AssumeRolePolicyDocument="{}")
        made = {
            "s3": s3,
            "iam": iam,
            "ssm": Parameters(),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }
        yield made.__getitem__


def left(clients: Clients) -> set[str]:
    page = clients("s3").list_object_versions(Bucket=BUCKET)
    return {one["Key"] for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))}


def test_a_person_goes_with_their_home_and_the_teams_data_stay(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*HERS, "--apply", "--receipt", "r.json"]
    assert deploy.incident.erase.main(words, clients=clients) == 0
    assert left(clients) == {*KEYS} - {*OF_ALICE}
    receipt = json.loads(Path("r.json").read_text())
    assert (receipt["objects"], receipt["versions"]) == (2, 4)
    [kept, *_] = receipt["kept"]
    assert kept.startswith("data/genomics/: the workspace's, whoever put it there; its steward")
    assert f"not touched: {kept}" in capsys.readouterr().out


def test_a_person_goes_from_every_workspace(clients: Clients) -> None:
    words = ["--environment", "prod", "--user", "alice", "--apply", "--receipt", "r.json"]
    assert deploy.incident.erase.main(words, clients=clients) == 0
    assert left(clients) == {*KEYS} - {*OF_ALICE, "home/markets/alice/notes.txt"}


def test_who_has_nothing_but_a_home_is_known(clients: Clients) -> None:
    words = [*GENOMICS, "--user", "bob", "--apply", "--receipt", "r.json"]
    assert deploy.incident.erase.main(words, clients=clients) == 0
    assert left(clients) == {*KEYS} - {"home/genomics/bob/notes.txt"}


def test_a_workspace_goes_with_all_that_it_has(clients: Clients) -> None:
    words = [*GENOMICS, "--apply", "--receipt", "r.json"]
    assert deploy.incident.erase.main(words, clients=clients) == 0
    assert left(clients) == {*KEYS} - {*OF_GENOMICS}
    assert not any(
        one.startswith("data/") for one in json.loads(Path("r.json").read_text())["kept"]
    )


def held(clients: Clients) -> set[str]:
    s3 = clients("s3")
    return {
        one["Key"]
        for one in s3.list_object_versions(Bucket=BUCKET)["Versions"]
        if s3.get_object_legal_hold(Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"])[
            "LegalHold"
        ]["Status"]
        == "ON"
    }


@pytest.mark.parametrize(("words", "kept"), [(HERS, OF_ALICE), (GENOMICS, OF_GENOMICS)])
def test_a_hold_is_on_all_that_is_theirs(
    clients: Clients, words: list[str], kept: tuple[str, ...]
) -> None:
    s3 = clients("s3")
    for one in s3.list_object_versions(Bucket=BUCKET)["Versions"]:
        off: dict[str, Any] = {"Key": one["Key"], "VersionId": one["VersionId"]}
        s3.put_object_legal_hold(Bucket=BUCKET, LegalHold={"Status": "OFF"}, **off)
    assert deploy.incident.hold.main([*words, "--apply", "--record", "h"], clients=clients) == 0
    assert held(clients) == {*kept}
    # Nobody erases it, the team's data included where the team is held.
    erased = deploy.incident.erase.main([*HERS, "--apply", "--receipt", "r"], clients=clients)
    assert (erased, left(clients)) == (2, {*KEYS})


@pytest.mark.parametrize("key", ["data/genomics/x.csv", "home/genomics/alice/x.csv"])
def test_data_and_homes_come_back_without_passing_through(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    s3 = clients("s3")
    for body in (b"old", b"newer"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"of": body.decode()})
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    newest, then = sorted(map(_version, versions), key=lambda one: not one.latest)
    step = Step(key=key, way="copy", version=then, newest=newest)
    with monkeypatch.context() as patch:
        patch.setattr(s3, "get_object", lambda **_: pytest.fail("it was read here"))
        assert restore(s3, BUCKET, step) == "copy"
    found = s3.get_object(Bucket=BUCKET, Key=key)
    assert (found["Body"].read(), found["Metadata"]["of"]) == (b"old", "old")
    again = s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    [latest] = [one for one in map(_version, again) if one.latest]
    # What stands there already is not copied once more.
    assert restore(s3, BUCKET, replace(step, newest=latest)) == "as it was"
    assert len(s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]) == 3


def _version(entry: Any) -> Version:
    return Version(
        key=entry["Key"],
        id=entry["VersionId"],
        marker=False,
        latest=entry["IsLatest"],
        size=entry["Size"],
        modified=entry["LastModified"],
    )


def test_who_is_contained_writes_nothing_that_all_share() -> None:
    document = Keeping(why="contained", workspace="genomics", user="alice").document
    own, shared = document["Statement"]
    assert own["Resource"] == [
        "arn:aws:s3:::*/sessions/genomics/alice/*",
        "arn:aws:s3:::*/home/genomics/alice/*",
    ]
    assert "Condition" not in own
    assert shared["Resource"] == [
        "arn:aws:s3:::*/packages/genomics/*",
        "arn:aws:s3:::*/data/genomics/*",
    ]
    assert shared["Condition"] == {"StringEquals": {"aws:PrincipalTag/userName": "alice"}}
    assert own["Action"] == shared["Action"]
    [held] = Keeping(why="held", workspace="genomics", user="alice").document["Statement"]
    assert held["Action"] == ["s3:Delete*"]
