"""``starburst-prove`` as a command: its words, then what it needs, and only then the proofs.

``aws_cdk`` cannot be imported without Node, nor the proofs without their solver.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from starburst_assurance.bundled_node import use_bundled_node
from starburst_assurance.dependencies import MissingJudgeError, require_judges

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove, print, and return the process's exit code.

    0: everything holds; 1: a theorem does not hold, or too many mutants live; 2: nothing could be
    proved, which standard error explains in one sentence. With ``--against`` 0 in silence where
    no request gets another answer, and 1 where some do. With ``--deployed`` 1 also where something
    stands otherwise than the code has it, and 2 where something could not be read. With
    ``--review`` 1 where something that it proposes may not be taken as it is.

    Args:
        arguments: of the command line, without the program's name.
    """
    parser = _options()
    options = parser.parse_args(arguments)
    if options.reference is not None and options.review is None:
        parser.error("--reference goes with --review: it says which actions IAM tracks")
    if options.known is not None and not options.deployed:
        parser.error("--known goes with --deployed: it is about what stands in an account")
    try:
        require_judges()
    except MissingJudgeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    use_bundled_node()
    if options.review is not None:
        from starburst_assurance.proofs.review import run as review  # noqa: PLC0415 - as above

        return review.run(options)
    if options.deployed:
        from starburst_assurance.proofs.deployed import run as deployed  # noqa: PLC0415 - as above

        return deployed.run(options)
    if options.against is not None:
        from starburst_assurance.proofs.comparison import against  # noqa: PLC0415 - as said above

        return against.run(options)
    from starburst_assurance.proofs.command import run  # noqa: PLC0415 - as said above

    return run(options)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starburst-prove",
        description="Prove what the policies of your environments can never allow.",
    )
    parser.add_argument(
        "--environment", action="append", metavar="NAME", help="one of them (default: all)"
    )
    parser.add_argument(
        "--app", default="app", help="module with build(), found here (default: app)"
    )
    parser.add_argument(
        "--theorems",
        action="append",
        default=[],
        metavar="FILE.py",
        help="your own theorems, proved as well",
    )
    parser.add_argument(
        "--only", default="", metavar="WORD", help="theorems whose name has this in it"
    )
    parser.add_argument(
        "--mutants", action="store_true", help="try every mutant of every policy; takes minutes"
    )
    parser.add_argument(
        "--policy", default="", metavar="WORD", help="mutants of such policies only"
    )
    parser.add_argument("--processes", type=int, default=2, help="that try mutants (default: 2)")
    parser.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="what earlier runs found (default: in build)",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="ASSEMBLY",
        help="prove nothing, but name each request that is newly allowed or denied since another "
        "synthesis",
    )
    parser.add_argument(
        "--deployed",
        action="store_true",
        help="read the account of the one --environment, by the shell's credentials, and prove of "
        "what stands there; what stands otherwise than the code has it is named",
    )
    parser.add_argument(
        "--known",
        type=Path,
        metavar="FILE",
        help="with --deployed: sentences about the account that are as they should be, one a line; "
        "any other is an error",
    )
    parser.add_argument(
        "--review",
        type=Path,
        metavar="FILE",
        help="judge what the record of an access review proposes, of what stands in the account of "
        "the one --environment: narrower, nothing in use lost, and every theorem still proved",
    )
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FOLDER",
        help="with --review: AWS's service reference as files, <service>.json each (default: asked "
        "of AWS)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown"),
        default="text",
        help="of what --against says (default: text)",
    )
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write what was found")
    return parser
