"""Governance passes all gates, its theorems hold and can fail, and off it leaves no trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from cfnlint.api import lint_all

import app
from deploy.credentials.identity_reader import main as write_reader
from deploy.tools.idle_cost import idle_cost, templates_by_environment
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
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.identity_governance.conftest import ON, ORGANIZATION, READER
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

GOVERNANCE = ON.addons[0]
THEOREMS = {one.name: one for one in GOVERNANCE.theorems()}
CORE = {one.name: one for one in ALL}
STACK = f"{ON.name}/governance"
MEMBER = Member(
    environment="prod", account=PROD.account, region=PROD.region, organization=ORGANIZATION
)


@pytest.fixture(scope="module")
def policy_set(synthesized: tuple[Path, PolicySet]) -> PolicySet:
    return synthesized[1]


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but governance's."""
    return replace(policy_set, roles=policy_set.roles_for("governance"))


def test_it_passes_every_gate(synthesized: tuple[Path, PolicySet]) -> None:
    assert open_findings(synthesized[0]) == []


@pytest.mark.parametrize("name", THEOREMS)
def test_its_own_theorems_are_proved(name: str, policy_set: PolicySet) -> None:
    assert prove(THEOREMS[name], policy_set).answer == "proved"


@pytest.mark.parametrize(
    "name",
    [
        "every_role_keeps_to_its_duty",
        "duties_end_where_names_end",
        "no_role_touches_evidence",
        "only_allowed_regions",
        "services_do_their_job",
        "nobody_from_outside",
        "deployers_can_deploy",
        "no_chain_leads_beyond_the_duty",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, alone: PolicySet) -> None:
    assert prove(CORE[name], alone).answer == "proved"


def test_the_boundary_is_still_a_ceiling(policy_set: PolicySet) -> None:
    some_roles = replace(policy_set, roles=policy_set.roles_for("governance", "endpoints"))
    assert prove(CORE["the_boundary_is_a_ceiling"], some_roles).answer == "proved"


Change = Callable[[Statement], Sequence[Statement]]


def gone(_: Statement) -> Sequence[Statement]:
    return ()


def also(*actions: str) -> Change:
    return lambda one: (replace(one, actions=(*one.actions, *actions)),)


def on(*resources: str) -> Change:
    return lambda one: (replace(one, resources=resources),)


def unconditional(one: Statement) -> Sequence[Statement]:
    return (replace(one, conditions=()),)


@pytest.mark.parametrize(
    ("theorem", "policy", "statement", "change"),
    [
        ("the_audit_reads_and_reports_alone", "AuditRoleWork", "WriteReports", on("*")),
        ("the_audit_reads_and_reports_alone", "AuditRoleWork", "BecomeTheReader", on("*")),
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
    theorem: str, policy: str, statement: str, change: Change, policy_set: PolicySet
) -> None:
    before = policy_set.policies[f"governance/{policy}"]
    after: list[Statement] = []
    for one in before.statements:
        after += change(one) if one.sid == statement else [one]
    assert tuple(after) != before.statements
    mutant = policy_set.with_policy(Policy(name=before.name, statements=tuple(after)))
    assert prove(THEOREMS[theorem], mutant).answer == "refuted"


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
    weaker: Mapping[str, Any], policy_set: PolicySet
) -> None:
    [theorem, _] = member_theorems(ORGANIZATION, **weaker)
    assert prove(theorem, policy_set).answer == "refuted"


def test_a_reader_more_in_the_settings_is_another_claim(policy_set: PolicySet) -> None:
    """The theorem takes its readers from settings: of others it is false."""
    other = replace(GOVERNANCE, readers=(f"arn:aws:iam::{PROD.account}:role/other",))
    [closed] = [one for one in other.theorems() if one.name == "nobody_else_opens_reports"]
    assert prove(closed, policy_set).answer == "refuted"


def test_a_duty_that_it_does_not_state_is_found(alone: PolicySet) -> None:
    unstated = {**alone.duties, "governance": alone.duties["governance"][1:]}
    verdict = prove(CORE["every_role_keeps_to_its_duty"], replace(alone, duties=unstated))
    assert verdict.answer == "refuted"
    assert "organizations:" in verdict.why + str(verdict.counterexample)


def linted(text: str) -> list[str]:
    """Return errors and warnings; cfn-lint's advice to assistants is none."""
    return [str(one) for one in lint_all(text) if one.rule.id[0] in "EW"]


def test_cfn_lint_has_nothing_to_say_of_both_templates(
    synthesized: tuple[Path, PolicySet],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("deploy.incident.command.ALL", (ON,))
    member = tmp_path / "reader.json"
    assert write_reader(["--environment", "prod", "--out", str(member)]) == 0
    assert "every account" in capsys.readouterr().out
    assert json.loads(member.read_text()) == member_template(MEMBER)
    [own] = (synthesized[0] / f"assembly-{ON.name}").glob("*governance*.template.json")
    for template in (own, member):
        assert linted(template.read_text()) == []
    wrong = json.loads(member.read_text())
    wrong["Resources"]["Reader"]["Properties"]["RoleName"] = ["no", "text"]
    assert linted(json.dumps(wrong)) != []


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
        replace(DEV, addons=ON.addons)
    with pytest.raises(SettingsError, match="organization_id"):
        replace(ON, organization_id="o-zzzzzzzzzz")


def test_its_bill_has_a_price_for_every_type(
    synthesized: tuple[Path, PolicySet], templates: Mapping[str, Any]
) -> None:
    [(_, found)] = templates_by_environment(synthesized[0]).items()
    prices = load(ON.region)
    assert idle_cost(found, prices, own=GOVERNANCE.prices()).not_priced == ()
    bill = idle_cost([templates[STACK]], prices, own=GOVERNANCE.prices())
    assert bill.usd == pytest.approx(1.40)
    assert idle_cost([templates[STACK]], prices).not_priced != ()


def test_off_it_leaves_no_trace(assembly: CloudAssembly, tmp_path: Path) -> None:
    reader = f"arn:aws:iam::{DEV.account}:role/people"
    on = replace(DEV, addons=(IdentityGovernance(organization_id=ORGANIZATION, readers=(reader,)),))
    app.build([replace(on, addons=())], outdir=str(tmp_path), validate=False).synth()
    for file in some(Path(assembly.directory).glob("assembly-dev/*.template.json")):
        assert (tmp_path / "assembly-dev" / file.name).read_bytes() == file.read_bytes()
    assert not list(tmp_path.glob("assembly-dev/*governance*"))


def test_it_builds_in_an_environments_stage_alone() -> None:
    with pytest.raises(ValueError, match="no environment's stage"):
        GOVERNANCE.build(cdk.Stage(cdk.App(), "other"))
