"""Reading the session's list of packages, and its wheels: each is verified before it is used."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final, TypeVar

from starburst._protocol.manifest import Manifest
from starburst._protocol.packages import PackageList, Wheel, package_list_key
from starburst.aws.calls import TROUBLE, is_permanent, words_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.errors import IntegrityError, PackagesRefused
from starburst.worker.objects.damage import read_again
from starburst.worker.objects.reading import Reader
from starburst.worker.settings.timings import TICK_SECONDS, Timings

__all__ = ["Absent", "Wheels"]

_AT_ONCE: Final = 8
_PART_BYTES: Final = 8 << 20
"""So much of each wheel is in memory at a time: the smallest worker has 512 MiB."""

_T = TypeVar("_T")


class Absent(PackagesRefused):
    """A wheel is not there, or no longer."""


class Wheels:
    """A session's wheels, seen from one worker.

    Args:
        reader: of the bucket.
        manifest: the session's terms, which name the list.
        timings: how long to look for what S3 refuses.
        clock: by which it looks.
    """

    def __init__(
        self, reader: Reader, manifest: Manifest, *, timings: Timings, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._reader = reader
        self._manifest = manifest
        self._timings = timings
        self._clock = clock

    def list(self) -> PackageList:
        """Return the list that the signed manifest names.

        Raises:
            IntegrityError: it is missing, or another one.
        """
        key, digest = package_list_key(self._manifest.keys), self._manifest.packages or ""

        def read() -> PackageList:
            text = self._reader.promised(key, "the list of packages")
            return PackageList.from_json(text, digest=digest)

        return self._outlast(lambda: read_again(read))

    def fetch(
        self, wheels: Sequence[Wheel], folder: Path, *, tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[Wheel, Path]]:
        """Read wheels, several at a time, and yield each with its verified file, in their order.

        Args:
            wheels: which.
            folder: where to put them.
            tick: called at least twice a second while they are waited for.

        Raises:
            Absent: one is not there.
            IntegrityError: one is not what the list says.
            OSError: the disk is full.
            ClientError: S3 refuses all that this worker asks for.
        """
        given_up = threading.Event()
        pool = ThreadPoolExecutor(min(_AT_ONCE, len(wheels) or 1), thread_name_prefix="wheels")
        try:
            # What takes longest begins first; what comes first may still be the last.
            found = {
                wheel.sha256: pool.submit(self._fetch, wheel, folder / wheel.sha256, given_up)
                for wheel in sorted(wheels, key=lambda each: each.size, reverse=True)
            }
            for wheel in wheels:
                reading = found[wheel.sha256]
                while not wait([reading], TICK_SECONDS).done:
                    tick()
                yield wheel, reading.result()
        finally:
            given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, wheel: Wheel, path: Path, given_up: threading.Event) -> Path:
        return read_again(lambda: self._fetch_once(wheel, path, given_up))

    def _fetch_once(self, wheel: Wheel, path: Path, given_up: threading.Event) -> Path:
        key, digest = wheel.key(self._manifest.workspace), hashlib.sha256()
        with path.open("wb") as file:
            for offset in range(0, wheel.size, _PART_BYTES):
                if given_up.is_set():
                    raise Absent("nobody waits for it any longer")
                length = min(_PART_BYTES, wheel.size - offset)
                part = self._outlast(lambda: self._part(wheel, key, (offset, length)))  # noqa: B023 - called at once
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != wheel.sha256:
            raise IntegrityError(
                f"{wheel.filename} in the workspace's packages is not the file that the session's "
                "list names"
            )
        return path

    def _part(self, wheel: Wheel, key: str, span: tuple[int, int]) -> bytes:
        try:
            return self._reader.promised(key, wheel.filename, span)
        except IntegrityError as error:
            raise Absent(
                f"{wheel.filename} is not among the workspace's packages: it has expired, or was "
                "removed. Start a new session, which sends it again or says who may"
            ) from error
        except TROUBLE as error:
            if not is_permanent(error):
                raise
            raise IntegrityError(  # a shorter one, say
                f"{wheel.filename} in the workspace's packages cannot be read: {words_of(error)}"
            ) from error

    def _outlast(self, read: Callable[[], _T]) -> _T:
        """Read once more where AWS is in trouble, or a policy is still on its way."""
        until = self._clock.monotonic() + 2 * self._timings.promised_seconds
        while True:
            try:
                return read()
            except TROUBLE:
                if self._clock.monotonic() >= until:
                    raise
            self._clock.sleep(self._timings.unseen_seconds)
