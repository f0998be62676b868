"""Would a metric filter count a line? The patterns of CloudWatch Logs that the kit writes.

A pattern is one word in quotes, found anywhere in a line, or a condition on the fields of a line
that is JSON: ``=`` and ``!=`` with ``*`` for any text, ``NOT EXISTS``, ``&&``, ``||``, parentheses.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final

__all__ = ["PatternError", "matches_fields", "matches_line"]

_WORD: Final = re.compile(r'"([^"]+)"')
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<sign>&&|\|\||[()])|\$\.(?P<path>[\w.\[\]-]+) "
    r'(?P<operator>=|!=|NOT EXISTS)(?: "(?P<wanted>[^"]*)")?)'
)


class PatternError(ValueError):
    """A pattern says something that is not judged here."""


def matches_line(pattern: str, line: str) -> bool:
    """Return whether a filter counts a line of a log.

    Raises:
        PatternError: the pattern is of another kind.

    Example:
        >>> matches_line('"starburst-tampering"', 'before starburst-tampering after')
        True
        >>> matches_line('{ ($.event = "sweep") }', '[WARNING] said {"event": "sweep"}')
        False
    """
    if pattern.startswith("{"):
        try:
            fields = json.loads(line)
        except ValueError:
            return False
        return matches_fields(pattern, fields)
    word = _WORD.fullmatch(pattern)
    if word is None:
        raise PatternError(f"{pattern!r} is neither one word in quotes nor a condition on fields")
    return word[1] in line


def matches_fields(pattern: str, fields: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether a condition holds of a line that was JSON.

    Raises:
        PatternError: it is no condition of the kind above.

    Example:
        >>> matches_fields('{ ($.a = "x*") && ($.b NOT EXISTS) }', {"a": "xyz"})
        True
    """
    return _compiled(pattern)(fields)


_Condition = Callable[[Any], bool]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> _Condition:
    tokens = _Tokens(pattern)
    condition = _either(tokens)
    tokens.end()
    return condition


class _Tokens:
    """What a condition consists of, read from left to right."""

    def __init__(self, pattern: str) -> None:
        inner = pattern.strip()
        if not (inner.startswith("{") and inner.endswith("}")):
            raise PatternError(f"{pattern!r} is no condition on fields")
        self._pattern = pattern
        self._rest = self._read(inner[1:-1].strip())
        self._next = next(self._rest, None)

    def _read(self, text: str) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise PatternError(f"{text[at:]!r} in {self._pattern!r} is not judged here")
            yield found
            at = found.end()

    def take(self, sign: str) -> bool:
        """Return whether ``sign`` comes next, and go past it if so."""
        if self._next is None or self._next["sign"] != sign:
            return False
        self._next = next(self._rest, None)
        return True

    def term(self) -> re.Match[str]:
        """Return the term that comes next."""
        found = self._next
        if found is None or found["path"] is None:
            raise PatternError(f"{self._pattern!r} lacks a term")
        self._next = next(self._rest, None)
        return found

    def end(self) -> None:
        """Refuse whatever is left."""
        if self._next is not None:
            raise PatternError(f"{self._next[0]!r} in {self._pattern!r} is too much")


def _either(tokens: _Tokens) -> _Condition:
    terms = [_both(tokens)]
    while tokens.take("||"):
        terms.append(_both(tokens))
    return terms[0] if len(terms) == 1 else lambda fields: any(term(fields) for term in terms)


def _both(tokens: _Tokens) -> _Condition:
    terms = [_one(tokens)]
    while tokens.take("&&"):
        terms.append(_one(tokens))
    return terms[0] if len(terms) == 1 else lambda fields: all(term(fields) for term in terms)


def _one(tokens: _Tokens) -> _Condition:
    if tokens.take("("):
        held = _either(tokens)
        if not tokens.take(")"):
            raise PatternError("a parenthesis is not closed")
        return held
    term = tokens.term()
    path = [int(name) if name.isdigit() else name for name in re.findall(r"[\w-]+", term["path"])]
    if term["operator"] == "NOT EXISTS":
        return lambda fields: _value(fields, path) is None
    if term["wanted"] is None:
        raise PatternError(f"{term[0].strip()!r} lacks a text")
    equals = re.compile(translate(term["wanted"])).match
    # Of what is not there CloudWatch finds neither that it is something nor that it is not.
    wanted = term["operator"] == "="

    def holds(fields: Any) -> bool:  # noqa: ANN401 - JSON
        own = _value(fields, path)
        return own is not None and (equals(str(own)) is not None) is wanted

    return holds


def _value(fields: Any, path: list[int | str]) -> object:  # noqa: ANN401 - JSON
    for name in path:
        try:
            fields = fields[name]
        except (IndexError, KeyError, TypeError):
            return None
    return fields
