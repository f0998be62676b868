"""Ask cvc5 whether theorems hold, and say what a counterexample looks like as a request."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula, Logic, Question, Term, cvc5
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.counterexample import (
    Counterexample,
    counterexample,
    explained,
    unknowns_of,
)
from starburst_assurance.proofs.solving.theorem import ABSENT, Claim, Theorem

__all__ = ["Answer", "Counterexample", "Verdict", "ask", "decide", "prove", "prove_all"]

Answer = Literal["proved", "refuted", "vacuous", "unknown", "left out"]

SECONDS = 60.0
"""For one question; an answer that takes longer counts as a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one theorem."""

    theorem: Theorem
    answer: Answer
    seconds: float
    claims: int
    why: str = ""
    counterexample: Counterexample | None = None
    rests_on: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether the theorem is proved, or not claimed; unknown and vacuous are failures."""
        return self.answer in ("proved", "left out")


def prove_all(
    theorems: Iterable[Theorem], policy_set: PolicySet, *, logic: Logic | None = None
) -> Iterator[Verdict]:
    """Yield a verdict for each theorem, in order."""
    shared = logic or Logic()
    for item in theorems:
        yield prove(item, policy_set, logic=shared)


def prove(
    theorem: Theorem,
    policy_set: PolicySet,
    *,
    logic: Logic | None = None,
    check_premises: bool = True,
    seconds: float = SECONDS,
) -> Verdict:
    """Prove one theorem of a policy set.

    Args:
        theorem: what to prove.
        policy_set: of what.
        logic: shared between proofs; a new one without it.
        check_premises: refuse a claim whose premises nothing meets.
        seconds: after which one question counts as undecided.
    """
    if theorem.unless is not None and theorem.unless in policy_set.without:
        why = f"{policy_set.name} {ABSENT.get(theorem.unless, f'is without {theorem.unless}')}"
        return Verdict(theorem=theorem, answer="left out", seconds=0.0, claims=0, why=why)
    world = World(policy_set=policy_set, logic=logic or Logic(), used=set())
    started = time.perf_counter()
    count = 0
    answer: Answer = "proved"
    undecided, why, example = "", "", None
    world.logic.begin()
    for claim in theorem.claims(world):
        count += 1
        answer, why, example = _judge(
            world.logic, claim, check_premises=check_premises, seconds=seconds
        )
        if answer == "unknown":
            undecided = undecided or why
        elif answer != "proved":
            break
    if undecided and answer in ("proved", "unknown"):
        answer, why = "unknown", undecided
    if not count:
        answer, why = "vacuous", "the theorem claims nothing of this environment"
    return Verdict(
        theorem=theorem,
        answer=answer,
        seconds=time.perf_counter() - started,
        claims=count,
        why=why,
        counterexample=explained(world, example) if example is not None else None,
        rests_on=frozenset(world.used),
    )


def _judge(
    logic: Logic, claim: Claim, *, check_premises: bool, seconds: float
) -> tuple[Answer, str, Counterexample | None]:
    if not claim.violations:
        return "vacuous", f"{claim.about}: no request to speak of", None
    premise = logic.every(claim.premises)
    given = logic.term(premise)

    def question(*formulas: Term) -> Question:
        return frozenset(logic.axioms_of(given, *formulas)), given, formulas

    asked = [logic.term(formula) for _, formula in claim.violations if formula is not False]
    fresh = [one for one in asked if question(one) not in logic.refused]
    broken = logic.some(fresh)
    # Axioms alone always hold of something: each is about one name of its own.
    if check_premises and premise is not True and question() not in logic.met:
        result = ask(logic, premise, seconds)[0]
        if result != "sat":
            answer: Answer = "vacuous" if result == "unsat" else "unknown"
            return answer, f"{claim.about}: the premises are {result}", None
        logic.met.add(question())
    if broken is False:
        return "proved", "", None
    result, solver = ask(logic, logic.every((premise, broken)), seconds, unknowns_of(claim))
    if result == "unsat":
        logic.refused.update(map(question, fresh))
        return "proved", "", None
    if result == "unknown":
        return (
            "unknown",
            f"{claim.about}: undecided after {seconds:g} s, or out of memory before",
            None,
        )
    return "refuted", claim.about, counterexample(solver, claim)


def decide(logic: Logic, formula: Formula, seconds: float) -> Literal["sat", "unsat", "unknown"]:
    """Return whether something could make a formula true."""
    return ask(logic, formula, seconds)[0]


def ask(
    logic: Logic, formula: Formula, seconds: float, shown: Iterable[Term] = ()
) -> tuple[Literal["sat", "unsat", "unknown"], Any]:
    """Return whether something could make a formula true, and the solver that has its model.

    Args:
        logic: in which it is said.
        formula: what might be true.
        seconds: after which it counts as undecided.
        shown: unknowns that somebody will look at in the model.
    """
    if formula is False:
        return "unsat", None
    solver = cvc5.Solver(logic.terms)
    for option, value in (
        ("strings-exp", "true"),
        ("produce-models", "true"),
        ("tlimit-per", str(int(seconds * 1000))),
    ):
        solver.setOption(option, value)
    solver.setLogic("ALL")
    # An axiom about anything else changes no answer, and its name would need a value as well.
    for axiom in (*logic.axioms_of(logic.term(formula), *shown), *logic.lemmas(formula)):
        solver.assertFormula(axiom)
    solver.assertFormula(logic.term(formula))
    try:
        result = solver.checkSat()
    except MemoryError:
        # One question is no answer then, as one that takes too long; those after it go on.
        return "unknown", None
    if result.isSat():
        return "sat", solver
    return ("unsat" if result.isUnsat() else "unknown"), solver
