"""Keep a workspace's secrets out of what tasks print: a slip is masked, a will to tell is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

__all__ = ["LEAST_CHARACTERS", "MASK", "Mask"]

MASK: Final = "[secret]"

LEAST_CHARACTERS: Final = 6
"""A shorter text, such as a port or ``true``, stands in too many lines to be taken out of all."""

_ENDS: Final = re.compile(r"[\r\n]")
"""Where lines of output end; ``splitlines`` would know more."""


class Mask:
    """Takes secrets out of output, before it is cut into pieces that would hide them.

    Each line of a secret is looked for by itself, since lines are printed one by one; of a secret
    that is JSON, each value in it as well. They are known as they are, and as ``repr``, ``ascii``,
    bytes and JSON write them. What is printed in another form, such as base64 or one character a
    line, is not recognized.

    Args:
        secrets: as ECS gave them to the worker.

    Attributes:
        longest: how many bytes of output one secret takes at most; 0 where there is none.

    Example:
        >>> Mask(["hunter22"])(b"a hunter22!")
        b'a [secret]!'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        lines = {
            line.strip()
            for secret in secrets
            for text in _values(secret)
            for line in _ENDS.split(text)
        }
        forms = {form for line in lines if len(line) >= LEAST_CHARACTERS for form in _forms(line)}
        # The longest first, so that no part of one that begins with another is left.
        self._known = sorted(forms, key=len, reverse=True)
        self.longest = len(self._known[0]) if self._known else 0

    def __call__(self, text: bytes) -> bytes:
        """Return output without the secrets in it."""
        for each in self._known:
            text = text.replace(each, MASK.encode())
        return text


def _forms(line: str) -> Iterator[bytes]:
    """Yield a line in the forms in which it may be printed."""
    texts = [line, repr(line)[1:-1], ascii(line)[1:-1], json.dumps(line)[1:-1]]
    texts.append(json.dumps(line, ensure_ascii=False)[1:-1])
    # Half a character, which JSON may hold, is printed by its number alone.
    with suppress(UnicodeEncodeError):
        texts.append(repr(line.encode("utf-8", "surrogateescape"))[2:-1])
    for each in texts:
        with suppress(UnicodeEncodeError):
            yield each.encode("utf-8", "surrogateescape")


def _values(secret: str) -> Iterator[str]:
    """Yield the values of a secret that is JSON, however deep; of a text in it that is, as well."""
    left: list[object] = [secret]
    while left:
        each = left.pop()
        if isinstance(each, list):
            left += each
        elif isinstance(each, str):
            yield each
            with suppress(RecursionError, ValueError):
                # Also the first of two values under one name.
                found = json.loads(each, object_pairs_hook=lambda pairs: [one for _, one in pairs])
                left.append(found)
        elif isinstance(each, int | float):
            yield str(each)
