"""``make image-check``: what is done, step by step, and a line for each thing that was found."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.image_check.building import BASE_PACKAGES, Store, build, lay_base, pull, push
from deploy.image_check.probing import LAUNCHER, probe
from deploy.image_check.programs import CheckError, require_programs, run
from deploy.image_check.registry import registry
from deploy.image_check.working import burst
from deploy.tools.image import LISTING, ROOT
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["main"]

_PYTHON: Final = (3, 11)
"""Of Debian 12, whose packages the base is made of."""

_KEPT: Final = "base"
_FOLDERS: Final = ("store", "registry", "work")
_ARGUMENTS: Final = ("DATA_LOCK",)


class _Told:
    """Says what was done, and how long it took."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, words: str) -> None:
        tell(f"{time.monotonic() - self._began:6.1f} s  {words}", sys.stdout)
        sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the image; return 0 where all holds, 1 where something does not, 2 where none can.

    Args:
        arguments: of the command line, without the program's name.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.image_check", description=__doc__)
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "build" / "image-check",
        help="for images; the base is kept there (default: build/image-check)",
    )
    folder: Path = parser.parse_args(arguments).folder.absolute()
    told = _Told()
    try:
        if sys.version_info[:2] != _PYTHON:
            raise CheckError(
                f"the base has Debian 12's Python {_PYTHON[0]}.{_PYTHON[1]} and functions travel "
                f"between equal ones, but this is {sys.version_info[0]}.{sys.version_info[1]}: run "
                "it from a .venv of that Python"
            )
        installed = require_programs()
        told(f"programs: {', '.join(installed) + ' installed' if installed else 'all there'}")
        try:
            return _check(folder, told)
        finally:
            _clear(folder)
    except (CheckError, StarburstError, subprocess.SubprocessError, OSError) as error:
        tell(f"image-check: {error}", sys.stderr)
        return 2


def _clear(folder: Path) -> None:
    """Remove gigabytes of images; the base stays, which nothing changes."""
    for name in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)


def _check(folder: Path, told: _Told) -> int:
    _clear(folder)
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True)
    (folder / _KEPT).mkdir(exist_ok=True)
    store = Store(folder=folder / "store")
    base = lay_base(folder / _KEPT)
    told(f"base: Debian's essential packages and {', '.join(BASE_PACKAGES)}")
    image = build(
        store, base, {name: os.environ[name] for name in _ARGUMENTS if name in os.environ}
    )
    told("built: worker/Dockerfile on that base, by buildah in a chroot")
    with registry(folder / "registry") as ecr:
        push(store, image, ecr.repository)
        digest = ecr.digest()
        told(f"pushed: {digest} by the API of ECR's registry")
        root, config = pull(store, ecr.repository, digest)
    told("pulled: the same digest, unpacked")
    settings = {"root": str(root), "config": config, "state": str(folder / "work" / "crun")}
    failed = 0
    for finding in probe(settings, folder / "work"):
        told(one_line(str(finding)))
        failed += not finding.enforced
    listed = _listed(settings, folder / "work")
    told(f"packages: {len(listed)}, starburst {listed['starburst']} among them")
    seen = burst(settings, folder / "work")
    told("burst: starburst.map on two workers of the image, every result right")
    for name, value in seen.items():
        told(f"  a worker's {name}: {one_line(value)}")
    told("image-check: all of it holds" if not failed else f"image-check: {failed} do not hold")
    return 1 if failed else 0


def _listed(settings: dict[str, object], folder: Path) -> dict[str, str]:
    """Return what the image's Python finds, as ``make image`` asks it."""
    path = folder / "listing.json"
    path.write_text(json.dumps({**settings, "worker": False}))
    words = ("-I", str(LAUNCHER), str(path), "--", "python", "-I", "-c", LISTING)
    lines = run(sys.executable, *words).split()
    return dict(line.split("==") for line in lines)
