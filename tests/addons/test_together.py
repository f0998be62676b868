"""All add-ons of one environment pass every gate together, and every theorem holds of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

import stacks.addons
from deploy.tools.linting import lint
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import ON
from tests.some import some

APART: Final = frozenset({"delivery"})
"""It deploys other environments, from an account of its own; ``tests/delivery`` asks it."""

BOUNDED: Final = (
    *("jobs", "inspector", "accessreview", "findings", "guardduty", "governance", "finma"),
)
"""Those whose roles carry a boundary of their own."""

THEOREMS: Final = {one.name: one for one in ALL}


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
    assert {type(one).__module__.split(".")[2] for one in ON.addons} == folders


def test_they_pass_every_gate_together(synthesized: tuple[Path, PolicySet]) -> None:
    """Its synthesis proves each theorem too, of the core and of all of them."""
    outdir, policy_set = synthesized
    assert open_findings(outdir) == []
    assert set(policy_set.addons) == {one.name for one in ON.addons}


def test_cfn_lint_has_nothing_to_say_of_any(
    synthesized: tuple[Path, PolicySet], tmp_path: Path
) -> None:
    files = [
        file
        for file in sorted((synthesized[0] / f"assembly-{ON.name}").glob("*.template.json"))
        if any(one.name in file.name for one in ON.addons)
    ]
    assert len(files) == len(ON.addons)
    assert list(lint({ON.name: files}, region=ON.region)) == []
    group = {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": ["no", "text"]}}
    wrong = tmp_path / "wrong.template.json"
    wrong.write_text(json.dumps({"Resources": {"Group": group}}))
    assert list(lint({ON.name: [wrong]}, region=ON.region)) != []


def test_a_resource_is_of_the_addon_in_whose_stack_it_stands(
    synthesized: tuple[Path, PolicySet],
) -> None:
    policy_set = synthesized[1]
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
    lender: str, borrower: str, synthesized: tuple[Path, PolicySet]
) -> None:
    """What all add-ons may together, none may: each has a ceiling of its own."""
    wider = lent(synthesized[1], lender, borrower)
    assert prove(THEOREMS["the_boundary_is_a_ceiling"], wider).answer == "refuted"
    said = {**wider.ceilings, borrower: (*wider.ceilings[borrower], *wider.ceilings[lender])}
    stated = replace(wider, ceilings=said)
    assert prove(THEOREMS["the_boundary_is_a_ceiling"], stated).answer == "proved"


@pytest.mark.parametrize(
    ("lender", "borrower", "action"),
    [("jobs", "findings", "dynamodb:PutItem"), ("findings", "jobs", "sns:Publish")],
)
def test_no_role_is_bounded_by_another_addons_ceiling(
    lender: str, borrower: str, action: str, synthesized: tuple[Path, PolicySet]
) -> None:
    verdict = prove(THEOREMS["every_role_is_bounded"], lent(synthesized[1], lender, borrower))
    assert verdict.answer == "refuted"
    assert action in str(verdict.counterexample)
