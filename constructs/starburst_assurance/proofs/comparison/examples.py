"""A solver's model as a request that a person can read, and that is asked once more without it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from starburst_assurance.proofs.comparison.atoms import speaks_of
from starburst_assurance.proofs.comparison.subjects import Side, Subject
from starburst_assurance.proofs.encoding.encode import applies, named
from starburst_assurance.proofs.encoding.logic import Text
from starburst_assurance.proofs.encoding.request import Context, Request, Slot
from starburst_assurance.proofs.encoding.vocabulary import key_type
from starburst_assurance.proofs.reading.policies import Condition

__all__ = ["Example", "example", "guess"]

_USER: Final = "aws:principaltag/username"
_CALLER: Final = "aws:principal"
_NAME: Final = "alice"
_VARIABLE: Final = re.compile(r"\$\{([^},]+)[^}]*\}")
_TRIED: Final = 40
"""Resources that are tried for one action."""

_SIX: Final = 1 << 32

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A concrete request: its resource, its keys, and the statements that decide it."""

    resource: str
    context: Values
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Asks both sides about concrete requests for one action."""

    subject: Subject
    action: str
    wider: bool

    def differs(self, resource: str, values: Values) -> bool:
        """Return whether both sides answer as the solver said."""
        was, now = self.answers(resource, values)
        # Where AWS is silent an answer is a term, which is neither.
        return was is (not self.wider) and now is self.wider

    def answers(self, resource: str, values: Values) -> tuple[Any, Any]:
        before = self.request(self.subject.before, resource, values)
        after = self.request(self.subject.after, resource, values)
        if any(one is not True for one in self.subject.bounds(resource, self.action)):
            return None, None
        return self.subject.before.answer(before), self.subject.after.answer(after)

    def request(self, side: Side, resource: str, values: Values) -> Request:
        user = next(iter(values.get(_USER, ())), None)
        context = side.context(True, user)
        fixed = {*context.keys}
        for key, found in values.items():
            if key not in fixed:
                context.put(key, *found)
        return Request(context=context, action=self.action, resource=resource)


def example(
    solver: Any, subject: Subject, context: Context, action: str, resource: Text, *, wider: bool
) -> Example:
    """Return the request of a model with as few and as plain values as it takes.

    Args:
        solver: that has just answered ``sat``.
        subject: of whom it was asked.
        context: of the request, after.
        action: what is asked.
        resource: of it.
        wider: whether the request is newly allowed, rather than newly denied.
    """
    asking = _Asking(subject=subject, action=action, wider=wider)
    names = {key.name.lower(): key.name for key in context.keys.values()}
    where = resource if isinstance(resource, str) else solver.getValue(resource).getStringValue()
    found = dict(_values(solver, context))
    if asking.differs(where, found):
        where, found = _plainer(asking, where, _fewer(asking, where, found))
    return _shown(asking, where, found, names)


def guess(subject: Subject, context: Context, action: str, *, wider: bool) -> Example | None:
    """Return a plain request that both sides answer as a solver would say; None where none fits.

    What the statements themselves name is tried: a solver takes seconds for some of these.

    Args:
        subject: of whom it is asked.
        context: of the request, for the names of its keys.
        action: what is asked.
        wider: whether the request is newly allowed, rather than newly denied.
    """
    asking = _Asking(subject=subject, action=action, wider=wider)
    values = dict(_meant(subject))
    names = {key.name.lower(): key.name for key in context.keys.values()}
    named_so = {**values, _USER: (_NAME,)}
    places = [subject.resource] if subject.resource is not None else [*_resources(asking, named_so)]
    for tried in _variants(subject, named_so if subject.person else values):
        for where in dict.fromkeys(places[:_TRIED]):
            if asking.differs(where, tried):
                return _shown(asking, where, _fewer(asking, where, tried), names)
    return None


def _variants(subject: Subject, values: Values) -> Iterator[Values]:
    """Yield some keys as they are, then with and without each that a changed statement asks for."""
    yield values
    if subject.person:
        yield {key: found for key, found in values.items() if key != _USER}
    asked = {
        (one.key.lower(), _value(one, values))
        for statement in subject.said
        for one in statement.conditions
        if one.values and not one.operator.startswith("Null")
    }
    for key, value in sorted(asked)[:_TRIED]:
        yield {**values, key: (value,)}
        yield {name: found for name, found in values.items() if name != key}


def _shown(asking: _Asking, where: str, found: Values, names: Mapping[str, str]) -> Example:
    shown = {names.get(key, key): values for key, values in sorted(found.items())}
    because = tuple(dict.fromkeys(_because(asking, where, found)))
    return Example(resource=where, context=shown, because=because)


def _meant(subject: Subject) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a request has that the allowing statements were written for."""
    policy_set = subject.after.world.policy_set
    given = {
        "aws:requestedregion": policy_set.region,
        "aws:resourceaccount": policy_set.account,
        "aws:securetransport": "true",
        "aws:viaawsservice": "false",
    }
    for side in (subject.before, subject.after):
        for policy in side.policies:
            for statement in policy.statements:
                for condition in statement.conditions if statement.effect == "Allow" else ():
                    if "Not" not in condition.operator and "Null" not in condition.operator:
                        value = _value(condition, {_USER: (_NAME,)})
                        given.setdefault(condition.key.lower(), value)
    yield from ((key, (value,)) for key, value in given.items())


def _values(solver: Any, context: Context) -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, item in context.keys.items():
        values = [_read(solver, key, slot) for slot in item.slots if _is(solver, slot.present)]
        if values:
            yield key, tuple(values)


def _is(solver: Any, formula: Any) -> bool:
    return formula if isinstance(formula, bool) else solver.getValue(formula).getBooleanValue()


def _read(solver: Any, key: str, slot: Slot) -> str:
    if isinstance(slot.text, str):
        return slot.text
    kind = key_type(key)
    if kind in ("Date", "IPAddress", "Numeric") and not isinstance(slot.number, float | int):
        number = Fraction(solver.getValue(slot.number).getRealValue())
        return _number(kind, number)
    return solver.getValue(slot.text).getStringValue()


def _number(kind: str, number: Fraction) -> str:
    whole = int(number)
    try:
        if kind == "IPAddress":
            address = ipaddress.ip_address(whole) if whole < _SIX else None
            return str(address or ipaddress.IPv6Address(whole - _SIX))
        if kind == "Date":
            return dt.datetime.fromtimestamp(whole, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return str(whole)
    return str(whole) if whole == number else str(float(number))


def _fewer(asking: _Asking, resource: str, values: Values) -> dict[str, tuple[str, ...]]:
    """Leave out keys that decide nothing."""
    kept = dict(values)
    for key in values:
        without = {name: found for name, found in kept.items() if name != key}
        if asking.differs(resource, without):
            kept = without
    return kept


def _plainer(
    asking: _Asking, resource: str, values: Values
) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Put plain words where any will do."""
    found = dict(values)
    if _USER in found and asking.differs(resource, {**found, _USER: (_NAME,)}):
        found[_USER] = (_NAME,)
    for key, old in tuple(found.items()):
        for word in _words(asking, key):
            if old != (word,) and asking.differs(resource, {**found, key: (word,)}):
                found[key] = (word,)
                break
    if asking.subject.resource is None:
        # A resource may have the caller's name in it, so both are tried together.
        named_so = {**found, _USER: (_NAME,)} if _USER in found else found
        for plain in (named_so, found):
            for where in _resources(asking, plain):
                if asking.differs(where, plain):
                    return where, plain
    return resource, found


def _words(asking: _Asking, key: str) -> Iterator[str]:
    if key == _USER or key.startswith(_CALLER):
        return
    for statement in sorted(asking.subject.said, key=repr):
        for condition in statement.conditions:
            if condition.key.lower() == key:
                yield from (_filled(value, {}) for value in condition.values)
    if key_type(key) in (None, "String", "ArrayOfString"):
        yield "example"


def _resources(asking: _Asking, values: Values) -> Iterator[str]:
    patterns = {one for statement in asking.subject.said for one in statement.resources}
    policy_set = asking.subject.after.world.policy_set
    allowed = {
        one
        for side in (asking.subject.after, asking.subject.before)
        for policy in side.policies
        for statement in policy.statements
        if speaks_of([statement], asking.action)
        # What a Deny leaves out is what may be asked.
        for one in (statement.resources if statement.effect == "Allow" else statement.not_resources)
    }

    def longest(one: str) -> tuple[int, str]:
        return -len(one), one

    for pattern in (
        *sorted(patterns - {"*"}, key=longest),
        *sorted(allowed - patterns - {"*"}, key=longest),
    ):
        head = pattern.split(":")
        for index, word in ((3, policy_set.region), (4, policy_set.account)):
            if head[index : index + 1] == ["*"]:
                head[index] = word
        yield _filled(":".join(head), values)
    service = asking.action.partition(":")[0]
    known = sorted(arn for arn in policy_set.named.values() if arn.split(":")[2:3] == [service])
    for arn in (*known, f"arn:aws:{service}:::example"):
        if service == "s3" and "Object" in asking.action:
            yield f"{arn}/example"
        yield arn


def _value(condition: Condition, values: Values) -> str:
    """Return a value that a condition takes; ``StringEquals`` takes a star as itself."""
    first = condition.values[0]
    wild = "Like" in condition.operator or "Arn" in condition.operator
    return _filled(first, values) if wild or first != "*" else first


def _filled(pattern: str, values: Values) -> str:
    def value(name: re.Match[str]) -> str:
        return next(iter(values.get(name[1].lower(), ())), "example")

    return _VARIABLE.sub(value, pattern).replace("*", "example").replace("?", "x")


def _because(asking: _Asking, resource: str, values: Values) -> Iterator[str]:
    """Yield which statements allow or deny a request that the other side answers otherwise."""
    subject = asking.subject
    for side, effect, word in (
        (
            (subject.after, "Allow", "allowed by"),
            (subject.before, "Deny", "was denied by"),
        )
        if asking.wider
        else (
            (subject.after, "Deny", "denied by"),
            (subject.before, "Allow", "was allowed by"),
        )
    ):
        request = asking.request(side, resource, values)
        for policy in side.policies:
            for index, statement in enumerate(policy.statements):
                fits = statement.effect == effect and applies(side.world.logic, statement, request)
                if fits is True and named(side.world.logic, statement, request) is True:
                    yield f"{word} {policy.name}: {statement.sid or f'statement {index}'}"
