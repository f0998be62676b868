"""Small mistakes in a policy, to see whether some theorem would notice.

A mutant is one policy with one small change. ``testing`` asks what becomes of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from starburst_assurance.proofs.encoding.encode import operator
from starburst_assurance.proofs.reading.policies import Condition, Policy, PolicySet, Statement

__all__ = ["Mutant", "mutants"]

_OPPOSITE: Mapping[str, str] = {
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
    "ArnNotEquals": "ArnEquals",
    "DateLessThan": "DateGreaterThan",
    "IpAddress": "NotIpAddress",
    "NotIpAddress": "IpAddress",
    "NumericGreaterThan": "NumericLessThan",
    "NumericLessThan": "NumericGreaterThan",
    "StringEquals": "StringNotEquals",
    "StringLike": "StringNotLike",
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One policy of a policy set with one mistake in it."""

    policy: Policy
    what: str

    def __str__(self) -> str:
        """Return which policy it is, and what is wrong with it."""
        return f"{self.policy.name}: {self.what}"

    @property
    def digest(self) -> str:
        """Which mutant it is, whatever it is called."""
        text = f"{self.policy.name}\n{self.policy.statements!r}"
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def mutants(policy_set: PolicySet) -> Iterator[Mutant]:
    """Yield every mutant of every policy, each once."""
    for policy in policy_set.policies.values():
        seen: set[tuple[Statement, ...]] = {policy.statements}
        for index, statement in enumerate(policy.statements):
            label = statement.sid or f"statement {index}"
            for what, changed in _changes(statement):
                before, after = policy.statements[:index], policy.statements[index + 1 :]
                statements = (*before, *changed, *after)
                if statements not in seen:
                    seen.add(statements)
                    yield Mutant(
                        policy=replace(policy, statements=statements), what=f"{label}: {what}"
                    )


Change = tuple[str, tuple[Statement, ...]]


def _changes(statement: Statement) -> Iterator[Change]:
    yield "dropped", ()
    yield from _actions(statement)
    yield from _resources(statement)
    yield from _principals(statement)
    for index, condition in enumerate(statement.conditions):
        for what, changed in _conditions(condition):
            conditions = (
                *statement.conditions[:index],
                *changed,
                *statement.conditions[index + 1 :],
            )
            label = f"{condition.operator} {condition.key} {what}"
            yield label, (replace(statement, conditions=conditions),)


def _actions(statement: Statement) -> Iterator[Change]:
    for index, action in enumerate(statement.actions):
        others = statement.actions[:index] + statement.actions[index + 1 :]
        service, _, name = action.partition(":")
        if others:
            yield f"{action} dropped", (replace(statement, actions=others),)
        if statement.effect == "Allow" and action != "*":
            wide = f"{service}:*"
            if wide not in statement.actions:
                yield f"{action} widened", (replace(statement, actions=(*others, wide)),)
        if action != "*" and "*" not in action:
            wrong = f"{service}:{name[:-1]}"
            yield f"{action} misspelled", (replace(statement, actions=(*others, wrong)),)


def _resources(statement: Statement) -> Iterator[Change]:
    for index, resource in enumerate(statement.resources):
        others = statement.resources[:index] + statement.resources[index + 1 :]
        if others:
            yield f"{resource} dropped", (replace(statement, resources=others),)
        if statement.effect == "Allow":
            for what, wide in _wider(resource):
                yield f"{resource} {what}", (replace(statement, resources=(*others, wide)),)
    for index, resource in enumerate(statement.not_resources):
        others = statement.not_resources[:index] + statement.not_resources[index + 1 :]
        if others:
            yield f"not {resource} dropped", (replace(statement, not_resources=others),)
        for what, wide in _wider(resource):
            yield f"not {resource} {what}", (replace(statement, not_resources=(*others, wide)),)


def _wider(pattern: str) -> Iterator[tuple[str, str]]:
    if pattern == "*":
        return
    yield "widened to *", "*"
    if pattern.endswith("/*"):
        yield "without its last slash", f"{pattern[:-2]}*"
    if "${" in pattern:
        head, _, rest = pattern.partition("${")
        yield "with its variable widened", f"{head}*{rest.partition('}')[2]}"
    if not pattern.endswith("*"):
        yield "with a * after it", f"{pattern}*"


def _principals(statement: Statement) -> Iterator[Change]:
    for index, principal in enumerate(statement.principals):
        others = statement.principals[:index] + statement.principals[index + 1 :]
        if principal == ("AWS", "*"):
            narrow = ("AWS", "111111111111")
            yield "everybody narrowed", (replace(statement, principals=(*others, narrow)),)
            continue
        yield (
            f"{principal[1]} widened",
            (replace(statement, principals=(*others, ("AWS", "*"))),),
        )
        if principal[0] == "Service":
            wrong = ("Service", f"x{principal[1]}")
            yield f"{principal[1]} misspelled", (replace(statement, principals=(*others, wrong)),)


def _conditions(condition: Condition) -> Iterator[tuple[str, tuple[Condition, ...]]]:
    yield "dropped", ()
    qualifier, base, if_exists = operator(condition.operator)
    prefix = f"{qualifier}:" if qualifier else ""
    suffix = "IfExists" if if_exists else ""
    if base in _OPPOSITE:
        flipped = f"{prefix}{_OPPOSITE[base]}{suffix}"
        yield "flipped", (replace(condition, operator=flipped),)
    if base in ("Null", "Bool"):
        other = tuple("false" if value == "true" else "true" for value in condition.values)
        yield "flipped", (replace(condition, values=other),)
    if if_exists:
        yield "without IfExists", (replace(condition, operator=f"{prefix}{base}"),)
    elif base != "Null" and "Not" not in base:
        yield "with IfExists", (replace(condition, operator=f"{condition.operator}IfExists"),)
    yield "operator misspelled", (replace(condition, operator=f"{condition.operator}s"),)
    stem, _, name = condition.key.partition(":")
    if not name.startswith(("PrincipalTag/", "RequestTag/", "EncryptionContext:")):
        yield "key misspelled", (replace(condition, key=f"{stem}:{name}x"),)
    if len(condition.values) > 1:
        for index, value in enumerate(condition.values):
            rest = condition.values[:index] + condition.values[index + 1 :]
            yield f"without {value!r}", (replace(condition, values=rest),)
