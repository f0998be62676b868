"""cfn-lint over every synthesized template, its warnings as errors.

It checks what the service would: types, allowed values and combinations, for the environment's
Region. It is a developer's tool, so it runs beside the synthesis and not within it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from environments import ALL
from stacks.settings.checks.places import nearest
from starburst_assurance.gate.table import OpenFinding, table
from starburst_assurance.templates.template import read_stage
from starburst_assurance.waivers import Waiver, check_waivers

__all__ = ["WAIVERS", "LintError", "lint", "main"]

WAIVERS: Final[tuple[Waiver, ...]] = ()
"""Exceptions; their rules read ``cfn-lint-W3005``, their resources begin with the environment."""

ASSEMBLY: Final = Path(__file__).resolve().parents[2] / "cdk.out"

_START: Final = "import sys; from cfnlint.runner import main; sys.exit(main())"
_CLEAN, _USAGE = 0, 1

_NOT_ONE_OF: Final = re.compile(
    r"'(?P<value>[^']*)' is not one of \[(?P<list>[^]]{200,})\](?P<rest>.*)"
)
"""A list that nobody reads: of EC2's types it takes a thousand lines."""


class LintError(RuntimeError):
    """cfn-lint could not judge, so nothing may pass."""


def lint(files: Mapping[str, Sequence[Path]], *, region: str) -> Iterator[OpenFinding]:
    """Yield what cfn-lint finds in the templates of a Region's environments.

    Args:
        files: the templates of each environment, by its name.
        region: whose resource types and values count.

    Raises:
        LintError: cfn-lint is not installed, or did not finish.
    """
    if find_spec("cfnlint") is None:
        raise LintError("cfn-lint is not installed; `make setup` brings it")
    options = ("--format", "json", "--regions", region, "--")
    # Once for all: to start, and to read what the Region offers, is a third of its time.
    done = subprocess.run(  # noqa: S603 - our own dependency
        [
            sys.executable,
            "-c",
            _START,
            *options,
            *(str(file) for own in files.values() for file in own),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == _USAGE or (done.returncode != _CLEAN and not done.stdout):
        raise LintError(f"cfn-lint stopped with {done.returncode}: {done.stderr.strip()}")
    stages = {str(file): stage for stage, own in files.items() for file in own}
    paths = {
        (each.file, each.logical_id): each.path
        for stage, own in files.items()
        for each in read_stage(own, stage=stage).resources.values()
    }
    for found in json.loads(done.stdout or "[]"):
        where = [str(part) for part in found["Location"].get("Path") or ()]
        logical_id = where[1] if len(where) > 1 else ""
        place = paths.get((found["Filename"], logical_id), Path(found["Filename"]).name)
        yield OpenFinding(
            resource=f"{stages[found['Filename']]}/{place}",
            rule=f"cfn-lint-{found['Rule']['Id']}",
            wrong=_shortened(found["Message"]),
            fix=found["Rule"]["Source"],
        )


def _shortened(message: str) -> str:
    """Return a message without a list of all that is allowed, but for what is near."""
    found = _NOT_ONE_OF.fullmatch(message)
    if found is None:
        return message
    value, rest = found["value"], found["rest"]
    near = nearest(value, re.findall("'([^']*)'", found["list"]), most=3)
    return f"{value!r} is none of those that are allowed, such as {near}{rest}"


def main(*, today: date | None = None, waivers: Sequence[Waiver] = WAIVERS) -> int:
    """Lint every environment of the last synthesis; return 1 where there is a finding."""
    check_waivers(waivers, today=today or datetime.now(UTC).date())
    refused: list[OpenFinding] = []
    needed: set[tuple[str, str]] = set()
    regions: dict[str, dict[str, list[Path]]] = {}
    for environment in ALL:
        files = sorted(ASSEMBLY.glob(f"assembly-{environment.name}/*.template.json"))
        if not files:
            sys.stderr.write(f"{environment.name} is not in {ASSEMBLY}: run make synth\n")
            return 1
        regions.setdefault(environment.region, {})[environment.name] = files
    for region, own in regions.items():
        for found in lint(own, region=region):
            places = [one.place(found.resource, rule=found.rule) for one in waivers]
            needed.update(place for place in places if place)
            if not any(places):
                refused.append(found)
    for waiver in waivers:
        for rule, resource in waiver.pairs:
            if (rule, resource) not in needed:
                wrong = f"{waiver}: no finding needs {rule} at {resource}"
                refused.append(
                    OpenFinding(resource=resource, rule=rule, wrong=wrong, fix="Delete the waiver.")
                )
    if refused:
        sys.stderr.write(f"{table(sorted(refused))}\n{len(refused)} findings of cfn-lint\n")
        return 1
    return 0


if __name__ == "__main__":
    prog = "python -m deploy.tools.linting"
    argparse.ArgumentParser(prog=prog, description=__doc__).parse_args()
    sys.exit(main())
