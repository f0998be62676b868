"""scikit-learn's callbacks, which report by a socket of this machine that no other one reaches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn

from starburst.errors import ConfigurationError

from .batch import Call

__all__ = ["callbacks_of", "refuse_callbacks"]

_CONTEXT: Final = "callback_ctx"
"""The argument by which scikit-learn, from 1.9 on, hands a fit's callbacks to a call."""


def callbacks_of(calls: Iterable[Call]) -> list[str]:
    """Return the names of the callbacks that these calls are to report to."""
    contexts = (kwargs.get(_CONTEXT) for _, _, kwargs in calls)
    return [
        type(each).__name__ for context in contexts for each in getattr(context, "_callbacks", ())
    ]


def refuse_callbacks(names: list[str]) -> NoReturn:
    """Refuse calls that are to report to callbacks.

    Raises:
        ConfigurationError: always; it says what to do.
    """
    raise ConfigurationError(
        f"scikit-learn's callback {names[0]} listens at a socket of this machine, which workers on "
        "other machines cannot reach: fit without set_callbacks(…), or with n_jobs=1; nothing was "
        "sent"
    )
