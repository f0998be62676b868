"""Whether the parts of a setting are what their annotations say, before anything reads them."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stacks.settings.validation import require

__all__ = ["typed"]

_CHECKED_ELSEWHERE = (str, int, float)
"""By checks that say what is allowed; here it would only be "text"."""


def typed(where: str, setting: object) -> None:
    """Require parts of their classes, tuples where there may be several, and plain truth values.

    Args:
        where: what the sentence puts before a field's name, such as ``environment prod: ``.
        setting: a dataclass.

    Raises:
        SettingsError: with the first field that is something else.
    """
    for name, kind in _kinds(type(setting)).items():
        value = getattr(setting, name)
        require(_fits(value, kind), f"{where}{name}", value, _words(kind))


@cache
def _kinds(setting: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(setting)
    return {
        each.name: kind
        for each in fields(setting)
        for kind in (hints[each.name],)
        if kind not in _CHECKED_ELSEWHERE and get_origin(kind) is not Literal
    }


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - an annotation
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inside)
    if origin is Literal:
        return True
    if origin is tuple:
        if not isinstance(value, tuple | list):
            return False
        if inside[-1] is Ellipsis:
            return all(_fits(one, inside[0]) for one in value)
        return len(value) == len(inside) and all(map(_fits, value, inside))
    return isinstance(value, int | float if kind is float else kind)


def _words(kind: Any) -> str:  # noqa: ANN401 - an annotation
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_words(one) for one in inside)
    if origin is tuple and inside[-1] is Ellipsis:
        return f"a tuple, such as ({_words(inside[0])},)"
    if origin is tuple:
        return f"({', '.join(map(_words, inside))})"
    if origin is Literal or kind is str:
        return '"…"'
    if kind is NoneType:
        return "None"
    return "True or False" if kind is bool else f"{kind.__name__}(…)"
