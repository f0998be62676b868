"""When nothing runs any more and nothing can be read: looked at from the return key on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.drill.stage import Stage
from deploy.incident.command import Scope
from deploy.incident.contain import tasks
from starburst.aws.calls import DENIED, code_of
from starburst.errors import AccessDenied, StarburstError

__all__ = ["Over", "Running", "is_refused", "open_doors", "watch"]

PATIENCE: Final = 130.0
"""A worker that is told to stop has two minutes to leave."""

_PAUSE: Final = 0.5
"""From one look to the next. Each signs somebody in anew, and the goal is a minute: more of them
would measure no better, and slow down what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """When it was over, in seconds from the return key; None where it was not.

    Attributes:
        stopped: nothing has run since.
        shut: nothing could be read since.
        still: what was still open at the end, in words.
    """

    stopped: float | None
    shut: float | None
    still: tuple[str, ...] = ()


class Running:
    """The workers of some users and workspaces, by their processes and by ECS.

    Args:
        stage: where.
        about: whose.
    """

    def __init__(self, stage: Stage, about: Scope) -> None:
        self._stage, self._about = stage, about
        self._known: set[str] = set()

    def __call__(self) -> frozenset[str]:
        """Return the ARNs of tasks that run, those that were told to stop included."""
        wanted = {task["taskArn"] for task in tasks(self._about, self._stage.root)}
        self._known |= wanted
        return frozenset(wanted | self._known & self._stage.local.worker_processes().keys())


def is_refused(call: Callable[[], object]) -> bool:
    """Return whether AWS refuses a call for want of a right; what else goes wrong is raised."""
    try:
        call()
    except AccessDenied:
        return True
    except ClientError as error:
        if code_of(error) in DENIED:
            return True
        raise
    except StarburstError as error:
        if isinstance(error.__cause__, ClientError) and code_of(error.__cause__) in DENIED:
            return True
        raise
    return False


def open_doors(doors: Mapping[str, Callable[[], object]]) -> tuple[str, ...]:
    """Return the names of the doors by which something can be read."""
    return tuple(name for name, door in doors.items() if not is_refused(door))


def watch(
    running: Callable[[], Iterable[Any]],
    doors: Mapping[str, Callable[[], object]],
    *,
    done: Callable[[], bool],
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> Over:
    """Look again and again until nothing runs and no door is open, and the command has ended.

    Args:
        running: returns what runs.
        doors: by which something can be read.
        done: whether the command has ended.
        patience: seconds for which that may last after the command.
        clock: seconds.
        pause: waits so many seconds.
    """
    start = clock()
    stopped: float | None = None
    shut: float | None = None
    ended: float | None = None
    while True:
        at, over = clock(), done()
        runs, readable = tuple(running()), open_doors(doors)
        # What begins again later was not over.
        stopped = None if runs else (at - start if stopped is None else stopped)
        shut = None if readable else (at - start if shut is None else shut)
        if over and ended is None:
            ended = at
        quiet = stopped is not None and shut is not None
        if ended is not None and (quiet or at - ended >= patience):
            still = (*(f"{one} runs" for one in runs), *(f"{one} reads" for one in readable))
            return Over(stopped=stopped, shut=shut, still=still)
        pause(_PAUSE)
