"""What new templates would do to deployed stacks: in place, by replacement, or not to the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from starburst_assurance.templates.holding import HELD
from starburst_assurance.templates.schemas import create_only, values_at

__all__ = ["Change", "Template", "changes", "exports", "imports", "references"]

Template = Mapping[str, Any]
Word = Literal["adds", "changes", "removes", "replaces"]
Replaced = set[tuple[str, str]]

_IN_TEXT: Final = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one resource.

    Attributes:
        stack: its stack's name.
        name: its logical id.
        kind: its type.
        word: what happens to it.
        for_: the properties that replace it, where something does.
        perhaps_for: those that differ and replace it under some conditions, where it changes.
    """

    stack: str
    name: str
    kind: str
    word: Word
    for_: tuple[str, ...] = ()
    perhaps_for: tuple[str, ...] = ()

    @property
    def stateful(self) -> bool:
        """Whether it holds what no deployment brings back."""
        return HELD.get(self.kind) == "data"


def changes(before: Mapping[str, Template], after: Mapping[str, Template]) -> list[Change]:
    """Return what becomes of each resource that changes, of stacks in ``after``.

    A resource is replaced where CloudFormation's schema of its type says so of a property that
    differs, or that names a resource which is replaced itself, in its own stack or by an export.

    Args:
        before: deployed templates by stack.
        after: those to deploy; stacks that only ``before`` has stay as they are.

    Example:
        >>> def queue(name):
        ...     made = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
        ...     return {"stack": {"Resources": {"Queue": made}}}
        >>> [(one.word, one.for_) for one in changes(queue("a"), queue("b"))]
        [('replaces', ('QueueName',))]
    """
    replaced: dict[tuple[str, str], tuple[str, ...]] = {}
    while True:
        moved = _values_moved(after, set(replaced))
        found = {
            (stack, name): reasons
            for stack, template in after.items()
            for name, old, new in _both(before.get(stack, {}), template)
            if (reasons := _replacing(stack, old, new, replaced=set(replaced), moved=moved))
        }
        if found.keys() == replaced.keys():
            break
        replaced = found
    return sorted(_told(before, after, replaced), key=lambda one: (one.stack, one.name))


def exports(template: Template) -> dict[str, Any]:
    """Return what a template exports: values by name.

    Example:
        >>> exports({"Outputs": {"A": {"Value": {"Ref": "Q"}, "Export": {"Name": "q"}}}})
        {'q': {'Ref': 'Q'}}
    """
    return {
        str(output["Export"]["Name"]): output["Value"]
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def imports(template: Template) -> set[str]:
    """Return the names of exports that a template imports."""
    return {name for kind, name in references(template) if kind == "export"}


def references(value: object) -> Iterator[tuple[str, str]]:
    """Yield what a value of a template refers to.

    Example:
        >>> sorted(references({"A": {"Ref": "Q"}, "B": {"Fn::Sub": "x-${K.Arn}"}}))
        [('resource', 'K'), ('resource', 'Q')]
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Fn::ImportValue" and isinstance(inner, str):
                yield "export", inner
            elif key == "Ref" and isinstance(inner, str):
                yield "resource", inner
            elif key == "Fn::GetAtt":
                yield "resource", inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                text = inner[0] if isinstance(inner, list) else inner
                yield from (("resource", name) for name in _IN_TEXT.findall(text))
                yield from references(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _both(old: Template, new: Template) -> Iterator[tuple[str, Template, Template]]:
    mine, theirs = old.get("Resources", {}), new.get("Resources", {})
    yield from ((name, mine[name], theirs[name]) for name in mine if name in theirs)


def _values_moved(after: Mapping[str, Template], replaced: Replaced) -> set[str]:
    """Return the exports whose value becomes another, because a resource does."""
    return {
        export
        for stack, template in after.items()
        for export, value in exports(template).items()
        if any((stack, name) in replaced for _, name in references(value))
    }


def _replacing(
    stack: str, old: Template, new: Template, *, replaced: Replaced, moved: set[str]
) -> tuple[str, ...]:
    """Return the properties for which CloudFormation makes the resource anew."""
    if old["Type"] != new["Type"]:
        return ("Type",)
    found = []
    # What replaces under a condition mostly does not: drift in a password, a narrower size.
    for pointer in create_only(new["Type"], conditional=False) or ():
        was = list(values_at(old.get("Properties", {}), pointer))
        becomes = list(values_at(new.get("Properties", {}), pointer))
        follows = any(
            name in moved if kind == "export" else (stack, name) in replaced
            for kind, name in references(becomes)
        )
        if follows or was != becomes:
            found.append("/".join(pointer))
    return tuple(found)


def _told(
    before: Mapping[str, Template],
    after: Mapping[str, Template],
    replaced: Mapping[tuple[str, str], Sequence[str]],
) -> Iterator[Change]:
    for stack, template in after.items():
        old, new = before.get(stack, {}).get("Resources", {}), template.get("Resources", {})
        for name in sorted({*old, *new}):
            kind = (new.get(name) or old[name])["Type"]
            word: Word | None = None
            if name not in old:
                word = "adds"
            elif name not in new:
                word = "removes"
            elif (stack, name) in replaced:
                word = "replaces"
            elif _canonical(old[name]) != _canonical(new[name]):
                word = "changes"
            if word is not None and kind != "AWS::CDK::Metadata":
                reasons = tuple(replaced.get((stack, name), ()))
                perhaps = _perhaps(old[name], new[name]) if word == "changes" else ()
                yield Change(
                    stack=stack,
                    name=name,
                    kind=kind,
                    word=word,
                    for_=reasons,
                    perhaps_for=perhaps,
                )


def _perhaps(old: Template, new: Template) -> tuple[str, ...]:
    return tuple(
        "/".join(pointer)
        for pointer in create_only(new["Type"]) or ()
        if list(values_at(old.get("Properties", {}), pointer))
        != list(values_at(new.get("Properties", {}), pointer))
    )


def _canonical(resource: Template) -> str:
    # Metadata is the CDK's own, and where it came from.
    kept = {key: value for key, value in resource.items() if key != "Metadata"}
    return json.dumps(kept, sort_keys=True)
