"""One question to AWS: what is asked and why, and what an answer can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from deploy.rehearsal.asking.subject import Subject
from stacks.settings.environment import Feature

__all__ = ["FAILED", "Answer", "Check", "Finding", "Verdict"]

Verdict = Literal["held", "did not hold", "not settled", "could not be asked", "not asked"]
"""What became of a question.

* ``not settled``: AWS had not said yes or no when the time for it was over.
* ``could not be asked``: AWS refused the question, or something broke on the way.
* ``not asked``: the environment goes without what is asked about.
"""

FAILED: Final = frozenset({"did not hold", "not settled", "could not be asked"})
"""Verdicts that somebody must look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What AWS said.

    Attributes:
        held: what is as it must be.
        failed: what is not.
        pending: what AWS has not said yet; the question is asked again.
        facts: what to send back: names of ours, states, counts, AWS's own words.
    """

    held: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        if self.failed:
            return "did not hold"
        return "not settled" if self.pending else "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question.

    Attributes:
        name: short, unique.
        asks: what is asked of AWS.
        why: what would go wrong unseen.
        sources: AWS's pages, or reports, that it rests on.
        look: asks once.
        within: seconds after the first look during which a pending answer is asked for again.
        worker: whether it needs a worker image, and workers that run.
        feature: what an environment may go without, and the question with it.
        local: whether the local environment can answer; the others are tried on stubs alone.
    """

    name: str
    asks: str
    why: str
    sources: tuple[str, ...]
    look: Callable[[Subject], Answer]
    within: float = 0.0
    worker: bool = False
    feature: Feature | None = None
    local: bool = True

    def skipped(self, subject: Subject) -> str:
        """Return why it is not asked of an environment; empty where it is."""
        if self.feature is not None and self.feature in subject.environment.without:
            return f"the environment goes without {self.feature}"
        if self.worker and not subject.has_workers:
            return "no worker image: --without-workers"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of one question.

    Attributes:
        name: the question's.
        asks, why, sources: as the question has them.
        verdict: in two or three words.
        answer: what AWS said at last.
        seconds: from the first look to the last answer.
    """

    name: str
    asks: str
    why: str
    sources: tuple[str, ...]
    verdict: Verdict
    answer: Answer
    seconds: float

    @classmethod
    def of(
        cls, check: Check, answer: Answer, *, seconds: float, verdict: Verdict | None = None
    ) -> Finding:
        """Return the finding of a check."""
        return cls(
            name=check.name,
            asks=check.asks,
            why=check.why,
            sources=check.sources,
            verdict=verdict or answer.verdict,
            answer=answer,
            seconds=seconds,
        )
