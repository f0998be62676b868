"""What became of an incident, whether that is right, and how a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.drill.watching import Over

__all__ = ["MOST_SECONDS", "NOT_SHOWN", "Outcome", "table"]

MOST_SECONDS: Final = 60.0
"""How long the one command may take."""

NOT_SHOWN: Final = (
    "IAM is changed at once here; AWS takes some seconds until a denial applies everywhere. Which "
    "sessions one ends goes by aws:TokenIssueTime, here as there.",
    "Nothing routes through a VPC here, so no task tries an address, and to isolate shows in the "
    "rules alone. The foreign bucket is of the same account, so it is the worker's role that "
    "refuses it; on AWS the endpoint's policy refuses other accounts' buckets as well.",
    "No events come from a trail here, so what deploy.events asks of it finds nothing, and no "
    "alarm over it rings: tests/monitoring/noticed judges those by traces of attacks. The alarm "
    "Tampering is judged here, by CloudWatch's documented rules, over what workers wrote.",
    "Officers have the roles that --permission prints, but that the emulator tells policies no "
    "resource and no tag of EC2 and of logs: there theirs are wider here.",
    "Workers are told to stop, and AWS grants them two minutes. One that is idle leaves at once; "
    "one whose task never ends is there for 90 seconds, here as there, and reads nothing in them.",
    "An attacker who erases every version, as an analyst may in their own folders, leaves nothing "
    "to bring back; the drill's only hides and overwrites.",
)
"""What the emulator cannot show, one sentence or two each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One incident, from the attack to the way back.

    Attributes:
        incident: its name.
        command: what was typed.
        code: its exit code.
        seconds: how long it took.
        over: when nothing ran and nothing could be read.
        new_session: whether one more could be started with what was stolen.
        evidence: whether each thing is kept, by what it is.
        differing: objects and settings that are not as they were, after going back.
        told: what was seen of the attack.
        transcript: what commands wrote, for who must find out.
    """

    incident: str
    command: str
    code: int
    seconds: float
    over: Over
    new_session: bool
    evidence: Mapping[str, bool]
    differing: Sequence[str]
    told: Sequence[str] = ()
    transcript: str = ""

    def wrong(self, most: float = MOST_SECONDS) -> Iterator[str]:
        """Yield what is not as it must be.

        Args:
            most: seconds that the command may take.
        """
        if self.code:
            yield f"the command ended with exit code {self.code}"
        if self.seconds > most:
            yield f"the command took {self.seconds:.0f} s, and may take {most:.0f}"
        if self.over.stopped is None:
            yield "workers still run"
        if self.over.shut is None:
            yield "data can still be read"
        yield from self.over.still
        if self.new_session:
            yield "one more session was started with what was stolen"
        if not self.evidence:
            yield "no evidence was looked for"
        yield from (f"not kept: {what}" for what, kept in self.evidence.items() if not kept)
        yield from (f"not as it was: {one}" for one in self.differing)


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as a table."""
    rows = [
        ("incident", "command", "nothing runs", "nothing read", "evidence", "roll-back"),
        *(
            (
                one.incident,
                f"{one.seconds:.1f} s",
                _after(one.over.stopped),
                _after(one.over.shut),
                f"{sum(one.evidence.values())} of {len(one.evidence)} kept",
                f"{len(one.differing)} differ" if one.differing else "byte-equal",
            )
            for one in outcomes
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _after(seconds: float | None) -> str:
    return "NEVER" if seconds is None else f"after {seconds:.1f} s"
