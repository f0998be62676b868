"""Text from outside as a page or a notebook may hold it: shown, and never obeyed."""

from __future__ import annotations

import html

from .terminal_text import many_lines, one_line

__all__ = ["escaped"]


def escaped(text: object, *, most: int = 300, lines: bool = False) -> str:
    r"""Return text as HTML that shows it.

    Args:
        text: from anywhere.
        most: characters; of more, the middle is left out.
        lines: whether it may have lines of its own.

    Example:
        >>> print(escaped("<b>\u202e"))
        &lt;b&gt;\u202e
    """
    shown = many_lines(text, most=most) if lines else one_line(text, most=most)
    return html.escape(shown, quote=True)
