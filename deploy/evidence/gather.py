"""Judge one environment with everything there is, over one synthesis."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
import cdk_nag

import app
from deploy.evidence.facts import Commit, commit, images, now, sha256, sums, tools
from deploy.evidence.testing import CaseCount, check_tests, finish_tests, start_tests
from deploy.tools.cdk import ROOT
from deploy.tools.linting import lint
from stacks.risks import Risk, risks
from stacks.settings import Environment
from stacks.stage import EnvironmentStage
from stacks.waivers import waivers
from starburst_assurance.controls import CONTROLS
from starburst_assurance.gate.outcomes import Outcome, guard_outcomes, nag_outcomes, rule_outcomes
from starburst_assurance.gate.table import OpenFinding, open_findings
from starburst_assurance.judge import GatedStage
from starburst_assurance.proofs.command import policy_sets_of, theorems_of
from starburst_assurance.proofs.encoding.vocabulary import check
from starburst_assurance.proofs.mutation.record import Record, load
from starburst_assurance.proofs.solving.prove import Verdict, prove_all
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import ALL as THEOREMS
from starburst_assurance.rules import RULES
from starburst_assurance.templates.template import Template, read_stage
from starburst_assurance.waivers import Waiver
from starburst_assurance.wildcards import declared_wildcards
from starburst_constructs.policies.wildcards import Wildcard

__all__ = ["Evidence", "gather"]

MUTANTS: Final = ROOT / "docs" / "mutants.json"
"""The record of ``make mutants``, which takes too long to be done for each folder."""

_NAG: Final[Mapping[str, type[cdk_nag.NagPack]]] = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
    "NIST.800-53.R5": cdk_nag.NIST80053R5Checks,
    "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything that was found about one environment.

    Attributes:
        environment: what was judged.
        time: when.
        commit: of this repository.
        tools: versions of the judges.
        templates: text of each template by file name.
        templates_sha256: of the list of their hashes.
        template: all of them, read as one.
        images: what task definitions pin.
        outcomes: each rule at each resource.
        reports: the judges' own reports by file name.
        refused: findings without a waiver, from the synthesis and from cfn-lint.
        waivers: exceptions that hold.
        wildcards: declared patterns.
        risks: that the settings take, accepted ones too.
        verdicts: of the theorems.
        tests: by pytest's name.
        mutants: the last run of mutation testing, where there was one.
        stale: policies that have changed since.
    """

    environment: Environment
    time: datetime
    commit: Commit
    tools: Mapping[str, str]
    templates: Mapping[str, str]
    templates_sha256: str
    template: Template
    images: Mapping[str, str]
    outcomes: Sequence[Outcome]
    reports: Mapping[str, Any]
    refused: Sequence[OpenFinding]
    waivers: Sequence[Waiver]
    wildcards: Sequence[Wildcard]
    risks: Sequence[Risk]
    verdicts: Sequence[Verdict]
    tests: Mapping[str, CaseCount]
    mutants: Record | None = None
    stale: Sequence[str] = ()


def gather(
    environment: Environment,
    outdir: Path,
    *,
    run_tests: bool = True,
    theorems: Sequence[Theorem] = THEOREMS,
    report: Callable[[str], object] = lambda text: None,
) -> Evidence:
    """Judge an environment and return what was found, failures too.

    Args:
        environment: what to judge.
        outdir: where to synthesize.
        run_tests: run the tests that controls name.
        theorems: what to prove.
        report: told what is being done.
    """
    running = start_tests(CONTROLS, outdir / "tests") if run_tests else None
    report(f"Synthesizing {environment.name} and judging it")
    # The theorems are proved below, where what is refuted is evidence as well.
    built = app.build([environment], outdir=str(outdir / "cdk.out"), prove=False)
    refused = _synthesize(built)
    if running:
        check_tests(running)
    stage = built.node.find_child(environment.name)
    assert isinstance(stage, EnvironmentStage)  # noqa: S101 - the one stage that was built
    theorems = (*theorems, *theorems_of(built, environment.name))
    gated = GatedStage(
        stage=stage,
        packs=environment.packs,
        waivers=waivers(environment, addons=stage.addons),
    )
    assembly = outdir / "cdk.out" / f"assembly-{environment.name}"
    files = sorted(assembly.glob("*.template.json"))
    template = read_stage(files, stage=environment.name)
    outcomes, reports = _ask(gated, template, report)
    linted = sorted(lint({environment.name: files}, region=environment.region))
    reports["cfn-lint.json"] = [_as_json(each) for each in linted]
    reports["validation-report.json"] = _validation(outdir / "cdk.out")
    report(f"Proving {len(theorems)} theorems")
    [policy_set] = policy_sets_of(built, outdir / "cdk.out")
    check(policy_set)
    verdicts = list(prove_all(theorems, policy_set))
    mutants = load(MUTANTS) if MUTANTS.exists() else None
    if mutants is None or mutants.environment != environment.name:
        mutants = None
    else:
        reports["mutants.json"] = json.loads(MUTANTS.read_text())
    if running:
        report("Waiting for the tests that controls name")
    return Evidence(
        environment=environment,
        time=now(),
        commit=commit(),
        tools=tools(),
        templates={file.name: file.read_text() for file in files},
        templates_sha256=sha256(sums(files, below=assembly).encode()),
        template=template,
        images=images(template),
        outcomes=outcomes,
        reports=reports,
        refused=[*refused, *linted],
        waivers=gated.waivers,
        wildcards=declared_wildcards(template),
        risks=risks(environment),
        verdicts=verdicts,
        tests=finish_tests(running) if running else {},
        mutants=mutants,
        stale=mutants.changed_since(policy_set) if mutants else (),
    )


def _synthesize(built: cdk.App) -> list[OpenFinding]:
    """Synthesize with every gate; what is refused is evidence too."""
    try:
        built.synth()
    except RuntimeError:
        # The CDK wrote templates and report before it refused them.
        if not open_findings(Path(built.outdir)):
            raise
    return open_findings(Path(built.outdir))


def _ask(
    gated: GatedStage, template: Template, report: Callable[[str], object]
) -> tuple[list[Outcome], dict[str, Any]]:
    """Return what each judge says of each resource, and their reports."""
    reports: dict[str, Any] = {}
    declared = declared_wildcards(template)
    outcomes = list(rule_outcomes(RULES, template))
    reports["own-rules.json"] = _lines(outcomes)
    for pack in gated.packs:
        report(f"Asking {pack}, rule by rule")
        if pack == "ControlTower":
            found, said = guard_outcomes(template)
            reports["cfn-guard.json"] = _without_places(said)
            reports["control-tower.json"] = _lines(found)
        else:
            found = sorted(nag_outcomes(_NAG[pack], gated, wildcards=declared))
            reports[f"cdk-nag-{pack}.json"] = _lines(found)
        outcomes += found
    return outcomes, reports


def _lines(outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    return [
        {
            "rule": each.finding or each.rule,
            "resource": each.path,
            "result": each.verdict.value,
            **({"wrong": each.wrong} if each.wrong else {}),
            **({"judged": each.judged} if each.judged else {}),
        }
        for each in sorted(outcomes)
    ]


def _as_json(each: OpenFinding) -> dict[str, str]:
    return {
        "rule": each.rule,
        "resource": each.resource,
        "wrong": each.wrong,
        "fix": each.fix,
    }


def _without_places(said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return cfn-guard's reports without the temporary folder that it ran in."""
    return [{**each, "name": os.path.basename(str(each["name"]))} for each in said]


def _validation(assembly: Path) -> object:
    """Return the CDK's report without stack traces, which name this machine's folders."""
    file = assembly / "validation-report.json"
    if not file.exists():
        return {}
    return _without_traces(json.loads(file.read_text()))


def _without_traces(value: object) -> object:
    if isinstance(value, list):
        return [_without_traces(item) for item in value]
    if isinstance(value, dict):
        return {
            key: _without_traces(item)
            for key, item in value.items()
            if not str(key).lower().endswith(("stacktrace", "stacktraces"))
        }
    return value
