"""Which actions a deployment needs, each with what needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starburst_assurance.bootstrap.reasons import LEFT_OUT, MISSING, NO_SUCH_ACTION
from starburst_assurance.bootstrap.schemas import SchemaError, handlers, is_known, tagging
from starburst_assurance.bootstrap.usage import Usage

__all__ = ["Need", "actions_of", "known_part", "left_out", "needed", "written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One reason for an action.

    Attributes:
        kind: type of the resource that is made; empty for what every stack needs.
        handler: create, read, update, delete or tags; empty where the registry does not say it.
        why: in words, where the registry does not say it.
    """

    kind: str
    handler: str = ""
    why: str = ""

    def __str__(self) -> str:
        return self.why or f"{self.kind}: {self.handler}"


def written(action: str) -> str:
    """Return an action with its service in small letters, as IAM writes it.

    Example:
        >>> written("CloudTrail:CreateTrail")
        'cloudtrail:CreateTrail'
    """
    service, _, name = action.partition(":")
    return f"{service.lower()}:{name}"


def left_out(kind: str, action: str, usage: Usage) -> bool:
    """Return whether the kit does without an action that a type's handlers list."""
    if action in NO_SUCH_ACTION:
        return True
    properties = usage.properties.get(kind, frozenset())
    return any(
        action in each.actions and properties.isdisjoint(each.unless)
        for each in LEFT_OUT
        if each.kind == kind
    )


def actions_of(kind: str, handler: str, usage: Usage, *, region: str) -> tuple[str, ...]:
    """Return what one handler of a type needs, without what the kit does without."""
    listed = handlers(kind, region=region).get(handler, ())
    return tuple(one for one in map(written, listed) if not left_out(kind, one, usage))


def needed(usage: Usage, *, region: str) -> Mapping[str, tuple[Need, ...]]:
    """Return every action that creating, updating and deleting of the stacks needs.

    Args:
        usage: what the stacks are made of.
        region: whose registry is asked.

    Raises:
        SchemaError: as `schemas.handlers` raises it, or the registry states nothing of a type.
    """
    found: dict[str, list[Need]] = {}
    for action, need in _needs(usage, region):
        found.setdefault(action, []).append(need)
    return {action: tuple(dict.fromkeys(found[action])) for action in sorted(found)}


def known_part(usage: Usage, *, region: str) -> Usage:
    """Return what of the stacks the registry states something of.

    An add-on's type without a word of the registry keeps a bootstrap from being derived, and not
    the rest from being proved.
    """
    kept = {
        kind: properties
        for kind, properties in usage.properties.items()
        if is_known(kind, region=region) and handlers(kind, region=region)
    }
    return Usage(properties=kept, services=usage.services, boundaries=usage.boundaries)


def _needs(usage: Usage, region: str) -> Iterator[tuple[str, Need]]:
    stated = {each.kind for each in MISSING}
    for kind, properties in usage.properties.items():
        known = handlers(kind, region=region)
        if not known and kind not in stated:
            raise SchemaError(
                f"the registry names no permission that {kind} needs, so none can be derived: "
                "state them in starburst_assurance/bootstrap/reasons.py, with AWS's page as the "
                "reason"
            )
        for handler in known:
            for action in actions_of(kind, handler, usage, region=region):
                yield action, Need(kind=kind, handler=handler)
        if any("Tags" in name for name in properties):
            for action in map(written, tagging(kind, region=region)):
                if not left_out(kind, action, usage):
                    yield action, Need(kind=kind, handler="tags")
    for each in MISSING:
        properties = usage.properties.get(each.kind, frozenset())
        if not each.kind or (
            each.kind in usage.properties and (not each.having or each.having in properties)
        ):
            for action in each.actions:
                yield action, Need(kind=each.kind, why=each.reason)
