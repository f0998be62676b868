"""The command ``python -m deploy.evidence prod``: judge an environment and write its evidence."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from deploy.tools.cdk import ROOT
from environments import ALL
from starburst.untrusted.terminal_text import many_lines, one_line, tell
from starburst_assurance.dependencies import MissingJudgeError, require_judges

__all__ = ["main"]

INTO = ROOT / "build" / "evidence"


def main(arguments: list[str] | None = None) -> int:
    """Write the folder; return 1 where something in it failed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.evidence", description=__doc__)
    parser.add_argument("environment", help=", ".join(each.name for each in ALL))
    parser.add_argument("--into", type=Path, default=INTO, help="where its folder goes")
    parser.add_argument(
        "--without-tests",
        action="store_true",
        help="do not run the tests that controls name; they are then said not to have run",
    )
    parser.add_argument(
        "--written-to", type=Path, metavar="FILE", help="tells another command the folder"
    )
    chosen = parser.parse_args(arguments)
    environment = next((each for each in ALL if each.name == chosen.environment), None)
    if environment is None:
        known = ", ".join(each.name for each in ALL)
        parser.error(f"there is no environment {chosen.environment!r}; environments.py has {known}")
    try:
        require_judges()
    except MissingJudgeError as error:
        tell(one_line(error), sys.stderr)
        return 1
    # Node starts with the first import of aws_cdk; a wish to leave its validator out is not ours.
    os.environ.pop("CDK_VALIDATION", None)
    from app import use_bundled_node  # noqa: PLC0415

    use_bundled_node()
    from deploy.evidence.folder import write  # noqa: PLC0415
    from deploy.evidence.gather import gather  # noqa: PLC0415
    from deploy.evidence.left_out import left_out  # noqa: PLC0415
    from deploy.evidence.matrix import Status, failures, matrix  # noqa: PLC0415
    from deploy.evidence.testing import RunError  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name:
        try:
            evidence = gather(
                environment, Path(name), run_tests=not chosen.without_tests, report=_say
            )
        except RunError as error:
            tell(f"No evidence was written. {many_lines(error)}", sys.stderr)
            return 1
        folder = chosen.into / f"{environment.name}-{evidence.templates_sha256[:12]}"
        shutil.rmtree(folder, ignore_errors=True)
        write(evidence, folder)
    if chosen.written_to is not None:
        chosen.written_to.write_text(f"{folder}\n", encoding="utf-8")
    rows = matrix(evidence)
    counted = Counter(row.status for row in rows)
    _say(", ".join(f"{counted[status]} {status.value}" for status in Status if counted[status]))
    for each in left_out(evidence, rows):
        _say(f"Left out: {each}")
    for risk in evidence.risks:
        _say(f"Risk, {'accepted' if risk.accepted else 'open'}: {risk.sentence}")
    _say(f"Wrote {folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder}")
    if failures(evidence):
        _say("Something failed: the page begins with it.")
        return 1
    return 0


def _say(text: str) -> None:
    tell(one_line(text), sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
