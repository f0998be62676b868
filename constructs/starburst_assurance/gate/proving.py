"""All theorems of one environment as one answer: what does not hold, or that everything does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starburst_assurance.gate.emergency import RULES
from starburst_assurance.gate.proved_before import ProvedBefore
from starburst_assurance.gate.resting import UnstatedError, key_of
from starburst_assurance.proofs.encoding.vocabulary import check
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import Verdict, prove_all
from starburst_assurance.proofs.solving.theorem import Theorem

__all__ = ["UNASKED", "Proof", "Unproved", "prove_environment"]

UNASKED: Final = f"{RULES}not-asked"
"""The rule that is broken where theorems could not even be asked."""

_FIXES: Final = {
    "refuted": "Take away what allows it. Where the theorem or its tables should say something "
    "else, change them, which their owners review.",
    "unknown": "Run it again where less else runs. Where it stays, the policies are too tangled "
    "for the solver: write them more simply, or run starburst-prove to see which.",
    "vacuous": "A theorem about nothing proves nothing: look for what it speaks of, which the "
    "policies have lost or call otherwise.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unproved:
    """A theorem that does not hold of an environment, or that nobody could ask.

    Attributes:
        rule: ``RULES`` and the theorem's name, or ``UNASKED``.
        wrong: its sentence, and what became of it.
        fix: what to do.
        request: what breaks it, as text of several lines; empty where there is none.
    """

    rule: str
    wrong: str
    fix: str
    request: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What became of the theorems of one environment.

    Attributes:
        environment: its name.
        unproved: what does not hold; nothing where everything is proved.
        claimed: how many theorems are claimed of it.
        left_out: names of those about something that it does without.
        key: of what the answer rests on; empty where that could not be written down.
        before: whether it was proved before.
        seconds: that it took.
    """

    environment: str
    unproved: tuple[Unproved, ...]
    claimed: int = 0
    left_out: tuple[str, ...] = ()
    key: str = ""
    before: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        """Return the sentence that tells of it."""
        aside = f", {len(self.left_out)} left out" if self.left_out else ""
        about = f"{self.environment} ({self.claimed} theorems{aside})"
        key = f"key {self.key[:16]}" if self.key else "no key, so not kept"
        if self.unproved:
            return f"not proved: {about}, of which {len(self.unproved)} do not hold"
        if self.before:
            return f"proved before: {about}, {key}"
        return f"proved now: {about} in {self.seconds:.1f} s, {key}"


def prove_environment(
    policy_set: PolicySet,
    theorems: Sequence[Theorem],
    *,
    before: ProvedBefore,
    also: object = (),
) -> Proof:
    """Prove theorems of an environment, but where all of them were proved before.

    Args:
        policy_set: of the environment.
        theorems: the core's, and those of its add-ons.
        before: what was proved before; an answer that everything holds is kept there.
        also: what else theorems may look at.
    """
    try:
        key = key_of(policy_set, theorems, also=also)
    except UnstatedError:
        return _prove(policy_set, theorems, key="")
    claimed = [one.name for one in theorems if one.unless not in policy_set.without]
    with before.turn(key):
        if before.has(key, claimed):
            return Proof(
                environment=policy_set.name,
                unproved=(),
                claimed=len(claimed),
                left_out=_left_out(policy_set, theorems),
                key=key,
                before=True,
            )
        found = _prove(policy_set, theorems, key=key)
        if not found.unproved:
            before.keep(key, claimed)
        return found


def _prove(policy_set: PolicySet, theorems: Sequence[Theorem], *, key: str) -> Proof:
    started = time.perf_counter()
    unproved: list[Unproved] = []
    try:
        check(policy_set)
        unproved += [
            _unproved(verdict) for verdict in prove_all(theorems, policy_set) if not verdict.holds
        ]
    except Exception as error:  # whatever stops a proof, there is none then
        unproved.append(unasked(error))
    left_out = _left_out(policy_set, theorems)
    return Proof(
        environment=policy_set.name,
        unproved=tuple(unproved),
        claimed=len(theorems) - len(left_out),
        left_out=left_out,
        key=key,
        seconds=time.perf_counter() - started,
    )


def _left_out(policy_set: PolicySet, theorems: Sequence[Theorem]) -> tuple[str, ...]:
    return tuple(one.name for one in theorems if one.unless in policy_set.without)


def unasked(error: Exception) -> Unproved:
    """Return that theorems could not be asked, with the reason."""
    why = str(error) if isinstance(error, ProofError) else f"{type(error).__name__}: {error}"
    return Unproved(
        rule=UNASKED,
        wrong=f"the theorems could not be proved: {why}",
        fix="Mend what it says; starburst-prove asks the theorems by themselves.",
    )


def _unproved(verdict: Verdict) -> Unproved:
    example = verdict.counterexample
    about = verdict.why if example is None else example.about
    return Unproved(
        rule=f"{RULES}{verdict.theorem.name}",
        wrong=f"{verdict.theorem.sentence} It is {verdict.answer}: {about}",
        fix=_FIXES[verdict.answer],
        request="" if example is None else str(example),
    )
