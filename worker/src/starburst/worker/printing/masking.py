"""Keep a workspace's secrets out of what tasks print: a slip is masked, a will to tell is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
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
    that is a JSON object, each of its values as well. They are known as they are, and as ``repr``
    and JSON write them. What is printed in another form, such as base64 or one character a line, is
    not recognized.

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
            for text in (secret, *_values(secret))
            for line in _ENDS.split(text)
        }
        forms = {
            form.encode("utf-8", "surrogateescape")
            for line in lines
            if len(line) >= LEAST_CHARACTERS
            for form in (line, repr(line)[1:-1], json.dumps(line)[1:-1])
        }
        # The longest first, so that no part of one that begins with another is left.
        self._known = sorted(forms, key=len, reverse=True)
        self.longest = len(self._known[0]) if self._known else 0

    def __call__(self, text: bytes) -> bytes:
        """Return output without the secrets in it."""
        for each in self._known:
            text = text.replace(each, MASK.encode())
        return text


def _values(secret: str) -> Iterator[str]:
    """Yield the values of a JSON object, however deep they stand; nothing of any other text."""
    try:
        found = json.loads(secret)
    except (RecursionError, ValueError):
        return
    left = [found] if isinstance(found, dict) else []
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left += each.values()
        elif isinstance(each, list):
            left += each
        elif isinstance(each, str | int):
            yield str(each)
