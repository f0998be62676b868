"""A leaver is listed, stopped, kept out and written down; twice is as good as once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.credentials.holdings import looking_document
from deploy.credentials.leave import ProfileClients, main
from deploy.incident.command import Clients
from deploy.incident.contain import main as contain
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from tests.addons.identity_governance.directory import error
from tests.incident.calls import actions, taken
from tests.incident.environments import BUCKET, Parameters, Trail, make_audit, records
from tests.incident.test_contain import ROLES, Ecs
from tests.quick_moto import quick_aws, quick_client

LEAVER = ["--environment", "prod", "--user", "alice", "--email", "ALICE@example.com"]
APPLICATION = "arn:aws:sso::111122223333:application/ssoins-1/apl-1"
GENOMICS = "sessions/genomics/alice/"


class Admin:
    """moto's sso-admin, and what it lacks: applications of a person."""

    def __init__(self, moto: Any, *, elsewhere: bool = False) -> None:
        self._moto = moto
        self.refused = ""
        self.elsewhere = elsewhere

    def get_paginator(self, call: str) -> Any:
        if call == self.refused:
            raise error("AccessDeniedException", call)
        if call == "list_instances" and self.elsewhere:
            return type("Nothing", (), {"paginate": lambda _self: iter([{"Instances": []}])})()
        if call != "list_application_assignments_for_principal":
            return self._moto.get_paginator(call)
        return self

    def paginate(self, *, InstanceArn: str, PrincipalId: str, PrincipalType: str) -> Iterator[Any]:
        assert (InstanceArn[:12], PrincipalType) == ("arn:aws:sso:", "USER")
        assigned = {"PrincipalType": "GROUP", "PrincipalId": "g-1", "ApplicationArn": APPLICATION}
        yield {"ApplicationAssignments": [assigned] if PrincipalId else []}


class Regions:
    """EC2, as far as it is asked for Regions."""

    def __init__(self) -> None:
        self.enabled = ["ap-southeast-2", "eu-west-1", "us-east-1"]
        self.instance = "ap-southeast-2"
        self.refused = False

    def describe_regions(self, **asked: Any) -> Any:
        assert not asked, "all Regions would be those that are not enabled as well"
        if self.refused:
            raise error("UnauthorizedOperation", "DescribeRegions")
        return {"Regions": [{"RegionName": one} for one in self.enabled]}


@dataclass(kw_only=True)
class Scene:
    """An environment in which alice works, and the instance that knows her."""

    clients: Clients
    identity: ProfileClients
    regions: Regions
    ecs: Ecs
    admin: Admin
    people: Any

    def run(self, *words: str, **named: Any) -> int:
        given = {"clients": self.clients, "profiles": self.identity, **named}
        return main([*LEAVER, *words], **given)

    def running(self) -> list[str]:
        return [
            tag["value"]
            for task in self.ecs.tasks.values()
            for tag in task["tags"]
            if tag["key"] == "starburst:user" and task["desiredStatus"] != "STOPPED"
        ]

    def denied(self) -> set[str]:
        iam = self.clients("iam")
        return {
            f"{role}: {name}"
            for role in ROLES
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        }


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scene]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        iam, s3 = quick_client("iam", "eu-west-1"), quick_client("s3", "us-east-1")
        for role in ROLES:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=f"{GENOMICS}{'z' * 20}/inputs/a", Body=b"12345")
        s3.put_object(Bucket=BUCKET, Key="home/markets/alice/notes", Body=b"123")
        make_audit(s3)
        ecs = Ecs()
        for user in ("alice", "alice", "bob"):
            ecs.start("genomics", user)
        made = {
            "iam": iam,
            "ecs": ecs,
            "s3": s3,
            "ssm": Parameters(),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }
        moto, people = quick_client("sso-admin", "eu-west-1"), quick_client(
            "identitystore", "eu-west-1"
        )  # fmt: skip
        [instance] = moto.list_instances()["Instances"]
        store = instance["IdentityStoreId"]
        user = people.create_user(
            IdentityStoreId=store,
            UserName="alice",
            DisplayName="Alice",
            Name={"GivenName": "A", "FamilyName": "L"},
            Emails=[{"Value": "Alice@Example.com"}],
        )["UserId"]
        group = people.create_group(IdentityStoreId=store, DisplayName="genomics")["GroupId"]
        people.create_group_membership(
            IdentityStoreId=store, GroupId=group, MemberId={"UserId": user}
        )
        moto.create_account_assignment(
            InstanceArn=instance["InstanceArn"],
            TargetId="222233334444",
            TargetType="AWS_ACCOUNT",
            PermissionSetArn="arn:aws:sso:::permissionSet/ssoins-1/ps-1",
            PrincipalType="USER",
            PrincipalId=user,
        )
        admin = Admin(moto)
        regions = Regions()
        known = {"sso-admin": admin, "identitystore": people, "ec2": regions}
        elsewhere = {**known, "sso-admin": Admin(moto, elsewhere=True)}
        yield Scene(
            clients=made.__getitem__,
            identity={
                "profile admin": lambda region: (
                    (known if region == regions.instance else elsewhere).__getitem__
                )
            },
            regions=regions,
            ecs=ecs,
            admin=admin,
            people=people,
        )


def test_it_lists_all_and_changes_nothing_unless_told(
    scene: Scene, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert scene.run() == 0
    out = capsys.readouterr().out
    for said in (
        "has: user alice (store d-",
        "has: group genomics ",
        "has: account 222233334444 by arn:aws:sso:::permissionSet/ssoins-1/ps-1",
        f"has: application {APPLICATION} through group g-1",
        f"runs: session {'z' * 20}",
        f"stored: 1 versions, 5 bytes below {GENOMICS}",
        "stored: 1 versions, 3 bytes below home/markets/alice/",
        "would stop 2 workers of alice in genomics, markets of prod",
        "would put DenyOlderSessions-alice on starburst-prod-analyst-genomics",
        "Nothing was changed",
    ):
        assert said in out, said
    assert scene.running() == ["alice", "alice", "bob"]
    assert scene.denied() == set()
    assert not list(tmp_path.iterdir())


def test_a_leaver_is_stopped_kept_out_and_written_down(scene: Scene, tmp_path: Path) -> None:
    record = tmp_path / "left.json"
    assert scene.run("--apply", "--record", str(record), "--reason", "case 9") == 0
    assert scene.running() == ["bob"]
    denied = scene.denied()
    for wanted in (
        "starburst-prod-controller: DenyLaunch-genomics-alice",
        "starburst-prod-controller: DenyLaunch-markets-alice",
        "starburst-prod-analyst-genomics: DenyOlderSessions-alice",
        "starburst-prod-steward-markets: DenyOlderSessions-alice",
    ):
        assert wanted in denied
    document = scene.clients("iam").get_role_policy(
        RoleName="starburst-prod-analyst-genomics", PolicyName="DenyOlderSessions-alice"
    )["PolicyDocument"]
    [condition] = [each["Condition"] for each in document["Statement"]]
    assert condition["DateLessThan"] == {"aws:TokenIssueTime": "2100-01-01T00:00:00Z"}
    written = json.loads(record.read_text())
    assert (written["user"], written["reason"], written["not_done"]) == ("alice", "case 9", [])
    assert len(written["stopped"]) == len(written["tasks"]) == 2
    assert {one["kind"] for one in written["identity_center"]} == {
        *("user", "group", "account", "application")
    }
    locked = records(scene.clients("s3"))
    assert len(locked) == 2
    assert json.loads(max(locked.items())[1])["user"] == "alice"


def test_twice_is_as_good_as_once(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert scene.run("--apply", "--record", "one.json") == 0
    before = scene.denied()
    capsys.readouterr()
    assert scene.run("--apply", "--record", "two.json") == 0
    out = capsys.readouterr().out
    assert "DenyOlderSessions-alice already there" in out
    assert " put\n" not in out
    assert "0 workers were told to stop" in out
    assert scene.denied() == before
    assert scene.run("--apply", "--record", "one.json") == 2, "no record is written over"


def test_contain_takes_it_back(scene: Scene) -> None:
    assert scene.run("--apply", "--record", "one.json") == 0
    words = ["--environment", "prod", "--user", "alice", "--undo", "--apply", "--record", "b.json"]
    assert contain(words, clients=scene.clients) == 0
    assert scene.denied() == set()


def test_what_is_not_read_is_told_and_keeps_nobody_in(
    scene: Scene, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    scene.admin.refused = "list_account_assignments_for_principal"
    record = tmp_path / "left.json"
    assert scene.run("--apply", "--record", str(record)) == 2
    said = capsys.readouterr()
    assert "NOT DONE: list accounts of ALICE@example.com" in said.out
    assert "steps were NOT done" in said.err
    assert scene.running() == ["bob"]
    assert scene.denied()
    [missing] = json.loads(record.read_text())["not_done"]
    assert "AccessDeniedException" in missing


@pytest.mark.parametrize("region", ["ap-southeast-2", "us-east-1", "eu-west-1"])
def test_an_instance_in_any_region_of_the_account_is_found(
    region: str, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.regions.instance = region
    assert scene.run() == 0
    assert "has: user alice (store d-" in capsys.readouterr().out


def test_no_instance_anywhere_is_not_taken_for_nobody(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.regions.enabled.remove("ap-southeast-2")
    assert scene.run("--apply", "--record", "left.json") == 2
    said = capsys.readouterr()
    assert "NOT DONE: find an instance by profile admin: no Region that answered has" in said.out
    assert "--identity-profile" in said.err
    assert scene.running() == ["bob"], "all else is done"


def test_regions_that_are_named_alone_are_asked(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.regions.refused = True
    elsewhere = ["--identity-region", "eu-west-1", "--identity-region", "us-east-1"]
    assert scene.run(*elsewhere) == 2
    assert "eu-west-1, us-east-1 were asked" in capsys.readouterr().out
    assert scene.run(*elsewhere, "--identity-region", "ap-southeast-2") == 0
    assert "has: user alice" in capsys.readouterr().out


def test_a_region_that_refuses_is_told_and_all_others_are_asked(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where an organization keeps the account to some Regions."""
    real = scene.identity["profile admin"]
    closed = Admin(None)
    closed.refused = "list_instances"

    def some_closed(region: str) -> Clients:
        clients = real(region)
        return lambda name: (
            closed if (region, name) == ("us-east-1", "sso-admin") else clients(name)
        )

    assert scene.run(profiles={"profile admin": some_closed}) == 2
    said = capsys.readouterr()
    assert "NOT DONE: list instances by profile admin in us-east-1" in said.out
    assert "has: user alice" in said.out


def test_a_region_without_identity_center_is_said_and_a_refused_list_is_not_done(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.regions.enabled.append("mars-north-1")
    assert scene.run() == 0
    assert "not known to be in mars-north-1, not asked there" in capsys.readouterr().out
    scene.regions.refused = True
    assert scene.run() == 2
    assert "NOT DONE: list Regions of profile admin" in capsys.readouterr().out


def test_an_address_that_nobody_has_is_told(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--environment", "prod", "--user", "alice", "--email", "eve@example.com"]
    assert main(words, clients=scene.clients, profiles=scene.identity) == 0
    assert "nobody by that address in what was read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--environment", "prod"], "nobody is named"),
        (["--environment", "prod", "--user", "alicia"], "Did you mean alice"),
        (["--environment", "prod", "--user", "a b"], "no user's name"),
        (["--environment", "prod", "--user", "alice", "--email", "alice"], "no e-mail address"),
        (["--environment", "nowhere", "--user", "alice"], "no environment"),
    ],
)
def test_a_slip_does_nothing(
    words: list[str], said: str, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"clients": scene.clients, "profiles": scene.identity}
    assert main([*words, "--apply"], **given) == 2  # type: ignore[arg-type]
    assert said in capsys.readouterr().err
    assert scene.denied() == set()
    assert scene.running() == ["alice", "alice", "bob"]


def test_the_permission_that_it_prints_is_what_it_takes(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scene.run("--permission") == 0
    text = capsys.readouterr().out
    own, _, rest = text.partition("In each account whose instances are looked at:\n")
    printed = json.loads(own)
    assert json.loads(rest) == looking_document()
    for one in (printed, looking_document()):
        assert not list(complaints(Policy.parse("printed", one)))
    calls = taken(scene.clients("iam"), scene.clients("s3"))
    people = taken(scene.people)
    assert scene.run("--apply", "--record", "one.json") == 0
    used = {call for call in calls if call.startswith(("iam:", "s3:"))}
    assert used <= actions(printed, "iam", "s3")
    assert people <= actions(looking_document(), "identitystore")
    assert not actions(printed, "sso", "identitystore")
