"""Run a command in an image's root file system as ECS would: a program by itself, for crun.

    python container.py SETTINGS.json [--without RESTRICTION]… [--] COMMAND…

What stands for Fargate: a read-only root, a volume on /tmp, the image's user, no capability and no
new privileges. It sees the processes of its own only. The network is this machine's, where the
local environment listens.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["RESTRICTIONS", "main"]

RESTRICTIONS = ("read-only", "capabilities", "privileges", "user", "volume")
"""What may be left out, to see that each makes a difference."""

_ALL = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID", "CAP_SYS_ADMIN")
_OWN = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
_BUNDLES = ("AWS_CA_BUNDLE", "SSL_CERT_FILE")
_SMALL = "size=1m"
# crun of Debian 12 knows no hybrid of both kinds of control groups, and needs none: it gets to see
# the newer kind alone, in a mount namespace of its own.
_HIDE = (
    "mount --make-rprivate / && { umount -R -l /sys/fs/cgroup 2>/dev/null; "
    'mount -t cgroup2 none /sys/fs/cgroup; } && exec crun "$@"'
)


def main() -> int:
    """Run the command, pass SIGTERM on to it, and return its exit code."""
    words = sys.argv[1:]
    settings: dict[str, Any] = json.loads(Path(words.pop(0)).read_text())
    without: list[str] = []
    while words[:1] == ["--without"]:
        without.append(words[1])
        del words[:2]
    if words[:1] == ["--"]:
        del words[0]
    name = f"starburst-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        bundle = Path(folder)
        scratch = Path(os.environ.get("HOME") or bundle) if settings["worker"] else bundle / "tmp"
        scratch.mkdir(exist_ok=True)
        document = _document(settings, scratch, without=without, command=words)
        (bundle / "config.json").write_text(json.dumps(document))
        own = ("--root", settings["state"], "--cgroup-manager=disabled")
        run = ("unshare", "--mount", "sh", "-c", _HIDE, "crun", *own)
        started = subprocess.Popen([*run, "run", "--bundle", folder, name])  # noqa: S603 - our own

        def stop(number: int, _frame: object) -> None:
            kill = [*run, "kill", name, str(number)]
            subprocess.run(kill, check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - our own

        signal.signal(signal.SIGTERM, stop)
        try:
            return started.wait()
        finally:
            gone = [*run, "delete", "--force", name]
            subprocess.run(gone, check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - our own


def _document(
    settings: dict[str, Any], scratch: Path, *, without: list[str], command: list[str]
) -> dict[str, Any]:
    """Return the OCI runtime's configuration."""
    image = settings["config"]
    user, _, group = image["User"].partition(":")
    uid, gid = (0, 0) if "user" in without else (int(user), int(group))
    os.chown(scratch, int(user), int(group))
    capabilities = [] if "capabilities" not in without else list(_ALL)
    kinds = ("bounding", "effective", "inheritable", "permitted", "ambient")
    mounts: list[dict[str, Any]] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "mode=755", "size=64m"],
        },
        {
            "destination": "/dev/shm",  # noqa: S108 - where POSIX has it
            "type": "tmpfs",
            "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=64m"],
        },
        {
            "destination": "/tmp",  # noqa: S108 - the volume's place
            "type": "bind",
            "source": str(scratch),
            "options": ["bind", "nosuid", "nodev"],
        },
    ]
    if "volume" in without:
        mounts[-1] = {**mounts[-1], "type": "tmpfs", "source": "tmpfs", "options": [_SMALL]}
    mounts += settings.get("mounts", [])
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": uid, "gid": gid},
            "args": command,
            "env": [f"{key}={value}" for key, value in _environment(settings, scratch).items()],
            "cwd": image.get("WorkingDir") or "/",
            "capabilities": dict.fromkeys(kinds, capabilities),
            "noNewPrivileges": "privileges" not in without,
        },
        "root": {"path": settings["root"], "readonly": "read-only" not in without},
        "hostname": "worker",
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("mount", "pid", "ipc", "uts")]},
    }


def _environment(settings: dict[str, Any], scratch: Path) -> dict[str, str]:
    """Return the image's variables, and those that the task definition and ECS add to them."""
    own = dict(each.split("=", 1) for each in settings["config"].get("Env", ()))
    if not settings["worker"]:
        return own
    given = {key: value for key, value in os.environ.items() if key not in _OWN}
    for name in _BUNDLES:
        if given.get(name):
            inside = scratch / f"{name.lower()}.pem"
            shutil.copyfile(given[name], inside)
            inside.chmod(0o444)
            given[name] = f"/tmp/{inside.name}"  # noqa: S108 - where the volume is
    return {**given, **own}


if __name__ == "__main__":
    raise SystemExit(main())
