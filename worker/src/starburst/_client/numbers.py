"""Numbers and truth values as analysts have them, numpy's among them, as Python's own."""

from __future__ import annotations

import math
import operator
from contextlib import suppress
from typing import Any

from starburst.errors import ConfigurationError

__all__ = ["above_zero", "check_choices", "number", "whole"]


def number(value: Any) -> int | float | None:  # noqa: ANN401 - whatever was given
    """Return what counts as a number as an ``int`` or a ``float``; None for anything else.

    Numbers of numpy do, arrays without a dimension too, and decimals and fractions; text, truth
    values, and NaN do not.

    Example:
        >>> from fractions import Fraction
        >>> number(Fraction(1, 4)), number(True), number("4")
        (0.25, None, None)
    """
    dtype = getattr(value, "dtype", None)
    no_number = isinstance(value, bool) or getattr(dtype, "kind", "") in ("b", "m", "M")
    if no_number or getattr(value, "shape", ()) != ():
        return None
    found = _python_number(value)
    return None if found != found else found  # noqa: PLR0124 - NaN differs from itself


def _python_number(value: Any) -> int | float | None:  # noqa: ANN401
    kind = type(value)
    with suppress(TypeError):  # an array of floats has the method, and refuses
        if hasattr(kind, "__index__"):
            return operator.index(value)
    with suppress(TypeError, ValueError, ArithmeticError):
        if hasattr(kind, "__float__"):
            return float(value)
    return None


def whole(name: str, value: object, *, least: int, most: int) -> int:
    """Return an option that is a whole number.

    Raises:
        ConfigurationError: it is none, or out of bounds.
    """
    found = number(value)
    if type(found) is not int or not least <= found <= most:
        raise ConfigurationError(
            f"{name}={value!r} is not a whole number (int) from {least} to {most:,}"
        )
    return found


def above_zero(name: str, value: object, *, unit: str) -> int | float:
    """Return an option that is a finite number above 0.

    Raises:
        ConfigurationError: it is none.
    """
    found = number(value)
    if found is None or not 0 < found < math.inf:
        raise ConfigurationError(f"{name}={value!r} is not a number of {unit} above 0 (or None)")
    return found


def check_choices(**values: object) -> None:
    """Refuse what is neither True nor False: a text, which is always true, or a number of seconds.

    Raises:
        ConfigurationError: names the argument.

    Example:
        >>> check_choices(keep=True)
    """
    for name, value in values.items():
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        if not isinstance(value, bool) and kind != "b":
            raise ConfigurationError(f"{name}={value!r} must be True or False")
