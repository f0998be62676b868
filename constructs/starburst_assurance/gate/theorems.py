"""The theorems as a gate: what is not proved of an environment is not synthesized."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aws_cdk as cdk
import jsii

from starburst_assurance.gate.emergency import RULES
from starburst_assurance.gate.proved_before import ProvedBefore
from starburst_assurance.gate.proving import UNASKED, Proof, Unproved, prove_environment, unasked
from starburst_assurance.judge import GatedStage
from starburst_assurance.proofs.stages import policy_sets_of, theorems_of
from starburst_assurance.proofs.theorems import ALL

__all__ = ["NAME", "TheoremGate"]

NAME: Final = "starburst-theorems"
"""What reports call the gate."""

_NOTHING: Final[Mapping[str, Collection[str]]] = MappingProxyType({})


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@jsii.implements(cdk.IPolicyValidationPlugin)
class TheoremGate:
    """Refuses an environment of which a theorem is refuted, undecided, or about nothing.

    Its findings are fatal: no waiver covers them, and no code can acknowledge them.

    Args:
        app: what is synthesized.
        stages: those of which theorems are proved.
        overridden: by environment, the rules that an emergency lets pass; they are warnings then.
        before: what was proved before; of this person without it.
        say: is told, in a sentence each, what was proved and what had been proved before.
    """

    def __init__(
        self,
        app: cdk.App,
        *,
        stages: Sequence[GatedStage],
        overridden: Mapping[str, Collection[str]] = _NOTHING,
        before: ProvedBefore | None = None,
        say: Callable[[str], object] = _tell,
    ) -> None:
        self._app = app
        self._stages = stages
        self._overridden = overridden
        self._before = before or ProvedBefore()
        self._say = say

    @property
    def name(self) -> str:
        """What reports call it."""
        return NAME

    @property
    def version(self) -> str:
        """The kit's version."""
        return version("starburst-kit")

    @property
    def rule_ids(self) -> list[str]:
        """Each theorem of the kit, and that theorems could be asked at all."""
        return [*(f"{RULES}{one.name}" for one in ALL), UNASKED]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Prove all theorems of every stage."""
        del context  # what is proved stands where the app was synthesized to
        distrusted = self._before.distrusted()
        if distrusted:
            self._say(f"{distrusted}: what was proved before is not believed, and nothing is kept")
        violations = [each for gated in self._stages for each in self._violations(gated.stage)]
        return cdk.PolicyValidationPluginReport(
            success=all(each.severity != "fatal" for each in violations), violations=violations
        )

    def _violations(self, stage: cdk.Stage) -> Iterator[cdk.PolicyViolation]:
        proof = self._proof(stage)
        self._say(str(proof))
        passes = self._overridden.get(stage.stage_name, ())
        for each in proof.unproved:
            yield _violation(stage, each, severity="warning" if each.rule in passes else "fatal")

    def _proof(self, stage: cdk.Stage) -> Proof:
        assembly = Path(self._app.outdir)
        try:
            [policy_set] = policy_sets_of(self._app, assembly, only=[stage.stage_name])
            theorems = (*ALL, *theorems_of(self._app, stage.stage_name))
        except Exception as error:  # whatever stops a proof, there is none then
            return Proof(environment=stage.stage_name, unproved=(unasked(error),))
        return prove_environment(
            policy_set, theorems, before=self._before, also=getattr(stage, "addons", ())
        )


def _violation(stage: cdk.Stage, found: Unproved, *, severity: str) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=found.rule,
        description=found.wrong,
        fix=found.fix,
        rule_metadata={"Request": found.request} if found.request else None,
        violating_resources=[
            cdk.PolicyViolatingResource(construct_path=stage.node.path, locations=[])
        ],
        severity=severity,
    )
