"""Ask the solver for requests to which two policy sets give different answers."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.comparison.changes import Change, Turn
from starburst_assurance.proofs.comparison.examples import example, guess
from starburst_assurance.proofs.comparison.subjects import Subject, subjects
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula, Logic, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.mutation.equivalence import ALWAYS_SENT
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import ask

__all__ = ["compare"]

SECONDS = 10.0
"""For one question; what stays undecided is told as such."""


def compare(
    before: PolicySet, after: PolicySet, *, logic: Logic | None = None, seconds: float = SECONDS
) -> tuple[Change, ...]:
    """Return each request that one policy set allows and the other does not, with an example.

    Per role and resource: each action once, with all that are treated like it. Then who takes each
    role, whom each resource lets in from outside, and what each endpoint lets through. What only
    stands there in other words is not told.

    Args:
        before: how it was.
        after: how it is.
        logic: in which to ask; a new one without it.
        seconds: for one question.

    Raises:
        ProofError: they are of different accounts or Regions.
    """
    if (before.account, before.region) != (after.account, after.region):
        raise ProofError(
            f"{after.name} moves from {before.account} in {before.region} to {after.account} in "
            f"{after.region}: these are two environments, whose requests cannot be compared; read "
            "it as a new one"
        )
    shared = logic or Logic()
    old = World(policy_set=before, logic=shared, used=set())
    new = World(policy_set=after, logic=shared, used=set())
    found = [change for one in subjects(old, new) for change in _changes(shared, one, seconds)]
    return tuple(found)


def _changes(logic: Logic, subject: Subject, seconds: float) -> Iterator[Change]:
    told: set[tuple[str, bool]] = set()
    for named in (True, False) if subject.person else (False,):
        logic.begin()
        # A person's session has a name of letters and digits, as theorems prove.
        user = logic.name("user", characters="a-zA-Z0-9") if named else None
        context = subject.after.context(False, user)
        earlier = subject.before.context(False, user)
        earlier.beside(context)
        resource: Text = subject.resource or logic.text("resource")
        for actions in subject.actions:
            action = actions[0]
            was = subject.before.answer(Request(context=earlier, action=action, resource=resource))
            now = subject.after.answer(Request(context=context, action=action, resource=resource))
            if _same(logic, was, now):
                continue
            given = (
                *subject.bounds(resource, action),
                *(context.has(key) for key in ALWAYS_SENT),
            )
            for wider in (True, False):
                if (action, wider) in told:
                    continue
                one, other = (now, was) if wider else (was, now)
                formula = logic.every((*given, one, logic.no(other)))
                change = _asked(
                    logic,
                    subject,
                    context=context,
                    actions=actions,
                    resource=resource,
                    formula=formula,
                    wider=wider,
                    seconds=seconds,
                )
                if change is not None:
                    told.add((action, wider))
                    yield change


def _same(logic: Logic, one: Formula, other: Formula) -> bool:
    if isinstance(one, bool) and isinstance(other, bool):
        return one is other
    return bool(logic.term(one) == logic.term(other))


def _asked(
    logic: Logic,
    subject: Subject,
    *,
    context: Context,
    actions: tuple[str, ...],
    resource: Text,
    formula: Formula,
    wider: bool,
    seconds: float,
) -> Change | None:
    turn: Turn = "allowed" if wider else "denied"
    found = guess(subject, context, actions[0], wider=wider) if formula is not False else None
    if found is None:
        answer, solver = ask(logic, formula, seconds, _unknowns(context, resource))
        if answer == "unsat":
            return None
        if answer == "unknown":
            return Change(
                turn="undecided",
                kind=subject.kind,
                name=subject.name,
                place=subject.place,
                actions=actions,
            )
        found = example(solver, subject, context, actions[0], resource, wider=wider)
    return Change(
        turn=turn,
        kind=subject.kind,
        name=subject.name,
        place=subject.place,
        actions=actions,
        resource=found.resource,
        context=found.context,
        because=found.because,
    )


def _unknowns(context: Context, resource: Text) -> Iterator[Text]:
    for key in context.keys.values():
        yield from (slot.text for slot in key.slots if not isinstance(slot.text, str))
    if not isinstance(resource, str):
        yield resource
