"""A permission set leads to one role of the kit, and is assigned to the group that is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import deploy.credentials.identity_center as command
from environments import DEV
from stacks.settings import IdentityCenter, WorkspaceGroups
from starburst_constructs.identity.identity_center import permission_set_name, reserved_roles
from tests.some import some
from tests.stacks.reading import Template, resources

ANALYSTS, STEWARDS, PLATFORM = (f"{letter * 8}-1111-2222-3333-{letter * 12}" for letter in "abc")
CENTER = IdentityCenter(
    instance_arn="arn:aws:sso:::instance/ssoins-0123456789abcdef",
    account="999900001111",
    region="eu-central-1",
    groups=(WorkspaceGroups(workspace="sandbox", analysts=ANALYSTS, stewards=STEWARDS),),
    platform_group=PLATFORM,
)
OFFICE = replace(DEV, identity=CENTER)


@pytest.fixture(scope="module")
def template() -> Template:
    return command.template_of(OFFICE, CENTER)


def test_each_permission_set_becomes_one_role_and_nothing_else(template: Template) -> None:
    sets = [one["Properties"] for one in resources(template, "AWS::SSO::PermissionSet").values()]
    role = f"arn:aws:iam::{DEV.account}:role/starburst-dev"
    leading = {one["Name"]: one["InlinePolicy"]["Statement"] for one in sets}
    named = ["sts:AssumeRole", "sts:TagSession"]
    assert leading == {
        name: [{"Sid": "BecomeIt", "Effect": "Allow", "Action": actions, "Resource": arn}]
        for name, actions, arn in (
            ("starburst-dev-analyst-sandbox", named, f"{role}-analyst-sandbox"),
            ("starburst-dev-steward-sandbox", named, f"{role}-steward-sandbox"),
            ("starburst-dev-platform", ["sts:AssumeRole"], f"{role}-platform"),
        )
    }
    more = {"ManagedPolicies", "CustomerManagedPolicyReferences", "PermissionsBoundary"}
    for one in some(sets):
        assert not more & set(one)
        assert one["SessionDuration"] == "PT8H"


def test_each_is_assigned_to_its_group_in_the_environments_account(template: Template) -> None:
    assigned = {
        one["Properties"]["PermissionSetArn"]["Fn::GetAtt"][0].partition("Set")[2]: one[
            "Properties"
        ]
        for one in resources(template, "AWS::SSO::Assignment").values()
    }
    groups = {name: one["PrincipalId"] for name, one in assigned.items()}
    assert groups == {
        "analystsandbox": ANALYSTS,
        "stewardsandbox": STEWARDS,
        "platform": PLATFORM,
    }
    for one in some(assigned.values()):
        assert (one["PrincipalType"], one["TargetType"]) == ("GROUP", "AWS_ACCOUNT")
        assert (one["TargetId"], one["InstanceArn"]) == (DEV.account, CENTER.instance_arn)


def test_the_name_comes_from_the_attribute_where_this_environment_sets_it(
    template: Template,
) -> None:
    kind = "AWS::SSO::InstanceAccessControlAttributeConfiguration"
    [one] = resources(template, kind).values()
    assert one["Properties"]["AccessControlAttributes"] == [
        {"Key": "userName", "Value": {"Source": ["${path:userName}"]}}
    ]
    theirs = replace(CENTER, sets_attribute=False)
    assert not resources(command.template_of(OFFICE, theirs), kind)


def test_no_longer_name_fits_where_a_shorter_one_is_meant() -> None:
    [pattern] = reserved_roles("analyst", account="111122223333", region="eu-west-1")
    assert pattern.endswith("/eu-west-1/AWSReservedSSO_analyst_" + "?" * 16)
    [worldwide] = reserved_roles("analyst", account="111122223333", region="us-east-1")
    assert worldwide.endswith("/sso.amazonaws.com/AWSReservedSSO_analyst_" + "?" * 16)
    names = {
        permission_set_name("production", "analyst", f"rarediseases{number}")
        for number in range(100)
    }
    assert len(names) == 100
    assert {len(name) for name in names} == {32}


def test_the_command_writes_the_template_and_says_where_it_belongs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_environment", lambda name: OFFICE)
    monkeypatch.setattr(command, "template_of", lambda *_: {"Resources": {}})
    out = tmp_path / "center.json"
    assert command.main(["--environment", "dev", "--out", str(out)]) == 0
    assert json.loads(out.read_text()) == {"Resources": {}}
    assert "account 999900001111, eu-central-1" in capsys.readouterr().out
    monkeypatch.setattr(command, "find_environment", lambda name: DEV)
    assert command.main(["--environment", "dev", "--out", str(out)]) == 2
    assert "by a SamlProvider" in capsys.readouterr().err
