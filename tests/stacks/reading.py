"""Reading a template: resources by type, statements by id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.some import some

Template = dict[str, Any]
Resource = dict[str, Any]
Statement = dict[str, Any]


def resources(template: Template, kind: str) -> dict[str, Resource]:
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def across(
    templates: dict[str, Template], environment: str, kind: str
) -> list[tuple[str, Resource]]:
    """Every resource of a type in an environment, with where it is; there must be some."""
    return some(
        (f"{stack}: {name}", resource)
        for stack, template in templates.items()
        if stack.startswith(f"{environment}/")
        for name, resource in resources(template, kind).items()
    )


def only(template: Template, kind: str) -> Resource:
    found = resources(template, kind)
    assert len(found) == 1, f"{len(found)} resources of type {kind}"
    return next(iter(found.values()))["Properties"]


def named(template: Template, kind: str, prefix: str) -> Resource:
    found = [value for name, value in resources(template, kind).items() if name.startswith(prefix)]
    assert len(found) == 1, f"{len(found)} resources of type {kind} named {prefix}…"
    return found[0]["Properties"]


def documents(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy document in the template, with the logical id of its resource."""
    for name, resource in template["Resources"].items():
        yield from ((name, found) for found in _documents(resource.get("Properties", {})))


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("Statement"), list):
            yield value
        else:
            for inner in value.values():
                yield from _documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documents(inner)


def statement(document: dict[str, Any], sid: str) -> Statement:
    found = [each for each in document["Statement"] if each.get("Sid") == sid]
    assert len(found) == 1, f"{len(found)} statements with Sid {sid}"
    return found[0]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
