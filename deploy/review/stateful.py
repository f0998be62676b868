"""Resources that hold something and that a deployment would replace, remove, or no longer keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from deploy.changing.changes import Change, Template, changes
from starburst_assurance.proofs.comparison.report import Finding
from starburst_assurance.templates.holding import HELD, LOSSES

__all__ = ["replaced_between"]

_KEPT: Final = ("Retain", "RetainExceptOnCreate", "Snapshot")


def replaced_between(
    before: Mapping[str, Template], after: Mapping[str, Template], *, environment: str
) -> Iterator[Finding]:
    """Yield what a deployment would do to resources that hold something.

    Judged as by ``deploy.up``: also what is replaced because something that it names is.

    Args:
        before: templates by stack as they stand.
        after: templates by stack as they would be.
        environment: whose.
    """
    gone: dict[str, Template] = {stack: {} for stack in before.keys() - after.keys()}
    for one in changes(before, {**after, **gone}):
        old = before.get(one.stack, {}).get("Resources", {}).get(one.name)
        if old is None or old["Type"] not in HELD:
            continue
        new = after.get(one.stack, {}).get("Resources", {}).get(one.name)
        sentence = _sentence(one, old, new)
        if sentence:
            yield Finding(
                section="resources",
                environment=environment,
                sentence=sentence,
                detail={"stack": one.stack, "logical_id": one.name, "type": old["Type"]},
            )


def _sentence(one: Change, old: Mapping[str, Any], new: Mapping[str, Any] | None) -> str:
    kind = old["Type"]
    name = f"{one.stack}/{one.name} ({kind})"
    loss = LOSSES[HELD[kind]]
    if new is None:
        stays = old.get("DeletionPolicy", "Delete") in _KEPT
        end = "it stays in the account, and no stack has it" if stays else "it is deleted"
        return f"{name} is removed: {end}."
    if new["Type"] != kind:
        return f"{name} is replaced: it becomes {new['Type']}, and {loss}."
    if one.word == "replaces":
        why = " and ".join(one.for_)
        return f"{name} is replaced, since {why} cannot be changed in place: {loss}."
    if one.perhaps_for:
        return (
            f"{name} may be replaced: CloudFormation changes {' and '.join(one.perhaps_for)} in "
            "place under some conditions only; `cdk diff` against the account says which."
        )
    loosened = [
        policy
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        if old.get(policy, "Delete") in _KEPT and new.get(policy, "Delete") not in _KEPT
    ]
    if loosened:
        return f"{name} is kept no more when its stack goes: {' and '.join(loosened)}."
    return ""
