"""Mutants: copies of an environment's policies, each with one statement changed or taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from starburst_assurance.proofs.reading.policies import PolicySet, Statement

__all__ = ["Change", "also", "also_at", "anywhere", "changed", "gone", "only_at", "unconditional"]

Change = Callable[[Statement], Sequence[Statement]]
"""What stands in a statement's place."""


def gone(_: Statement) -> Sequence[Statement]:
    """Take the statement away."""
    return ()


def also(*actions: str) -> Change:
    """Have it name these actions too."""
    return lambda one: (replace(one, actions=(*one.actions, *actions)),)


def also_at(*resources: str) -> Change:
    """Have it name these resources too."""
    return lambda one: (replace(one, resources=(*one.resources, *resources)),)


def only_at(*resources: str) -> Change:
    """Have it name these resources instead of its own."""
    return lambda one: (replace(one, resources=resources),)


def anywhere(one: Statement) -> Sequence[Statement]:
    """Have it name every object of the buckets whose objects it names."""
    return (replace(one, resources=tuple(f"{each.partition('/')[0]}/*" for each in one.resources)),)


def unconditional(one: Statement) -> Sequence[Statement]:
    """Have it hold always."""
    return (replace(one, conditions=()),)


def changed(policy_set: PolicySet, policy: str, statement: str, change: Change) -> PolicySet:
    """Return the policies with one statement changed.

    Args:
        policy_set: stays as it is.
        policy: how the policy's name begins; the first by name that has the statement is meant.
        statement: its Sid; empty for one without.
        change: what becomes of it, which must differ.
    """
    found = [
        one
        for name, one in sorted(policy_set.policies.items())
        if name.startswith(policy) and any((each.sid or "") == statement for each in one.statements)
    ]
    assert found, f"no policy {policy}… has a statement {statement!r}"
    before = found[0]
    after: list[Statement] = []
    for one in before.statements:
        after += change(one) if (one.sid or "") == statement else [one]
    assert tuple(after) != before.statements
    return policy_set.with_policy(replace(before, statements=tuple(after)))
