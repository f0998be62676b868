"""A policy without what its role never used: nothing is dropped that might be in use unseen.

An action goes only where all of this holds: AWS says that IAM tracks it, the report of the role's
use is complete and speaks of its service in the names that AWS's reference has, nobody attempted it
in the tracking period, and it is none of those that wait for an emergency. Denials, conditions and
resources stay as they are.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from last_accessed import Record
from reference import Reference

__all__ = ["Narrowed", "Why", "granted_services", "narrow"]

Why = Literal[
    "emergency",
    "not in the report",
    "tracked by nobody",
    "unused",
    "used",
    "used by another name",
]

_STAR: Final = re.compile(r"[*?]")


@dataclass(kw_only=True, slots=True)
class Narrowed:
    """What became of one policy.

    Attributes:
        document: without what is dropped; None where nothing is left of it.
        dropped: actions, as the service reference spells them.
        kept: those that stay though no use is on record, by the reason.
        notes: what could not be narrowed, a sentence each.
    """

    document: Mapping[str, Any] | None
    dropped: list[str] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def granted_services(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the services of which a policy allows something by name."""
    for statement in _listed(document["Statement"]):
        if statement.get("Effect") == "Allow":
            for pattern in _listed(statement.get("Action", [])):
                service, colon, _ = pattern.partition(":")
                if colon and not _STAR.search(service):
                    yield service.lower()


def narrow(
    document: Mapping[str, Any],
    *,
    record: Record,
    references: Mapping[str, Reference],
    emergency: frozenset[str],
) -> Narrowed:
    """Return a policy without what its role never used.

    Args:
        document: the policy, as it is.
        record: of the role's use.
        references: by service, in small letters; a service without one keeps all.
        emergency: actions in small letters that stay whatever their use.
    """
    result = Narrowed(document=None)
    statements: list[Any] = []
    for statement in _listed(document["Statement"]):
        kept = _statement(statement, result, record, references, emergency)
        if kept is not None:
            statements.append(kept)
    result.document = {**document, "Statement": statements} if statements else None
    result.dropped = sorted(set(result.dropped))
    return result


def _statement(
    statement: Mapping[str, Any],
    result: Narrowed,
    record: Record,
    references: Mapping[str, Reference],
    emergency: frozenset[str],
) -> Mapping[str, Any] | None:
    if statement.get("Effect") != "Allow":
        return statement
    if "Action" not in statement:
        result.notes.append(f"{_called(statement)} allows by NotAction, which is not narrowed")
        return statement
    actions: list[str] = []
    changed = False
    for pattern in _listed(statement["Action"]):
        names = _names(pattern, references)
        if names is None:
            result.notes.append(f"{_called(statement)} allows {pattern}, which is not narrowed")
            actions.append(pattern)
            continue
        judged = {name: _why(name, record, references, emergency) for name in names}
        dropped = [name for name, why in judged.items() if why == "unused"]
        for name, why in judged.items():
            if why not in ("used", "unused"):
                told = result.kept.setdefault(why, [])
                told.extend([name] if name not in told else [])
        if not dropped:
            actions.append(pattern)
            continue
        changed = True
        result.dropped += dropped
        actions += [name for name in names if name not in dropped]
        if _STAR.search(pattern):
            told = f"{_called(statement)} names single actions instead of {pattern}"
            result.notes.append(f"{told}: what AWS adds to it later is not allowed")
    if not changed:
        return statement
    return {**statement, "Action": list(dict.fromkeys(actions))} if actions else None


def _why(
    name: str, record: Record, references: Mapping[str, Reference], emergency: frozenset[str]
) -> Why:
    folded = name.lower()
    service = folded.partition(":")[0]
    if folded in record.actions:
        return "used"
    if service not in references or folded not in references[service].tracked:
        return "tracked by nobody"
    if service not in record.services:
        return "not in the report"
    known = {each.lower() for each in references[service].names}
    if any(used not in known for used in record.actions if used.startswith(f"{service}:")):
        return "used by another name"
    return "emergency" if folded in emergency else "unused"


def _names(pattern: str, references: Mapping[str, Reference]) -> tuple[str, ...] | None:
    """Return the actions that a pattern is for; None where nobody can tell."""
    if not _STAR.search(pattern):
        return (pattern,)
    reference = references.get(pattern.partition(":")[0].lower())
    if reference is None:
        return None
    # IAM has no sets of characters: a bracket is itself.
    matched = re.compile(fnmatch.translate(pattern.lower().replace("[", "[[]")))
    return tuple(name for name in reference.names if matched.fullmatch(name.lower()))


def _called(statement: Mapping[str, Any]) -> str:
    return f"statement {statement['Sid']}" if statement.get("Sid") else "a statement without Sid"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
