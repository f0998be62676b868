"""The one way past a theorem: who overrides it, and why, stands where it is deployed.

An emergency covers theorems, and no other judge. It covers those that it was shown, of the
environments that it was shown them of; a theorem that it was not shown still refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starburst_assurance.gate.table import OpenFinding

__all__ = [
    "LEAST_REASON",
    "RULES",
    "VARIABLE",
    "Emergency",
    "EmergencyError",
    "Overridden",
    "overridden",
]

VARIABLE: Final = "STARBURST_EMERGENCY"
"""The environment variable by which an emergency is declared, and nothing else is."""

LEAST_REASON: Final = 30
"""Characters of a reason: a sentence, and no word."""

RULES: Final = "theorem-"
"""How the rules of the theorems' gate begin."""

_MOST_REASON: Final = 500
_WHO: Final = re.compile(r"[\w.@+-]{3,64}")


class EmergencyError(ValueError):
    """An emergency says too little, or covers nothing, or not all that is wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Emergency:
    """Who overrides, and why.

    Attributes:
        who: as they say; the trail knows whose credentials deploy.
        why: a sentence.
        when: the time of the synthesis, in UTC.
    """

    who: str
    why: str
    when: datetime

    @classmethod
    def declared(
        cls, variables: Mapping[str, str], *, now: datetime | None = None
    ) -> Emergency | None:
        """Return the emergency that a process's environment declares; None where it declares none.

        Args:
            variables: of the process.
            now: for tests.

        Raises:
            EmergencyError: it does not say who and why.
        """
        text = " ".join(variables.get(VARIABLE, "").split())
        if not text:
            return None
        who, _, why = (part.strip() for part in text.partition(":"))
        if not _WHO.fullmatch(who) or not LEAST_REASON <= len(why) <= _MOST_REASON:
            raise EmergencyError(
                f"{VARIABLE} is {text!r}: it says who overrides and why, such as "
                f"{VARIABLE}='ana@example.com: <what is on fire, and its ticket>', the reason in "
                f"{LEAST_REASON} to {_MOST_REASON} characters; nothing was synthesized"
            )
        return cls(who=who, why=why, when=(now or datetime.now(UTC)).replace(microsecond=0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Overridden:
    """What an emergency lets pass of one environment.

    Attributes:
        emergency: who and why.
        environment: its name.
        findings: what is not proved.
    """

    emergency: Emergency
    environment: str
    findings: tuple[OpenFinding, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are broken: ``theorem-`` and a theorem's name, or that none was asked."""
        return tuple(each.rule for each in self.findings)

    @property
    def lines(self) -> Iterator[str]:
        """What everybody should read before it is deployed, one line each."""
        said = self.emergency
        yield f"EMERGENCY: {self.environment} is synthesized although it is not proved."
        yield f"  by      {said.who}, {said.when:%Y-%m-%d %H:%M:%S} UTC"
        yield f"  because {said.why}"
        for each in self.findings:
            yield f"  without {each.rule}: {each.wrong}"
        yield (
            "  Each stack that you deploy keeps a record of it in Parameter Store, and the alarm "
            f"Weakenings rings. When it is over: unset {VARIABLE}, mend, deploy again."
        )


def overridden(emergency: Emergency, found: Sequence[OpenFinding]) -> tuple[Overridden, ...]:
    """Return what an emergency lets pass, by environment.

    Args:
        emergency: that was declared.
        found: all that is wrong with a synthesis.

    Raises:
        EmergencyError: nothing is, or something that is no theorem.
    """
    if not found:
        raise EmergencyError(
            f"every theorem is proved, so nothing needs an emergency: unset {VARIABLE} and run it "
            "again; nothing was synthesized"
        )
    others = sorted({each.rule for each in found if not each.rule.startswith(RULES)})
    if others:
        raise EmergencyError(
            f"an emergency covers theorems alone, and {', '.join(others)} is found as well: fix "
            "that, or write a waiver; nothing was synthesized"
        )
    environments = dict.fromkeys(each.resource for each in found)
    return tuple(
        Overridden(
            emergency=emergency,
            environment=name,
            findings=tuple(each for each in found if each.resource == name),
        )
        for name in environments
    )
