"""The command ``python -m deploy.review BASE``: what the working tree changes since a commit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from starburst.untrusted.terminal_text import one_line, tell
from starburst_assurance.dependencies import MissingJudgeError, require_judges

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Print what changed; 0 in silence where nothing did, 1 where something, 2 if unknown."""
    parser = argparse.ArgumentParser(prog="python -m deploy.review", description=__doc__)
    parser.add_argument("base", help="commit, tag or branch to compare with")
    parser.add_argument("--environment", action="append", help="one of them (default: all)")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--into", type=Path, metavar="FILE", help="write it there as well")
    chosen = parser.parse_args(arguments)
    try:
        require_judges()
    except MissingJudgeError as error:
        tell(one_line(error), sys.stderr)
        return 2
    from app import use_bundled_node  # noqa: PLC0415 - Node starts with the first aws_cdk

    use_bundled_node()
    from deploy.review.base import ReviewError  # noqa: PLC0415
    from deploy.review.review import review  # noqa: PLC0415
    from stacks.settings import SettingsError  # noqa: PLC0415
    from starburst.errors import ConfigurationError  # noqa: PLC0415
    from starburst_assurance.proofs.comparison.against import warnings_aside  # noqa: PLC0415
    from starburst_assurance.proofs.comparison.report import FORMATS  # noqa: PLC0415
    from starburst_assurance.proofs.reading.errors import ProofError  # noqa: PLC0415
    from starburst_assurance.waivers import WaiverError  # noqa: PLC0415
    from starburst_constructs.policies.wildcards import WildcardError  # noqa: PLC0415

    try:
        with warnings_aside():
            found = review(chosen.base, wanted=chosen.environment)
    except (
        ConfigurationError,
        ProofError,
        ReviewError,
        SettingsError,
        WaiverError,
        WildcardError,
    ) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = FORMATS[chosen.format](found)
    if chosen.into is not None:
        chosen.into.write_text(text)
    if found:
        sys.stdout.write(text)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
