"""What a worker runs: a few calls of one ``Parallel``, one after the other, and how long they took.

joblib itself need not be there for calls that do not use it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

__all__ = ["Call", "run_batch"]

Call: TypeAlias = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]


def run_batch(calls: Sequence[Call], nesting_level: int) -> tuple[float, list[Any]]:
    """Run calls in order.

    Args:
        calls: functions with their arguments.
        nesting_level: how deep in each other the ``Parallel`` of these calls was, from 0.

    Returns:
        The seconds that they took, and their results.
    """
    began = time.perf_counter()
    with _nested(nesting_level):
        results = [function(*args, **kwargs) for function, args, kwargs in calls]
    return time.perf_counter() - began, results


def _nested(nesting_level: int) -> AbstractContextManager[object]:
    """Have what is parallel within a call follow joblib's rule: threads first, then nothing."""
    try:
        import joblib  # noqa: PLC0415 - workers need not have it
        from joblib._parallel_backends import (  # noqa: PLC0415
            SequentialBackend,
            ThreadingBackend,
        )
    except ImportError:
        return contextlib.nullcontext()

    def inner(nesting_level: int | None = None, **_: object) -> Any:  # noqa: ANN401 - a backend
        level = nesting_level or 1
        return (SequentialBackend if level > 1 else ThreadingBackend)(nesting_level=level)

    joblib.parallel.BACKENDS.setdefault("starburst", inner)  # a call may name it
    chosen: AbstractContextManager[object] = joblib.parallel_config(
        backend=inner(nesting_level + 1), n_jobs=None
    )
    return chosen
