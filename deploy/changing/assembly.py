"""What a synthesis wrote: its manifests, and the templates of an environment's stacks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

__all__ = ["described", "manifests"]


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


def described(
    assembly: Path, environment: str, *, parts: Collection[str] = (), alone: bool = False
) -> dict[str, dict[str, Any]]:
    """Return the templates that a deployment of some stacks would take, by the stacks' names.

    Args:
        assembly: what synthesis wrote.
        environment: whose stacks.
        parts: ids of stacks such as ``registry``; all without it.
        alone: leave out what these stand on (``cdk deploy --exclusively``).
    """
    for path, manifest, _ in manifests(assembly):
        stacks = {
            name: artifact
            for name, artifact in manifest.get("artifacts", {}).items()
            if artifact["type"] == "aws:cloudformation:stack"
            and artifact.get("displayName", "").startswith(f"{environment}/")
        }
        chosen = {
            name
            for name, artifact in stacks.items()
            if not parts or artifact["displayName"].partition("/")[2] in parts
        }
        waiting = set() if alone else set(chosen)
        while waiting:
            below = set(stacks[waiting.pop()].get("dependencies", ())) & stacks.keys()
            waiting |= below - chosen
            chosen |= below
        if chosen:
            return {
                stacks[name]["properties"]["stackName"]: json.loads(
                    (path.parent / stacks[name]["properties"]["templateFile"]).read_text()
                )
                for name in chosen
            }
    return {}
