"""``starburst-prove --against``: the requests that a synthesis answers otherwise than another."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starburst_assurance.proofs.command import policy_sets_of, synthesized
from starburst_assurance.proofs.comparison.compare import compare
from starburst_assurance.proofs.comparison.report import FORMATS, Finding
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.errors import ProofError

__all__ = ["requests_between", "run", "warnings_aside"]

_FOLDER = "assembly-"


def run(options: argparse.Namespace) -> int:
    """Print what changed; return 0 in silence where nothing did, 1 where something, 2 if unknown.

    Args:
        options: as ``entry`` reads them.
    """
    sys.path.insert(0, os.getcwd())
    try:
        with warnings_aside(), tempfile.TemporaryDirectory() as folder:
            app = synthesized(options.app, Path(folder), wanted=options.environment)
            found = list(
                requests_between(app, options.against, Path(folder), wanted=options.environment)
            )
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if found:
        sys.stdout.write(FORMATS[options.format](found))
    return 1 if found else 0


def requests_between(
    app: Any, before: Path, after: Path, *, wanted: Sequence[str] | None = None
) -> Iterator[Finding]:
    """Yield what changed between two assemblies of one app.

    Args:
        app: as ``app.build`` returns it, of which ``after`` was synthesized.
        before: the assembly that it is compared with.
        after: the assembly that is reviewed.
        wanted: names of environments; all without it.

    Raises:
        ProofError: one of the assemblies cannot be read.
    """
    if not (before / "manifest.json").exists():
        raise ProofError(
            f"{before} is no cloud assembly, so there is nothing to compare with: name the folder "
            "that `python app.py` or `cdk synth` wrote"
        )
    old, new = _environments(before), _environments(after)
    for name in old:
        if name not in new and (not wanted or name in wanted):
            sentence = f"{name} is described no more; what stands in its account stays there."
            yield Finding(section="environments", environment=name, sentence=sentence)
    for name in new:
        if name not in old and (not wanted or name in wanted):
            sentence = f"{name} is new: read its settings and theorems; there is nothing before."
            yield Finding(section="environments", environment=name, sentence=sentence)
    logic = Logic()
    for name in new:
        if name in old and (not wanted or name in wanted):
            yield from _requests(app, name, (before, after), logic)


@contextmanager
def warnings_aside() -> Iterator[None]:
    """Keep off the terminal what the CDK warns of: a synthesis says it, a comparison compares."""
    shown = sys.stderr
    sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace")
    try:
        yield
    finally:
        sys.stderr = shown


def _requests(
    app: Any, name: str, assemblies: tuple[Path, Path], logic: Logic
) -> Iterator[Finding]:
    try:
        earlier, later = (next(policy_sets_of(app, one, only=[name])) for one in assemblies)
        changes = compare(earlier, later, logic=logic)
    except ProofError as error:
        # The other environments are compared all the same, and this is not passed over in silence.
        yield Finding(
            section="undecided",
            environment=name,
            sentence=f"The requests of {name} could not be compared: {error}",
        )
        return
    for change in changes:
        yield Finding(
            section=change.turn,
            environment=name,
            sentence=str(change),
            detail=change.as_json(),
        )


def _environments(assembly: Path) -> list[str]:
    folders = sorted(assembly.glob(f"{_FOLDER}*/manifest.json"))
    return [path.parent.name.removeprefix(_FOLDER) for path in folders]
