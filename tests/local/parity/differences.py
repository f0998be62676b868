"""Compare what was asked for with what is held, down to each single property."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ABSENT", "Difference", "differences", "paths"]

ABSENT = "(nothing)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property that is not held as it was asked for.

    Attributes:
        path: dotted; a list's items have no number.
        asked: what the template says.
        held: what the services answer.
    """

    path: str
    asked: str
    held: str


def paths(asked: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every leaf that is asked for."""
    if isinstance(asked, dict) and asked:
        for name, each in asked.items():
            yield from paths(each, f"{path}.{name}" if path else name)
    elif isinstance(asked, list) and asked:
        for each in asked:
            yield from paths(each, path)
    else:
        yield path


def differences(asked: Any, held: Any, path: str = "") -> list[Difference]:
    """Return where ``held`` is not what was asked for; what nobody asked for may be held beside.

    A list holds what was asked for, in any order, and no more.
    """
    if held is None and asked in ({}, []):
        return [Difference(path=path, asked=_text(asked), held=ABSENT)]
    if isinstance(asked, Mapping):
        found = held if isinstance(held, Mapping) else {}
        return [
            each
            for name, value in asked.items()
            for each in differences(value, found.get(name), f"{path}.{name}" if path else name)
        ]
    if isinstance(asked, list):
        return _lists(asked, held if isinstance(held, list) else [], path)
    if held is not None and _text(asked) == _text(held):
        return []
    return [Difference(path=path, asked=_text(asked), held=ABSENT if held is None else _text(held))]


def _lists(asked: list[Any], held: list[Any], path: str) -> list[Difference]:
    left, found = [*held], list[Difference]()
    for each in asked:
        nearest, least = None, differences(each, None, path)
        for index, other in enumerate(left):
            compared = differences(each, other, path)
            if nearest is None or len(compared) < len(least):
                nearest, least = index, compared
            if not compared:
                break
        found += least
        if nearest is not None:
            del left[nearest]
    return found + [Difference(path=path, asked=ABSENT, held=_text(each)) for each in left]


def _text(value: Any) -> str:
    """Return one form of what CloudFormation, XML and JSON write in several."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)
