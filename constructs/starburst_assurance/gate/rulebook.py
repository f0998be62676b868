"""Our own rules as a judge: over the templates of a stage, read as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from starburst_assurance.judge import Finding, GatedStage
from starburst_assurance.rules import Rule, undeclared_wildcard, unused_wildcards
from starburst_assurance.templates.template import Template, read_stage
from starburst_assurance.wildcards import declared_wildcards

__all__ = ["Rulebook"]


class Rulebook:
    """Our rules.

    Args:
        rules: those that are the same for every environment.
    """

    name = "starburst"

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    @property
    def version(self) -> str:
        """The kit's version."""
        return version("starburst-kit")

    def owns(self, rule: str) -> bool:
        """Return whether ``rule`` is one of ours."""
        return rule.startswith(f"{self.name}-")

    def findings(self, gated: GatedStage, files: Sequence[Path]) -> Iterator[Finding]:
        """Judge the templates."""
        template = read_stage(files, stage=gated.stage.node.path)
        yield from self.judge(template)

    def judge(self, template: Template) -> Iterator[Finding]:
        """Yield the findings of all rules at all resources."""
        declared = declared_wildcards(template)
        for rule in (*self._rules, undeclared_wildcard(declared)):
            for resource in template.all_of(*rule.kinds):
                for problem in rule.result(resource, template).problems:
                    yield Finding(
                        rule=f"{self.name}-{rule.name}",
                        path=resource.path,
                        wrong=problem,
                        fix=rule.fix,
                        controls=rule.controls,
                    )
        for problem in unused_wildcards(declared, template):
            yield Finding(
                rule=f"{self.name}-unused-wildcard",
                path="",
                wrong=problem,
                fix="Take it out of the policy's statement.",
            )
