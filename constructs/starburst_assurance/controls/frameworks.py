"""Which ids of which framework a control answers, and who says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from starburst_assurance.controls.model import UNVERIFIED, Control, Framework
from starburst_assurance.packs.catalogue import nag_catalogue
from starburst_assurance.packs.control_tower import guard_catalogue

__all__ = ["PACK_FRAMEWORKS", "Reference", "nag_rules", "references"]

PACK_FRAMEWORKS: Final = {
    "HIPAA.Security": Framework.HIPAA,
    "NIST.800.53.R5": Framework.NIST,
    "PCI.DSS.321": Framework.PCI,
}

_NUMBER: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """One id of one framework.

    Attributes:
        framework: whose.
        name: the id.
        by: who says that the control answers it: ``table`` is ours, others are packs.
        verified: whether a second source names the id.
    """

    framework: Framework
    name: str
    by: tuple[str, ...]
    verified: bool = True


def nag_rules(name: str) -> tuple[str, ...]:
    """Return the whole ids of a rule of cdk-nag, in every pack that has it."""
    if name.startswith("AwsSolutions-"):
        return (name,)
    return tuple(
        entry.rule
        for pack in PACK_FRAMEWORKS
        for entry in nag_catalogue(pack)
        if entry.rule == f"{pack}-{name}"
    )


def references(control: Control) -> tuple[Reference, ...]:
    """Return every id that a control answers, in order, each once."""
    said: dict[tuple[Framework, str], list[str]] = {}
    for framework, name, by in (*_written(control), *_of_packs(control)):
        sources = said.setdefault((framework, name), [])
        if by not in sources:
            sources.append(by)
    return tuple(
        Reference(
            framework=framework,
            name=name,
            by=tuple(by),
            verified=not (framework is Framework.FSBP and name in UNVERIFIED),
        )
        for (framework, name), by in sorted(said.items(), key=lambda item: _order(*item[0]))
    )


def _written(control: Control) -> Iterator[tuple[Framework, str, str]]:
    for framework, name in control.written:
        yield framework, name, "table"


def _of_packs(control: Control) -> Iterator[tuple[Framework, str, str]]:
    controls = _nag_controls()
    for name in control.nag:
        for rule in nag_rules(name):
            pack = rule.rpartition("-")[0]
            if pack in PACK_FRAMEWORKS:
                for found in controls[rule]:
                    yield PACK_FRAMEWORKS[pack], found, "cdk-nag"
    entries = {entry.rule: entry for entry in guard_catalogue()}
    for name in control.guard:
        for found in entries[name].nist:
            yield Framework.NIST, found, "Control Tower"
        for found in entries[name].pci:
            yield Framework.PCI, found, "Control Tower"


@cache
def _nag_controls() -> dict[str, tuple[str, ...]]:
    return {entry.rule: entry.controls for pack in PACK_FRAMEWORKS for entry in nag_catalogue(pack)}


def _order(framework: Framework, name: str) -> tuple[int, list[tuple[int, str]]]:
    """Sort by framework, and numbers within ids as numbers."""
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(name)]
    return list(Framework).index(framework), parts
