"""The theorems: what is proved of every environment, one file for each thing that people ask."""

from __future__ import annotations

from starburst_constructs.proofs.theorem import Theorem
from starburst_constructs.proofs.theorems import (
    analysts,
    duties,
    evidence,
    keys,
    launching,
    login,
    perimeter,
    seeds,
    transport,
    work,
    workspaces,
)

__all__ = ["ALL"]

ALL: tuple[Theorem, ...] = tuple(
    item
    for module in (
        login,
        analysts,
        workspaces,
        perimeter,
        transport,
        launching,
        keys,
        evidence,
        duties,
        work,
        seeds,
    )
    for item in vars(module).values()
    if isinstance(item, Theorem)
)
"""Every theorem, in the order of the documentation."""
