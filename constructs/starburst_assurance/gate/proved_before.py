"""What was proved before, kept by its key in a folder that is one person's alone.

Nothing but "proved" is kept, and an entry is believed only where it says the very theorems that are
asked, under the very key, in a file that nobody else could have written. Whoever can write there as
this person can also edit the gate, so the folder guards against other people and against copies
that come from elsewhere: it is no cache to be saved and restored by a workflow.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["ProvedBefore", "users_folder"]

_FOLDER: Final = 0o700
_OTHERS_WRITE: Final = 0o022
_MOST_BYTES: Final = 1 << 20
_DAYS: Final = 90
_DAY: Final = 86_400


def users_folder() -> Path:
    """Return this person's folder: it is state, for caches are what workflows save and restore."""
    state = os.environ.get("XDG_STATE_HOME")
    try:
        base = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:  # nobody's home: then nothing is kept
        base = Path(os.devnull)
    return base / "starburst" / "proved"


class ProvedBefore:
    """The answers of one person.

    Args:
        folder: where they are; ``users_folder()`` without it. It is made when one is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or users_folder()

    def distrusted(self) -> str:
        """Return why nothing in the folder is believed; empty where it may be, or is not there."""
        try:
            found = self.folder.lstat()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self.folder} cannot be read: {error.strerror}"
        if not stat.S_ISDIR(found.st_mode):
            return f"{self.folder} is no folder"
        if found.st_uid != os.getuid():
            return f"{self.folder} belongs to somebody else"
        if stat.S_IMODE(found.st_mode) & ~_FOLDER:
            return f"{self.folder} is open to others (chmod 700 closes it)"
        return ""

    def has(self, key: str, theorems: Sequence[str]) -> bool:
        """Return whether all theorems were proved under a key.

        Args:
            key: of what the answer rests on.
            theorems: names of those that are claimed.
        """
        if self.distrusted():
            return False
        try:
            said = json.loads(self._read(self._path(key)))
        except (OSError, ValueError):
            return False
        return isinstance(said, dict) and said == self._entry(key, theorems)

    def keep(self, key: str, theorems: Sequence[str]) -> None:
        """Keep that all theorems were proved under a key; where that fails, nothing is kept.

        Args:
            key: of what the answer rests on.
            theorems: names of those that are claimed.
        """
        with suppress(OSError):
            self.folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            if self.distrusted():
                return
            self._forget_old()
            # Made for this person alone, and whole before it has its name.
            number, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
            try:
                with os.fdopen(number, "w") as file:
                    json.dump(self._entry(key, theorems), file)
                Path(name).replace(self._path(key))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Wait until nobody else proves the same; where that cannot be told, begin at once.

        Args:
            key: of what the answer rests on.
        """
        number = -1
        with suppress(OSError):
            self.folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            if not self.distrusted():
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
                number = os.open(self.folder / f"{key}.turn", flags, 0o600)
                fcntl.flock(number, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if number >= 0:
                os.close(number)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _entry(self, key: str, theorems: Sequence[str]) -> dict[str, Any]:
        return {"key": key, "proved": sorted(theorems)}

    def _read(self, path: Path) -> bytes:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(number, "rb") as file:
            found = os.fstat(number)
            private = found.st_uid == os.getuid() and not found.st_mode & _OTHERS_WRITE
            if not (stat.S_ISREG(found.st_mode) and private and found.st_size <= _MOST_BYTES):
                return b""
            return file.read()

    def _forget_old(self) -> None:
        for path in self.folder.iterdir():
            if time.time() - path.lstat().st_mtime > _DAYS * _DAY:
                path.unlink(missing_ok=True)
