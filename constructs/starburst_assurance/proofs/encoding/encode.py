"""What one policy says of a request, as IAM reads it.

Sources of the semantics: the IAM user guide's evaluation logic, operators and variables. Where it
is silent (a negated pattern with a variable that has no value), both readings must be safe.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from starburst_assurance.proofs.encoding.logic import Formula, Logic, Text
from starburst_assurance.proofs.encoding.patterns import glob
from starburst_assurance.proofs.encoding.request import Request, Slot, address_number, number_of
from starburst_assurance.proofs.reading.errors import UnsupportedError
from starburst_assurance.proofs.reading.policies import Condition, Effect, Policy, Statement

__all__ = ["OPERATORS", "Grant", "Operator", "operator", "says", "variables"]

_VARIABLE: Final = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
_SESSION: Final = ":assumed-role/"
_USER: Final = ":user/"
_LITERAL: Final = {"*": "\ue000", "?": "\ue001", "$": "$"}

OPERATORS: Final = frozenset(
    {
        *(f"String{kind}" for kind in ("Equals", "EqualsIgnoreCase", "Like")),
        *(f"StringNot{kind}" for kind in ("Equals", "EqualsIgnoreCase", "Like")),
        *(f"Arn{kind}" for kind in ("Equals", "NotEquals", "Like", "NotLike")),
        *(
            f"{family}{kind}"
            for family in ("Numeric", "Date")
            for kind in (
                "Equals",
                "NotEquals",
                "LessThan",
                "LessThanEquals",
                "GreaterThan",
                "GreaterThanEquals",
            )
        ),
        "BinaryEquals",
        "Bool",
        "IpAddress",
        "NotIpAddress",
        "Null",
    }
)
"""Every operator that IAM has, without qualifier and ``IfExists``."""


class Operator(NamedTuple):
    """An operator in its parts: ``ForAllValues:``, its name, ``IfExists``."""

    qualifier: str
    base: str
    if_exists: bool


class Grant(NamedTuple):
    """When an Allow of a resource policy applies, by how its principal is named."""

    direct: Formula
    role: Formula
    account: Formula


def operator(written: str) -> Operator:
    """Take an operator apart.

    Example:
        >>> operator("ForAnyValue:StringLikeIfExists")
        Operator(qualifier='ForAnyValue', base='StringLike', if_exists=True)
    """
    qualifier, _, rest = written.rpartition(":")
    base = rest.removesuffix("IfExists")
    return Operator(qualifier, base, base != rest)


def says(logic: Logic, policy: Policy, effect: Effect, request: Request) -> Formula:
    """Return whether some statement of an identity policy, or any Deny, applies to a request."""
    found: list[Formula] = []
    for statement in _about(logic, policy, effect, request.action):
        formula = _applies(logic, statement, request)
        if statement.principals or statement.not_principals:
            formula = logic.every((formula, named(logic, statement, request)))
        if formula is True:
            return True
        if formula is not False:
            found.append(formula)
    return logic.some(found)


def grants(logic: Logic, policy: Policy, request: Request) -> Grant:
    """Return whether an Allow of a resource policy applies, by how it names the caller."""
    ways: dict[str, list[Formula]] = {"direct": [], "role": [], "account": []}
    for statement in _about(logic, policy, "Allow", request.action):
        body = _applies(logic, statement, request)
        if body is False:
            continue
        if statement.not_principals:
            ways["direct"].append(logic.every((body, named(logic, statement, request))))
        for kind, text in statement.principals:
            way, who = _principal(logic, request, kind, text)
            ways[way].append(logic.every((body, who)))
    return Grant(*(logic.some(ways[way]) for way in Grant._fields))


def named(logic: Logic, statement: Statement, request: Request) -> Formula:
    """Return whether the statement names the caller; identity policies name nobody."""
    if statement.not_principals:
        return _not_excepted(logic, statement.not_principals, request)
    if not statement.principals:
        return True
    return logic.some(
        _principal(logic, request, kind, text)[1] for kind, text in statement.principals
    )


def _not_excepted(logic: Logic, principals: Iterable[tuple[str, str]], request: Request) -> Formula:
    """Return whether ``NotPrincipal`` leaves the caller among those that it speaks of.

    AWS says that a role, or a user, is surely excepted where its account is named beside it, and a
    session where role and account are; where one is missing, the policy "might deny access to the
    entire account".
    """
    ways: dict[str, list[Formula]] = {"direct": [], "role": [], "account": [], "session": []}
    for kind, text in principals:
        way, who = _principal(logic, request, kind, text)
        ways["session" if _SESSION in text else "role" if _USER in text else way].append(who)
    named = {way: logic.some(found) for way, found in ways.items()}
    session = named["session"] if ways["session"] else True
    surely = logic.some((named["direct"], logic.every((named["account"], named["role"], session))))
    silent = logic.unresolved(f"NotPrincipal {sorted(principals)}")
    return logic.some(
        (logic.no(logic.some(named.values())), logic.every((logic.no(surely), silent)))
    )


def _principal(logic: Logic, request: Request, kind: str, text: str) -> tuple[str, Formula]:
    context = request.context
    if kind == "Service":
        return "direct", logic.every(
            (
                context.is_("aws:PrincipalIsAWSService", "true"),
                context.is_("aws:PrincipalServiceName", text),
            )
        )
    if kind == "Federated":
        return "direct", context.is_("aws:FederatedProvider", text)
    if kind != "AWS":
        raise UnsupportedError(f"principal {kind}: {text}")
    if text == "*":
        return "direct", True
    if re.fullmatch(r"\d{12}", text) or text.endswith(":root"):
        account = text if text.isdigit() else text.split(":")[4]
        return "account", context.is_("aws:PrincipalAccount", account)
    if _SESSION in text:
        return "direct", context.is_("sts:SessionArn", text)
    # A user is who asks, and a role only stands behind the session that does.
    way = "direct" if _USER in text else "role"
    return way, context.is_("aws:PrincipalArn", text)


def applies(logic: Logic, statement: Statement, request: Request) -> Formula:
    """Return whether action, resource and conditions of a statement fit a request."""
    return _speaks_of(statement, request.action) and _applies(logic, statement, request)


def _applies(logic: Logic, statement: Statement, request: Request) -> Formula:
    """Return whether resource and conditions fit, of a statement that speaks of the action."""
    said = request.context.said()
    # Actions aside, a statement says the same of every request about a resource in one context.
    known = said.get((id(statement), request.resource))
    if known is None:
        known = statement, _fits(logic, statement, request)
        request.context.said()[id(statement), request.resource] = known
    return known[1]


def _fits(logic: Logic, statement: Statement, request: Request) -> Formula:
    return logic.every(
        (
            _resource(logic, statement, request),
            *(_condition(logic, condition, request) for condition in statement.conditions),
        )
    )


def _about(logic: Logic, policy: Policy, effect: Effect, action: str) -> tuple[Statement, ...]:
    """Return the statements of an effect that speak of an action, in order."""
    key = id(policy), effect, action
    known = logic.about.get(key)
    if known is None:
        found = (one for one in policy.statements if one.effect == effect)
        known = policy, tuple(one for one in found if _speaks_of(one, action))
        logic.about[key] = known
    return known[1]


def _speaks_of(statement: Statement, action: str) -> bool:
    wanted = statement.actions or statement.not_actions
    return _names(wanted, action) is not bool(statement.not_actions)


@lru_cache(maxsize=65536)
def _names(patterns: tuple[str, ...], action: str) -> bool:
    folded = action.lower()
    return any(expression.fullmatch(folded) for expression in _globs(patterns))


@lru_cache(maxsize=4096)
def _globs(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(glob(pattern.lower()) for pattern in patterns)


def _resource(logic: Logic, statement: Statement, request: Request) -> Formula:
    if statement.resources:
        return logic.some(
            _like(logic, request.resource, pattern, request) for pattern in statement.resources
        )
    if statement.not_resources:
        return logic.every(
            _unlike(logic, request.resource, pattern, request)
            for pattern in statement.not_resources
        )
    return True


def variables(pattern: str) -> Iterator[str]:
    """Yield the names of a pattern's variables; not the escaped wildcards.

    Example:
        >>> list(variables("home/${aws:PrincipalTag/team}/${*}"))
        ['aws:PrincipalTag/team']
    """
    yield from (name for name, _ in _split(pattern)[1] if name not in _LITERAL)


def _split(pattern: str) -> tuple[list[str], list[tuple[str, str | None]]]:
    literals, variables, end = [], [], 0
    for found in _VARIABLE.finditer(pattern):
        literals.append(pattern[end : found.start()])
        variables.append((found[1], found[2]))
        end = found.end()
    return [*literals, pattern[end:]], variables


def _resolved(
    logic: Logic, pattern: str, request: Request
) -> tuple[list[str], list[Text], Formula]:
    """Return the pattern's literals, its variables' values, and whether all have one."""
    literals, variables = _split(pattern)
    values: list[Text] = []
    known: list[Formula] = []
    for name, default in variables:
        if name in _LITERAL:
            raise UnsupportedError(f"the escaped wildcard in {pattern}")
        present = request.context.has(name)
        if default is not None and present is False:
            values.append(default)
        elif default is not None and present is not True:
            raise UnsupportedError(f"a default for an unknown variable: {pattern}")
        else:
            known.append(present)
            values.append(request.context.text(name))
    return literals, values, logic.every(known)


def _like(logic: Logic, text: Text, pattern: str, request: Request) -> Formula:
    if "${" not in pattern:
        return logic.like(text, pattern)
    literals, values, known = _resolved(logic, pattern, request)
    if known is False:
        return False
    return logic.every((known, logic.matches(text, values, literals)))


def _unlike(logic: Logic, text: Text, pattern: str, request: Request) -> Formula:
    if "${" not in pattern:
        return logic.no(logic.like(text, pattern))
    literals, values, known = _resolved(logic, pattern, request)
    silent = logic.every((logic.no(known), logic.unresolved(pattern)))
    if known is False:
        return silent
    return logic.some(
        (silent, logic.every((known, logic.no(logic.matches(text, values, literals)))))
    )


def _condition(logic: Logic, condition: Condition, request: Request) -> Formula:
    known = request.context.said().get(id(condition))
    if known is None:
        known = condition, _holds(logic, condition, request)
        request.context.said()[id(condition)] = known
    return known[1]


def _holds(logic: Logic, condition: Condition, request: Request) -> Formula:
    qualifier, base, if_exists = operator(condition.operator)
    key = request.context.key(condition.key, several=bool(qualifier))
    present = key.present(logic)
    if base == "Null":
        return logic.no(present) if condition.values[0] == "true" else present

    def one(slot: Slot) -> Formula:
        return _compare(logic, base, slot, condition.values, request)

    if qualifier == "ForAllValues":
        # AWS takes values that are all empty as none, and a request without the key is one of all.
        return logic.every(logic.some((logic.no(slot.present), one(slot))) for slot in key.slots)
    held = logic.some(logic.every((slot.present, one(slot))) for slot in key.slots)
    if qualifier == "ForAnyValue":
        return logic.some((logic.no(present), held)) if if_exists else held
    # A negated operator holds where the key is absent, with or without IfExists.
    return logic.some((logic.no(present), held)) if if_exists or "Not" in base else held


def _compare(
    logic: Logic, base: str, slot: Slot, values: Iterable[str], request: Request
) -> Formula:
    negated = "Not" in base
    positive = base.replace("Not", "")
    if positive.startswith(("Numeric", "Date")):
        kind = re.sub("^(Numeric|Date)", "", positive)
        some = logic.some(logic.compare(kind, slot.number, number_of(value)) for value in values)
        return logic.no(some) if negated else some
    if positive == "IpAddress":
        some = logic.some(_inside(logic, slot, value) for value in values)
        return logic.no(some) if negated else some
    if positive == "Bool":
        logic.boolean(slot.text)
        some = logic.some(logic.same(slot.text, value.lower()) for value in values)
    elif positive in ("StringEquals", "BinaryEquals"):
        some = logic.some(
            _equal(logic, slot.text, value, request, negated=negated) for value in values
        )
    elif positive not in ("StringLike", "ArnLike", "ArnEquals"):
        raise UnsupportedError(f"the operator {base}")
    else:
        segments = positive.startswith("Arn")
        some = logic.some(
            logic.every(
                (
                    logic.no(_unlike(logic, slot.text, value, request))
                    if negated
                    else _like(logic, slot.text, value, request),
                    logic.segmented(slot.text, _any_value(value)) if segments else True,
                )
            )
            for value in values
        )
    return logic.no(some) if negated else some


def _any_value(pattern: str) -> str:
    return _VARIABLE.sub("*", pattern)


def _equal(logic: Logic, text: Text, value: str, request: Request, *, negated: bool) -> Formula:
    if "${" not in value:
        return logic.same(text, value)
    literals, values, known = _resolved(logic, value, request)
    pieces = [piece for pair in zip(literals, [*values, ""], strict=True) for piece in pair]
    equal = logic.every((known, logic.same(text, logic.join(*pieces))))
    if not negated or known is True:
        return equal
    # Whether an unresolved variable makes "not equal" hold is said in two ways; as in `_unlike`.
    as_equal = logic.no(logic.unresolved(value))
    return logic.some((equal, logic.every((logic.no(known), as_equal))))


def _inside(logic: Logic, slot: Slot, network: str) -> Formula:
    block = ipaddress.ip_network(network, strict=False)
    return logic.every(
        (
            logic.compare("GreaterThanEquals", slot.number, address_number(block[0])),
            logic.compare("LessThanEquals", slot.number, address_number(block[-1])),
        )
    )
