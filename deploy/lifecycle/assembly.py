"""What a synthesis wrote: its manifests, and the stacks that each has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["manifests"]


def manifests(assembly: Path) -> Iterator[tuple[Path, dict[str, Any], list[dict[str, Any]]]]:
    """Yield each manifest of an assembly: its path, all of it, and its stacks' properties."""
    for path in sorted(assembly.rglob("manifest.json")):
        manifest = json.loads(path.read_text())
        stacks = [
            artifact["properties"]
            for artifact in manifest.get("artifacts", {}).values()
            if artifact["type"] == "aws:cloudformation:stack"
        ]
        yield path, manifest, stacks
