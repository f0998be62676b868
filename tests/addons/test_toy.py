"""An add-on is one folder and one line: the toy passes all gates, and leaves no trace when off."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

import app
from deploy.tools.idle_cost import idle_cost, markdown, templates_by_environment
from environments import DEV
from stacks.settings import Environment, SettingsError
from stacks.settings.addon import AddonError
from starburst.pricing.prices import load
from starburst_assurance.gate import theorems
from starburst_assurance.gate.proved_before import ProvedBefore
from starburst_assurance.gate.rulebook import Rulebook
from starburst_assurance.gate.table import open_findings
from starburst_assurance.judge import GatedStage
from starburst_assurance.proofs.command import policy_sets_of, theorems_of
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import ALL
from starburst_assurance.proofs.theorems.roles.tables import Duty
from starburst_assurance.rules import RULES
from starburst_assurance.templates.template import read_stage
from starburst_constructs.policies.boundary import ceiling
from tests.addons.toy.addon import Toy, only_the_toy_writes_notes
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

ROOT = Path(__file__).resolve().parents[2]
THEOREMS = {each.name: each for each in ALL}
ON = replace(DEV, addons=(Toy(),))


def synthesized(environment: Environment, outdir: Path, *, judged: bool = False) -> PolicySet:
    # Which theorems hold of it is asked below, of the toy alone.
    built = app.build([environment], outdir=str(outdir), validate=judged, prove=False)
    built.synth()
    [policy_set] = policy_sets_of(built, outdir)
    return policy_set


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("toy")


@pytest.fixture(scope="module")
def policy_set(outdir: Path) -> PolicySet:
    """The toy switched on by one line, synthesized with every gate but the theorems."""
    return synthesized(ON, outdir, judged=True)


@pytest.fixture(scope="module")
def toy_alone(policy_set: PolicySet) -> PolicySet:
    """With no role but the toy's, of which alone something is asked."""
    return replace(policy_set, roles=policy_set.roles_for("toy"))


@dataclass(frozen=True, kw_only=True)
class Careless(Toy):
    """A toy that says nothing of what it takes."""

    def statements(self, notes: s3.Bucket) -> Sequence[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                sid="WriteNotes",
                actions=["s3:PutObject"],
                resources=[notes.arn_for_objects("notes/*")],
            )
        ]

    def ceilings(self, environment: Environment) -> Sequence[iam.PolicyStatement]:
        del environment
        return [ceiling("Tables", ["dynamodb:GetItem"], resources=["arn:aws:dynamodb:*:*:table/*"])]


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> tuple[PolicySet, Path]:
    outdir = tmp_path_factory.mktemp("careless")
    return synthesized(replace(DEV, addons=(Careless(),)), outdir), outdir


def test_it_passes_every_gate(policy_set: PolicySet, outdir: Path) -> None:
    assert policy_set.named["toy/Notes"]
    assert open_findings(outdir) == []


@pytest.mark.parametrize(
    "name",
    [
        "every_role_keeps_to_its_duty",
        "duties_end_where_names_end",
        "no_role_touches_evidence",
        "services_do_their_job",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, toy_alone: PolicySet) -> None:
    assert prove(THEOREMS[name], toy_alone).answer == "proved"


def test_the_boundary_is_still_a_ceiling(policy_set: PolicySet) -> None:
    """Asked of the toy's role, and of the one whose presence says which ceilings hold."""
    some = replace(policy_set, roles=policy_set.roles_for("toy", "endpoints"))
    assert prove(THEOREMS["the_boundary_is_a_ceiling"], some).answer == "proved"


def test_a_job_that_it_does_not_state_is_found(toy_alone: PolicySet) -> None:
    verdict = prove(THEOREMS["services_do_their_job"], replace(toy_alone, jobs={}))
    assert verdict.answer == "refuted"
    assert "toy/WriterFunction" in verdict.why + str(verdict.counterexample)


def test_its_own_theorem_is_proved_with_the_others(
    policy_set: PolicySet, outdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate asks it beside the kit's, which are left out here."""
    assert policy_set.named["toy/Notes"], "outdir holds what was synthesized"
    built = app.build([ON], outdir=str(outdir), validate=False)
    assert theorems_of(built, DEV.name) == (only_the_toy_writes_notes,)
    stage = built.node.find_child(DEV.name)
    assert isinstance(stage, cdk.Stage)
    monkeypatch.setattr(theorems, "ALL", ())
    told: list[str] = []
    gated = GatedStage(stage=stage, packs=(), waivers=())
    before = ProvedBefore(tmp_path / "proved")
    gate = theorems.TheoremGate(built, stages=[gated], before=before, say=told.append)
    assert gate.validate(cast(cdk.IPolicyValidationContext, None)).success
    [sentence] = told
    assert sentence.startswith("proved now: dev (1 theorems) in ")


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


def test_a_permission_beyond_its_stated_ceiling_is_found(
    careless: tuple[PolicySet, Path],
) -> None:
    policy_set, _ = careless
    verdict = prove(
        THEOREMS["the_boundary_is_a_ceiling"],
        replace(policy_set, roles=policy_set.roles_for("toy", "endpoints")),
    )
    assert verdict.answer == "refuted"
    assert "dynamodb:GetItem" in verdict.why + str(verdict.counterexample)


def test_a_wildcard_that_it_does_not_declare_is_found(careless: tuple[PolicySet, Path]) -> None:
    _, outdir = careless
    files = sorted(outdir.glob("assembly-dev/*.template.json"))
    found = list(Rulebook(RULES).judge(read_stage(files, stage="dev")))
    assert {each.path for each in found if each.rule == "starburst-undeclared-wildcard"} == {
        "toy/Writer/Role/Work/Resource"
    }


@pytest.mark.parametrize("bad", [{"word": "NO"}, {"hours": 25}])
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"toy\.{next(iter(bad))}"):
        Toy(**bad)


def test_an_addon_called_like_a_stack_of_the_kit_is_refused() -> None:
    class Storage(Toy):
        name = "storage"

    with pytest.raises(AddonError, match="rename it"):
        app.build([replace(DEV, addons=(Storage(),))], validate=False)


def test_an_addon_builds_in_an_environments_stage_alone() -> None:
    with pytest.raises(AddonError, match="no environment's stage"):
        Toy().build(cdk.Stage(cdk.App(), "other"))


def test_it_goes_away_without_a_trace(assembly: CloudAssembly, tmp_path: Path) -> None:
    synthesized(replace(ON, addons=()), tmp_path)
    for file in some(Path(assembly.directory).glob("assembly-dev/*.template.json")):
        assert (tmp_path / "assembly-dev" / file.name).read_bytes() == file.read_bytes()
    assert not list(tmp_path.glob("assembly-dev/*toy*"))


def test_it_stands_in_the_table_of_costs(policy_set: PolicySet, outdir: Path) -> None:
    del policy_set
    [(where, templates)] = templates_by_environment(outdir).items()
    prices = load(DEV.region)
    bill = idle_cost(templates, prices, own=Toy().prices())
    assert bill.not_priced == ()
    assert "| toys |" in markdown({where: bill})
    assert "| 1: 0.25 |" in markdown({where: bill})
    unknown = idle_cost(templates, prices)
    assert unknown.not_priced == (("AWS::Scheduler::ScheduleGroup", 1),)


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
