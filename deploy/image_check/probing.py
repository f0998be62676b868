"""What the kernel here enforces of a worker's restrictions: each tried with it and without it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.image_check.programs import CheckError

__all__ = ["LAUNCHER", "Finding", "probe"]

LAUNCHER: Final = Path(__file__).with_name("container.py")

_UID: Final = 10001
_AS_ROOT: Final = ("user", "capabilities")
_SETUID: Final = "/mnt/id"
_PROBE: Final = r"""
import json, os, subprocess
def tried(what):
    try:
        return what() or "done"
    except OSError as error:
        return error.strerror
def write(path, size=1):
    with open(path, "wb") as file:
        file.write(b"x" * size)
def status(name):
    with open("/proc/self/status") as file:
        return next(line.split()[1] for line in file if line.startswith(name))
found = {
    "root": tried(lambda: write("/written")),
    "packages": tried(lambda: write("/opt/starburst/written")),
    "volume": tried(lambda: write("/tmp/written", 2 << 20)),
    "uid": os.getuid(),
    "become": tried(lambda: os.setuid(0)),
    "effective": status("CapEff"),
    "bounding": status("CapBnd"),
    "mine": tried(lambda: write("/tmp/mine")),
    "chown": tried(lambda: os.chown("/tmp/mine", 0, 0)),
    "setuid": subprocess.run(["SETUID", "-u"], capture_output=True, text=True).stdout.strip(),
}
print(json.dumps(found))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One restriction.

    Attributes:
        name: of it.
        enforced: whether the kernel here does it, and its absence shows.
        seen: what was tried with it and without it, and what came of it.
    """

    name: str
    enforced: bool
    seen: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.name}: {'enforced' if self.enforced else 'NOT enforced'} ({self.seen})"


def probe(settings: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Yield what came of each restriction, in the image's own root file system.

    Args:
        settings: of ``container.py``.
        folder: for files of the probes.

    Raises:
        CheckError: the probe itself did not run.
    """
    own = folder / "setuid"
    own.mkdir(exist_ok=True)
    program = own / "id"
    shutil.copyfile(Path(settings["root"]) / "usr/bin/id", program)
    program.chmod(0o4755)
    mount = {"destination": "/mnt", "type": "bind", "source": str(own), "options": ["bind", "ro"]}
    path = folder / "probe.json"
    path.write_text(json.dumps({**settings, "worker": False, "mounts": [mount]}))
    held = _run(path)
    root, writing = _run(path, *_AS_ROOT), _run(path, *_AS_ROOT, "read-only")
    yield Finding(
        name="read-only root",
        enforced=_no(held["root"]) and _no(root["packages"]) and not _no(writing["root"]),
        seen=f"to write /written: {held['root']}; for root to write below /opt/starburst: "
        f"{root['packages']}; for root on a writable root: {writing['root']}",
    )
    able = _run(path, "capabilities")
    yield Finding(
        name="dropped capabilities",
        enforced=int(held["effective"], 16) == int(held["bounding"], 16) == 0
        and _no(held["chown"])
        and not _no(able["chown"]),
        seen=f"effective {held['effective']}, bounding {held['bounding']}; to give its own file to "
        f"root: {held['chown']}; with capabilities: {able['chown']}",
    )
    bare = _run(path, "user")
    yield Finding(
        name="user 10001",
        enforced=held["uid"] == _UID and _no(held["become"]) and not _no(bare["become"]),
        seen=f"runs as {held['uid']}; to become root: {held['become']}; as root: {bare['become']}",
    )
    rising = _run(path, "privileges", "capabilities")
    yield Finding(
        name="no new privileges",
        enforced=held["setuid"] == str(_UID) and rising["setuid"] == "0",
        seen=f"a setuid-root program runs as {held['setuid']}; without the flag: "
        f"{rising['setuid'] or 'nothing'}",
    )
    small = _run(path, "volume")
    yield Finding(
        name="volume on /tmp",
        enforced=not _no(held["volume"]),
        seen=f"to write 2 MiB there: {held['volume']}",
    )
    yield Finding(
        name="tmpfs of 1 MiB on /tmp instead",
        enforced=small["volume"] == "No space left on device",
        seen=f"to write 2 MiB there: {small['volume']}",
    )


def _no(outcome: str) -> bool:
    return outcome != "done"


def _run(settings: Path, *without: str) -> dict[str, Any]:
    left_out = [word for one in without for word in ("--without", one)]
    code = _PROBE.replace("SETUID", _SETUID)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", str(LAUNCHER), str(settings), *left_out, "--", "python", "-c", code],
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise CheckError(f"no probe runs in the image: {done.stderr or done.stdout}") from error
    return found
