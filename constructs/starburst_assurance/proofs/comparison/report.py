"""What a comparison says: as text, as JSON, and as the comment of a pull request."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

__all__ = ["FORMATS", "Finding", "Section", "as_json", "as_markdown", "as_text"]

Section: TypeAlias = Literal[
    "environments", "allowed", "denied", "undecided", "resources", "theorems", "waivers", "cost"
]

_TITLES: Final[Mapping[Section, str]] = {
    "environments": "Environments",
    "allowed": "Newly allowed",
    "denied": "Newly denied",
    "undecided": "Not decided in time",
    "resources": "Replaced or removed, with what it holds",
    "theorems": "Theorems",
    "waivers": "Waivers",
    "cost": "Cost at rest",
}

_WIDTH: Final = 100
_LONGEST: Final = 60_000
"""GitHub takes 65,536 characters in a comment."""

_MARKS: Final = re.compile(r"([\\`*_\[\]<>|~#])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that changed.

    Attributes:
        section: of the report.
        sentence: what a reviewer reads.
        environment: where; empty for what is alike in all.
        detail: the same for programs.
    """

    section: Section
    sentence: str
    environment: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def as_text(findings: Sequence[Finding]) -> str:
    """Return the report for a terminal; nothing where nothing changed."""
    lines: list[str] = []
    for environment, title, group in _grouped(findings):
        lines += [f"{environment}{title}", ""]
        for one in group:
            lines += textwrap.wrap(
                one.sentence,
                _WIDTH,
                initial_indent="  - ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        lines.append("")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the report for a program: a list of findings."""
    items = [
        {
            "section": one.section,
            "environment": one.environment,
            "sentence": one.sentence,
            "detail": dict(one.detail),
        }
        for one in _ordered(findings)
    ]
    return json.dumps(items, indent=2) + "\n"


def as_markdown(findings: Sequence[Finding]) -> str:
    """Return the report as a comment; nothing where nothing changed.

    Names in it come from the change that is reviewed: none of them formats, links or mentions.
    """
    lines: list[str] = []
    for environment, title, group in _grouped(findings):
        lines += [f"### {_escaped(environment)}{title}", ""]
        lines += [f"- {_escaped(one.sentence)}" for one in group]
        lines.append("")
    whole = "\n".join(lines)
    if len(whole) <= _LONGEST:
        return whole
    kept = whole[:_LONGEST].rpartition("\n")[0]
    left = whole.count("\n- ") - kept.count("\n- ")
    return f"{kept}\n\n{left} more do not fit here: run the comparison yourself to read them.\n"


FORMATS: Final[Mapping[str, Callable[[Sequence[Finding]], str]]] = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
}
"""Ways to say it, by name."""


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    order = list(_TITLES)
    return sorted(findings, key=lambda one: (one.environment, order.index(one.section)))


def _grouped(findings: Sequence[Finding]) -> Iterator[tuple[str, str, list[Finding]]]:
    groups: dict[tuple[str, Section], list[Finding]] = {}
    for one in _ordered(findings):
        groups.setdefault((one.environment, one.section), []).append(one)
    for (environment, section), group in groups.items():
        yield f"{environment}: " if environment else "", _TITLES[section], group


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text).replace("@", "&#64;")
