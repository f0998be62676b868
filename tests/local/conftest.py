"""One emulator for the whole session, and two that lack our patches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from starburst.local import LocalEnvironment
from starburst.local.emulation import PATCHES
from tests.local.scene import Scene

NEEDED_BY_PROBES = ("root_key", "tasks")


@pytest.fixture(scope="session")
def emulator() -> Iterator[LocalEnvironment]:
    with LocalEnvironment() as local:
        yield local


@pytest.fixture(scope="session")
def scene(emulator: LocalEnvironment) -> Scene:
    return Scene(emulator)


@pytest.fixture(scope="session")
def stock_scene() -> Iterator[Scene]:
    """Stock, but for what the probes themselves need."""
    without = [name for name in PATCHES if name not in NEEDED_BY_PROBES]
    with LocalEnvironment(without=without) as local:
        yield Scene(local, patience=2)


@pytest.fixture(scope="session")
def bare_scene() -> Iterator[Scene]:
    """Stock without any patch."""
    with LocalEnvironment(without=PATCHES) as local:
        yield Scene(local)
