"""A worker's packages: unpacked once, before it leases anything, for every process of its tasks."""

from __future__ import annotations

import errno
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from starburst._codec.exceptions import describe
from starburst._protocol.manifest import Manifest
from starburst._protocol.packages import PackageList
from starburst._protocol.sealed.failure import Failure
from starburst.aws.calls import TROUBLE, words_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError, PackagesRefused, SessionError
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.logs.log import log

from .fetching import Absent, Wheels
from .unpacking import unpack

__all__ = ["NoPackages", "Packages", "Unpacked"]

_FOLDER: Final = "site-packages"
"""By this part of a path a module counts as installed, and not as somebody's own."""

_SPARE_BYTES: Final = 64 << 20
"""Stay free for tasks: a disk that is full to the brim serves nobody."""

_AGAIN_SECONDS: Final = 30.0
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_MACHINES: Final = {"x86_64": "X86_64", "amd64": "X86_64", "aarch64": "ARM64", "arm64": "ARM64"}


class Packages(Protocol):
    """What a worker's processes of tasks import first."""

    folder: str
    failure: Failure | None

    def prepare(self, tick: Callable[[], None] = lambda: None) -> None:
        """Make the packages ready, or say in ``failure`` why no task can run."""
        ...

    def close(self) -> None:
        """Remove them."""
        ...


class NoPackages:
    """Of a session whose tasks need no more than the image has."""

    folder: str = ""
    failure: Failure | None = None

    def prepare(self, tick: Callable[[], None] = lambda: None) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Unpacked:
    """The packages of a session.

    Args:
        wheels: of the session.
        manifest: its terms.
        clock: by which what is absent is looked for once more.

    Attributes:
        folder: of what is unpacked, for the import path; empty until then.
        failure: of every task, where they cannot be had; None else.
    """

    def __init__(self, wheels: Wheels, manifest: Manifest, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._wheels = wheels
        self._manifest = manifest
        self._clock = clock
        self._again = float("-inf")
        self._home: Path | None = None
        self._listed: PackageList | None = None
        self.folder = ""
        self.failure: Failure | None = None

    def prepare(self, tick: Callable[[], None] = lambda: None) -> None:
        """Fetch, verify and unpack them; once, and again where something was absent before.

        Args:
            tick: called at least twice a second meanwhile.

        Raises:
            SessionError: AWS or this machine is in trouble; another worker may fare better.
        """
        if self.folder or self._clock.monotonic() < self._again:
            return
        began = self._clock.monotonic()
        self._again = float("inf")
        try:
            listed = self._listed = self._listed or self._wheels.list()
            folder = self._unpack(listed, tick)
        except IntegrityError as error:
            report_unverified(error, object="packages")
            text = f"the session's packages cannot be used: {error}"
            self.failure = describe(IntegrityError(text), mode=self._manifest.results)
        except PackagesRefused as error:
            if isinstance(error, Absent):  # a client that is attached may send it once more
                self._again = self._clock.monotonic() + _AGAIN_SECONDS
            self._refuse(error)
        except OSError as error:
            if error.errno not in _FULL:
                raise SessionError(f"the session's packages cannot be unpacked: {error}") from error
            self._refuse(_full())
        except TROUBLE as error:
            raise SessionError(
                f"the session's packages cannot be read: {words_of(error)}"
            ) from error
        else:
            self.folder, self.failure = str(folder), None
            seconds = round(self._clock.monotonic() - began, 3)
            log("unpacked", wheels=len(listed.wheels), bytes=listed.size, seconds=seconds)
        finally:
            if not self.folder:
                self.close()

    def close(self) -> None:
        """Remove them from the disk."""
        self.folder = ""
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _refuse(self, error: PackagesRefused) -> None:
        log("no packages", why=str(error))
        self.failure = describe(PackagesRefused(str(error)), mode=self._manifest.results)

    def _unpack(self, listed: PackageList, tick: Callable[[], None]) -> Path:
        _check(listed)
        self._home = Path(tempfile.mkdtemp(prefix="starburst-packages-"))
        fetched, folder = self._home / "wheels", self._home / _FOLDER
        fetched.mkdir()
        folder.mkdir()
        if listed.size + _SPARE_BYTES > shutil.disk_usage(self._home).free:
            raise _full()
        for wheel, file in self._wheels.fetch(listed.wheels, fetched, tick=tick):
            room = shutil.disk_usage(self._home).free - _SPARE_BYTES
            unpack(file, folder, name=wheel.filename, room=room, tick=tick)
            file.unlink()
        with suppress(OSError):
            fetched.rmdir()
        return folder


def _check(listed: PackageList) -> None:
    """Refuse wheels that are for another Python, or for another machine."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = _MACHINES.get(platform.machine().lower())
    compiled = any(not wheel.filename.endswith("-any.whl") for wheel in listed.wheels)
    for kind, theirs, ours in (
        ("Python", listed.python, python),
        ("machines of", listed.architecture, machine if compiled else listed.architecture),
    ):
        if theirs != ours:
            raise PackagesRefused(
                f"the session's packages are for {kind} {theirs}, and this worker has {ours}: "
                "start a new session, for which they are chosen anew"
            )


def _full() -> PackagesRefused:
    return PackagesRefused(
        "the worker's disk is full with its packages alone: ask for more with scratch_gb=, or for "
        "fewer packages"
    )
