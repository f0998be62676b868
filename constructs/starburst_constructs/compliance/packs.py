"""cdk-nag's packs as judges; what a rule of ours judges better is handed over to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cdk_nag

from starburst_constructs.compliance.judge import Finding, GatedStage

__all__ = ["NagPack", "plain"]

_EXPORTED_ARN: Final = re.compile(
    r"[\w-]+:ExportsOutputFnGetAtt([A-Za-z]+)[0-9A-F]{8}Arn[0-9A-F]{8}"
)
_PATTERN: Final = re.compile(r"AwsSolutions-IAM5\[Resource::(.*)\]")


def plain(rule: str) -> str:
    """Return a finding's id with the names of generated exports made readable and stable.

    Example:
        >>> plain("IAM5[Resource::a-b:ExportsOutputFnGetAttData666C94C7Arn0D7E21B7/x*]")
        'IAM5[Resource::<Data.Arn>/x*]'
    """
    return _EXPORTED_ARN.sub(r"<\1.Arn>", rule)


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
        del files
        declared = {(each.policy, each.resource): each for each in gated.wildcards}
        for violation in self._pack.validate_scope(gated.stage).violations:
            for resource in violation.violating_resources:
                path = (resource.construct_path or "").removeprefix(f"{gated.stage.node.path}/")
                pattern = _PATTERN.fullmatch(plain(violation.rule_name))
                known = declared.get((path, pattern[1])) if pattern else None
                yield Finding(
                    rule=violation.rule_name,
                    path=path,
                    wrong=violation.description,
                    mend=violation.fix or "",
                    judged=(
                        f"Judged by rule starburst-undeclared-wildcard: {known.reason}"
                        if known
                        else ""
                    ),
                )
