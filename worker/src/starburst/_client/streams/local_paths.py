"""Paths of this computer's files among inputs: workers could not open them, which is told first.

Only what an input is, or a tuple of inputs directly holds, is looked at, and only some of many.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from starburst._client.packages.document import is_lax, read_document
from starburst._functions.caller import warn
from starburst.errors import ConfigurationError
from starburst.untrusted.terminal_text import one_line

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["LocalPaths"]

_LOOKS: Final = 1_000
"""Inputs that are looked for on disk: each takes microseconds, and the first tells it usually."""

_SYSTEM: Final = ("/bin/", "/dev/", "/etc/", "/lib", "/proc/", "/sbin/", "/sys/", "/usr/")
"""What begins so, a worker has of its own."""

_LONGEST: Final = 4_096


class LocalPaths:
    """What was seen of such paths, until it is known where the workers are.

    Args:
        connection: to where they are; None where that is not known yet.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        self._connection = connection
        self._looks = _LOOKS
        self._file = ""
        self._relative = ""
        self._warned = False

    def among(self, inputs: Iterable[Any]) -> Iterable[Any]:
        """Return the inputs, looked at: a list's or a tuple's at once, others' as they come.

        Raises:
            ConfigurationError: one is a file here, and workers are elsewhere.
        """
        if not isinstance(inputs, list | tuple):
            return self._watched(inputs)
        half, step = _LOOKS // 2, max(1, 2 * len(inputs) // _LOOKS)
        for each in itertools.chain(inputs[:half], inputs[half::step]):
            self._look(each)
        return inputs

    def judge(self, connection: Connection) -> None:
        """Refuse, or warn of, what was seen until now.

        Raises:
            ConfigurationError: one is a file here, and workers are elsewhere.
        """
        self._connection = connection
        if self._file:
            self._tell_of_file(connection, self._file)
        if self._relative:
            self._tell_of_relative(self._relative)

    def _watched(self, inputs: Iterable[Any]) -> Iterator[Any]:
        each = iter(inputs)
        for value in each:
            self._look(value)
            yield value
            if not self._looks:
                yield from each

    def _look(self, value: object) -> None:
        if isinstance(value, tuple):
            for each in value:
                self._look_at(each)
        else:
            self._look_at(value)

    def _look_at(self, value: object) -> None:
        is_path = isinstance(value, PurePath)
        if not self._looks or not (is_path or isinstance(value, str)):
            return
        self._looks -= 1
        text = str(value)
        if not 0 < len(text) <= _LONGEST or text.startswith(_SYSTEM) or not _is_file(text):
            return
        if is_path or os.path.isabs(text):
            self._looks, self._file = 0, text
            if self._connection is not None:
                self._tell_of_file(self._connection, text)
        elif not (self._relative or self._warned):
            self._relative = text
            if self._connection is not None:
                self._tell_of_relative(text)

    def _tell_of_file(self, connection: Connection, path: str) -> None:
        remedy = (
            "Put it into the workspace's data and pass what that returns: "
            f"starburst.data.put({path!r})"
        )
        self._file = ""
        if not (connection.local and is_lax(connection, read_document(connection))):
            raise ConfigurationError(
                f"input {one_line(path)!r} is a file on this computer, and workers have no such "
                f"file. {remedy}"
            )
        warn(
            f"input {one_line(path)!r} is a file on this computer: workers of this local "
            f"environment can open it, and those in AWS could not. {remedy}",
            UserWarning,
            once=True,
        )

    def _tell_of_relative(self, path: str) -> None:
        self._relative, self._warned = "", True
        warn(
            f"input {one_line(path)!r} is also the name of a file in this working directory, "
            "which workers do not have. If the file is meant, put it into the workspace's data and "
            f"pass what that returns: starburst.data.put({path!r})",
            UserWarning,
            once=True,
        )


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:  # no system has such a name
        return False
