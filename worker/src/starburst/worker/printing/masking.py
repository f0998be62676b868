"""Keep a workspace's secrets out of what tasks print: a slip is masked, a will to tell is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from starburst._protocol.sealed.log_lines import Stream

__all__ = ["LEAST_CHARACTERS", "MASK", "masked"]

MASK: Final = "[secret]"

LEAST_CHARACTERS: Final = 6
"""A shorter text, such as a port or ``true``, stands in too many lines to be taken out of all."""

_Take: TypeAlias = Callable[["int | None", Stream, str], None]


def masked(take: _Take, secrets: Iterable[str]) -> _Take:
    """Return what takes lines without the secrets in them.

    Each line of a secret is looked for by itself, since lines are printed one by one. What is
    printed in another form, such as base64 or one character a line, is not recognized.

    Args:
        take: takes each line afterwards.
        secrets: as ECS gave them to the worker.

    Example:
        >>> masked(lambda task, stream, text: print(text), ["hunter22"])(0, "stdout", "a hunter22!")
        a [secret]!
    """
    lines = {line.strip() for secret in secrets for line in secret.splitlines()}
    # The longest first, so that no part of one that begins with another is left.
    known = sorted((each for each in lines if len(each) >= LEAST_CHARACTERS), key=len, reverse=True)
    if not known:
        return take

    def without(task: int | None, stream: Stream, text: str) -> None:
        for each in known:
            text = text.replace(each, MASK)
        take(task, stream, text)

    return without
