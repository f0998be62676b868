"""Programs of Debian's that build and run images; one that fails ends the check with its words."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

__all__ = ["CheckError", "require_programs", "run"]

PACKAGES: Final[Mapping[str, str]] = {
    "buildah": "buildah",
    "crun": "crun",
    "mmdebstrap": "mmdebstrap",
    "skopeo": "skopeo",
    "unshare": "util-linux",
}
"""Programs that are needed, and the packages that they are in."""

_KEYS: Final = "debian-archive-keyring"
_LAST_LINES: Final = 30


class CheckError(RuntimeError):
    """The check could not go on; says why, and what to do next."""


def require_programs() -> tuple[str, ...]:
    """Install what is missing; return the packages that were.

    Raises:
        CheckError: this is not root, or no system of Debian's kind.
    """
    if os.geteuid() != 0:
        raise CheckError(
            "make image-check lays a root file system, mounts it and drops to the worker's user: "
            "only root can, so nothing was done. Run it as root, best in a machine of its own that "
            "may be thrown away"
        )
    missing = sorted({PACKAGES[each] for each in PACKAGES if shutil.which(each) is None})
    if not missing:
        return ()
    if shutil.which("apt-get") is None:
        raise CheckError(
            f"there is no apt-get here to install {', '.join(missing)} with. Install them, or run "
            "it on Debian or Ubuntu"
        )
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=quietly)
    install = ("install", "-y", "-qq", "--no-install-recommends", _KEYS, *missing)
    run("apt-get", *install, env=quietly)
    return tuple(missing)


def run(
    program: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a program and return what it printed.

    Raises:
        CheckError: it is not there, or failed; with its last lines.
    """
    command: Sequence[str] = (program, *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - programs named above, of the system's own
            command,
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise CheckError(f"there is no {program} here") from error
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:])
        raise CheckError(f"{program} {arguments[0]} failed ({done.returncode}):\n{words}")
    return done.stdout
