"""What every judge of a synthesis has in common: it looks at one stage and yields findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    import aws_cdk as cdk

__all__ = ["Finding", "GatedStage", "Judge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatedStage:
    """One environment's stage, what judges it, and its exceptions.

    Attributes:
        stage: its constructs.
        packs: names of packs, beside our own rules.
        waivers: resources in them are paths below the stage.
    """

    stage: cdk.Stage
    packs: Sequence[str]
    waivers: Sequence[Waiver]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One rule broken at one resource.

    Attributes:
        rule: its id, as waivers name it.
        path: construct path below the stage; empty for the stage as a whole.
        wrong: what is wrong.
        fix: what to do about it.
        controls: of standards, that the rule answers.
        judged: where another rule of the gate has judged the same thing: which, and why it passed.
    """

    rule: str
    path: str
    wrong: str
    fix: str = ""
    controls: tuple[str, ...] = ()
    judged: str = ""


class Judge(Protocol):
    """A set of rules."""

    @property
    def name(self) -> str:
        """Whose rules they are; reports use it."""
        ...

    @property
    def version(self) -> str:
        """Of the rules."""
        ...

    def owns(self, rule: str) -> bool:
        """Return whether a waiver's rule is one of this judge's."""
        ...

    def findings(self, gated: GatedStage, files: Sequence[Path]) -> Iterator[Finding]:
        """Yield what is wrong with a stage, whose templates are ``files``."""
        ...
