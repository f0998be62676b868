"""What would reach CloudFormation without a judge: stray templates, and findings waved through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
import jsii

from starburst_assurance.judge import Finding, GatedStage

__all__ = ["HIDDEN", "UNJUDGED", "UNREAD", "Coverage", "uncovered"]

UNJUDGED: Final = "unjudged-template"
UNREAD: Final = "unread-template"
HIDDEN: Final = "acknowledgment-without-waiver"

_ELSEWHERE: Final = re.compile(r"AWS::CloudFormation::(Stack|StackSet|Macro)|\w+(::\w+)+::MODULE")
"""Types whose resources stand in another template, or are written at deployment."""

_ANNOTATION: Final = "Annotation::"


@jsii.implements(cdk.IPolicyValidationPlugin)
class Coverage:
    """Refuses a synthesis part of which no gate would judge.

    Its findings are fatal: the CDK lets code acknowledge an error, but nothing fatal.

    Args:
        app: what is synthesized.
        stages: those that are judged.
        owned: tells whether a rule is one of some judge's.
    """

    def __init__(
        self, app: cdk.App, *, stages: Sequence[GatedStage], owned: Callable[[str], bool]
    ) -> None:
        self._app = app
        self._stages = stages
        self._owned = owned

    @property
    def name(self) -> str:
        """What reports call it."""
        return "starburst-coverage"

    @property
    def version(self) -> str:
        """The kit's version."""
        return version("starburst-kit")

    @property
    def rule_ids(self) -> list[str]:
        """What it forbids."""
        return [UNJUDGED, UNREAD, HIDDEN]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Look at every template and acknowledgment of the app."""
        files = [Path(path) for path in context.template_paths]
        found = uncovered(self._app, stages=self._stages, files=files, owned=self._owned)
        violations = [
            cdk.PolicyViolation(
                rule_name=f"starburst-{each.rule}",
                description=each.wrong,
                fix=each.fix,
                violating_resources=[
                    cdk.PolicyViolatingResource(construct_path=each.path, locations=[])
                ],
                severity="fatal",
            )
            for each in found
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def uncovered(
    app: cdk.App,
    *,
    stages: Sequence[GatedStage],
    files: Sequence[Path],
    owned: Callable[[str], bool],
) -> Iterator[Finding]:
    """Yield what a synthesis holds that no waiver and no gate answers for.

    A gate acknowledges what a waiver covers at a resource, after its stack's metadata was written;
    so what the metadata holds is code's own.

    Args:
        app: what was synthesized.
        stages: those that are judged.
        files: every template of the synthesis.
        owned: tells whether a rule is one of some judge's.
    """
    judged = {each.stage.artifact_id for each in stages}
    for file in files:
        if file.parent.name not in judged:
            yield Finding(
                rule=UNJUDGED,
                path=file.name.removesuffix(".template.json"),
                wrong="no gate judges this template: its stack is in none of the judged stages",
                fix="Put the stack into an environment's stage, directly below it.",
            )
        for what in _unread(json.loads(file.read_text())):
            yield Finding(
                rule=UNREAD,
                path=file.name.removesuffix(".template.json"),
                wrong=f"{what} brings resources from elsewhere, so nobody judges them",
                fix="Write the resources into a stack of the environment itself.",
            )
    for place, rule in _acknowledgments(app, files):
        own = rule.startswith(_ANNOTATION) and not owned(rule.removeprefix(_ANNOTATION))
        if not own:
            yield Finding(
                rule=HIDDEN,
                path=place,
                wrong=f"code acknowledges {rule}: no owner, no last day, and nobody reviews it",
                fix="Fix the finding, or write a waiver in stacks/waivers.py.",
            )


def _unread(template: Mapping[str, Any]) -> Iterator[str]:
    if "Transform" in template or '"Fn::Transform"' in json.dumps(template):
        yield "a transform"
    for name, body in template.get("Resources", {}).items():
        if _ELSEWHERE.fullmatch(str(body["Type"])):
            yield f"{name} ({body['Type']})"


def _acknowledgments(app: cdk.App, files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield construct path and rule of each acknowledgment; only stacks' are in files."""
    key = cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    for construct in (app, *filter(cdk.Stage.is_stage, app.node.children)):
        for entry in construct.node.metadata:
            if entry.type == key:
                yield from ((construct.node.path or "the app", str(rule)) for rule in entry.data)
    for file in files:
        metadata = file.with_name(file.name.removesuffix(".template.json") + ".metadata.json")
        entries = json.loads(metadata.read_text()) if metadata.exists() else {}
        for path, found in entries.items():
            for entry in found:
                if entry["type"] == key:
                    yield from ((path.removeprefix("/"), str(rule)) for rule in entry["data"])
