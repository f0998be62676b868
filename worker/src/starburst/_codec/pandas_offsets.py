"""Steps of pandas, such as a month or a business day, which indexes keep as their ``freq``.

An index's text for its step, ``freqstr``, leaves out most of what a step may hold: months of a
DateOffset, holidays, hours. So a step travels as its class and its parts, and what these do not
make again on the worker is refused there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starburst.errors import IntegrityError

from .structure import Code, Reader, Unsupported, Writer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["lower_freq", "lower_offset", "raise_offset", "set_freq"]

_DERIVED: Final = "calendar"
"""Made from a step's weekmask and holidays, which travel."""


def lower_freq(writer: Writer, index: Any, depth: int) -> object:  # noqa: ANN401
    """Lower the step of an index or an array of dates; None if it keeps none."""
    freq = getattr(index, "freq", None)
    if freq is None:
        return None
    try:
        return lower_offset(writer, freq, depth)
    except Unsupported as error:
        raise Unsupported(
            index, f"its freq {error.reason}; set its freq to None before returning it"
        ) from None


def lower_offset(writer: Writer, value: Any, depth: int) -> object:  # noqa: ANN401
    """Lower a step that its parts make again."""
    name = type(value).__name__
    kwds = {key: each for key, each in value.kwds.items() if key != _DERIVED}
    try:
        lowered = writer.lower_mapping(kwds, depth)
    except Unsupported as error:
        raise Unsupported(value, f"holds a {type(error.offender).__qualname__}") from None
    if _class(name) is not type(value) or not _is_same(
        _make(type(value), value.n, value.normalize, kwds), value
    ):
        raise Unsupported(value, f"is a {name} that its parts do not make again")
    return writer.extension(Code.PANDAS_OFFSET, name, value.n, value.normalize, lowered)


def raise_offset(reader: Reader, payload: bytes) -> object:
    """Make a step of pandas' own classes from its parts."""
    name, n, normalize, kwds = reader.fields(payload, 4)
    cls = _class(name)
    if cls is None or type(n) is not int or type(normalize) is not bool or type(kwds) is not dict:
        raise IntegrityError("an encoded step of time has another shape")
    return _make(cls, n, normalize, kwds)


def set_freq(dates: Any, freq: object) -> None:  # noqa: ANN401 - an index or an array
    """Set the step of dates that had it, even where pandas would not find it in them.

    It keeps the step through ``tz_convert`` and slices, though not by its own setter.
    """
    import pandas as pd  # noqa: PLC0415

    if freq is None:
        return
    if type(freq) is not str and not isinstance(freq, pd.offsets.BaseOffset):
        raise IntegrityError("an encoded index has a step that is none")
    try:
        dates.freq = freq
    except ValueError:
        if not isinstance(freq, pd.offsets.BaseOffset):
            raise
        # Kept by the index from pandas 3.1 on, by its array before.
        holder = dates if hasattr(dates, "_freq") else getattr(dates, "_data", dates)
        holder._freq = freq


def _class(name: object) -> type[pd.offsets.BaseOffset] | None:
    import pandas as pd  # noqa: PLC0415

    found = vars(pd.offsets).get(name) if type(name) is str else None
    known = isinstance(found, type) and issubclass(found, pd.offsets.BaseOffset)
    return found if known else None


def _make(cls: Any, n: int, normalize: bool, kwds: dict[str, Any]) -> Any:  # noqa: ANN401
    # A step of a fixed length takes none, not even False.
    return cls(n, **({"normalize": True} if normalize else {}), **kwds)


def _is_same(made: Any, value: Any) -> bool:  # noqa: ANN401
    alike = made == value and (made.n, made.normalize) == (value.n, value.normalize)
    kwds, theirs = made.kwds, value.kwds
    return (
        alike
        and kwds.keys() == theirs.keys()
        and all(_seen(kwds[key]) == _seen(theirs[key]) for key in kwds)
    )


def _seen(part: Any) -> object:  # noqa: ANN401
    """Return what makes two parts the same: their types too, and what a calendar is made of."""
    if hasattr(part, "holidays"):
        return part.weekmask.tolist(), part.holidays.tolist()
    return type(part), part
