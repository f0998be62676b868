"""How one policy differs from another, statement by statement, in sentences; without a solver."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from starburst_assurance.proofs.comparison.atoms import atoms
from starburst_assurance.proofs.reading.policies import Policy, Statement

__all__ = ["alike", "differing", "told"]

_ACCOUNT: Final = re.compile(r"\d{12}")
_MOST: Final = 4
"""Values that a sentence names; the rest it counts."""


def alike(expected: Policy, standing: Policy) -> bool:
    """Return whether two policies say the same, in whatever order and division."""
    return expected.statements == standing.statements or _atoms(expected) == _atoms(standing)


def differing(expected: Policy, standing: Policy) -> Iterator[str]:
    """Yield what stands otherwise, each as the end of a sentence about the policy.

    Args:
        expected: as the template has it.
        standing: as AWS returned it.
    """
    if alike(expected, standing):
        return
    if expected.statements and not standing.statements:
        yield f"it is gone, and with it {len(expected.statements)} statements"
        return
    more, less = _atoms(standing) - _atoms(expected), _atoms(expected) - _atoms(standing)
    new = [one for one in standing.statements if _atoms_of(one) & more]
    old = [one for one in expected.statements if _atoms_of(one) & less]
    for was, now in _pairs(old, new):
        label = f"statement {now.sid}" if now.sid else f"the statement that {told(was)}"
        yield f"{label} differs: {'; '.join(_fields(was, now)) or 'in other words'}"
        old.remove(was)
        new.remove(now)
    for one in new:
        yield f"it has a statement that no template has: {told(one)}"
    for one in old:
        yield f"it lacks the statement {'' if one.sid else 'that '}{told(one)}"


def told(statement: Statement) -> str:
    """Return a statement in words.

    Example:
        >>> told(Statement(effect="Allow", actions=("s3:GetObject",), principals=(("AWS", "*"),)))
        'allows s3:GetObject to everybody'
    """
    verb = "allows" if statement.effect == "Allow" else "denies"
    sid = f"{statement.sid}, which " if statement.sid else ""
    what = _listed(statement.actions) or f"all but {_listed(statement.not_actions)}"
    parts = [f"{sid}{verb} {what}"]
    if statement.resources and statement.resources != ("*",):
        parts.append(f"on {_listed(statement.resources)}")
    if statement.not_resources:
        parts.append(f"on all but {_listed(statement.not_resources)}")
    if statement.principals:
        parts.append(f"to {_listed([_principal(*one) for one in statement.principals])}")
    if statement.not_principals:
        everybody = [_principal(*one) for one in statement.not_principals]
        parts.append(f"to all but {_listed(everybody)}")
    if statement.conditions:
        parts.append(f"where {_listed(_conditions(statement))}")
    return " ".join(parts)


def _atoms(policy: Policy) -> frozenset[Statement]:
    return frozenset(atom for one in policy.statements for atom in _atoms_of(one))


def _atoms_of(statement: Statement) -> frozenset[Statement]:
    plain = replace(
        statement,
        principals=tuple(map(_whole, statement.principals)),
        not_principals=tuple(map(_whole, statement.not_principals)),
    )
    return atoms([Policy(name="", statements=(plain,))])


def _whole(principal: tuple[str, str]) -> tuple[str, str]:
    """Return a principal as AWS writes it: an account by the ARN of its root."""
    kind, text = principal
    root = kind == "AWS" and _ACCOUNT.fullmatch(text)
    return (kind, f"arn:aws:iam::{text}:root") if root else principal


def _pairs(
    old: Sequence[Statement], new: Sequence[Statement]
) -> tuple[tuple[Statement, Statement], ...]:
    """Return statements that were changed: those of one name, or those that alone are left."""
    known = {one.sid: one for one in old if one.sid}
    pairs = [(known[one.sid], one) for one in new if one.sid in known]
    left = [one for one in old if all(one is not was for was, _ in pairs)]
    right = [one for one in new if all(one is not now for _, now in pairs)]
    close = len(left) == len(right) == 1 and _close(left[0], right[0])
    return (*pairs, *([(left[0], right[0])] if close else []))


def _close(one: Statement, other: Statement) -> bool:
    """Return whether one statement is the other with something changed in it."""
    same = one.sid == other.sid and one.effect == other.effect
    parts = ("actions", "resources", "principals", "conditions")
    return same and sum(getattr(one, part) == getattr(other, part) for part in parts) > 1


def _fields(was: Statement, now: Statement) -> Iterator[str]:
    if was.effect != now.effect:
        yield f"it {told(now).rpartition('which ')[2]} instead"
        return
    for label, before, after in (
        ("actions", was.actions, now.actions),
        ("exempt actions", was.not_actions, now.not_actions),
        ("resources", was.resources, now.resources),
        ("exempt resources", was.not_resources, now.not_resources),
        ("principals", _named(was.principals), _named(now.principals)),
        ("exempt principals", _named(was.not_principals), _named(now.not_principals)),
        ("conditions", _conditions(was), _conditions(now)),
    ):
        gained = [one for one in after if one not in before]
        lost = [one for one in before if one not in after]
        if gained:
            yield f"its {label} have gained {_listed(gained)}"
        if lost:
            yield f"its {label} have lost {_listed(lost)}"


def _named(principals: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(_principal(*_whole(one)) for one in principals)


def _principal(kind: str, text: str) -> str:
    return "everybody" if (kind, text) == ("AWS", "*") else text


def _conditions(statement: Statement) -> tuple[str, ...]:
    return tuple(
        f"{one.key} {one.operator} {_listed(one.values) or 'nothing'}"
        for one in statement.conditions
    )


def _listed(values: Sequence[str]) -> str:
    if len(values) <= _MOST + 1:
        return ", ".join(values)
    return f"{', '.join(values[:_MOST])} and {len(values) - _MOST} more"
