r"""The one cleaner of text from outside on its way to a terminal, a notebook or a page.

An object's name, a message or an exception's text must not drive the terminal of its reader, begin
a line there, turn letters round or hide them. What could is written out, such as ``\x1b``; nothing
is left out but the middle of what is too long. Letters that are written from right to left stay,
and so does a backslash of the text's own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, TextIO

__all__ = ["many_lines", "one_line", "tell"]

LINE: Final = 4_096
"""Characters of one line; the longest name of an object has 1,024 bytes."""

LINES: Final = 64 * 1024

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of Unicode: controls, formats, what is no character, ends of lines."""

_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that are drawn as nothing: what else of Unicode's default ignorable ones."""

_IN_COLOUR: Final = "\ufe0f"
"""What honest writing puts behind a symbol, and none behind a letter."""

_SYMBOL: Final = "So"
_ASCII_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
_BRIEF: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BYTE: Final = 0x100
_PLANE: Final = 0x1_0000


def one_line(text: object, *, most: int = LINE) -> str:
    r"""Return text as it may stand in a line.

    Args:
        text: from outside; what is no text is asked for its own.
        most: characters; of more, the middle is left out.

    Example:
        >>> print(one_line("results/p\x1b[31mX\n0 errors"))
        results/p\x1b[31mX\n0 errors
    """
    return _clean(_cut(str(text), most, blank=" "), kept="")


def many_lines(text: object, *, most: int = LINES) -> str:
    r"""Return text that may have lines and columns of its own, such as a traceback.

    Args:
        text: from outside.
        most: characters; of more, the middle is left out.

    Example:
        >>> print(many_lines("no such gene:\n  \u202eACGT\r"))
        no such gene:
          \u202eACGT\r
    """
    return _clean(_cut(str(text), most, blank="\n"), kept="\n\t")


def tell(text: str, stream: TextIO) -> None:
    """Write a line that was made with the others; what the stream cannot spell is written out."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def _cut(text: str, most: int, *, blank: str) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    left_out = len(text) - 2 * half
    return (
        f"{text[:half]}{blank}… {left_out:,} characters left out …{blank}{text[len(text) - half :]}"
    )


def _clean(text: str, *, kept: str) -> str:
    if text.isascii() and not _ASCII_CONTROL.search(text):
        return text
    return "".join(
        each if each in kept or not _is_hidden(each, before) else _spell(each)
        for before, each in zip(f" {text}", text, strict=False)
    )


def _is_hidden(character: str, before: str) -> bool:
    if character == _IN_COLOUR:
        return unicodedata.category(before) != _SYMBOL
    return unicodedata.category(character) in _HIDDEN or _BLANK.match(character) is not None


def _spell(character: str) -> str:
    code = ord(character)
    if code < _BYTE:
        return _BRIEF.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < _PLANE else f"\\U{code:08x}"
