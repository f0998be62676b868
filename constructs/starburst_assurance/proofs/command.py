"""``starburst-prove``: prove every theorem of every environment that an app describes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from starburst_assurance.proofs.encoding.vocabulary import check, source
from starburst_assurance.proofs.mutation.accepted import reason_for
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.mutation.record import record, write
from starburst_assurance.proofs.mutation.testing import Fate, Log, run_mutants
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import Verdict, prove_all
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.stages import policy_sets_of, theorems_of
from starburst_assurance.proofs.theorems import theorems_in

__all__ = ["policy_sets_of", "run", "synthesized", "tell", "theorems_of"]

_PROGRESS = 200


def run(options: argparse.Namespace) -> int:
    """Prove, print, and return 1 where a theorem does not hold, 2 where nothing could be proved.

    Args:
        options: as ``entry`` reads them.
    """
    sys.path.insert(0, os.getcwd())
    try:
        theorems = [
            item for item in theorems_in(options.theorems) if (options.only or "") in item.name
        ]
        if not theorems:
            raise ProofError(f"no theorem has {options.only!r} in its name; nothing was proved")
        with tempfile.TemporaryDirectory() as folder:
            synthesized = _policy_sets(options, Path(folder))
        if not synthesized:
            raise ProofError(f"{options.app}.py describes no environment; nothing was proved")
        failed = 0
        sys.stdout.write(f"{source()}\n\n")
        for policy_set, own in synthesized:
            check(policy_set)
            failed += (
                _try_mutants(policy_set, theorems, options)
                if options.mutants
                else _prove(policy_set, [*theorems, *own])
            )
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 1 if failed else 0


def synthesized(name: str, folder: Path, *, wanted: Sequence[str] | None = None) -> Any:
    """Return an app that was synthesized without its gates.

    Args:
        name: of the module that has ``build``.
        folder: to write to.
        wanted: environments that it must have.

    Raises:
        ProofError: there is no such module, or it has no such environment.
    """
    os.environ.setdefault("CDK_VALIDATION", "false")
    app = _module(name).build(outdir=str(folder), validate=False)
    known = [stage.environment.name for stage in app.node.children if hasattr(stage, "environment")]
    for one in wanted or ():
        if one not in known:
            raise ProofError(f"no environment is called {one}; there are {', '.join(known)}")
    app.synth()
    return app


def _policy_sets(
    options: argparse.Namespace, folder: Path
) -> list[tuple[PolicySet, list[Theorem]]]:
    """Return each environment's policies, and the theorems that its add-ons state."""
    app, wanted = synthesized(options.app, folder, wanted=options.environment), options.environment
    return [
        (one, [own for own in theorems_of(app, one.name) if (options.only or "") in own.name])
        for one in policy_sets_of(app, folder)
        if not wanted or one.name in wanted
    ]


def _module(name: str) -> Any:
    """Import the app, which stands where the command is run."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        raise ProofError(
            f"there is no {name}.py in {os.getcwd()}, so nothing was proved: run it where your app "
            "is, or name its module with --app"
        ) from error


def _prove(policy_set: PolicySet, theorems: Sequence[Theorem]) -> int:
    verdicts = tell(policy_set, theorems, prove_all(theorems, policy_set))
    return sum(not verdict.holds for verdict in verdicts)


def tell(
    policy_set: PolicySet, theorems: Sequence[Theorem], verdicts: Iterable[Verdict]
) -> list[Verdict]:
    """Print verdicts as they come, and return them.

    Args:
        policy_set: of which they are.
        theorems: all that are asked.
        verdicts: on each of these.
    """
    started, group, failed = time.perf_counter(), "", 0
    left_out: dict[str, list[str]] = {}
    told: list[Verdict] = []
    sys.stdout.write(f"{policy_set.name} ({policy_set.account}, {policy_set.region})\n")
    for verdict in verdicts:
        told.append(verdict)
        if verdict.theorem.group != group:
            group = verdict.theorem.group
            sys.stdout.write(f"\n{group}\n")
        lines = textwrap.wrap(verdict.theorem.sentence, 78)
        sys.stdout.write(f"  {verdict.answer:8} {verdict.seconds:5.2f} s  {lines[0]}\n")
        for line in lines[1:]:
            sys.stdout.write(f"{'':20}{line}\n")
        if verdict.answer == "left out":
            left_out.setdefault(verdict.why, []).append(verdict.theorem.name)
        if not verdict.holds:
            failed += 1
            detail = str(verdict.counterexample or verdict.why)
            sys.stdout.write(textwrap.indent(f"{verdict.theorem.name}\n{detail}\n", " " * 20))
        sys.stdout.flush()
    seconds = time.perf_counter() - started
    aside = sum(map(len, left_out.values()))
    claimed = len(theorems) - aside
    said = f", {aside} left out" if aside else ""
    sys.stdout.write(
        f"\n{claimed - failed} of {claimed} theorems proved in {seconds:.1f} s{said}\n"
    )
    for why, names in left_out.items():
        sys.stdout.write(f"  not claimed, because {why}: {', '.join(names)}\n")
    sys.stdout.write("\n")
    return told


def _try_mutants(
    policy_set: PolicySet, theorems: Sequence[Theorem], options: argparse.Namespace
) -> int:
    """Return 1 where too many mutants live, or one without a reason."""
    chosen = [one for one in mutants(policy_set) if options.policy in one.policy.name]
    log = Log(options.log or Path("build") / f"mutants-{policy_set.name}.jsonl")
    fates: list[Fate] = []
    for fate in run_mutants(
        policy_set, theorems, chosen, log=log, processes=options.processes, files=options.theorems
    ):
        fates.append(fate)
        if fate.end == "alive":
            reason = reason_for(fate.policy, fate.what) or "no reason known"
            sys.stdout.write(f"alive    {fate}\n         {reason}\n")
        if len(fates) % _PROGRESS == 0:
            sys.stdout.write(f"{len(fates):5} of {len(chosen)}\n")
        sys.stdout.flush()
    found = record(policy_set, fates, theorems=len(theorems))
    sys.stdout.write(f"{found}\n")
    if options.policy:
        return len(found.unexplained)
    sys.stdout.writelines(
        f"no mutant lives by this reason any more: {one}\n" for one in found.unused
    )
    if options.report is not None:
        write(found, options.report)
        sys.stdout.write(f"Wrote {options.report} and {options.report.with_suffix('.md').name}\n")
    return 0 if found.holds else 1
