"""The theorems: what is proved of every environment, a room for each subject."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems.availability import humans, machines, services
from starburst_assurance.proofs.theorems.data import (
    analysts,
    areas,
    keys,
    reads,
    secrets,
    sharing,
    touching,
    transport,
    workspaces,
)
from starburst_assurance.proofs.theorems.identities import chains, deploying, login
from starburst_assurance.proofs.theorems.perimeter import deputies, perimeter, seeds
from starburst_assurance.proofs.theorems.record import credentials, evidence, incidents
from starburst_assurance.proofs.theorems.roles import duties, endpoints, launching

__all__ = ["ALL", "theorems_in"]

ALL: tuple[Theorem, ...] = tuple(
    item
    for module in (
        login,
        analysts,
        workspaces,
        areas,
        reads,
        secrets,
        sharing,
        perimeter,
        touching,
        deputies,
        transport,
        launching,
        endpoints,
        keys,
        evidence,
        incidents,
        credentials,
        duties,
        chains,
        deploying,
        humans,
        machines,
        services,
        seeds,
    )
    for item in vars(module).values()
    if isinstance(item, Theorem)
)
"""Every theorem, in the order of the documentation."""


def theorems_in(files: Iterable[str]) -> tuple[Theorem, ...]:
    """Return our theorems and those that files of Python state.

    Args:
        files: of a team's own.

    Raises:
        ProofError: one of them is no Python file.
    """
    found = [*ALL]
    for file in files:
        spec = importlib.util.spec_from_file_location(Path(file).stem, file)
        if spec is None or spec.loader is None or not Path(file).is_file():
            raise ProofError(f"{file} is no Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [item for item in vars(module).values() if isinstance(item, Theorem)]
    return tuple(found)
