"""Which calls return fitted estimators, so that they are refused before a worker is paid for.

An estimator is no data: it comes back as a pickle, in a session that asked for it, or not at all.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any, Final, NoReturn

from starburst.errors import UnsafeResult

from .batch import Call

__all__ = ["FITTING", "estimators_from", "is_fitted_by_another", "refuse"]

FITTING: Final = frozenset(
    {
        "_fit_binary",
        "_fit_classifier_calibrator_pair",
        "_fit_estimator",
        "_fit_one",
        "_fit_ovo_binary",
        "_fit_single_estimator",
        "_fit_transform_one",
        "_parallel_build_estimators",
        "_parallel_build_trees",
        "_partial_fit_binary",
        "_partial_fit_estimator",
        "_partial_fit_ovo_binary",
        "clone",
    }
)
"""Functions of scikit-learn that return an estimator, as ``n_jobs`` runs them."""

_METHODS: Final = frozenset({"fit", "partial_fit", "set_params"})


def estimators_from(calls: Iterable[Call]) -> str:
    """Return the name of a function among these calls that returns estimators; "" for none."""
    for function, _, kwargs in calls:
        found = _plain(function)
        if _returns_one(found, kwargs):
            return str(getattr(found, "__qualname__", repr(found)))
    return ""


def refuse(function: str) -> NoReturn:
    """Refuse a call of a function that returns estimators.

    Raises:
        UnsafeResult: always; it names the opt-in.
    """
    raise UnsafeResult(
        f"{function} returns a fitted estimator, which cannot travel as data: give "
        'results="pickle" to parallel_config if you trust all code that runs on the session\'s '
        "workers, because reading a pickle can run code; nothing was started for it"
    )


def is_fitted_by_another() -> bool:
    """Whether what is being fitted in this thread is part of another estimator's own fit.

    A search that is done fits the best of what it tried once more: to refuse that would lose it.
    """
    fitted: set[int] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self") if frame.f_code.co_name == "fit" else None
        if owner is not None and hasattr(type(owner), "get_params"):
            fitted.add(id(owner))
        frame = frame.f_back
    return len(fitted) > 1


def _returns_one(function: Any, kwargs: Any) -> bool:  # noqa: ANN401 - any call
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if owner is not None:
        return name in _METHODS and hasattr(type(owner), "get_params")
    if not str(getattr(function, "__module__", "")).startswith("sklearn."):
        return False
    return name in FITTING or bool(kwargs.get("return_estimator"))


def _plain(function: Any) -> Any:  # noqa: ANN401
    """Return what a partial, or scikit-learn's own wrapper, calls in the end."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif type(function).__name__ == "_FuncWrapper":
            function = function.function
        else:
            return function
