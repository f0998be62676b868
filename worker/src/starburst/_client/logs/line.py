"""One line that a task printed, as its user sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starburst.untrusted.terminal_text import one_line

__all__ = ["LogLine", "shown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    r"""One line that a task printed. ``str()`` is its text.

    Attributes:
        text: fit for a terminal: what could drive one is written out, such as ``\x1b``.
        task: the task's number in the session, from 0, as in ``session.futures[7]``; None for
            what no task printed, such as a thread that outlived one.
        worker: the name of the worker that it ran on.
        stream: ``stdout`` or ``stderr``, where warnings and ``logging`` write; ``starburst`` for
            what is said here and was printed by no task.
        time: when the worker read it, seconds since the epoch.

    Example:
        >>> line = LogLine(text="step 3", task=7, worker="0af", stream="stdout", time=0.0)
        >>> print(line, line.task)
        step 3 7
    """

    text: str
    task: int | None
    worker: str
    stream: str
    time: float

    def __str__(self) -> str:
        """Return the text."""
        return self.text

    @property
    def labelled(self) -> str:
        """The text behind the task that printed it.

        Example:
            >>> LogLine(text="hi", task=7, worker="0af", stream="stdout", time=0.0).labelled
            '[task 7] hi'
        """
        return f"[{'worker' if self.task is None else f'task {self.task}'}] {self.text}"

    def to_data(self) -> dict[str, Any]:
        """Return a plain dictionary, such as for JSON."""
        return {
            "task": self.task,
            "worker": self.worker,
            "stream": self.stream,
            "time": self.time,
            "text": self.text,
        }


def shown(text: str) -> str:
    """Return text as a terminal may show it; columns stay."""
    return one_line(text, most=len(text)) if "\t" not in text else _with_columns(text)


def _with_columns(text: str) -> str:
    return "\t".join(one_line(part, most=len(part)) for part in text.split("\t"))
