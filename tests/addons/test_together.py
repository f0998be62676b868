"""All add-ons of one environment pass every gate together, and every theorem holds of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
import pytest

import stacks.addons
from deploy.tools.idle_cost import idle_cost, templates_by_environment
from deploy.tools.linting import lint
from stacks.addons.identity_governance.member import member_template
from starburst.pricing.prices import load
from starburst_assurance.gate.proved_before import ProvedBefore
from starburst_assurance.gate.proving import prove_environment
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.stages import theorems_of_addons
from starburst_assurance.proofs.theorems import ALL
from starburst_assurance.proofs.theorems.roles.tables import DUTIES
from tests.addons.conftest import ON, addon_of
from tests.some import some

APART: Final = frozenset({"delivery"})
"""It deploys other environments, from an account of its own; ``tests/delivery`` asks it."""

BOUNDED: Final = (
    *("jobs", "inspector", "accessreview", "findings", "guardduty", "governance", "finma"),
)
"""Those whose roles carry a boundary of their own."""

CORE: Final = {one.name: one for one in ALL}
NAMES: Final = [one.name for one in ON.addons]


def lent(policy_set: PolicySet, lender: str, borrower: str) -> PolicySet:
    """Return one add-on's roles alone, whose boundary allows what another's does as well."""
    mine = policy_set.policies[f"{borrower}/Boundary"]
    theirs = policy_set.policies[f"{lender}/Boundary"]
    more = [one for one in theirs.statements if one.effect == "Allow"]
    wider = policy_set.with_policy(replace(mine, statements=(*mine.statements, *some(more))))
    roles = [one for one in policy_set.roles if one.boundary == mine.name]
    return replace(wider, roles=tuple(some(roles)))


def test_none_is_left_out() -> None:
    folders = {
        path.parent.name for path in Path(stacks.addons.__path__[0]).glob("*/addon.py")
    } - APART
    modules = [type(one).__module__.split(".") for one in ON.addons if one.name != "toy"]
    assert {names[2] for names in modules} == folders


def test_they_pass_every_gate_together(outdir: Path, policy_set: PolicySet) -> None:
    assert open_findings(outdir) == []
    assert set(policy_set.addons) == set(NAMES)


def test_the_gate_proved_every_theorem_of_the_core_and_of_each(policy_set: PolicySet) -> None:
    """It keeps what it proved by all that the answer rests on: these policies, these theorems."""
    own = theorems_of_addons(ON.addons)
    assert {one.name for one in ON.addons if not one.theorems()} == {"pci"}
    proof = prove_environment(policy_set, (*ALL, *own), before=ProvedBefore(), also=ON.addons)
    assert (proof.before, proof.unproved) == (True, ())
    assert proof.claimed == len(ALL) + len(own) - len(proof.left_out)
    assert not {one.name for one in own} & {*proof.left_out}


PURPOSES: Final = sorted({purpose for one in ON.addons for purpose in one.duties()} - {*DUTIES})


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_role_without_a_stated_duty_is_found(
    purpose: str, policy_set: PolicySet, logic: Logic
) -> None:
    """So what the core proves of duties is proved of each role of an add-on too."""
    duties = {name: own for name, own in policy_set.duties.items() if name != purpose}
    # One without a purpose, which an AWS service takes, is stated by its name.
    arn = policy_set.named.get(purpose)
    ours = [one for one in policy_set.roles if one.purpose == purpose or one.arn == arn]
    alone = replace(policy_set, roles=tuple(some(ours)), duties=duties)
    assert prove(CORE["every_role_keeps_to_its_duty"], alone, logic=logic).answer == "refuted"


@pytest.mark.parametrize("name", [one.name for one in ON.addons if one.jobs()])
def test_a_job_of_a_service_that_one_does_not_state_is_found(
    name: str, policy_set: PolicySet, logic: Logic
) -> None:
    """Of each thing that its jobs are done to, of all of which the gate proved it."""
    own = addon_of(ON, name).jobs()
    jobs = {
        where: [job for job in done if job not in own.get(where, ())]
        for where, done in policy_set.jobs.items()
    }
    for where in some(own):
        unstated = replace(policy_set, jobs=jobs, guarded=(policy_set.at(where),))
        assert prove(CORE["services_do_their_job"], unstated, logic=logic).answer == "refuted"


def test_what_they_cost_at_rest_stands_in_their_own_stacks(
    outdir: Path, synthesis: Path, templates: Mapping[str, Any]
) -> None:
    prices = load(ON.region)
    own = {kind: price for one in ON.addons for kind, price in one.prices().items()}
    [(where, found)] = templates_by_environment(outdir).items()
    together = idle_cost(found, prices, own=own)
    without = idle_cost(templates_by_environment(synthesis)[where], prices)
    bills = [idle_cost([templates[f"{ON.name}/{name}"]], prices, own=own) for name in NAMES]
    # Networks that are trusted bring an alarm of the kit's own, on whoever comes from elsewhere.
    kit = without.usd + (prices.alarm_month or 0)
    assert sum(one.usd for one in bills) > 0
    assert together.usd == pytest.approx(kit + sum(one.usd for one in bills))


@pytest.mark.parametrize("name", NAMES)
def test_each_builds_in_an_environments_stage_alone(name: str) -> None:
    with pytest.raises(ValueError, match="no environment's stage"):
        addon_of(ON, name).build(cdk.Stage(cdk.App(), "other"))


def test_cfn_lint_has_nothing_to_say_of_any(outdir: Path, tmp_path: Path) -> None:
    """Nor of the template for other accounts; all at once, since cfn-lint is slow to start."""
    files = [
        file
        for file in sorted((outdir / f"assembly-{ON.name}").glob("*.template.json"))
        if any(name in file.name for name in NAMES)
    ]
    assert len(files) == len(ON.addons)
    reader = member_template(addon_of(ON, "governance").member(ON))
    misnamed = json.loads(json.dumps(reader))
    misnamed["Resources"]["Reader"]["Properties"]["RoleName"] = ["no", "text"]
    group = {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": ["no", "text"]}}
    written: dict[str, Path] = {}
    for name, template in (
        ("reader", reader),
        ("misnamed", misnamed),
        ("wrong", {"Resources": {"Group": group}}),
    ):
        written[name] = tmp_path / f"{name}.template.json"
        written[name].write_text(json.dumps(template))
    of = {ON.name: files, **{name: [file] for name, file in written.items()}}
    found = {one.resource.partition("/")[0] for one in lint(of, region=ON.region)}
    assert found == {"misnamed", "wrong"}


def test_a_resource_is_of_the_addon_in_whose_stack_it_stands(policy_set: PolicySet) -> None:
    for name, arn in some(policy_set.named.items()):
        stack = name.partition("/")[0]
        assert policy_set.owner(arn) == (stack if stack in policy_set.addons else None), name
    buckets = {policy_set.owner(one.arn) for one in policy_set.kind("bucket")}
    assert {None, "lake", "jobs", "findings"} < buckets
    assert {policy_set.owner(one.arn) for one in policy_set.kits("bucket")} == {None}
    # A stack of an add-on that names the trail's bucket makes it nobody's but the kit's.
    files = policy_set.named["audit/Files"]
    claimed = replace(policy_set, named={**policy_set.named, "lake/Files": files})
    assert claimed.owner(files) is None
    # Evidence is what no add-on owns: taken for the lake's, it would be asked of nobody.
    taken = replace(policy_set, named={**policy_set.named, "audit/Files": "", "lake/Files": files})
    assert taken.owner(files) == "lake"
    lost = {*policy_set.kits("bucket")} - {*taken.kits("bucket")}
    assert lost == {policy_set.at("audit/Files")}


@pytest.mark.parametrize(
    ("lender", "borrower"), [*zip(BOUNDED, (*BOUNDED[1:], BOUNDED[0]), strict=True)]
)
def test_no_boundary_allows_what_another_addon_is_for(
    lender: str, borrower: str, policy_set: PolicySet, logic: Logic
) -> None:
    """What all add-ons may together, none may: each has a ceiling of its own."""
    wider = lent(policy_set, lender, borrower)
    assert prove(CORE["the_boundary_is_a_ceiling"], wider, logic=logic).answer == "refuted"
    said = {**wider.ceilings, borrower: (*wider.ceilings[borrower], *wider.ceilings[lender])}
    stated = replace(wider, ceilings=said)
    assert prove(CORE["the_boundary_is_a_ceiling"], stated, logic=logic).answer == "proved"


@pytest.mark.parametrize(
    ("lender", "borrower", "action"),
    [("jobs", "findings", "dynamodb:PutItem"), ("findings", "jobs", "sns:Publish")],
)
def test_no_role_is_bounded_by_another_addons_ceiling(
    lender: str, borrower: str, action: str, policy_set: PolicySet, logic: Logic
) -> None:
    verdict = prove(CORE["every_role_is_bounded"], lent(policy_set, lender, borrower), logic=logic)
    assert verdict.answer == "refuted"
    assert action in str(verdict.counterexample)
