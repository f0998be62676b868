"""``starburst-prove``: prove every theorem of every environment that an app describes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from starburst_assurance.proofs.encoding.vocabulary import check, source
from starburst_assurance.proofs.mutation.accepted import reason_for
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.mutation.record import record, write
from starburst_assurance.proofs.mutation.testing import Fate, Log, run_mutants
from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.reading.resolve import Physical
from starburst_assurance.proofs.reading.sharing import Sharing
from starburst_assurance.proofs.solving.prove import Verdict, prove_all
from starburst_assurance.proofs.solving.theorem import Theorem
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


def policy_sets_of(
    app: Any,
    assembly: Path | str,
    *,
    only: Sequence[str] | None = None,
    physical: Physical | None = None,
) -> Iterator[PolicySet]:
    """Yield the policy set of every stage of an app that has an ``environment``.

    Args:
        app: as ``app.build`` returns it.
        assembly: where it was synthesized to.
        only: names of environments; all without it.
        physical: how AWS calls what is deployed of the one environment that is meant.
    """
    for stage in app.node.children:
        environment = getattr(stage, "environment", None)
        if environment is None or (only is not None and environment.name not in only):
            continue
        addons = getattr(stage, "addons", ())
        existing = environment.network.existing
        theirs = existing.s3_endpoint_id if existing is not None else None
        policy_set = read_policy_set(
            assembly,
            environment.name,
            regions=environment.allowed_regions,
            without=(*environment.without, *(["own-endpoints"] if theirs else [])),
            s3_endpoint=theirs,
            organization=environment.organization_id,
            boundary=environment.permissions_boundary,
            fips=environment.fips,
            trusted_cidrs=environment.trusted_cidrs,
            trusted_vpcs=environment.trusted_vpcs,
            sharing={one.name: Sharing.of(one) for one in environment.workspaces},
            deployer=stage.foundation.deployer_arn if environment.production else None,
            break_glass=environment.break_glass_role_arn,
            data_roles=environment.data_role_arns,
            identity_center=hasattr(environment.identity, "instance_arn"),
            physical=physical,
        )
        duties: dict[str, list[Any]] = {}
        for addon in addons:
            for purpose, own in addon.duties().items():
                duties.setdefault(purpose, []).extend(own)
        yield replace(
            policy_set,
            audience=getattr(environment.identity, "audience", policy_set.audience),
            duties=duties,
            addons=tuple(addon.name for addon in addons),
            jobs={name: jobs for addon in addons for name, jobs in addon.jobs().items()},
            ceiling=tuple(each for addon in addons for each in addon.ceiling_duties()),
            reads={one.name: environment.named_reads(one) for one in environment.workspaces},
            trusted_vpcs=(
                *environment.trusted_vpcs,
                *([policy_set.vpc] if environment.network.client_groups else []),
            ),
        )


def theorems_of(app: Any, environment: str) -> tuple[Theorem, ...]:
    """Return the theorems that the add-ons of one environment state.

    Args:
        app: as ``app.build`` returns it.
        environment: its name.
    """
    stage = app.node.find_child(environment)
    return tuple(each for addon in getattr(stage, "addons", ()) for each in addon.theorems())


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
