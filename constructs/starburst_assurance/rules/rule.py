"""What a rule is: a name for what it forbids, where it applies, and what it finds wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from starburst_assurance.templates.template import Resource, Template

__all__ = ["Result", "Rule", "Verdict"]


class Verdict(StrEnum):
    """What a rule says of one resource."""

    COMPLIANT = "compliant"
    NON_COMPLIANT = "non-compliant"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A rule's answer for one resource.

    Attributes:
        verdict: one of three.
        problems: what is wrong, a sentence each; empty unless non-compliant.
    """

    verdict: Verdict
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule over the resources of an environment.

    Attributes:
        name: what it forbids, in words with dashes: its file's name.
        controls: ids of the controls that it answers, such as ``FSBP S3.5``.
        kinds: CloudFormation types that it judges; none for every type.
        fix: what to do about a finding.
        judge: yields what is wrong with a resource; returns None where the rule is not about it.
    """

    name: str
    controls: tuple[str, ...]
    kinds: tuple[str, ...]
    fix: str
    judge: Callable[[Resource, Template], Iterable[str] | None]

    def result(self, resource: Resource, template: Template) -> Result:
        """Judge one resource of ``template``."""
        if self.kinds and resource.kind not in self.kinds:
            return Result(verdict=Verdict.NOT_APPLICABLE)
        problems = self.judge(resource, template)
        if problems is None:
            return Result(verdict=Verdict.NOT_APPLICABLE)
        found = tuple(problems)
        verdict = Verdict.NON_COMPLIANT if found else Verdict.COMPLIANT
        return Result(verdict=verdict, problems=found)
