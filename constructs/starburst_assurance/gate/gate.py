"""The gate: every judge over every synthesis, minus waivers, plus waivers without use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aws_cdk as cdk
import cdk_nag
import jsii
from constructs import IConstruct

from starburst_assurance.gate.coverage import Coverage
from starburst_assurance.gate.rulebook import Rulebook
from starburst_assurance.gate.theorems import TheoremGate
from starburst_assurance.judge import Finding, GatedStage, Judge
from starburst_assurance.packs.control_tower import ControlTower
from starburst_assurance.packs.packs import NagPack, plain
from starburst_assurance.rules import RULES, Rule
from starburst_assurance.waivers import Waiver, WaiverError, check_waivers

__all__ = ["PACKS", "UNUSED", "Gate", "GatedStage", "install_gates"]

PACKS: Final[Mapping[str, Callable[[], Judge]]] = MappingProxyType(
    {
        "AwsSolutions": lambda: NagPack(cdk_nag.AwsSolutionsChecks),
        "ControlTower": ControlTower,
        "HIPAA.Security": lambda: NagPack(cdk_nag.HIPAASecurityChecks),
        "NIST.800-53.R5": lambda: NagPack(cdk_nag.NIST80053R5Checks),
        "PCI.DSS.321": lambda: NagPack(cdk_nag.PCIDSS321Checks),
    }
)
"""Packs by the name that settings use; our own rules judge without being asked."""

UNUSED: Final = "waiver-without-use"


@jsii.implements(cdk.IPolicyValidationPlugin)
class Gate:
    """One judge over the stages that ask for it, as a validation plugin of the CDK.

    Args:
        judge: whose findings count.
        stages: those that it judges.
    """

    def __init__(self, judge: Judge, *, stages: Sequence[GatedStage]) -> None:
        self._judge = judge
        self._stages = stages

    @property
    def name(self) -> str:
        """The judge's name; reports and acknowledgments use it."""
        return self._judge.name

    @property
    def version(self) -> str:
        """The version of its rules."""
        return self._judge.version

    @property
    def rule_ids(self) -> list[str]:
        """The rule that every gate has; packs do not list their own."""
        return [UNUSED]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge the stages; the CDK takes acknowledged findings out of the report afterwards."""
        files = [Path(path) for path in context.template_paths]
        violations = []
        for gated in self._stages:
            own = [file for file in files if file.parent.name == gated.stage.artifact_id]
            violations += self._stage(gated, own)
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _stage(self, gated: GatedStage, files: Sequence[Path]) -> list[cdk.PolicyViolation]:
        needed: set[tuple[str, str]] = set()
        found = list(self._judge.findings(gated, files))
        for finding in found:
            if finding.judged:
                self._acknowledge(gated, finding, reason=finding.judged)
                continue
            for waiver in gated.waivers:
                place = waiver.place(finding.path, rule=plain(finding.rule))
                if place is not None:
                    until = f"Owner: {waiver.owner}. Until {waiver.expires}."
                    self._acknowledge(gated, finding, reason=f"{waiver.reason} {until}")
                    needed.add(place)
        found += [
            Finding(
                rule=f"{UNUSED}[{rule}]",
                path=resource,
                wrong=f"{waiver}: no finding needs {rule} at {resource}",
                fix="Delete it from stacks/waivers.py.",
            )
            for waiver in gated.waivers
            for rule, resource in waiver.pairs
            if self._judge.owns(rule) and (rule, resource) not in needed
        ]
        return [_violation(gated.stage, finding) for finding in found]

    def _acknowledge(self, gated: GatedStage, finding: Finding, *, reason: str) -> None:
        """Tell the CDK, whose own report then keeps finding and reason as evidence."""
        construct: IConstruct = gated.stage
        for part in finding.path.split("/"):
            construct = construct.node.find_child(part)
        cdk.Validations.of(construct).acknowledge(
            cdk.Acknowledgment(id=f"{self.name}::{finding.rule}", reason=reason)
        )


def _violation(stage: cdk.Stage, finding: Finding) -> cdk.PolicyViolation:
    path = f"{stage.node.path}/{finding.path}".removesuffix("/")
    return cdk.PolicyViolation(
        rule_name=finding.rule,
        description=finding.wrong,
        fix=finding.fix or None,
        rule_metadata={"Controls": ", ".join(finding.controls)} if finding.controls else None,
        violating_resources=[cdk.PolicyViolatingResource(construct_path=path, locations=[])],
        severity="error",
    )


def install_gates(
    app: cdk.App,
    *,
    stages: Sequence[GatedStage],
    rules: Sequence[Rule] = RULES,
    theorems: TheoremGate | None = None,
    today: date | None = None,
) -> None:
    """Make every synthesis of ``app`` fail on a finding without a waiver, and the reverse.

    It also fails on a stack outside ``stages``, on a finding that code acknowledges by itself, and
    on a theorem that is not proved.

    Args:
        app: whose synthesis is judged.
        stages: what is judged, by which packs, with which exceptions.
        rules: our own, that judge every stage.
        theorems: the gate that proves them; without it nothing is proved, as whoever proves by
            themselves wants it.
        today: for tests; the day in UTC otherwise.

    Raises:
        WaiverError: a waiver is expired, too wide, unexplained, there twice, or of no pack.
    """
    judges: dict[str, Judge] = {
        pack: PACKS[pack]() for pack in dict.fromkeys(p for gated in stages for p in gated.packs)
    }
    ours = Rulebook(rules)
    for gated in stages:
        check_waivers(gated.waivers, today=today or datetime.now(UTC).date())
        _check_owners(gated, [ours, *(judges[pack] for pack in gated.packs)])
    gates = [
        Gate(judge, stages=[gated for gated in stages if pack in gated.packs])
        for pack, judge in judges.items()
    ]
    everyone = [ours, *(make() for make in PACKS.values())]
    coverage = Coverage(
        app, stages=stages, owned=lambda rule: any(judge.owns(rule) for judge in everyone)
    )
    proved = () if theorems is None else (theorems,)
    cdk.Validations.of(app).add_plugins(coverage, *gates, Gate(ours, stages=stages), *proved)


def _check_owners(gated: GatedStage, judges: Sequence[Judge]) -> None:
    """Refuse a waiver that no judge of its stage would ever look at."""
    for waiver in gated.waivers:
        for rule in waiver.rules:
            if not any(judge.owns(rule) for judge in judges):
                name = gated.stage.stage_name
                raise WaiverError(f"{_only(waiver, rule)}: no pack of {name} has that rule")


def _only(waiver: Waiver, rule: str) -> str:
    return f"waiver of {rule} at {', '.join(waiver.resources)}"
