"""Forbids a fixed name beside a value that only a replacement can change, which the name prevents.

CloudFormation makes the new resource before it deletes the old one. With a name that is written in
the template the new one collides with the old, and the update is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.schemas import Pointer, create_only, identifier, values_at
from starburst_assurance.templates.template import Resource, Template

__all__ = ["ACCEPTED", "STUCK_NAME"]

_FOLLOWS: Final = re.compile(r"-(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8}$")
"""How a name ends that ``starburst_constructs.naming.name_following`` made; no date does."""

_UNSAID: Final = ("", "/")
"""What the CDK writes for a description or a path where nobody gave one; it never changes."""

ACCEPTED: Final[Mapping[tuple[str, str], str]] = {
    ("AWS::Lambda::Alias", "FunctionName"): (
        "An alias's name is unique in its function only: beside another function it is free."
    ),
}
"""Properties that may stand beside a fixed name, each with the reason."""


_CONDITIONS: Final[Mapping[str, str]] = {"AWS::AutoScaling::AutoScalingGroup": "UpdatePolicy"}
"""Attributes of a resource without which a change never replaces it but for its own name.

AWS::AutoScaling::AutoScalingGroup is replaced where its policy says ``AutoScalingReplacingUpdate``.
"""


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    pointers = _replacing(resource)
    names = [
        (pointer, template.text(value))
        for pointer in pointers
        if _is_name(resource.kind, pointer)
        for value in values_at(resource.properties, pointer)
        # What another resource gives is new where that one is.
        if template.referred(value) is None
    ]
    if not names:
        return None
    return (
        f"{'/'.join(pointer)} can only change by a replacement, which would have the name "
        f"{name} as well"
        for named, name in names
        if not _FOLLOWS.search(name)
        for pointer in pointers
        if pointer != named and (resource.kind, "/".join(pointer)) not in ACCEPTED
        for value in values_at(resource.properties, pointer)
        if not _stays(value, template)
    )


def _replacing(resource: Resource) -> tuple[Pointer, ...]:
    attribute = _CONDITIONS.get(resource.kind)
    conditional = attribute is None or attribute in resource.body
    return create_only(resource.kind, conditional=conditional) or ()


def _is_name(kind: str, pointer: Pointer) -> bool:
    """Return whether a property is the resource's own name.

    That is ``RoleName`` of a role, ``Name``, or what identifies it, as ``DBInstanceIdentifier``.
    """
    last = pointer[-1]
    named = last.endswith("Name") and kind.endswith(last.removesuffix("Name"))
    return named or pointer == identifier(kind)


def _stays(value: object, template: Template) -> bool:
    """Return whether a value never changes: nobody gave one, or it is a resource that stays."""
    if value in _UNSAID:
        return True
    owner = template.referred(value)
    return owner is not None and not any(
        list(values_at(owner.properties, pointer)) for pointer in _replacing(owner)
    )


STUCK_NAME: Final = Rule(
    name="stuck-name",
    controls=("NIST CM-3", "NIST CP-10"),
    kinds=(),
    fix=(
        "Leave the name to CloudFormation, end it in a digest of the value "
        "(starburst_constructs.naming.name_following), or leave the value out."
    ),
    judge=_judge,
)
