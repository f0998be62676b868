"""What templates use of CloudFormation: types, their properties, and whom roles are for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Usage", "usage_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the stacks of one environment are made of.

    Attributes:
        properties: names of the properties that some resource has, by type.
        services: AWS services that assume roles of the stacks, so that a role is passed to them.
        boundaries: names of boundaries that add-ons have of their own, behind the environment's.
    """

    properties: Mapping[str, frozenset[str]] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    boundaries: tuple[str, ...] = ()


_BOUNDARY: Final = re.compile(r"starburst-[a-z0-9]+-boundary-([a-z0-9]+)")


def usage_of(templates: Iterable[Mapping[str, Any]]) -> Usage:
    """Return what templates use.

    Args:
        templates: as synthesis wrote them.

    Example:
        >>> usage_of([{"Resources": {"A": {"Type": "T", "Properties": {"Name": 1}}}}]).properties
        {'T': frozenset({'Name'})}
    """
    found: dict[str, set[str]] = {}
    services: set[str] = set()
    boundaries: set[str] = set()
    for template in templates:
        for resource in template["Resources"].values():
            properties = resource.get("Properties", {})
            found.setdefault(resource["Type"], set()).update(properties)
            services.update(_services(properties.get("AssumeRolePolicyDocument", {})))
            name = _BOUNDARY.fullmatch(str(properties.get("ManagedPolicyName", "")))
            boundaries.update(name.groups() if name else ())
    return Usage(
        properties={kind: frozenset(names) for kind, names in sorted(found.items())},
        services=tuple(sorted(services)),
        boundaries=tuple(sorted(boundaries)),
    )


def _services(trust: Mapping[str, Any]) -> Iterator[str]:
    for statement in trust.get("Statement", ()):
        principal = statement.get("Principal", {})
        named = principal.get("Service", ()) if isinstance(principal, dict) else ()
        yield from [named] if isinstance(named, str) else named
