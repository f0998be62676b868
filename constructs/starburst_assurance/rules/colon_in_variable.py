"""Forbids a policy variable of a tag whose key has a colon, which IAM may not resolve (P10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.template import Resource, Template

__all__ = ["COLON_IN_VARIABLE"]

_OF_A_TAG: Final = re.compile(r"\$\{!?([^}/,]+/[^},]+)")
"""The key of a variable such as ``${aws:PrincipalTag/team}``; ``Fn::Sub`` writes ``${!``."""


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    del template
    found = sorted({key for text in _texts(resource.properties) for key in _OF_A_TAG.findall(text)})
    if not found:
        return None
    return (
        f"${{{key}}} may stay without a value: AWS shows no variable of a tag with a colon"
        for key in found
        if ":" in key.partition("/")[2]
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        if value.keys() <= {"Fn::Join", "Fn::Sub"}:
            # A variable may be put together from parts that are none.
            yield _whole(value)
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _whole(value: object) -> str:
    """Spell what CloudFormation puts together; a question mark for what only it knows."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, inner)] = value.items()
        if name == "Fn::Join" and isinstance(inner[1], list):
            return str(inner[0]).join(map(_whole, inner[1]))
        if name == "Fn::Sub":
            text, parts = (inner, {}) if isinstance(inner, str) else inner
            for part, spelled in parts.items():
                text = str(text).replace(f"${{{part}}}", _whole(spelled))
            return str(text)
    return "?"


COLON_IN_VARIABLE: Final = Rule(
    name="colon-in-variable",
    controls=("NIST AC-3", "NIST AC-6"),
    kinds=(),
    fix="Give the tag a key of letters and hyphens, as IAM's tutorial on tags does.",
    judge=_judge,
)
