"""Each variable that the client, the command or the local environment reads is explained."""

from __future__ import annotations

import re
from pathlib import Path

from tests.some import some

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "worker/src/starburst"
WITHIN = ("contract", "controller", "worker")
"""What the controller and the workers read is set by who starts them."""


OF_TASKS = "STARBURST_DATA"
"""A worker sets it, and the page says so."""

OF_PROGRAMS = "STARBURST_LOCAL_IMAGE"
"""Nothing of ours reads it: it is told to a program that stands for workers' Python."""


def test_each_variable_is_explained() -> None:
    page = (ROOT / "docs/variables.md").read_text()
    read = {
        name
        for path in some(RUNTIME.rglob("*.py"))
        if path.relative_to(RUNTIME).parts[0] not in WITHIN
        for name in re.findall(r"\bSTARBURST_[A-Z_]*[A-Z]\b", path.read_text())
    }
    told = set(re.findall(r"`(STARBURST_[A-Z_]+)`", page))
    ours = {"STARBURST_ENVIRONMENT", "STARBURST_LOCAL_STRICT", "STARBURST_CACHE"}
    assert ours <= told
    assert (read - {OF_PROGRAMS}) | {OF_TASKS} == told
    assert OF_PROGRAMS in read
