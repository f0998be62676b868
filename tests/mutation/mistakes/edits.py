"""Edits of a source: where a node of the syntax tree stands in the text, and what replaces it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

__all__ = ["Edit", "Source"]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One mistake.

    Attributes:
        begin, end: the bytes that are replaced.
        new: what replaces them.
        what: was done, in words that do not depend on where.
        lines: the lines that a test has to run to notice; none where any test may.
    """

    begin: int
    end: int
    new: str
    what: str
    lines: tuple[int, ...]


class Source:
    """A module's text and its syntax tree.

    Args:
        text: of the module.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._bytes = text.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def begin(self, node: ast.expr | ast.stmt | ast.excepthandler) -> int:
        """Return the byte at which a node begins."""
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt | ast.excepthandler) -> int:
        """Return the byte after a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def cut(self, begin: int, end: int) -> str:
        """Return the text between two bytes."""
        return self._bytes[begin:end].decode()

    def said(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node."""
        return self.cut(self.begin(node), self.end(node))

    def with_edit(self, edit: Edit) -> str:
        """Return the text with an edit in it."""
        return self.cut(0, edit.begin) + edit.new + self.cut(edit.end, len(self._bytes))
