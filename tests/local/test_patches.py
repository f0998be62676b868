"""Each patch works, and stock still needs it."""

from __future__ import annotations

from typing import Any

import pytest

from starburst.local.emulation import PATCHES, load_patches
from tests.local import probes, probes_properties, probes_services
from tests.local.conftest import NEEDED_BY_PROBES
from tests.local.scene import Scene


def probe(name: str) -> Any:
    return next(
        found
        for module in (probes, probes_services, probes_properties)
        if (found := getattr(module, name, None)) is not None
    )


@pytest.mark.parametrize("name", PATCHES)
def test_patched_emulator_does_what_aws_does(name: str, scene: Scene) -> None:
    assert probe(name)(scene), f"the patch {name} no longer works"


@pytest.mark.parametrize("name", [name for name in PATCHES if name not in NEEDED_BY_PROBES])
def test_stock_still_needs_the_patch(name: str, stock_scene: Scene) -> None:
    assert not probe(name)(stock_scene), f"drop the patch {name}: stock does it now"


@pytest.mark.parametrize("name", NEEDED_BY_PROBES)
def test_bare_emulator_still_needs_the_patch(name: str, bare_scene: Scene) -> None:
    assert not probe(name)(bare_scene), f"drop the patch {name}: stock does it now"


def test_every_patch_says_what_stock_does() -> None:
    found = load_patches()
    assert [patch.name for patch in found] == list(PATCHES)
    assert all(patch.stock for patch in found)
