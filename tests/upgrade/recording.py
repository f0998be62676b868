"""Keep what a release deploys and runs, so that upgrades from it can be played without its tag.

``make release-record TAG=v0.1.0`` writes ``recorded/0.1.0.tar.xz`` from that commit, by its own
code and lock, the same bytes every time:

=============  ==================================================================
``runtime/``   its wheel, unpacked: client, controller and worker
``assembly/``  its cloud assembly: templates of every environment, and their assets
=============  ==================================================================
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.review.base import Base, checked_out, synthesize

__all__ = ["RECORDED", "Release", "main", "opened", "record"]

RECORDED: Final = Path(__file__).with_name("recorded")
"""One file for each release."""

_SUFFIX: Final = ".tar.xz"
_LEFT_OUT: Final = "tree.json"
"""What neither the CDK CLI nor we read of an assembly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A release that was opened.

    Attributes:
        name: its version.
        runtime: folder that holds the package ``starburst``.
        assembly: what ``cdk deploy --app`` takes.
    """

    name: str
    runtime: Path
    assembly: Path


def opened(file: Path, into: Path) -> Release:
    """Open a recorded release.

    Args:
        file: one of ``RECORDED``.
        into: folder that does not exist yet.
    """
    with tarfile.open(file) as archive:
        archive.extractall(into, filter="data")
    return Release(
        name=file.name.removesuffix(_SUFFIX),
        runtime=into / "runtime",
        assembly=into / "assembly",
    )


def record(revision: str) -> Path:
    """Write the file of a release anew.

    Args:
        revision: its tag, or a commit.

    Raises:
        ReviewError: there is no such commit, or it does not synthesize.
        CalledProcessError: its wheel is not built; what was said is in the terminal.
    """
    with checked_out(revision) as base, tempfile.TemporaryDirectory() as scratch:
        assembly = Path(scratch) / "assembly"
        synthesize(base, assembly, told=Path(scratch) / "told.json")
        version, runtime = _wheel(base, Path(scratch))
        RECORDED.mkdir(exist_ok=True)
        file = RECORDED / f"{version}{_SUFFIX}"
        with tarfile.open(file, "w:xz", preset=9) as archive:
            for name, content in (*runtime, *_files(assembly)):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return file


def _wheel(base: Base, scratch: Path) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the version of the runtime's wheel, and its files."""
    uv = Path(sys.executable).with_name("uv")
    words = ("build", "--quiet", "--offline", "--wheel", "--package", "starburst")
    subprocess.run(  # noqa: S603 - our own command line
        [str(uv), *words, "--out-dir", str(scratch), str(base.folder)],
        check=True,
        env={**os.environ, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"},
    )
    (wheel,) = scratch.glob("starburst-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(one for one in archive.namelist() if not one.endswith("/"))
        return wheel.name.split("-")[1], [(f"runtime/{one}", archive.read(one)) for one in names]


def _files(assembly: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(assembly.rglob("*")):
        if path.is_file() and path.name != _LEFT_OUT:
            yield f"assembly/{path.relative_to(assembly).as_posix()}", path.read_bytes()


def main() -> int:
    """Write the file of the release that the command line names."""
    file = record(sys.argv[1])
    sys.stdout.write(f"{file.relative_to(RECORDED.parents[2])}: {file.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
