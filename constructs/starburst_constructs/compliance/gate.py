"""The gate: cdk-nag packs that judge every synthesis, minus waivers, plus waivers without use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from types import MappingProxyType
from typing import Final

import aws_cdk as cdk
import cdk_nag
import jsii

from starburst_constructs.compliance.waivers import Waiver, check_waivers

__all__ = ["PACKS", "GatedStage", "PackGate", "install_gates"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class GatedStage:
    """One environment's stage and the packs that judge it.

    Attributes:
        name: of the environment.
        stage: its constructs.
        packs: names of packs.
    """

    name: str
    stage: cdk.Stage
    packs: Sequence[str]


@jsii.implements(cdk.IPolicyValidationPlugin)
class PackGate:
    """One pack over the stages that ask for it, as a validation plugin of the CDK.

    cdk-nag's own plugin walks the whole app; this one walks the gated stages only, raises its
    warnings to errors, and reports waivers that no finding needs any more.

    Args:
        pack_name: a key of ``PACKS``.
        stages: those that this pack judges.
        waivers: those of this pack.
    """

    def __init__(
        self, pack_name: str, *, stages: Sequence[GatedStage], waivers: Sequence[Waiver]
    ) -> None:
        self._name = pack_name
        self._pack = PACKS[pack_name]()
        self._stages = stages
        self.waivers = waivers

    @property
    def name(self) -> str:
        """The pack's name; reports and acknowledgments use it."""
        return self._pack.read_pack_name

    @property
    def version(self) -> str:
        """The version of cdk-nag."""
        return version("cdk-nag")

    @property
    def rule_ids(self) -> list[str]:
        """The rules that are ours; the pack does not list its own."""
        return [UNUSED]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judge the stages; acknowledged findings are taken out by the CDK afterwards."""
        del context
        violations: list[cdk.PolicyViolation] = []
        needed: set[Waiver] = set()
        for gated in self._stages:
            for violation in self._pack.validate_scope(gated.stage).violations:
                violations.append(_as_error(violation))
                needed.update(self._needed(gated, violation))
        violations.extend(
            cdk.PolicyViolation(
                rule_name=f"{UNUSED}[{waiver.rule}]",
                description=f"{waiver}: no finding needs it; delete it",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        construct_path=f"{self._stages[0].name}/{waiver.resource}",
                        locations=["stacks/waivers.py"],
                    )
                ],
                severity="error",
            )
            for waiver in self.waivers
            if waiver not in needed
        )
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _needed(self, gated: GatedStage, violation: cdk.PolicyViolation) -> Iterable[Waiver]:
        inside = len(gated.stage.node.path) + 1
        for resource in violation.violating_resources:
            path = (resource.construct_path or "")[inside:]
            for waiver in self.waivers:
                if waiver.covers(path, rule=violation.rule_name, environment=gated.name):
                    yield waiver


def _as_error(violation: cdk.PolicyViolation) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=violation.rule_name,
        description=violation.description,
        violating_resources=violation.violating_resources,
        severity="error",
    )


def install_gates(
    app: cdk.App,
    *,
    stages: Sequence[GatedStage],
    waivers: Sequence[Waiver],
    today: date | None = None,
) -> None:
    """Make every synthesis of ``app`` fail on a finding without a waiver, and the reverse.

    Args:
        app: whose synthesis is judged.
        stages: environments and their packs.
        waivers: all there are.
        today: for tests; the day in UTC otherwise.

    Raises:
        WaiverError: a waiver is expired, too wide, unexplained, there twice, or of no pack.
    """
    check_waivers(waivers, today=today or datetime.now(UTC).date())
    for pack in dict.fromkeys(pack for gated in stages for pack in gated.packs):
        judged = [gated for gated in stages if pack in gated.packs]
        gate = PackGate(pack, stages=judged, waivers=_of_pack(pack, waivers, judged))
        cdk.Validations.of(app).add_plugins(gate)
        for gated in judged:
            _acknowledge(gate, gated)


def _of_pack(pack: str, waivers: Sequence[Waiver], judged: Sequence[GatedStage]) -> list[Waiver]:
    prefix = f"{PACKS[pack]().read_pack_name}-"
    return [
        waiver
        for waiver in waivers
        if waiver.rule.startswith(prefix) and any(waiver.applies_to(each.name) for each in judged)
    ]


def _acknowledge(gate: PackGate, gated: GatedStage) -> None:
    """Put the waivers on their constructs, so that the CDK's own report records them."""
    for waiver in gate.waivers:
        if not waiver.applies_to(gated.name):
            continue
        target = gated.stage.node
        found = None
        for part in waiver.resource.split("/"):
            found = target.try_find_child(part)
            if found is None:
                break
            target = found.node
        if found is not None:
            cdk.Validations.of(found).acknowledge(
                cdk.Acknowledgment(
                    id=f"{gate.name}::{waiver.rule}",
                    reason=f"{waiver.reason} Owner: {waiver.owner}. Until {waiver.expires}.",
                )
            )
