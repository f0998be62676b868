"""Saying once what workers of a lax local environment see, and AWS's would not."""

from __future__ import annotations

import os

from starburst._functions.caller import warn

__all__ = ["tell_once"]

_VARIABLE = "STARBURST_LOCAL_STRICT"
_told = False


def tell_once() -> None:
    """Warn, the first time in this process, unless the variable says that it is known."""
    global _told  # noqa: PLW0603 - once for the process
    if _told or os.environ.get(_VARIABLE):
        return
    _told = True
    warn(
        "workers of this local environment see this interpreter's packages and all files of this "
        f"machine, and no memory limit ends them, unlike AWS's: {_VARIABLE}=1 has them see what an "
        "image has and what travels, in the memory that they ask for, and =0 ends this notice",
        UserWarning,
    )
