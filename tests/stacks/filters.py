"""Evaluate a metric filter's pattern as CloudWatch Logs documents it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

TERM = re.compile(r'\(\$\.([\w.\[\]]+) (=|!=|NOT EXISTS)(?: "([^"]*)")?\)')
Event = dict[str, Any]


def value(event: Any, path: str) -> Any:
    for name in re.findall(r"\w+", path):
        try:
            event = event[int(name)] if name.isdigit() else event[name]
        except (IndexError, KeyError, TypeError):
            return None
    return event


def finds(pattern: str, event: Event) -> bool:
    """Evaluate a filter as CloudWatch Logs documents it."""

    def one(found: re.Match[str]) -> str:
        path, operator, wanted = found.groups()
        own = value(event, path)
        if operator == "NOT EXISTS":
            return str(own is None)
        # Of what is not there CloudWatch finds neither that it is something nor that it is not.
        equal = own is not None and fnmatchcase(str(own), wanted)
        return str(equal if operator == "=" else own is not None and not equal)

    text = TERM.sub(one, pattern.strip("{} "))
    text = text.replace("&&", "and").replace("||", "or")
    assert re.fullmatch(r"(True|False|and|or|[() ])+", text), text
    return bool(eval(text))  # noqa: S307 - nothing but True, False, and, or
