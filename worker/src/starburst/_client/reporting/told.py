"""What a session tells of itself: its report, what its tasks printed, and a card in notebooks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from starburst._client.logs.following import follow as follow_lines
from starburst._client.logs.reading import LogReader
from starburst._client.notebooks.cards import card, tally_words
from starburst.errors import ConfigurationError

from .making import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from starburst._client.logs.line import LogLine
    from starburst._client.session_core import SessionCore

__all__ = ["Told"]


class Told:
    """A session, as far as people read of it.

    Args:
        core: its parts.
    """

    def __init__(self, core: SessionCore) -> None:
        self._core = core

    def report(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write a page that shows how the session went: one file, to be read in any browser.

        It shows when which worker ran which tasks, memory, retries, cost, the slowest inputs and
        the errors by kind, as far as results are here or in the bucket by now. It holds no
        results, but inputs in short and what tasks raised; others cannot read the file.

        Args:
            path: of the file; ``starburst-<id>.html`` in the working directory by default.

        Returns:
            where it is.

        Raises:
            ConfigurationError: no file can be written there.
            StarburstError: AWS refused.

        Example:
            >>> session.report("burst.html")                     # doctest: +SKIP
            PosixPath('burst.html')
        """
        return write_report(self._core, path)

    def logs(
        self, task: int | None = None, worker: str | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Yield what tasks printed: ``print``, ``logging``, warnings, their processes, C code.

        Lines come worker by worker in the order in which they were printed, the earliest first
        within about two seconds. What a task printed is complete once its future is done. A task
        may print 1 MB on a worker; what is more is left out, and a line says so.

        Args:
            task: only what this task printed; its number, as in ``session.futures[task]``.
            worker: only what was printed on this worker; its name, or how that begins.
            follow: go on as lines come, until no task is open.

        Raises:
            ConfigurationError: an argument has another type.
            StarburstError: AWS refused.

        Example:
            >>> for line in session.logs(task=7):                # doctest: +SKIP
            ...     print(line)
            reading chromosome 8
        """
        if isinstance(task, bool) or not isinstance(task, int | None) or (task or 0) < 0:
            raise ConfigurationError(
                f"task={task!r} is no task's number: session.futures[7] is number 7"
            )
        if not isinstance(worker, str | None):
            raise ConfigurationError(f"worker={worker!r} is no worker's name")
        core = self._core
        reader = LogReader(core.connection, core.manifest.keys, key=core.key.data)
        if follow:
            return follow_lines(reader, core.tasks, task=task, worker=worker)
        return reader.new(task=task, worker=worker)

    def _repr_html_(self) -> str:
        manifest, latest = self._core.manifest, self._core.statuses.latest
        workers = f"{manifest.workers} worker{'s' * (manifest.workers != 1)}"
        size = f"{workers} of {manifest.cpu:g} vCPU and {manifest.memory_gb:g} GB"
        place = f"{self._core.connection.document.environment} / {manifest.workspace}"
        lines = [tally_words(self._core.tasks.tally), f"{place} / {manifest.user}, {size}"]
        lines.append("" if latest is None else latest.reason)
        aside = "starting" if latest is None else latest.state
        return card(f"Session {self._core.id}", lines, aside=aside, tally=self._core.tasks.tally)
