"""Run the delivery's buildspecs in a clean copy of this checkout: ``make delivery-check``.

What needs AWS is left out: the deployment itself, and the image's push. Each other command runs,
from an empty machine's ``make setup`` on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.delivery.phases import Ran, run
from deploy.tools.cdk import ROOT
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["BUILDSPECS", "checkout", "main"]

BUILDSPECS: Final = ROOT / "stacks" / "addons" / "delivery" / "buildspecs"
_RUN: Final = ("review", "tests", "gate")
_NOT_HERE: Final = ("make deploy", "make image")
_LAMBDA_SECONDS: Final = 900


def checkout(into: Path, *, root: Path = ROOT) -> Path:
    """Clone what is committed here, with a branch to compare with, and return where it is."""
    place = into / "src"
    base = ["git", "-c", "advice.detachedHead=false"]
    for words in (
        ["clone", "--quiet", "--no-hardlinks", str(root), str(place)],
        ["-C", str(place), "update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*base, *words], check=True)  # noqa: S603 - our own command line
    return place


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named; return 1 where a build would have failed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.delivery.check", description=__doc__)
    known = sorted(path.stem for path in BUILDSPECS.glob("*.yml"))
    parser.add_argument("names", nargs="*", default=list(_RUN), help=", ".join(known))
    parser.add_argument(
        "--without", action="append", default=[], metavar="COMMAND", help="such as 'make audit'"
    )
    words = parser.parse_args(arguments)
    codes: list[int] = []
    for name in words.names:
        with tempfile.TemporaryDirectory() as folder:
            place = checkout(Path(folder))
            began = time.monotonic()
            ran = run(
                BUILDSPECS / f"{name}.yml",
                at=place,
                variables=_variables(Path(folder), name),
                without=(*_NOT_HERE, *words.without),
                seconds=_LAMBDA_SECONDS if name == "tests" else 3600,
            )
            codes.append(_say(name, ran, time.monotonic() - began))
    return max(codes, default=0)


def _variables(folder: Path, name: str) -> dict[str, str]:
    found = {"CODEBUILD_WEBHOOK_BASE_REF": "refs/heads/main", "DELIVERY_TARGET": "dev"}
    # CodeBuild brings the image's own; a person's virtual environment is none of it.
    found["PATH"] = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin"))
    if name == "tests":
        # Of the Lambda compute nothing but /tmp can be written.
        (folder / "tmp").mkdir()
        found |= {"HOME": str(folder / "tmp"), "TMPDIR": str(folder / "tmp")}
    return found


def _say(name: str, ran: Ran, seconds: float) -> int:
    for line in ran.output.splitlines()[-40:]:
        tell(one_line(f"  {line}"), sys.stdout)
    for report in ran.reports:
        tell(one_line(f"{name}: report {report.name}: {report.wrong or 'read'}"), sys.stdout)
    ended = "succeeded" if ran.succeeded else f"failed in {ran.failed or 'its reports'}"
    tell(one_line(f"{name}: {ended} after {seconds:.0f} s"), sys.stdout)
    return 0 if ran.succeeded else 1


if __name__ == "__main__":
    raise SystemExit(main())
