"""Random numbers of a task's own: the same on whatever worker, in whatever chunk, at each retry."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from starburst.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy.random

__all__ = ["MAX_SEED", "begin_task", "end_task", "rng"]

MAX_SEED: Final = 2**53 - 1
"""The largest seed of a session."""

Kind = Literal["numpy", "random"]


class _Task:
    """The task that this process is in, and the generators that it has asked for."""

    def __init__(self, seed: int | None, number: int) -> None:
        self.seed = seed
        self.number = number
        self.made: dict[tuple[Kind, int | None, int], Any] = {}


_OUTSIDE: Final = _Task(None, 0)
_tasks = [_OUTSIDE]


def begin_task(seed: int | None, number: int) -> None:
    """Have this process be in a task, at the beginning of its stream."""
    _tasks[-1:] = [_Task(seed, number)]


def end_task() -> None:
    """Have this process be in no task."""
    _tasks[-1:] = [_OUTSIDE]


@overload
def rng(
    kind: Literal["numpy"] = "numpy", *, seed: int | None = None, task: int | None = None
) -> numpy.random.Generator: ...


@overload
def rng(
    kind: Literal["random"], *, seed: int | None = None, task: int | None = None
) -> random.Random: ...


def rng(kind: Kind = "numpy", *, seed: int | None = None, task: int | None = None) -> Any:
    """Return the generator of random numbers of the task that calls this.

    Each task of a session has a stream of its own, which depends on nothing but the session's seed
    and the task's number: not on workers, chunks or retries. The seed is ``seed=`` of the map, the
    session or the executor, else one by chance, which ``session.manifest.seed`` tells. Tasks are
    numbered from 0 as they are submitted. A task that asks again goes on where it was.

    Outside a task it is this process's own generator, and begins anywhere; with ``seed`` and
    ``task`` it is what that task of such a session gets, from its beginning, to see it here.

    Args:
        kind: ``"numpy"`` for a ``numpy.random.Generator``, ``"random"`` for a ``random.Random``.
        seed: another than the session's.
        task: another number than this task's.

    Raises:
        ConfigurationError: numpy is asked for and not installed, or an argument is wrong.

    Example:
        >>> def throw(_):
        ...     return int(starburst.rng().integers(1, 7))
        >>> starburst.map(throw, range(3), seed=7)               # doctest: +SKIP
        [2, 5, 3]
        >>> rng("random", seed=7, task=0).random() == rng("random", seed=7, task=1).random()
        False
    """
    if kind not in ("numpy", "random"):
        raise ConfigurationError(f"kind={kind!r} is neither 'numpy' nor 'random'")
    for name, value in (("seed", seed), ("task", task)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ConfigurationError(f"{name}={value!r} is no whole number (int)")
        if value is not None and value < 0:
            raise ConfigurationError(f"{name}={value!r} is below 0")
    current = _tasks[-1]
    if seed is None and task is not None and current.seed is None:
        raise ConfigurationError(f"task={task} says nothing without seed=, outside of a task")
    which = (current.seed if seed is None else seed, current.number if task is None else task)
    if seed is not None or task is not None:
        return _new(kind, *which)
    held = current.made.get((kind, *which))
    if held is None:
        held = current.made[kind, *which] = _new(kind, *which)
    return held


def _new(kind: Kind, seed: int | None, task: int) -> Any:  # noqa: ANN401
    if kind == "random":
        return random.Random(None if seed is None else f"starburst {seed} {task}")  # noqa: S311
    try:
        import numpy as np  # noqa: PLC0415 - who asks for it has it; nobody else needs it
    except ImportError:
        raise ConfigurationError(
            "numpy is not installed here: starburst.rng('random') returns a random.Random"
        ) from None
    if seed is None:
        return np.random.default_rng()
    # What SeedSequence(seed).spawn(n)[task] is, without making the others.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(task,)))
