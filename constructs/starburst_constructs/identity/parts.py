"""Policies that IAM would not store whole, as several that say the same together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aws_cdk import aws_iam as iam

from starburst_constructs.policies.reads import MOST_STORED
from starburst_constructs.policies.wildcards import Allow

__all__ = ["in_parts", "size_of"]

_FRAME: Final = len('{"Version":"2012-10-17","Statement":[]}')

_NUMBERED: Final = re.compile(r"(?P<name>.*?)(Part(?P<number>\d+))?")
_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]*\]\}")
_LONGEST: Final = "x" * 95
"""As long as the ARN of a role, bucket or key gets: a name is known at the deployment only."""

Statements = list[iam.PolicyStatement]


def size_of(statement: iam.PolicyStatement) -> int:
    """Return how many characters of a policy a statement takes at most, with its comma."""
    text = json.dumps(statement.to_statement_json(), separators=(",", ":"))
    return len(_TOKEN.sub(_LONGEST, text)) + 1


def in_parts(
    policies: Mapping[str, Sequence[iam.PolicyStatement]], *, most: int = MOST_STORED
) -> dict[str, Statements]:
    """Return the statements of one role in policies that IAM stores, in as few as there can be.

    What a policy has no room for stands in ``More``, ``More2`` and on. A statement with more
    resources than there is room for becomes several, each about some of them: rights add up, and
    so do denials. Policies that fit stay as they are.

    Args:
        policies: statements by title.
        most: characters of a policy.

    Example:
        >>> read = [f"arn:aws:s3:::{'b' * 50}/{number}" for number in range(3)]
        >>> one = iam.PolicyStatement(sid="Read", actions=["s3:GetObject"], resources=read)
        >>> parts = in_parts({"Work": [one]}, most=260)
        >>> {title: [each.sid for each in part] for title, part in parts.items()}
        {'Work': ['Read'], 'More': ['ReadPart2']}
    """
    found: dict[str, Statements] = {}
    left: Statements = []
    for title, statements in policies.items():
        found[title], rest = _filled(statements, most)
        left += rest
    number = 1
    while left:
        found["More" if number == 1 else f"More{number}"], left = _filled(left, most)
        number += 1
    return found


def _filled(statements: Iterable[iam.PolicyStatement], most: int) -> tuple[Statements, Statements]:
    """Return what one policy holds of some statements, and what is left."""
    room = most - _FRAME
    part: Statements = []
    left: Statements = []
    for statement in statements:
        if left or size_of(statement) <= room:
            (left if left else part).append(statement)
            room -= size_of(statement)
            continue
        fitting = _fitting(statement, room)
        if fitting:
            part.append(_about(statement, statement.resources[:fitting], later=False))
            left.append(_about(statement, statement.resources[fitting:], later=True))
        else:
            left.append(statement)
    if not part:
        # One statement that is longer than a policy: who judges the template says so.
        return left[:1], left[1:]
    return part, left


def _fitting(statement: iam.PolicyStatement, room: int) -> int:
    """Return about how many of its resources a statement fits into a room; 0 for none."""
    resources = list(statement.resources)
    lengths = [len(_TOKEN.sub(_LONGEST, one)) + 3 for one in resources]
    used = size_of(statement) - sum(lengths) + len("Part99")
    for number, length in enumerate(lengths):
        used += length
        if used > room:
            return number if len(resources) > 1 else 0
    return 0


def _about(
    statement: iam.PolicyStatement, resources: Sequence[str], *, later: bool
) -> iam.PolicyStatement:
    named = _NUMBERED.fullmatch(statement.sid or "")
    sid = statement.sid
    if later and named is not None:
        sid = f"{named['name']}Part{int(named['number'] or 1) + 1}"
    shared: dict[str, Any] = {"actions": statement.actions, "conditions": statement.conditions}
    if isinstance(statement, Allow):
        declared = {one.resource: one for one in statement.wildcards}
        return Allow(
            sid=str(sid), resources=[declared.get(one, one) for one in resources], **shared
        )
    return iam.PolicyStatement(
        sid=sid, effect=statement.effect, resources=list(resources), **shared
    )
