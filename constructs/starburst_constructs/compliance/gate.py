"""The gate: cdk-nag packs that judge every synthesis, minus waivers, plus waivers without use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aws_cdk as cdk
import cdk_nag
import jsii
from constructs import IConstruct

from starburst_constructs.compliance.waivers import Waiver, WaiverError, check_waivers

__all__ = ["PACKS", "UNUSED", "GatedStage", "PackGate", "install_gates", "plain", "refusals"]

PACKS: Final[Mapping[str, Callable[[], cdk_nag.NagPack]]] = MappingProxyType(
    {
        "AwsSolutions": cdk_nag.AwsSolutionsChecks,
        "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
        "NIST.800-53.R5": cdk_nag.NIST80053R5Checks,
        "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
    }
)
"""Packs by the name that settings use."""

UNUSED: Final = "waiver-without-use"

_EXPORTED_ARN: Final = re.compile(
    r"[\w-]+:ExportsOutputFnGetAtt([A-Za-z]+)[0-9A-F]{8}Arn[0-9A-F]{8}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GatedStage:
    """One environment's stage, the packs that judge it, and its exceptions.

    Attributes:
        stage: its constructs.
        packs: names of packs.
        waivers: resources in them are paths below the stage.
    """

    stage: cdk.Stage
    packs: Sequence[str]
    waivers: Sequence[Waiver]


@jsii.implements(cdk.IPolicyValidationPlugin)
class PackGate:
    """One pack over the stages that ask for it, as a validation plugin of the CDK.

    cdk-nag's own plugin walks the whole app; this one walks the gated stages only, raises the
    pack's warnings to errors, and reports waivers that no finding needs any more.

    Args:
        pack_name: a key of ``PACKS``.
        stages: those that this pack judges.
    """

    def __init__(self, pack_name: str, *, stages: Sequence[GatedStage]) -> None:
        self._pack = PACKS[pack_name]()
        self._stages = stages

    @property
    def name(self) -> str:
        """The pack's own name; reports and acknowledgments use it."""
        return self._pack.read_pack_name

    @property
    def version(self) -> str:
        """The version of cdk-nag."""
        return version("cdk-nag")

    @property
    def rule_ids(self) -> list[str]:
        """The rule that is ours; the pack does not list its own."""
        return [UNUSED]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge the stages; the CDK takes acknowledged findings out of the report afterwards."""
        del context
        violations = [found for gated in self._stages for found in self._judge(gated)]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def owns(self, waiver: Waiver) -> bool:
        """Return whether ``waiver`` is of a rule of this pack."""
        return waiver.rule.startswith(f"{self.name}-")

    def _judge(self, gated: GatedStage) -> list[cdk.PolicyViolation]:
        waivers = [waiver for waiver in gated.waivers if self.owns(waiver)]
        needed: set[Waiver] = set()
        violations = []
        for violation in self._pack.validate_scope(gated.stage).violations:
            violations.append(_as_error(violation))
            for resource in violation.violating_resources:
                waiver = _waive(gated.stage, violation.rule_name, resource, waivers)
                if waiver is not None:
                    self._acknowledge(resource, violation.rule_name, waiver, gated.stage)
                    needed.add(waiver)
        violations.extend(
            cdk.PolicyViolation(
                rule_name=f"{UNUSED}[{waiver.rule}]",
                description=f"{waiver}: no finding needs it; delete it from stacks/waivers.py",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        construct_path=f"{gated.stage.node.path}/{waiver.resource}", locations=[]
                    )
                ],
                severity="error",
            )
            for waiver in waivers
            if waiver not in needed
        )
        return violations

    def _acknowledge(
        self, resource: cdk.PolicyViolatingResource, rule: str, waiver: Waiver, stage: cdk.Stage
    ) -> None:
        """Put the waiver on its construct, so that the CDK's own report records it as evidence."""
        construct: IConstruct = stage
        for part in _below(stage, resource).split("/"):
            construct = construct.node.find_child(part)
        cdk.Validations.of(construct).acknowledge(
            cdk.Acknowledgment(
                id=f"{self.name}::{rule}",
                reason=f"{waiver.reason} Owner: {waiver.owner}. Until {waiver.expires}.",
            )
        )


def _below(stage: cdk.Stage, resource: cdk.PolicyViolatingResource) -> str:
    return (resource.construct_path or "").removeprefix(f"{stage.node.path}/")


def plain(rule: str) -> str:
    """Return a finding's id with the names of generated exports made readable and stable.

    Example:
        >>> plain("IAM5[Resource::a-b:ExportsOutputFnGetAttData666C94C7Arn0D7E21B7/x*]")
        'IAM5[Resource::<Data.Arn>/x*]'
    """
    return _EXPORTED_ARN.sub(r"<\1.Arn>", rule)


def _waive(
    stage: cdk.Stage,
    rule: str,
    resource: cdk.PolicyViolatingResource,
    waivers: Sequence[Waiver],
) -> Waiver | None:
    path = _below(stage, resource)
    return next((waiver for waiver in waivers if waiver.covers(path, rule=plain(rule))), None)


def _as_error(violation: cdk.PolicyViolation) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=violation.rule_name,
        description=violation.description,
        violating_resources=violation.violating_resources,
        severity="error",
    )


def install_gates(
    app: cdk.App, *, stages: Sequence[GatedStage], today: date | None = None
) -> list[PackGate]:
    """Make every synthesis of ``app`` fail on a finding without a waiver, and the reverse.

    Args:
        app: whose synthesis is judged.
        stages: what is judged, by which packs, with which exceptions.
        today: for tests; the day in UTC otherwise.

    Raises:
        WaiverError: a waiver is expired, too wide, unexplained, there twice, or of no pack.
    """
    gates = [
        PackGate(pack, stages=[gated for gated in stages if pack in gated.packs])
        for pack in dict.fromkeys(pack for gated in stages for pack in gated.packs)
    ]
    for gated in stages:
        check_waivers(gated.waivers, today=today or datetime.now(UTC).date())
        for waiver in gated.waivers:
            if not any(gate.owns(waiver) for gate in gates):
                raise WaiverError(f"{waiver}: no pack of {gated.stage.stage_name} has that rule")
    if gates:
        cdk.Validations.of(app).add_plugins(*gates)
    return gates


def refusals(assembly: Path) -> list[str]:
    """Return one line for each error in the validation report of a synthesis.

    The CDK CLI looks at the report only where a stack is selected, and a bare ``cdk synth`` selects
    none of a stage's; so the app looks by itself.
    """
    report = assembly / "validation-report.json"
    if not report.exists():
        return []
    return [
        f"{construct.get('constructPath', 'the app')}: {found['ruleName']}: {found['description']}"
        for plugin in json.loads(report.read_text())["pluginReports"]
        for found in plugin["violations"]
        if found.get("severity") in ("error", "fatal")
        for construct in found["violatingConstructs"]
    ]
