"""cdk-nag's packs as judges; what a rule of ours judges better is handed over to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cdk_nag

from starburst_assurance.judge import Finding, GatedStage
from starburst_assurance.templates.template import read_stage
from starburst_assurance.wildcards import declared_wildcards
from starburst_constructs.policies.wildcards import Wildcard

__all__ = ["NagPack", "declared_reason", "plain"]

_EXPORTED_ARN: Final = re.compile(
    r"[\w-]+:ExportsOutputFnGetAtt([A-Za-z]+)[0-9A-F]{8}Arn[0-9A-F]{8}"
    r"|(?<=<)([A-Za-z]+)[0-9A-F]{8}\.Arn(?=>)"
)
_PATTERN: Final = re.compile(r"AwsSolutions-IAM5\[Resource::(.*)\]")


def plain(rule: str) -> str:
    """Return a finding's id with generated names, of exports too, made readable and stable.

    Example:
        >>> plain("IAM5[Resource::a-b:ExportsOutputFnGetAttData666C94C7Arn0D7E21B7/x*]")
        'IAM5[Resource::<Data.Arn>/x*]'
    """
    return _EXPORTED_ARN.sub(_readable, rule)


def _readable(found: re.Match[str]) -> str:
    exported, own = found.groups()
    return f"<{exported}.Arn>" if exported else f"{own}.Arn"


class NagPack:
    """One pack of cdk-nag, over one stage at a time; its warnings count as errors.

    AwsSolutions-IAM5 fires on every asterisk in a policy, whatever it is for. Our rule
    ``undeclared-wildcard`` compares each with the policy's declaration; a finding whose pattern is
    declared for that policy is handed over to it.

    Args:
        pack: makes the pack.
    """

    def __init__(self, pack: Callable[[], cdk_nag.NagPack]) -> None:
        self._pack = pack()

    @property
    def name(self) -> str:
        """The pack's own name."""
        return self._pack.read_pack_name

    @property
    def version(self) -> str:
        """The version of cdk-nag."""
        return version("cdk-nag")

    def owns(self, rule: str) -> bool:
        """Return whether ``rule`` is of this pack."""
        return rule.startswith(f"{self.name}-")

    def findings(self, gated: GatedStage, files: Sequence[Path]) -> Iterator[Finding]:
        """Judge the constructs."""
        template = read_stage(files, stage=gated.stage.node.path) if files else None
        declared = declared_wildcards(template) if template else ()
        for violation in self._pack.validate_scope(gated.stage).violations:
            for resource in violation.violating_resources:
                path = (resource.construct_path or "").removeprefix(f"{gated.stage.node.path}/")
                yield Finding(
                    rule=violation.rule_name,
                    path=path,
                    wrong=violation.description,
                    fix=violation.fix or "",
                    judged=declared_reason(violation.rule_name, path, declared),
                )


def declared_reason(rule: str, path: str, wildcards: Sequence[Wildcard]) -> str:
    """Return why a finding is another rule's: its pattern is declared for that policy; or nothing.

    Args:
        rule: the finding's whole id.
        path: of the policy, below the stage.
        wildcards: what is declared.
    """
    pattern = _PATTERN.fullmatch(plain(rule))
    for each in wildcards if pattern else ():
        if pattern and (each.policy, each.resource) == (path, pattern[1]):
            return f"Judged by rule starburst-undeclared-wildcard: {each.reason}"
    return ""
