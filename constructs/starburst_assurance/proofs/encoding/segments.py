"""The segments of an ARN, which its operators compare each by itself, and what they are made of."""

from __future__ import annotations

import re
from typing import Any

from starburst_assurance.proofs.encoding.parts import Term, cvc5
from starburst_assurance.proofs.encoding.patterns import glob

__all__ = ["beginning", "cut", "decided", "one_of"]

_COLONS = 5
"""In an ARN, before what may have colons of its own."""


def cut(pattern: str) -> tuple[str, str]:
    """Return what stands before the last segment of a pattern, and that segment."""
    *segments, last = pattern.split(":", _COLONS)
    return ":".join(segments), last


def decided(text: Any, pattern: str) -> bool | None:
    """Return whether segments match, where that needs no solver; None where it does."""
    *segments, last = pattern.split(":", _COLONS)
    if pattern == "*" or (len(segments) == _COLONS and not set("*?") & set("".join(segments))):
        return True
    if len(segments) < _COLONS:
        return False
    if not isinstance(text, str):
        return None
    found = text.split(":", _COLONS)
    return len(found) > _COLONS and all(
        glob(one).fullmatch(part) is not None
        for one, part in zip((*segments, last), found, strict=True)
    )


def beginning(terms: Any, pattern: str) -> Term:
    """Return a pattern as a regular expression whose wildcards take no colon."""
    kind, make = cvc5.Kind, terms.mkTerm
    ranges = (("\0", "9"), (";", "\U0002ffff"))
    within = make(
        kind.REGEXP_UNION,
        *(make(kind.REGEXP_RANGE, *map(terms.mkString, one)) for one in ranges),
    )
    wild = {"?": within, "*": make(kind.REGEXP_STAR, within)}
    parts = [
        wild[one] if one in wild else make(kind.STRING_TO_REGEXP, terms.mkString(one))
        for one in re.findall(r"[*?]|[^*?]+", f"{pattern}:")
    ]
    return make(kind.REGEXP_CONCAT, *parts) if len(parts) > 1 else parts[0]


def one_of(terms: Any, characters: str) -> Term:
    """Return a regular expression of one character, of those in another's brackets."""
    kind, make = cvc5.Kind, terms.mkTerm
    options: list[Term] = []
    for found in re.finditer(r"(.)-(.)|\\?(.)", characters):
        first, last = (found[1], found[2]) if found[1] else (found[3], found[3])
        options.append(make(kind.REGEXP_RANGE, terms.mkString(first), terms.mkString(last)))
    return make(kind.REGEXP_UNION, *options) if len(options) > 1 else options[0]
