"""Resources that hold something and that a deployment would replace, remove, or no longer keep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from starburst_assurance.proofs.comparison.report import Finding
from starburst_assurance.rules.unstated_removal import STATEFUL
from starburst_assurance.templates.schemas import Pointer, create_only, values_at

__all__ = ["replaced_between", "stacks_of"]

Resources: TypeAlias = Mapping[tuple[str, str], Mapping[str, Any]]
"""By stack and logical id."""

_HOLDING: Final = frozenset(
    {*STATEFUL, "AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::SNS::Topic", "AWS::SQS::Queue"}
)
"""What holds data, and what everything else stands in."""

_KEPT: Final = ("Retain", "RetainExceptOnCreate", "Snapshot")


def replaced_between(before: Resources, after: Resources, *, environment: str) -> Iterator[Finding]:
    """Yield what a deployment would do to resources that hold something.

    Args:
        before: resources as they stand.
        after: resources as they would be.
        environment: whose.
    """
    for place, old in before.items():
        if old["Type"] not in _HOLDING:
            continue
        sentence = _sentence("/".join(place), old, after.get(place))
        if sentence:
            yield Finding(
                section="resources",
                environment=environment,
                sentence=sentence,
                detail={"stack": place[0], "logical_id": place[1], "type": old["Type"]},
            )


def stacks_of(assembly: Path, environment: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the resources of one environment of an assembly.

    Args:
        assembly: what was synthesized.
        environment: its name.
    """
    folder = assembly / f"assembly-{environment}"
    manifest = json.loads((folder / "manifest.json").read_text())
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for artifact in manifest["artifacts"].values():
        if artifact["type"] == "aws:cloudformation:stack":
            properties = artifact["properties"]
            template = json.loads((folder / properties["templateFile"]).read_text())
            for logical_id, resource in template["Resources"].items():
                found[properties["stackName"], logical_id] = resource
    return found


def _sentence(name: str, old: Mapping[str, Any], new: Mapping[str, Any] | None) -> str:
    kind = old["Type"]
    if new is None:
        stays = old.get("DeletionPolicy", "Delete") in _KEPT
        end = "it stays in the account, and no stack has it" if stays else "it is deleted"
        return f"{name} ({kind}) is removed: {end}."
    if new["Type"] != kind:
        return (
            f"{name} ({kind}) is replaced: it becomes {new['Type']}, with nothing of what it held."
        )
    sure = _differing(kind, old, new, conditional=False)
    if sure:
        return (
            f"{name} ({kind}) is replaced, since {' and '.join(sure)} cannot be changed in place: "
            "the new one holds nothing of what the old one held."
        )
    maybe = _differing(kind, old, new, conditional=True)
    if maybe:
        return (
            f"{name} ({kind}) may be replaced: CloudFormation changes {' and '.join(maybe)} in "
            "place under some conditions only; `cdk diff` against the account says which."
        )
    loosened = [
        policy
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        if old.get(policy, "Delete") in _KEPT and new.get(policy, "Delete") not in _KEPT
    ]
    if loosened:
        return f"{name} ({kind}) is kept no more when its stack goes: {' and '.join(loosened)}."
    return ""


def _differing(
    kind: str, old: Mapping[str, Any], new: Mapping[str, Any], *, conditional: bool
) -> list[str]:
    pointers: tuple[Pointer, ...] = create_only(kind, conditional=conditional) or ()
    return [
        "/".join(pointer)
        for pointer in pointers
        if list(values_at(old.get("Properties", {}), pointer))
        != list(values_at(new.get("Properties", {}), pointer))
    ]
