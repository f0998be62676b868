"""``starburst-prove``: prove every theorem of every environment that an app describes."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starburst_constructs.proofs.assembly import read_estate
from starburst_constructs.proofs.errors import ProofError
from starburst_constructs.proofs.estate import Estate
from starburst_constructs.proofs.mutants import Fate, hunt, mutants
from starburst_constructs.proofs.prove import prove_all
from starburst_constructs.proofs.survivors import reason_for
from starburst_constructs.proofs.theorem import Theorem
from starburst_constructs.proofs.theorems import ALL
from starburst_constructs.proofs.vocabulary import check

__all__ = ["estates_of", "main"]

MAX_UNITS = 16 * 1024
MAX_MIB = 120 * 1024
"""Of the largest task that Fargate sells; a session's own limits may be higher."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove, print, and return 1 where a theorem does not hold.

    Args:
        arguments: of the command line, without the program's name.
    """
    options = _options().parse_args(arguments)
    sys.path.insert(0, os.getcwd())
    theorems = [*ALL, *_own(options.theorems)]
    if options.only:
        theorems = [item for item in theorems if options.only in item.name]
    try:
        with tempfile.TemporaryDirectory() as folder:
            estates = list(_estates(options, Path(folder)))
        failed = 0
        for estate in estates:
            check(estate)
            failed += _hunt(estate, theorems) if options.mutants else _prove(estate, theorems)
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 1 if failed else 0


def estates_of(app: Any, assembly: Path | str) -> Iterator[Estate]:
    """Yield the estate of every stage of an app that has an ``environment``.

    Args:
        app: as ``app.build`` returns it.
        assembly: where it was synthesized to.
    """
    for stage in app.node.children:
        environment = getattr(stage, "environment", None)
        if environment is None:
            continue
        yield read_estate(
            assembly,
            environment.name,
            regions=environment.allowed_regions,
            limits=limits_of(environment),
            without=environment.without,
        )


def limits_of(environment: Any) -> Mapping[str, tuple[float, float]]:
    """Return the CPU units and MiB that one task of each workspace may have at most."""
    return {
        workspace.name: (
            min(MAX_UNITS, workspace.limits.vcpu * 1024),
            min(MAX_MIB, workspace.limits.memory_gb * 1024),
        )
        for workspace in environment.workspaces
    }


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
    parser.add_argument("--only", metavar="WORD", help="theorems whose name has this in it")
    parser.add_argument(
        "--mutants", action="store_true", help="try every mutant of every policy; takes minutes"
    )
    return parser


def _estates(options: argparse.Namespace, folder: Path) -> Iterator[Estate]:
    os.environ.setdefault("CDK_VALIDATION", "false")
    app = importlib.import_module(options.app).build(outdir=str(folder), validate=False)
    app.synth()
    wanted = options.environment
    known = [stage.environment.name for stage in app.node.children if hasattr(stage, "environment")]
    for name in wanted or ():
        if name not in known:
            raise ProofError(f"no environment is called {name}; there are {', '.join(known)}")
    for estate in estates_of(app, folder):
        if not wanted or estate.name in wanted:
            yield estate


def _own(files: Sequence[str]) -> Iterator[Theorem]:
    for file in files:
        spec = importlib.util.spec_from_file_location(Path(file).stem, file)
        if spec is None or spec.loader is None:
            raise ProofError(f"{file} is no Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield from (item for item in vars(module).values() if isinstance(item, Theorem))


def _prove(estate: Estate, theorems: Sequence[Theorem]) -> int:
    started, group, failed = time.perf_counter(), "", 0
    sys.stdout.write(f"{estate.name} ({estate.account}, {estate.region})\n")
    for verdict in prove_all(theorems, estate):
        if verdict.theorem.group != group:
            group = verdict.theorem.group
            sys.stdout.write(f"\n{group}\n")
        lines = textwrap.wrap(verdict.theorem.sentence, 78)
        sys.stdout.write(f"  {verdict.answer:8} {verdict.seconds:5.2f} s  {lines[0]}\n")
        for line in lines[1:]:
            sys.stdout.write(f"{'':20}{line}\n")
        if not verdict.holds:
            failed += 1
            detail = str(verdict.counterexample or verdict.why)
            sys.stdout.write(textwrap.indent(f"{verdict.theorem.name}\n{detail}\n", " " * 20))
        sys.stdout.flush()
    seconds = time.perf_counter() - started
    held = len(theorems) - failed
    sys.stdout.write(f"\n{held} of {len(theorems)} theorems proved in {seconds:.1f} s\n\n")
    return failed


def _hunt(estate: Estate, theorems: Sequence[Theorem]) -> int:
    """Return how many mutants live without a reason."""
    fates: list[Fate] = []
    unexplained = 0
    for fate in hunt(estate, theorems, mutants(estate)):
        fates.append(fate)
        if fate.end == "alive":
            reason = reason_for(fate.mutant)
            unexplained += reason is None
            sys.stdout.write(f"alive    {fate.mutant}\n         {reason or 'no reason known'}\n")
            sys.stdout.flush()
    count = {end: sum(fate.end == end for fate in fates) for end in ("killed", "refused", "alive")}
    sys.stdout.write(
        f"{estate.name}: {len(fates)} mutants; {count['killed']} killed by theorems, "
        f"{count['refused']} refused by the vocabulary, {count['alive']} alive, "
        f"{unexplained} of them without a reason\n"
    )
    return unexplained
