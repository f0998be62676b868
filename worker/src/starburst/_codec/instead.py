"""What to return in place of a value that is no data, as the expression to write."""

from __future__ import annotations

import array
import dataclasses
import types
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from contextlib import suppress
from typing import Any, Final

__all__ = ["instead_of"]

_BASES: Final = (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset)
_SHOWN: Final = 3
_METHODS: Final = (
    ("pydantic", "model_dump", "()"),
    ("polars", "collect", "()"),
    ("pyarrow", "as_py", "()"),
    ("scipy", "toarray", "()"),
    ("torch", "numpy", "(force=True)"),
    ("xarray", "to_dict", "()"),
)
"""Library, method and call; a library is known by any class of a value's."""


def instead_of(value: Any, name: str) -> str:  # noqa: ANN401
    """Return what makes data of a value, or no text where nothing is known to.

    Args:
        value: what is no data; it may do anything when it is looked at.
        name: what an analyst would write for it.

    Example:
        >>> instead_of(type("Bunch", (dict,), {})(), "result")
        'dict(result)'
    """
    if type(value) in (*_BASES, dict):
        return ""
    with suppress(Exception):  # a class of the user's may answer anything
        return _of_library(value, name) or _of_python(value, name)
    return ""


def _of_library(value: Any, name: str) -> str:  # noqa: ANN401
    homes = {(base.__module__.partition(".")[0], base.__name__) for base in type(value).__mro__}
    if ("numpy", "recarray") in homes or ("numpy", "record") in homes:
        return f"{name}.tolist()"
    if ("numpy", "ndarray") in homes and type(value).__name__ != "ndarray":
        return f"np.asarray({name})"
    for plain in ("DataFrame", "Series"):
        if ("pandas", plain) in homes and type(value).__name__ != plain:
            return f"pd.{plain}({name})"
    known = {home for home, _ in homes}
    for home, method, call in _METHODS:
        if home in known and callable(getattr(type(value), method, None)):
            return f"{name}.{method}{call}"
    return f"attrs.asdict({name})" if hasattr(type(value), "__attrs_attrs__") else ""


def _of_python(value: Any, name: str) -> str:  # noqa: ANN401, PLR0911 - one per kind
    if isinstance(value, BaseException):
        return f"repr({name}), or raise it"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return f"{name}._asdict()"
    if isinstance(value, Mapping):
        return f"dict({name})"
    if isinstance(value, KeysView | ItemsView | ValuesView | array.array):
        return f"list({name})"
    if isinstance(value, memoryview):
        return f"bytes({name})"
    for base in _BASES:
        if isinstance(value, base):
            return f"{base.__name__}({name})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return f"dataclasses.asdict({name})"
    if isinstance(value, types.SimpleNamespace):
        return f"vars({name})"
    if isinstance(value, type | types.ModuleType):
        return ""
    public = [each for each in getattr(value, "__dict__", {}) if not each.startswith("_")]
    shown = ", ".join(f"{name}.{each}" for each in public[:_SHOWN])
    return f"what you need of it, such as ({shown},)" if shown else ""
