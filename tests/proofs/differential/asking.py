"""What the encoder answers to a case: folded from a known request, and solved from an unknown one.

Folding decides a formula while it is built. Solving builds it of unknowns, as proofs do, and only
then puts the request's values in their place; what cvc5 makes of that is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Literal

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula, Logic, Term, Text, cvc5
from starburst_assurance.proofs.encoding.request import Context, Key, Request, Slot, number_of
from starburst_assurance.proofs.reading.policies import Endpoint, Guarded, Policy, PolicySet, Role
from starburst_assurance.proofs.solving.prove import decide as solve
from tests.proofs.differential.decisions import Answer
from tests.proofs.differential.generator import Case
from tests.proofs.differential.statements import Asked, Document, Reading
from tests.proofs.differential.universe import TAG

__all__ = ["Asking", "Shape"]

Shape = Literal["whole", "words", "letters"]
"""Of an unknown resource: one unknown text; known ones, with unknown words or letters between."""

_UNKNOWN: Mapping[Shape, re.Pattern[str]] = {
    "words": re.compile(r"\b(?:al|bo|x|k2)\b"),
    "letters": re.compile(r"(?<=/)[a-z](?=[a-z])"),
}
_HALF = "NotPrincipal"
_SECONDS = 20.0


class Asking:
    """One set of policies, as the encoder takes it.

    Args:
        case: whose policies.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        first = case.requests[0]
        self._caller, self._account = first.caller, first.owner
        self._inside = first.caller.account == first.owner
        self.logic = Logic()
        self._world, self._others = self._worlds()
        self._solver = cvc5.Solver(self.logic.terms)
        self._solver.setOption("strings-exp", "true")
        self._solver.setLogic("ALL")

    def folded(self, asked: Asked) -> tuple[Formula, Formula]:
        """Return whether a request is allowed, and whether it is denied explicitly."""
        context = self._context(closed=True)
        for name, values in asked.keys.items():
            context.put(name, *values)
        return self._asked(context, asked.action, asked.resource)

    def unknown(self, asked: Asked, shape: Shape) -> Unknown:
        """Return the same with formulas of an unknown request, which differs in its action only."""
        self.logic.begin()
        values: dict[Term, Any] = {}
        text = self._shaped(asked.resource, shape, values)
        context = self._context(closed=False)
        requests = self._case.requests if shape == "whole" else (asked,)
        self._tag(context, [one.keys.get(TAG.lower()) for one in requests], values)
        formulas = self._asked(context, asked.action, text)
        return Unknown(self, context, formulas, text, values)

    def answer(self, formulas: Sequence[Formula], reading: Reading) -> Answer | str:
        """Return the answer that formulas give, as far as AWS itself is known to."""
        allowed, denied = (self._decided(one, reading) for one in formulas)
        if (allowed, denied) == (True, False):
            return "allowed"
        if (allowed, denied) == (False, True):
            return "explicitly denied"
        if (allowed, denied) == (False, False):
            return "implicitly denied"
        return f"neither: {allowed}, {denied}"

    def put(self, formula: Formula, values: Mapping[Term, Any]) -> Formula:
        """Put values in the place of unknowns."""
        if isinstance(formula, bool):
            return formula
        found = [one for one in self.logic.unknowns(formula) if one in values]
        if not found:
            return formula
        return formula.substitute(found, [self._constant(values[one]) for one in found])

    def read(
        self, formula: Formula, reading: Reading, known: Mapping[Term, Any] | None = None
    ) -> Formula:
        """Put a reading in the place of what AWS is silent on: what no request has a value of."""
        return self.put(
            formula,
            {
                one: (not reading.half_excepted) if _HALF in str(one) else reading.unlike_nothing
                for one in self.logic.unknowns(formula) - (known or {}).keys()
                if one.getSort().isBoolean()
            },
        )

    def equal(self, unknown: Term, value: Any) -> Term:
        """Return the fact that an unknown has a value."""
        return self.logic.terms.mkTerm(cvc5.Kind.EQUAL, unknown, self._constant(value))

    def _decided(self, formula: Formula, reading: Reading) -> bool | str:
        if isinstance(formula, bool):
            return formula
        ground = self.read(formula, reading)
        found = ground if isinstance(ground, bool) else self._solver.simplify(ground)
        return {"true": True, "false": False}.get(str(found).lower(), str(found))

    def _constant(self, value: Any) -> Term:
        terms = self.logic.terms
        if isinstance(value, bool):
            return terms.mkBoolean(value)
        if isinstance(value, str):
            return terms.mkString(value)
        return terms.mkReal(str(value))

    def _worlds(self) -> tuple[World, tuple[World, ...]]:
        """Return the world of the boundary, and those of what limits beside it, to be met as well.

        The kit has no session policies; one limits as a boundary does.
        """
        policies = self._case.policies
        limits = policies.limits or (None,)
        first, *rest = (self._with(limit) for limit in limits)
        return first, tuple(rest)

    def _with(self, limit: Document | None) -> World:
        given = self._case.policies
        parsed: dict[str, Policy] = {}

        def keep(document: Document | None) -> str | None:
            if document is None:
                return None
            name = f"p{len(parsed)}"
            parsed[name] = Policy.parse(name, document)
            return name

        role = Role(
            arn=self._caller.arn,
            tags={},
            trust="",
            policies=tuple(filter(None, map(keep, given.identity))),
            boundary=keep(limit),
        )
        kind = self._case.kind
        guarded = keep(given.resource)
        gate = keep(given.gates[0] if given.gates else None)
        policy_set = PolicySet(
            name="random",
            account=self._account,
            region="r",
            regions=("r",),
            policies=parsed,
            roles=(role,),
            guarded=(Guarded(kind=kind, arn="arn:aws:s3:::b", policy=guarded),) if guarded else (),
            endpoints=(Endpoint(service="s3", identifier="v", policy=gate),) if gate else (),
        )
        return World(policy_set=policy_set, logic=self.logic, used=set())

    def _context(self, *, closed: bool) -> Context:
        if not self._inside:
            return self._world.context(closed=closed)
        return self._world.session(self._world.policy_set.roles[0], closed=closed)

    def _tag(
        self, context: Context, said: Sequence[tuple[str, ...] | None], values: Mapping[Term, Any]
    ) -> None:
        """Say of the caller's tag what is so of all requests: it is there, or not, or who knows.

        Where a word of the resource has the same value, it is the same unknown.
        """
        others = {name for one in self._case.requests for name in one.keys} - {TAG.lower()}
        for name in others:
            if name.startswith("aws:principaltag/"):
                context.put(name, *self._case.requests[0].keys.get(name, ()))
        if not any(said):
            context.put(TAG)
        elif all(said):
            same = (one for one, value in values.items() if (value,) == said[0])
            context.put(TAG, next(same, self.logic.text("user")))
        else:
            slot = Slot(present=self.logic.flag("user?"), text=self.logic.text("user"), number=0.0)
            context.keys[TAG.lower()] = Key(name=TAG, slots=(slot,))

    def _asked(self, context: Context, action: str, resource: Text) -> tuple[Formula, Formula]:
        request = Request(context=context, action=action, resource=resource)
        worlds = (self._world, *self._others)
        return (
            self.logic.every(self._allowed(world, request) for world in worlds),
            self.logic.some(
                world.refuses(policy, request)
                for world in worlds
                for policy in world.policy_set.policies.values()
            ),
        )

    def _allowed(self, world: World, request: Request) -> Formula:
        policy_set = world.policy_set
        at = next(iter(policy_set.guarded), None)
        gate = next(iter(policy_set.endpoints), None)
        if self._inside:
            return world.allowed(policy_set.roles[0], request, at=at, through=gate)
        admitted = at is not None and world.admitted(request, at=at)
        if not self._caller.account:
            return admitted
        # Across accounts the caller's own has to allow as well.
        return self.logic.every((admitted, world.allowed(policy_set.roles[0], request)))

    def _shaped(self, text: str, shape: Shape, values: dict[Term, Any]) -> Text:
        """Return a text of which something is unknown, the same wherever it stands again."""
        if shape == "whole":
            return self.logic.text("resource")
        pieces: list[Text] = []
        known: dict[str, Term] = {}
        end = 0
        for number, found in zip(count(), _UNKNOWN[shape].finditer(text), strict=False):
            word = found[0]
            if word not in known:
                known[word] = self.logic.name(
                    f"word{number}", characters="a-z0-9", low=1, high=len(word) + number
                )
                values[known[word]] = word
            pieces += [text[end : found.start()], known[word]]
            end = found.end()
        tail = text[end:]
        if len(tail) > 1:
            rest = self.logic.text("rest")
            values[rest] = tail[1:]
            pieces += [tail[:1], rest]
        else:
            pieces.append(tail)
        return self.logic.join(*pieces)


class Unknown:
    """Formulas of an unknown request."""

    def __init__(
        self,
        asking: Asking,
        context: Context,
        formulas: Sequence[Formula],
        resource: Text,
        values: Mapping[Term, Any],
    ) -> None:
        self._asking = asking
        self._context = context
        self._formulas = formulas
        self._resource = resource
        self._values = values

    def answer(self, asked: Asked, reading: Reading) -> Answer | str:
        """Return the answer once the request is known; what the solver is told must hold of it."""
        asking, values = self._asking, self._all(asked)
        told = [
            *asking.logic.axioms,
            *(one for formula in self._formulas for one in asking.logic.lemmas(formula)),
        ]
        for one in told:
            # Of an unknown that this request does not have, anything may be said.
            if asking.answer((asking.put(one, values), False), reading) != "allowed":
                return f"told the solver what is not so: {one}"
        return asking.answer([asking.put(one, values) for one in self._formulas], reading)

    def solved(self, asked: Asked, reading: Reading) -> Answer | str:
        """Return the answer of a solver that is told the request as facts, as a proof would."""
        asking, values = self._asking, self._all(asked)
        facts: list[Formula] = [asking.equal(one, value) for one, value in values.items()]
        found = [
            solve(
                asking.logic,
                asking.logic.every((*facts, asking.read(one, reading, values))),
                _SECONDS,
            )
            for one in self._formulas
        ]
        return asking.answer([one == "sat" for one in found], reading)

    def _all(self, asked: Asked) -> dict[Term, Any]:
        values = dict(self._values)
        if not isinstance(self._resource, str) and self._resource.getKind() == cvc5.Kind.CONSTANT:
            values.setdefault(self._resource, asked.resource)
        for name, key in self._context.keys.items():
            said = asked.keys.get(name, ())
            for index, slot in enumerate(key.slots):
                here = index < len(said)
                text = said[index] if here else ""
                number = number_of(text)
                for term, value in (
                    (slot.present, here),
                    (slot.text, text if here else "true"),
                    (slot.number, 0 if number != number else number),  # noqa: PLR0124 - NaN
                ):
                    if not isinstance(term, bool | str | float | int):
                        for own in self._asking.logic.unknowns(term):
                            values.setdefault(own, value)
        return values
