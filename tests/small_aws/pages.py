"""Pages as AWS gives them: the first may be empty and have a token all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["page"]

_SIZE = 2


def page(
    items: Sequence[Any], token: str | None, *, size: int = _SIZE
) -> tuple[list[Any], str | None]:
    """Return one page and the token of the next.

    "If there are additional results the response will contain a token": it may hold none itself,
    as where a filter took all of a page away.

    Args:
        items: all there are.
        token: None for the first page.
        size: how many there are on a page.
    """
    if token is None:
        return [], "0"
    start = int(token)
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else None
