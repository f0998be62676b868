"""All add-ons of one environment pass every gate together, and every theorem holds of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import stacks.addons
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import PolicySet
from tests.addons.conftest import ON

APART: Final = frozenset({"delivery"})
"""It deploys other environments, from an account of its own; ``tests/delivery`` asks it."""


def test_none_is_left_out() -> None:
    folders = {
        path.parent.name for path in Path(stacks.addons.__path__[0]).glob("*/addon.py")
    } - APART
    assert {type(one).__module__.split(".")[2] for one in ON.addons} == folders


def test_they_pass_every_gate_together(synthesized: tuple[Path, PolicySet]) -> None:
    """Its synthesis proves each theorem too, of the core and of all of them."""
    outdir, policy_set = synthesized
    assert open_findings(outdir) == []
    assert set(policy_set.addons) == {one.name for one in ON.addons}
