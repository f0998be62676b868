"""What a synthesis wrote: its manifests, and the stacks that each has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.tools.cdk import ROOT, CdkFailed, base_environment
from starburst_assurance.gate.emergency import VARIABLE

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["described", "judged", "manifests"]


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


def judged(environment: Environment, outdir: Path) -> Path:
    """Synthesize an environment with all its judges; return where it was written to.

    An emergency that this process's environment declares is the app's to judge.

    Raises:
        CdkFailed: settings or a judge refuse it; their words are in the terminal.
    """
    done = subprocess.run(
        [sys.executable, "app.py"],
        # What the CDK CLI hands to an app.
        env=base_environment()
        | {
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps({"environments": environment.name}),
            **{name: os.environ[name] for name in (VARIABLE,) if name in os.environ},
        },
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise CdkFailed(f"environment {environment.name} did not pass its synthesis; see above")
    return outdir
