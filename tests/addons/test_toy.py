"""An add-on is one folder and one line: the toy passes all gates, and nothing else knows of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost, markdown, templates_by_environment
from environments import DEV
from stacks.settings import SettingsError
from stacks.settings.addon import AddonError
from starburst.pricing.prices import load
from starburst_assurance.gate.rulebook import Rulebook
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import ALL
from starburst_assurance.proofs.theorems.roles.tables import Duty
from starburst_assurance.rules import RULES
from starburst_assurance.templates.template import read_stage
from tests.addons.conftest import ON
from tests.addons.toy.addon import Toy, only_the_toy_writes_notes

ROOT = Path(__file__).resolve().parents[2]
THEOREMS = {each.name: each for each in ALL}


@pytest.fixture(scope="module")
def toy_alone(policy_set: PolicySet) -> PolicySet:
    """With no role but the toy's, of which alone something is asked."""
    return replace(policy_set, roles=policy_set.roles_for("toy"))


def test_it_passes_every_gate(policy_set: PolicySet, outdir: Path) -> None:
    """Beside all other add-ons; ``test_together.py`` holds that each theorem was proved."""
    assert policy_set.named["toy/Notes"]
    assert open_findings(outdir) == []


def test_a_job_that_it_does_not_state_is_found(toy_alone: PolicySet) -> None:
    unstated = {name: own for name, own in toy_alone.jobs.items() if name != "toy/WriterFunction"}
    guarded = (toy_alone.at("toy/WriterFunction"),)
    unsaid = replace(toy_alone, jobs=unstated, guarded=guarded)
    verdict = prove(THEOREMS["services_do_their_job"], unsaid)
    assert verdict.answer == "refuted"
    assert "toy/WriterFunction" in verdict.why + str(verdict.counterexample)


def test_a_theorem_that_is_false_is_refuted(toy_alone: PolicySet) -> None:
    """As if the toy's role were a stranger's."""
    [role] = toy_alone.roles
    stranger = replace(role, tags={**role.tags, "starburst:role": "stranger"})
    verdict = prove(only_the_toy_writes_notes, replace(toy_alone, roles=(stranger,)))
    assert verdict.answer == "refuted"


def test_a_duty_that_it_does_not_state_is_found(toy_alone: PolicySet) -> None:
    unstated: Mapping[str, Sequence[Duty]] = {"toy": toy_alone.duties["toy"][1:]}
    verdict = prove(THEOREMS["every_role_keeps_to_its_duty"], replace(toy_alone, duties=unstated))
    assert verdict.answer == "refuted"
    assert "s3:PutObject" in verdict.why + str(verdict.counterexample)


def test_a_permission_beyond_its_stated_ceiling_is_found(policy_set: PolicySet) -> None:
    """Asked of the toy's role, and of all that say by their boundary which ceilings hold."""
    [toy] = policy_set.roles_for("toy")
    boundary = policy_set.policies[str(toy.boundary)]
    roles = tuple(one for one in policy_set.roles if one.boundary == toy.boundary)
    tables = Statement(
        effect="Allow",
        actions=("dynamodb:GetItem",),
        resources=("arn:aws:dynamodb:*:*:table/*",),
    )
    wider = policy_set.with_policy(
        replace(boundary, statements=(*boundary.statements, tables)),
    )
    verdict = prove(THEOREMS["the_boundary_is_a_ceiling"], replace(wider, roles=roles))
    assert verdict.answer == "refuted"
    assert "dynamodb:GetItem" in verdict.why + str(verdict.counterexample)


def test_a_wildcard_that_it_does_not_declare_is_found(outdir: Path) -> None:
    files = sorted(outdir.glob(f"assembly-{ON.name}/*.template.json"))
    stage = read_stage(files, stage=ON.name)
    work = "toy/Writer/Role/Work/Resource"
    careless = {
        name: replace(one, metadata={}) if one.path == work else one
        for name, one in stage.resources.items()
    }
    found = list(Rulebook(RULES).judge(replace(stage, resources=careless)))
    assert {each.path for each in found if each.rule == "starburst-undeclared-wildcard"} == {work}


@pytest.mark.parametrize("bad", [{"word": "NO"}, {"hours": 25}])
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"toy\.{next(iter(bad))}"):
        Toy(**bad)


def test_an_addon_called_like_a_stack_of_the_kit_is_refused() -> None:
    class Storage(Toy):
        name = "storage"

    with pytest.raises(AddonError, match="rename it"):
        app.build([replace(DEV, addons=(Storage(),))], validate=False)


def test_it_stands_in_the_table_of_costs(outdir: Path) -> None:
    [(where, templates)] = templates_by_environment(outdir).items()
    prices = load(ON.region)
    others = {
        kind: price
        for one in ON.addons
        if one.name != "toy"
        for kind, price in one.prices().items()
    }
    bill = idle_cost(templates, prices, own={**others, **Toy().prices()})
    assert "| toys |" in markdown({where: bill})
    assert "| 1: 0.25 |" in markdown({where: bill})
    unknown = idle_cost(templates, prices, own=others)
    lacking = ("AWS::Scheduler::ScheduleGroup", 1)
    assert set(unknown.not_priced) - set(bill.not_priced) == {lacking}


def test_no_other_file_knows_of_it() -> None:
    """One folder, and the one line that switches it on."""
    git = ["git", "ls-files", "-z"]
    tracked = subprocess.run(  # noqa: S603 - our own command line
        git, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    product = ("app.py", "environments.py", "stacks/", "constructs/", "deploy/", "worker/src/")
    naming = [
        name
        for name in tracked
        if name.startswith(product)
        and name.endswith((".py", ".json", ".j2"))
        and re.search(r"\btoys?\b", (ROOT / name).read_text().replace("tests/addons/toy", ""))
    ]
    assert naming == []


def test_every_theorem_and_the_page_are_documented() -> None:
    assert isinstance(only_the_toy_writes_notes, Theorem)
    assert (ROOT / Toy.page).read_text().startswith("# ")
