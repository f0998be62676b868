"""Asking uv what a source means for workers: the answer is a lock as PEP 751 has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packaging.pylock import Pylock, PylockValidationError

from starburst.errors import PackagesRefused
from starburst.untrusted.terminal_text import one_line

from .extras import find_uv
from .indexes import bare, for_uv
from .sources import Source
from .target import Target

__all__ = ["resolve"]

_CAUSE: Final = re.compile(r"^\s*(?:cause|Caused by):\s*", re.MULTILINE)
_NO_WHEELS: Final = re.compile(r"Because (?:only )?(\S+?)(?:==\S+)? has no (?:usable )?wheels")
_NOT_FOUND: Final = re.compile(r"(\S+) was not found in the (?:package registry|cache|provided)")
_HINT: Final = re.compile(r"^hint:\s*", re.MULTILINE)
_QUIET: Final = ("--quiet", "--no-progress", "--color", "never")


def resolve(source: Source, target: Target) -> Pylock:
    """Return what a source names, with where each wheel is.

    Raises:
        PackagesRefused: uv finds no answer, or the file is no lock; it says why, by name.
    """
    if source.kind == "pylock":
        text = source.content.decode("utf-8", "replace")
    elif source.kind == "lock":
        text = _export(source)
    else:
        text = _compile(source, target)
    try:
        return Pylock.from_dict(tomllib.loads(text))
    except (PylockValidationError, tomllib.TOMLDecodeError) as error:
        raise PackagesRefused(
            f"{source.name} cannot be used as a lock: {bare(one_line(error))}"
        ) from None


def _export(source: Source) -> str:
    """Return the lock of a project; its groups, such as ``dev``, are for people."""
    if source.path is None:
        raise PackagesRefused("a lock is named by its path")
    folder = source.path.parent
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackagesRefused(
            f"{source.path} cannot be read without the pyproject.toml beside it: {one_line(error)}"
        ) from error
    which = () if "project" in project else ("--all-packages",)
    command = ("export", "--frozen", "--format", "pylock.toml", "--no-header", *which)
    return _uv(
        (*command, "--no-default-groups", "--directory", str(folder), "--python", sys.executable),
        source,
    )


def _compile(source: Source, target: Target) -> str:
    with tempfile.TemporaryDirectory(prefix="starburst-packages-") as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text("\n".join((*source.options, *source.texts, "")), encoding="utf-8")
        more: tuple[str, ...] = ()
        if source.kind == "installed":
            # What is installed here is what is wanted, whether its own metadata agree or not.
            more = ("--override", str(wanted))
            if source.excludes:
                others = Path(folder, "excludes.txt")
                others.write_text("\n".join((*source.excludes, "")), encoding="utf-8")
                more = (*more, "--excludes", str(others))
        elif source.kind == "hashed":
            more = ("--no-deps",)
        return _uv(
            (
                *("pip", "compile", str(wanted), "--format", "pylock.toml", "--no-header"),
                *("--python-platform", target.platform, "--python-version", target.python),
                *("--only-binary", ":all:", "--no-annotate", "--python", sys.executable, *more),
            ),
            source,
        )


def _uv(arguments: Sequence[str], source: Source) -> str:
    """Return what uv prints."""
    variables, options = for_uv()
    ended = subprocess.run(  # noqa: S603 - uv, with arguments of ours
        [find_uv(), *arguments, *options, *_QUIET],
        capture_output=True,
        check=False,
        env={**os.environ, **variables},
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if ended.returncode == 0:
        return ended.stdout
    raise PackagesRefused(_why(ended.stderr, source))


def _why(said: str, source: Source) -> str:
    """Return one sentence of what uv says when it fails."""
    said = bare(said)
    no_wheel = _NO_WHEELS.search(said)
    if no_wheel:
        return (
            f"{no_wheel[1]} has no wheel for workers, in the version that {source.name} asks for: "
            "only wheels travel, and nothing is built. Ask for a version that has one, build one "
            "and publish it on an index of yours, or have the worker image carry it"
        )
    not_found = _NOT_FOUND.search(said)
    hint = _HINT.split(said, maxsplit=1)
    more = f" ({one_line(hint[1].strip())})" if len(hint) > 1 else ""
    if not_found:
        return (
            f"{not_found[1]} is on no index that uv asks, so there is no wheel of it{more}. "
            "A package that conda alone has is for the worker image; one of an index of your own "
            "needs that index in uv's or pip's settings"
        )
    causes = _CAUSE.split(said)
    why = causes[1] if len(causes) > 1 else said.removeprefix("error:")
    return f"uv finds no packages for {source.name}: {one_line(why.partition('hint:')[0].strip())}"
