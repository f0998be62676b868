"""Ask the encoder and plain Python the same, and say where they differ, as small as it gets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Any

from starburst_assurance.proofs.reading.errors import UnsupportedError
from tests.proofs.differential.asking import Asking, Shape
from tests.proofs.differential.decisions import Policies, decide
from tests.proofs.differential.generator import Case, cases
from tests.proofs.differential.statements import Asked, Reading
from tests.proofs.differential.wording import words_of

__all__ = ["Difference", "Outcome", "compare", "differences_in"]

SOLVED = 25
"""Of so many cases one is put to the solver as well, which takes fifty times as long."""

SHAPES: tuple[Shape, ...] = ("whole", "words", "letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One request of which the encoder says something else."""

    case: Case
    how: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Return everything that it takes to see it."""
        policies, [asked] = self.case.policies, self.case.requests
        shown: Mapping[str, Any] = {
            "identity": policies.identity,
            "boundary": policies.boundary,
            "session": policies.session,
            "resource": policies.resource,
            "gates": policies.gates,
        }
        lines = [f"{name}: {json.dumps(value)}" for name, value in shown.items() if value]
        return "\n".join(
            [
                f"{self.how}: the encoder says {self.found}, the user guide {self.expected}",
                f"{asked.caller.kind} {asked.caller.arn or asked.caller.name} asks {asked.action} "
                f"of {asked.resource} ({self.case.kind}), {dict(asked.keys)}",
                *lines,
            ]
        )


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a comparison.

    Attributes:
        pairs: of policies and a request, that were judged.
        answers: how often each was given.
        words: how often each construct of the language was in the policies of a pair.
        refused: pairs of which the encoder says itself that it cannot speak with unknowns.
        solved: questions that were put to the solver as well.
        differences: at most one for each case.
    """

    pairs: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    solved: int = 0
    differences: list[Difference] = field(default_factory=list)


def compare(
    count: int, seed: int, *, stop: int = 10, shrink: bool = True, first: int = 0
) -> Outcome:
    """Compare on random pairs, until so many differ.

    Args:
        count: of pairs.
        seed: the same pairs for the same.
        stop: differences after which nothing more is tried.
        shrink: leave out of what differs whatever it differs without.
        first: the case to begin with; those before it come last.
    """
    outcome = Outcome()
    for number, case in _from(first, count, seed):
        outcome.pairs += len(case.requests)
        for word, times in words_of(case).items():
            outcome.words[word] += times * len(case.requests)
        for asked in case.requests:
            outcome.answers[decide(asked, case.policies)] += 1
        found = next(differences_in(case, outcome, solved=number % SOLVED == 0), None)
        if found is not None:
            outcome.differences.append(_smallest(found) if shrink else found)
            if len(outcome.differences) >= stop:
                break
    return outcome


def _from(first: int, count: int, seed: int) -> Iterator[tuple[int, Case]]:
    yield from islice(enumerate(cases(count, seed)), first, None)
    yield from islice(enumerate(cases(count, seed)), first)


def differences_in(
    case: Case, outcome: Outcome | None = None, *, solved: bool = False
) -> Iterator[Difference]:
    """Yield what differs in a case, where AWS's silence is read either way.

    Args:
        case: policies and requests.
        outcome: to count in what cannot be asked.
        solved: ask the solver as well, as proofs do.
    """
    asking = Asking(case)
    expected = [_readings(asked, case.policies) for asked in case.requests]
    for asked, answers in zip(case.requests, expected, strict=True):
        formulas = asking.folded(asked)
        for reading, answer in answers:
            found = asking.answer(formulas, reading)
            if found != answer:
                yield _difference(case, asked, "folded", answer, found)
    # One formula is for all requests of one action; the words are those of one resource.
    for shape in SHAPES:
        asked = case.requests[0]
        try:
            unknown = asking.unknown(asked, shape)
        except UnsupportedError:
            if outcome is not None:
                outcome.refused += 1
            continue
        for other, answers in zip(case.requests, expected, strict=True):
            same = other.action == asked.action and (shape == "whole" or other is asked)
            for reading, answer in answers if same else ():
                found = unknown.answer(other, reading)
                if found != answer:
                    yield _difference(case, other, shape, answer, found)
                if solved and other is asked:
                    found = unknown.solved(other, reading)
                    outcome = outcome or Outcome()
                    outcome.solved += 1
                    if found != answer:
                        yield _difference(case, other, f"{shape}, solved", answer, found)


def _readings(asked: Asked, policies: Policies) -> list[tuple[Reading, str]]:
    """Return the answer for every reading of what the guide leaves open, where that matters."""
    first = Reading()
    answers = [(first, decide(asked, policies, first))]
    if first.asked:
        others = product((True, False), repeat=2)
        for nothing, half in list(others)[1:]:
            reading = Reading(unlike_nothing=nothing, half_excepted=half)
            answers.append((reading, decide(asked, policies, reading)))
    return answers


def _difference(case: Case, asked: Asked, how: str, expected: str, found: str) -> Difference:
    return Difference(
        case=replace(case, requests=(asked,)), how=how, expected=expected, found=str(found)
    )


def _smallest(found: Difference) -> Difference:
    """Leave out of a case whatever it differs without."""
    smaller = True
    while smaller:
        smaller = False
        for case in _less(found.case):
            try:
                less = next(differences_in(case), None)
            except (AssertionError, IndexError, KeyError, UnsupportedError):
                continue
            if less is not None:
                found, smaller = less, True
                break
    return found


def _less(case: Case) -> Iterator[Case]:
    policies, [asked] = case.policies, case.requests
    for name in ("boundary", "session"):
        if getattr(policies, name) is not None:
            yield replace(case, policies=replace(policies, **{name: None}))
    if policies.gates:
        yield replace(case, policies=replace(policies, gates=()))
    for name in ("boundary", "session", "resource"):
        for document in _shorter(getattr(policies, name)):
            yield replace(case, policies=replace(policies, **{name: document}))
    for name in ("identity", "gates"):
        held = getattr(policies, name)
        for index, one in enumerate(held):
            for document in _shorter(one):
                changed = (*held[:index], document, *held[index + 1 :])
                yield replace(case, policies=replace(policies, **{name: changed}))
    for key in asked.keys:
        if not key.startswith(("aws:principal", "sts:", "aws:federated")) or "tag/" in key:
            kept = {name: values for name, values in asked.keys.items() if name != key}
            yield replace(case, requests=(replace(asked, keys=kept),))


def _shorter(document: Any) -> Iterator[dict[str, Any]]:
    """Yield a policy without a statement, a condition, or one of several values."""
    if document is None:
        return
    statements = document["Statement"]
    for index, statement in enumerate(statements):
        for fewer in ((), *([one] for one in _simpler(statement))):
            yield {**document, "Statement": [*statements[:index], *fewer, *statements[index + 1 :]]}


def _simpler(statement: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    conditions = statement.get("Condition", {})
    for operator in conditions:
        kept = {name: block for name, block in conditions.items() if name != operator}
        yield {**statement, "Condition": kept}
    for word in ("Action", "NotAction", "Resource", "NotResource"):
        value = statement.get(word)
        for one in value if isinstance(value, list) and len(value) > 1 else ():
            yield {**statement, word: one}
