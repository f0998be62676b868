"""What governance is deployed as; its theorems can fail, and wrong settings are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.credentials.identity_reader import main as write_reader
from deploy.tools.idle_cost import idle_cost
from environments import DEV, PROD
from stacks.addons.identity_governance import IdentityGovernance
from stacks.addons.identity_governance.member import (
    Member,
    member_template,
    reading_document,
    trust,
)
from stacks.addons.identity_governance.theorems import member_theorems
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import ON, ORGANIZATION, READER, addon_of
from tests.addons.mutants import Change, also, changed, gone, only_at, unconditional

GOVERNANCE = addon_of(ON, "governance")
THEOREMS = {one.name: one for one in GOVERNANCE.theorems()}
CORE = {one.name: one for one in ALL}
STACK = f"{ON.name}/governance"
MEMBER = Member(
    environment="prod", account=PROD.account, region=PROD.region, organization=ORGANIZATION
)


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but governance's."""
    return replace(policy_set, roles=policy_set.roles_for("governance"))


@pytest.mark.parametrize(
    ("theorem", "policy", "statement", "change"),
    [
        ("the_audit_reads_and_reports_alone", "AuditRoleWork", "WriteReports", only_at("*")),
        ("the_audit_reads_and_reports_alone", "AuditRoleWork", "BecomeTheReader", only_at("*")),
        (
            "the_audit_reads_and_reports_alone",
            "AuditRoleWork",
            "ListAccounts",
            also("s3:GetObject"),
        ),
        ("nobody_else_opens_reports", "BucketPolicy", "DenyOtherPrincipals", gone),
        ("nobody_else_opens_reports", "BucketPolicy", "DenyOtherWriters", gone),
        ("nobody_else_opens_reports", "BucketPolicy", "DenySecondWrite", gone),
        ("nobody_else_opens_reports", "Key policy", "DenyOtherPrincipals", gone),
        ("only_the_organization_tells", "Bus policy", "TheOrganizationTells", unconditional),
        (
            "only_named_accounts_make_instances",
            "InstancesPolicy",
            "DenyCreateAccountInstances",
            gone,
        ),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    *,
    theorem: str,
    policy: str,
    statement: str,
    change: Change,
    policy_set: PolicySet,
    logic: Logic,
) -> None:
    mutant = changed(policy_set, f"governance/{policy}", statement, change)
    assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "refuted"


def opened(key: str) -> Mapping[str, Any]:
    document = trust(MEMBER)
    conditions = document["Statement"][0]["Condition"]
    document["Statement"][0]["Condition"] = {
        operator: block for operator, block in conditions.items() if key not in block
    }
    return document


def writing() -> Mapping[str, Any]:
    document = reading_document()
    document["Statement"][0]["Action"].append("sso:DeleteInstance")
    return document


@pytest.mark.parametrize(
    "weaker",
    [
        {"trusted": opened("aws:PrincipalArn")},
        {"trusted": opened("aws:PrincipalOrgID")},
        {"reads": writing()},
    ],
    ids=["any role", "any organization", "deletes"],
)
def test_a_reader_that_is_open_or_writes_is_refuted(
    weaker: Mapping[str, Any], policy_set: PolicySet, logic: Logic
) -> None:
    [theorem, _] = member_theorems(ORGANIZATION, **weaker)
    assert prove(theorem, policy_set, logic=logic).answer == "refuted"


def test_a_reader_more_in_the_settings_is_another_claim(
    policy_set: PolicySet, logic: Logic
) -> None:
    """The theorem takes its readers from settings: of others it is false."""
    other = replace(GOVERNANCE, readers=(f"arn:aws:iam::{PROD.account}:role/other",))
    [closed] = [one for one in other.theorems() if one.name == "nobody_else_opens_reports"]
    assert prove(closed, policy_set, logic=logic).answer == "refuted"


def test_a_duty_that_it_does_not_state_is_found(alone: PolicySet) -> None:
    unstated = {**alone.duties, "governance": alone.duties["governance"][1:]}
    verdict = prove(CORE["every_role_keeps_to_its_duty"], replace(alone, duties=unstated))
    assert verdict.answer == "refuted"
    assert "organizations:" in verdict.why + str(verdict.counterexample)


def test_the_readers_template_is_written_for_every_account(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("deploy.incident.command.ALL", (ON,))
    member = tmp_path / "reader.json"
    assert write_reader(["--environment", "prod", "--out", str(member)]) == 0
    assert "every account" in capsys.readouterr().out
    assert json.loads(member.read_text()) == member_template(MEMBER)


def test_the_readers_name_is_the_one_that_the_audit_asks_for(
    templates: Mapping[str, Any],
) -> None:
    [function] = [
        each["Properties"]
        for each in templates[STACK]["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
    ]
    name = member_template(MEMBER)["Resources"]["Reader"]["Properties"]["RoleName"]
    assert function["Environment"]["Variables"]["GOVERNANCE_ROLE"] == name


@pytest.mark.parametrize(
    "bad",
    [
        {"organization_id": "example"},
        {"readers": ()},
        {"readers": ("security",)},
        {"readers": (READER, READER)},
        {"allowed_accounts": ("1",)},
        {"allowed_accounts": ("444455556666", "444455556666")},
        {"policy_targets": ("everything",)},
        {"regions": ("europe",)},
        {"allowed_accounts": None},
        {"policy_targets": "r-abcd"},
        {"schedule": "rate(1 day)"},
        {"schedule": "cron(0 6 ? * MON *)"},
        {"schedule": "0 6 * * * *"},
        {"schedule": "0 6 ? * ? *"},
        {"schedule": 5},
        {"days": 0},
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"governance\.{next(iter(bad))}"):
        IdentityGovernance(**{"organization_id": ORGANIZATION, "readers": (READER,), **bad})


def test_an_environment_in_which_it_cannot_work_is_refused() -> None:
    with pytest.raises(SettingsError, match="readers"):
        replace(DEV, addons=(GOVERNANCE,))
    with pytest.raises(SettingsError, match="organization_id"):
        replace(ON, organization_id="o-zzzzzzzzzz")


def test_its_bill_has_a_price_for_every_type(templates: Mapping[str, Any]) -> None:
    prices = load(ON.region)
    bill = idle_cost([templates[STACK]], prices, own=GOVERNANCE.prices())
    assert bill.not_priced == ()
    assert bill.usd == pytest.approx(1.60)
    assert idle_cost([templates[STACK]], prices).not_priced != ()
