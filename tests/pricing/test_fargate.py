"""The sizes that Fargate sells are those that cfn-lint knows of, which keeps such a table too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starburst.pricing.fargate import MEMORY_GB, cpu_units, is_size, memory_mib
from tests.some import some

TABLE = "schemas/extensions/aws_ecs_taskdefinition/fargate_cpu_memory.json"


def sizes() -> dict[str, set[int]]:
    """Return the memory, MiB, that goes with each number of CPU units."""
    package = find_spec("cfnlint")  # which is slow to import
    assert package is not None
    assert package.origin is not None
    table = Path(package.origin).parent / "data" / TABLE
    known = json.loads(table.read_text())["then"]["anyOf"]
    pairs = [
        (one["properties"]["Cpu"]["then"], one["properties"]["Memory"]["then"]) for one in known
    ]
    return {units: numbers(memory) for cpu, memory in pairs for units in cpu["enum"]}


def numbers(schema: Mapping[str, Any]) -> set[int]:
    step = schema.get("multipleOf", 1)
    return set(schema.get("enum") or range(schema["minimum"], schema["maximum"] + 1, step))


def test_each_vcpu_count_goes_with_the_memory_that_others_know_of() -> None:
    theirs = sizes()
    for cpu, memory in some(MEMORY_GB.items()):
        assert {int(memory_mib(gb)) for gb in memory} == theirs.pop(cpu_units(cpu)), cpu
        assert all(is_size(cpu, gb) for gb in some(memory))
    assert set(theirs) == {"32768"}, "which no session may ask for"
