"""Where CloudFormation would stop half-way, or take data along: each with the way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final, Literal

from starburst_assurance.templates.schemas import identifier, values_at

from .changes import Change, Template, changes, exports, imports, references

__all__ = ["Stop", "stops"]

Reason = Literal["export", "named", "stateful", "subnets", "workers", "workspace"]

_BESIDE: Final = (
    "Take the change back; or make a second environment beside this one, move people to it, and "
    "retire this one"
)
_LAYOUT: Final = (
    "Take the change back, for subnets cannot move: an environment that a release before 0.2 laid "
    "out says Network(grows=False)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One thing for which nothing may be deployed.

    Attributes:
        stack: whose update it would be.
        reason: which kind of thing.
        sentence: what would happen.
        way: what to do instead.
    """

    stack: str
    reason: Reason
    sentence: str
    way: str


def stops(
    before: Mapping[str, Template],
    after: Mapping[str, Template],
    *,
    prefix: str,
    known: Mapping[str, Template] | None = None,
) -> list[Stop]:
    """Return what must not be deployed, in the order of stacks.

    Args:
        before: deployed templates by stack.
        after: those to deploy now.
        prefix: what the names of the environment's stacks begin with.
        known: all that the settings describe, deployed now or later; ``after`` without it.
    """
    found = changes(before, after)
    return [
        *_stateful(found),
        *_named(found, before, after),
        *_overlapping(found, before, after),
        *_exports(found, before, after, prefix=prefix, known={**(known or {}), **after}),
    ]


def _stateful(found: Sequence[Change]) -> Iterator[Stop]:
    for one in found:
        if one.word == "replaces" and one.stateful:
            yield Stop(
                stack=one.stack,
                reason="stateful",
                sentence=f"{one.stack}: {one.name} ({one.kind}) would be replaced by an empty one, "
                f"for its {', '.join(one.for_)}",
                way=_BESIDE,
            )


def _named(
    found: Sequence[Change], before: Mapping[str, Template], after: Mapping[str, Template]
) -> Iterator[Stop]:
    """CloudFormation makes the new one first, and the name is taken."""
    for one in found:
        called = identifier(one.kind)
        if one.word != "replaces" or one.stateful or called is None:
            continue
        was, becomes = (
            list(values_at(each[one.stack]["Resources"][one.name].get("Properties", {}), called))
            for each in (before, after)
        )
        if was and was == becomes:
            yield Stop(
                stack=one.stack,
                reason="named",
                sentence=f"{one.stack}: {one.name} ({one.kind}) would be replaced under the same "
                f"name, for its {', '.join(one.for_)}; CloudFormation makes the new one first and "
                "finds the name taken",
                way=_BESIDE,
            )


def _overlapping(
    found: Sequence[Change], before: Mapping[str, Template], after: Mapping[str, Template]
) -> Iterator[Stop]:
    """A subnet that is made while one of the same addresses is still there."""
    kind = "AWS::EC2::Subnet"
    moved = {(one.stack, one.name) for one in found if one.word == "replaces"}
    for one in found:
        if one.kind != kind or one.word not in ("adds", "replaces"):
            continue
        properties = after[one.stack]["Resources"][one.name]["Properties"]
        if any((one.stack, name) in moved for _, name in references(properties.get("VpcId"))):
            continue  # a VPC of its own
        for name, other in before.get(one.stack, {}).get("Resources", {}).items():
            if other["Type"] == kind and _overlap(properties, other["Properties"]):
                yield Stop(
                    stack=one.stack,
                    reason="subnets",
                    sentence=f"{one.stack}: subnet {one.name} would be made as "
                    f"{properties['CidrBlock']} while {name} still has "
                    f"{other['Properties']['CidrBlock']}",
                    way=_LAYOUT,
                )
                break


def _overlap(one: Template, other: Template) -> bool:
    blocks = one.get("CidrBlock"), other.get("CidrBlock")
    if not all(isinstance(block, str) for block in blocks):
        return False
    mine, theirs = (IPv4Network(str(block)) for block in blocks)
    return mine.overlaps(theirs)


def _exports(
    found: Sequence[Change],
    before: Mapping[str, Template],
    after: Mapping[str, Template],
    *,
    prefix: str,
    known: Mapping[str, Template],
) -> Iterator[Stop]:
    """Exports that go, or get another value, while a deployed stack imports them."""
    moved = {(one.stack, one.name) for one in found if one.word == "replaces"}
    readers = {stack: imports(template) for stack, template in before.items()}
    for stack in after:
        old, new = exports(before.get(stack, {})), exports(after[stack])
        gone = {
            name
            for name, value in old.items()
            if new.get(name) != value
            or any((stack, each) in moved for _, each in references(value))
        }
        held = sorted(one for one, names in readers.items() if one != stack and names & gone)
        if held:
            lacking = sorted(name.rpartition(":")[2] for name in gone)
            yield Stop(
                stack=stack,
                reason="export",
                sentence=f"{stack} would no longer hand on {_some(lacking)} as it does, which "
                f"{', '.join(held)} import{'s' * (len(held) == 1)}; CloudFormation stops there",
                way=_way(held, gone, before, known, prefix=prefix),
            )


def _some(names: Sequence[str]) -> str:
    more = len(names) - 1
    return f"{names[0]} and {more} more" if more else names[0]


def _way(
    held: Sequence[str],
    gone: set[str],
    before: Mapping[str, Template],
    known: Mapping[str, Template],
    *,
    prefix: str,
) -> str:
    """Importers first, where they import no more of it and nothing that is not there yet."""
    left = [stack for stack in held if stack not in known]
    first = [stack for stack in held if stack in known]
    there = {name for template in before.values() for name in exports(template)} - gone
    if not all(imports(known[stack]) <= there for stack in first):
        return _BESIDE
    environment = prefix.removeprefix("starburst-").removesuffix("-")
    steps = [
        f"delete {stack}, which the settings no longer describe: aws cloudformation delete-stack "
        f"--stack-name {stack}"
        for stack in left
    ]
    if first:
        parts = " ".join(stack.removeprefix(prefix) for stack in first)
        steps.append(
            "deploy what imports it by itself: .venv/bin/python -m deploy.up --environment "
            f"{environment} {parts} -- --exclusively"
        )
    return f"While no session runs, {'; then '.join(steps)}; then deploy everything"
