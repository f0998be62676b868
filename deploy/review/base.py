"""The commit that a change is compared with: its own checkout, its own lock, its own synthesis."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.tools.cdk import ROOT, base_environment
from starburst.errors import StarburstError

__all__ = ["Base", "ReviewError", "checked_out", "synthesize"]

_SOURCES: Final = ("", "constructs", "worker/src", "src")
"""Source roots, of this layout and of earlier ones; those that are missing harm nothing."""

_SYNTHESIS: Final = Path(__file__).with_name("synthesis.py")
_LAST: Final = 20
"""Lines of a failed command that are shown: the end says why."""


class ReviewError(StarburstError):
    """The two versions cannot be compared; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A commit, checked out.

    Attributes:
        commit: its whole hash.
        folder: where it is.
        python: that has what its lock names.
    """

    commit: str
    folder: Path
    python: Path


@contextmanager
def checked_out(revision: str, *, root: Path = ROOT) -> Iterator[Base]:
    """Check a commit out beside the working tree, and remove it afterwards.

    The present virtual environment serves it where both have the same lock.

    Args:
        revision: hash, tag or branch.
        root: of the repository.

    Raises:
        ReviewError: there is no such commit here, or what its lock names cannot be installed.
    """
    commit = _commit(revision, root)
    folder = root / "build" / "review" / commit[:12]
    _remove(folder, root)
    _git(root, "worktree", "add", "--detach", "--quiet", str(folder), commit)
    try:
        yield Base(commit=commit, folder=folder, python=_python(folder, root))
    finally:
        _remove(folder, root)


def synthesize(base: Base, into: Path, *, told: Path) -> None:
    """Synthesize every environment of a commit by its own code, without its gates.

    Args:
        base: the commit.
        into: the assembly's folder.
        told: file for what only its code can tell, such as its waivers.

    Raises:
        ReviewError: it does not synthesize.
    """
    _run(
        [str(base.python), str(_SYNTHESIS), str(into), str(told)],
        cwd=base.folder,
        environment={
            **base_environment(),
            "CDK_VALIDATION": "false",
            "PYTHONPATH": os.pathsep.join(str(base.folder / one) for one in _SOURCES),
        },
        failed=f"{base.commit[:12]} does not synthesize, so nothing can be compared with it",
    )


def _commit(revision: str, root: Path) -> str:
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    try:
        return _git(root, *asked).strip()
    except ReviewError as error:
        raise ReviewError(
            f"there is no commit {revision} here, so there is nothing to compare with: name a "
            f"hash, tag or branch, or fetch it (git fetch origin {revision})"
        ) from error


def _python(folder: Path, root: Path) -> Path:
    lock = folder / "uv.lock"
    if lock.is_file() and lock.read_bytes() == (root / "uv.lock").read_bytes():
        return Path(sys.executable)
    uv = Path(sys.executable).with_name("uv")
    environment = folder / ".venv"
    _run(
        [str(uv), "sync", "--frozen", "--quiet"],
        cwd=folder,
        environment={
            # A mirror and its certificates are told to uv in variables of its own.
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "UV_PROJECT_ENVIRONMENT": str(environment),
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        },
        failed="what the lock of the other commit names cannot be installed",
    )
    return environment / "bin" / "python"


def _remove(folder: Path, root: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _git(root, "worktree", "prune")


def _git(root: Path, *arguments: str) -> str:
    # No hook of the repository runs: it might do anything to the working tree.
    return _run(
        ["git", "-c", f"core.hooksPath={os.devnull}", *arguments],
        cwd=root,
        environment=os.environ,
        failed=f"git {arguments[0]} failed",
    )


def _run(command: list[str], *, cwd: Path, environment: Mapping[str, str], failed: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command lines
        command,
        cwd=cwd,
        env=dict(environment),
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        end = "\n".join((done.stderr or done.stdout).splitlines()[-_LAST:])
        raise ReviewError(f"{failed}; the end of what was said:\n{end}")
    return done.stdout
