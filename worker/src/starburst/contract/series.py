"""Which part of a library's version has to agree between who pickles and who loads. Pure."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["series"]

_RELEASE: Final = re.compile(r"\s*[vV]?(?:(\d+)!)?(\d+)(?:\.(\d+))?")


def series(version: str) -> tuple[int, int, int] | str:
    """Return epoch and first two numbers of a version: libraries mend faults in the third.

    What is written in two ways is one: a number that is not there is 0, as in ``1`` and ``1.0``,
    and ``2024.01`` is ``2024.1``. Of a text that is no version, all has to agree.

    Example:
        >>> series("2.1.3"), series("1"), series("1.0rc1"), series("odd")
        ((0, 2, 1), (0, 1, 0), (0, 1, 0), 'odd')
    """
    found = _RELEASE.match(version)
    if found is None:
        return version
    epoch, major, minor = (int(number or 0) for number in found.groups())
    return epoch, major, minor
