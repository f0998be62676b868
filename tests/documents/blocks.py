"""Reads the code of a page: what runs, what is set up before it, what it prints, what cannot run.

- A block of ``python`` runs, after those above it on the page.
- ``<!-- not run: reason -->`` right before it: it only has to compile.
- ``text`` or ``output`` right behind it is what it prints; ``…`` and ``...`` stand for anything.
  Where that begins as a traceback does, the block raises.
- ``<!-- setup``, Python, ``-->`` runs too and is not seen.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["Block", "blocks_of", "commands_of"]

# What stands within a paragraph is no block, and to read it is half of the time.
_READER: Final = MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
_NOT_RUN: Final = re.compile(r"\s*<!-- not run: (?P<reason>.+?) -->\s*", re.DOTALL)
_SETUP: Final = re.compile(r"\s*<!-- setup\n(?P<code>.*?)\n?-->\s*", re.DOTALL)
_OUTPUT: Final = ("text", "output")
_SHELL: Final = ("", "sh", "console")
_OURS: Final = re.compile(r" *(\.venv/bin/)?starburst ")


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some Python of a page.

    Attributes:
        kind: whether it runs, sets up what runs, or only compiles.
        line: of the page, where the code begins, from 1.
        reason: why it is not run.
        prints: what it prints, where the page says so.
    """

    kind: Literal["run", "setup", "not run"]
    line: int
    code: str
    reason: str = ""
    prints: str | None = None


def blocks_of(page: str) -> list[Block]:
    """Return the Python of a page, in order."""
    found: list[Block] = []
    before: Token | None = None
    for token in _tokens(page):
        line = (token.map or (0,))[0] + 2
        if token.type == "html_block":
            if setup := _SETUP.fullmatch(token.content):
                found.append(Block(kind="setup", line=line, code=setup["code"]))
        elif token.info.strip() == "python":
            said = before and before.type == "html_block" and _NOT_RUN.fullmatch(before.content)
            kind: Literal["run", "not run"] = "not run" if said else "run"
            reason = " ".join(said["reason"].split()) if said else ""
            found.append(Block(kind=kind, line=line, code=token.content, reason=reason))
        elif token.info.strip() in _OUTPUT and before and before.info.strip() == "python":
            found[-1] = replace(found[-1], prints=token.content)
        before = token
    return found


def commands_of(page: str) -> list[list[str]]:
    """Return the words of each call of our own command in a page's shell blocks."""
    found: list[list[str]] = []
    for token in _tokens(page):
        if token.type == "fence" and token.info.strip() in _SHELL:
            lines = re.sub(r"\\\n\s*", " ", token.content).splitlines()
            if any(line.startswith("$ ") for line in lines):  # the others are what it says
                lines = [line[2:] for line in lines if line.startswith("$ ")]
            found.extend(w for line in lines if _OURS.match(line) for w in _calls(line))
    return found


def _calls(line: str) -> Iterator[list[str]]:
    """Yield each call of a line, without what it is piped into, and without its comment."""
    plain = re.sub(r"<([\w -]+)>", lambda given: given[1].replace(" ", "-"), line)
    words: list[str] = []
    reader = shlex.shlex(plain, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    for word in (*reader, ";"):
        if set(word) <= set("|&;()"):
            if words and _OURS.match(f"{words[0]} "):
                yield words[1:]
            words = []
        else:
            words.append(word)


@cache
def _tokens(page: str) -> tuple[Token, ...]:
    """Return a page's blocks; what only opens and closes them is left out, such as a list's."""
    return tuple(
        token
        for token in _READER.parse(page)
        if token.nesting == 0 or token.type.startswith(("paragraph", "heading"))
    )
