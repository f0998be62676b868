"""Refresh the LOCAL templates that the runtime's wheel carries.

They are what ``cdk synth`` makes, minus what only the CDK CLI needs: its bootstrap version check
and the hash of the controller's zip, which the runtime builds from its own installation.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from starburst.local.deploy_templates import CONTROLLER_KEY, INDEX, templates_folder

from .local import synthesize

__all__ = ["carried_files", "main"]

_CLI_METADATA = ("aws:asset:path", "aws:asset:is-bundled", "aws:asset:property", "aws:cdk:path")


def main() -> int:
    """Write the files anew, and take away those of stacks that are no more."""
    with tempfile.TemporaryDirectory() as outdir:
        files = carried_files(synthesize(Path(outdir)))
    folder = templates_folder()
    folder.mkdir(exist_ok=True)
    for stale in {path.name for path in folder.glob("*.json")} - files.keys():
        (folder / stale).unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    sys.stdout.write(f"Wrote {len(files)} files to {folder}\n")
    return 0


def carried_files(assembly: Path) -> dict[str, str]:
    """Return the name and text of each file to carry, from a cloud assembly of LOCAL alone."""
    files: dict[str, str] = {}
    order: list[dict[str, str]] = []
    stage = assembly / "assembly-local"
    artifacts = json.loads((stage / "manifest.json").read_text())["artifacts"]
    stacks = {
        name: artifact
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    for name in _in_order(stacks):
        properties = stacks[name]["properties"]
        stack = str(properties["stackName"])
        template = json.loads((stage / properties["templateFile"]).read_text())
        file = f"{stack.removeprefix('starburst-local-')}.json"
        order.append({"stack": stack, "template": file})
        files[file] = _text(_carried(template, assets=_zip_keys(stage, name)))
    files[INDEX] = _text(order)
    return files


def _in_order(stacks: dict[str, Any]) -> list[str]:
    """Return the stacks' names, each after those that it depends on."""
    done: list[str] = []
    while len(done) < len(stacks):
        done += [
            name
            for name, artifact in stacks.items()
            if name not in done
            and all(d in done for d in artifact.get("dependencies", ()) if d in stacks)
        ]
    return done


def _zip_keys(stage: Path, stack: str) -> tuple[str, ...]:
    """Return the S3 keys of the stack's zip assets."""
    manifest = json.loads((stage / f"{stack}.assets.json").read_text())
    return tuple(
        destination["objectKey"]
        for asset in manifest["files"].values()
        if asset["source"]["packaging"] == "zip"
        for destination in asset["destinations"].values()
    )


def _carried(template: dict[str, Any], *, assets: tuple[str, ...]) -> dict[str, Any]:
    template.pop("Rules", None)
    template.get("Parameters", {}).pop("BootstrapVersion", None)
    if not template.get("Parameters"):
        template.pop("Parameters", None)
    for resource in template["Resources"].values():
        metadata = resource.get("Metadata", {})
        for key in _CLI_METADATA:
            metadata.pop(key, None)
        if not metadata:
            resource.pop("Metadata", None)
    text = json.dumps(template)
    for key in assets:
        text = text.replace(key, CONTROLLER_KEY)
    carried: dict[str, Any] = json.loads(text)
    return carried


def _text(document: object) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m deploy.tools.templates", description=__doc__
    ).parse_args()
    sys.exit(main())
