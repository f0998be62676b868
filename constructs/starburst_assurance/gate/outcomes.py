"""What every judge says of every resource, compliance too: gates only speak of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cdk_nag

from starburst_assurance.judge import GatedStage
from starburst_assurance.packs.catalogue import nag_catalogue
from starburst_assurance.packs.control_tower import ControlTower, guard_catalogue
from starburst_assurance.packs.packs import declared_reason, plain
from starburst_assurance.rules import Rule, Verdict, undeclared_wildcard
from starburst_assurance.templates.template import Template
from starburst_assurance.wildcards import declared_wildcards
from starburst_constructs.policies.wildcards import Wildcard

__all__ = ["Outcome", "guard_outcomes", "nag_outcomes", "rule_outcomes"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Outcome:
    """One rule at one resource.

    Attributes:
        judge: whose rule it is: the name of a pack, or ours.
        rule: its id, without what a finding adds in brackets.
        path: construct path below the environment.
        verdict: what the rule says.
        finding: the id that a waiver would name; empty where nothing is wrong.
        wrong: what is wrong.
        judged: which other rule has judged the same thing, and why it passed.
    """

    judge: str
    rule: str
    path: str
    verdict: Verdict
    finding: str = ""
    wrong: str = ""
    judged: str = ""


def nag_outcomes(
    pack: type[cdk_nag.NagPack], gated: GatedStage, *, wildcards: Sequence[Wildcard] = ()
) -> Iterator[Outcome]:
    """Yield what one pack of cdk-nag says of a stage.

    The pack reports findings only, so its rules are asked one by one, as the pack itself does.

    Args:
        pack: its class.
        gated: the stage.
        wildcards: what its policies declare.
    """
    asked: list[tuple[str, str | None, str, list[str] | None]] = []

    class Recording(pack):
        """The pack, writing down what each rule answers."""

        def _apply_rule(self, params: cdk_nag.IApplyRule) -> None:
            answer = params.rule(params.node)
            if answer == cdk_nag.NagRuleCompliance.NOT_APPLICABLE:
                return
            wrong: list[str] | None = None
            if isinstance(answer, list):
                wrong = [str(each) for each in answer]
            elif answer == cdk_nag.NagRuleCompliance.NON_COMPLIANT:
                wrong = []
            asked.append((params.node.node.path, params.rule_suffix_override, params.info, wrong))

    recording = Recording()  # pyright: ignore[reportAbstractUsage] - the pack is not abstract
    recording.validate_scope(gated.stage)
    name = recording.read_pack_name
    known = {entry.info: entry.rule for entry in nag_catalogue(name)}
    for place, suffix, info, wrong in asked:
        path = place.removeprefix(f"{gated.stage.node.path}/")
        rule = f"{name}-{suffix}" if suffix else known[info]
        if wrong is None:
            yield Outcome(judge=name, rule=rule, path=path, verdict=Verdict.COMPLIANT)
            continue
        for what in wrong or [""]:
            finding = f"{rule}[{what}]" if what else rule
            yield Outcome(
                judge=name,
                rule=rule,
                path=path,
                verdict=Verdict.NON_COMPLIANT,
                finding=plain(finding),
                wrong=info,
                judged=declared_reason(finding, path, wildcards),
            )


def guard_outcomes(template: Template) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """Return what Control Tower's rules say of an environment, and cfn-guard's own report.

    cfn-guard names the resources of a broken rule only; a rule that holds, holds at all resources
    of the types that its metadata names.
    """
    judge = ControlTower()
    reports = judge.reports(template)
    found = [
        Outcome(
            judge=judge.name,
            rule=finding.rule,
            path=finding.path,
            verdict=Verdict.NON_COMPLIANT,
            finding=finding.rule,
            wrong=finding.wrong,
        )
        for finding in judge.read(reports, template)
    ]
    broken = {(each.rule, each.path) for each in found}
    named = {name for report in reports for name in report["compliant"]}
    named |= {each["Rule"]["name"] for report in reports for each in report["not_compliant"]}
    found += [
        Outcome(judge=judge.name, rule=entry.rule, path=each.path, verdict=Verdict.COMPLIANT)
        for entry in guard_catalogue()
        if entry.guard in named
        for each in template.all_of(*entry.kinds)
        if entry.kinds and (entry.rule, each.path) not in broken
    ]
    return sorted(found), reports


def rule_outcomes(rules: Sequence[Rule], template: Template) -> Iterator[Outcome]:
    """Yield what our own rules say of an environment."""
    for rule in (*rules, undeclared_wildcard(declared_wildcards(template))):
        for resource in template.all_of(*rule.kinds):
            result = rule.result(resource, template)
            if result.verdict is Verdict.NOT_APPLICABLE:
                continue
            name = f"starburst-{rule.name}"
            for problem in result.problems or ("",):
                yield Outcome(
                    judge="starburst",
                    rule=name,
                    path=resource.path,
                    verdict=result.verdict,
                    finding=name if problem else "",
                    wrong=problem,
                )


def template_files(assembly: Path, stage: str) -> list[Path]:
    """Return the templates of one environment in a cloud assembly."""
    return sorted((assembly / f"assembly-{stage}").glob("*.template.json"))
