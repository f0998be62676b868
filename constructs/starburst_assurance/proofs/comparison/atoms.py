"""Statements in their smallest parts: what is the same in other words is told without a solver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product

from starburst_assurance.proofs.encoding.patterns import glob
from starburst_assurance.proofs.encoding.relations import canonical
from starburst_assurance.proofs.encoding.vocabulary import actions
from starburst_assurance.proofs.reading.policies import Policy, Statement

__all__ = ["alike", "atoms", "speaks_of"]


def atoms(policies: Iterable[Policy]) -> frozenset[Statement]:
    """Return what some policies say together: one action, resource and principal a statement.

    Order, repetition, names of statements, and how they are cut change nothing of it.

    Args:
        policies: that count together, such as all of one role.
    """
    return frozenset(
        atom for policy in policies for one in policy.statements for atom in _atoms(one)
    )


def speaks_of(statements: Iterable[Statement], action: str) -> bool:
    """Return whether one of these statements could apply to an action."""
    folded = action.lower()
    return any(
        _matches(one.actions or one.not_actions, folded) is not bool(one.not_actions)
        for one in statements
    )


def alike(
    policies: Sequence[Policy], changed: frozenset[Statement], service: str | None
) -> tuple[tuple[str, ...], ...]:
    """Return the actions that some statements speak of, those that policies treat alike together.

    Args:
        policies: all that decide, before and after.
        changed: statements that only one side has.
        service: whose actions alone are meant; every one without it.
    """
    if not changed:
        return ()
    concerned = frozenset((one.actions, one.not_actions) for one in changed)
    patterns = frozenset(
        pattern.lower()
        for policy in policies
        for one in policy.statements
        for pattern in (*one.actions, *one.not_actions)
        if pattern != "*"
    )
    return _alike(patterns, concerned, service)


@lru_cache(maxsize=1024)
def _alike(
    patterns: frozenset[str],
    concerned: frozenset[tuple[tuple[str, ...], tuple[str, ...]]],
    service: str | None,
) -> tuple[tuple[str, ...], ...]:
    statements = [
        Statement(effect="Allow", actions=names, not_actions=others) for names, others in concerned
    ]
    exact = {pattern for pattern in patterns if "*" not in pattern and "?" not in pattern}
    globs = [glob(pattern) for pattern in sorted(patterns - exact)]
    found: dict[tuple[str, ...], list[str]] = {}
    for action in actions(service):
        if not speaks_of(statements, action):
            continue
        folded = action.lower()
        signature = (
            folded if folded in exact else "",
            *(one.pattern for one in globs if one.fullmatch(folded)),
        )
        found.setdefault(signature, []).append(action)
    return tuple(map(tuple, found.values()))


@lru_cache(maxsize=65536)
def _matches(patterns: tuple[str, ...], folded: str) -> bool:
    return any(glob(pattern.lower()).fullmatch(folded) for pattern in patterns)


@lru_cache(maxsize=4096)
def _atoms(statement: Statement) -> tuple[Statement, ...]:
    return tuple(_split(statement))


def _split(statement: Statement) -> Iterator[Statement]:
    conditions = {
        replace(one, key=one.key.lower(), values=tuple(sorted(set(one.values))))
        for one in statement.conditions
    }
    whole = replace(
        statement,
        sid="",
        not_actions=tuple(sorted({one.lower() for one in statement.not_actions})),
        not_resources=tuple(sorted(set(statement.not_resources))),
        not_principals=tuple(sorted(set(statement.not_principals))),
        conditions=tuple(sorted(conditions, key=repr)),
    )
    for action, resource, principal in product(
        statement.actions or ("",), statement.resources or ("",), statement.principals or (None,)
    ):
        yield replace(
            whole,
            actions=(canonical(action.lower()),) if action else (),
            resources=(canonical(resource),) if resource else (),
            principals=(principal,) if principal else (),
        )
