"""Where a text begins with another, as far as the pieces of both tell without a solver."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starburst_assurance.proofs.encoding.patterns import Piece, Word

__all__ = ["Aligned", "align"]


class Aligned(NamedTuple):
    """When a text begins with another: pieces are equal, and the rest begins with the rest."""

    equal: list[tuple[Piece, Piece]]
    text: list[Piece]
    prefix: list[Piece]


def align(
    text: Sequence[Piece], prefix: Sequence[Piece], words: Callable[[Piece], Word | None]
) -> Aligned | None:
    """Return what it takes for ``text`` to begin with ``prefix``; None where it cannot.

    An unknown word ends where a character stands that it does not have, such as a slash.

    Args:
        text: its pieces.
        prefix: its pieces.
        words: what an unknown piece is made of; None where that is not known.

    Example:
        >>> user = 1
        >>> align(["a/bob/c"], ["a/", user, "/"], {user: ("a-z", 1, 9)}.get)
        Aligned(equal=[(1, 'bob')], text=['c'], prefix=[])
        >>> align(["b/bob/c"], ["a/", user, "/"], {}.get) is None
        True
    """
    whole, start = _not_empty(text), _not_empty(prefix)
    equal: list[tuple[Piece, Piece]] = []
    while whole and start:
        one, other = whole[0], start[0]
        if isinstance(one, str) and isinstance(other, str):
            length = min(len(one), len(other))
            if one[:length] != other[:length]:
                return None
            _cut(whole, length)
            _cut(start, length)
        elif not isinstance(one, str) and not isinstance(other, str) and one == other:
            del whole[0], start[0]
        else:
            end = _end(whole, words) or _end(start, words)
            left, right = _until(whole, end, words), _until(start, end, words)
            if left is None or right is None:
                break
            for mine, theirs in ((left, right), (right, left)):
                word = None if isinstance(mine, str) else words(mine)
                if word is not None and isinstance(theirs, str) and not _is(theirs, word):
                    return None
            equal.append((right, left) if isinstance(left, str) else (left, right))
            for pieces, found in ((whole, left), (start, right)):
                if isinstance(found, str):
                    _cut(pieces, len(found))
                else:
                    del pieces[0]
    return Aligned(equal, whole, start)


def _not_empty(pieces: Sequence[Piece]) -> list[Piece]:
    return [one for one in pieces if not isinstance(one, str) or one]


def _end(pieces: Sequence[Piece], words: Callable[[Piece], Word | None]) -> str:
    """Return the character at which an unknown word ends that stands first; none for others."""
    if isinstance(pieces[0], str) or len(pieces) == 1 or not isinstance(pieces[1], str):
        return ""
    word = words(pieces[0])
    end = pieces[1][0]
    return end if word is not None and not re.match(f"[{word[0]}]", end) else ""


def _until(
    pieces: Sequence[Piece], end: str, words: Callable[[Piece], Word | None]
) -> Piece | None:
    """Return what stands before the first such character; None where that is not known."""
    if not end:
        return None
    first = pieces[0]
    if isinstance(first, str):
        return first[: first.index(end)] if end in first else None
    return first if _end(pieces, words) == end else None


def _is(text: str, word: Word) -> bool:
    characters, low, high = word
    return re.fullmatch(f"[{characters}]{{{low},{high}}}", text) is not None


def _cut(pieces: list[Piece], length: int) -> None:
    pieces[0] = pieces[0][length:]
    if not pieces[0]:
        del pieces[0]
