"""Reads a Markdown document: its links, its headings' anchors, its code, and the paths it names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.tracked import files_of

__all__ = ["Document", "Tree", "tree_of"]

_READER: Final = MarkdownIt("commonmark").enable("table")
_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NAME: Final = r"\.?[\w*-][\w.*-]*"
_ONE_PATH: Final = re.compile(rf"(?:\./)?{_NAME}(?:/{_NAME})*/?")
_FILE: Final = re.compile(r"\.(?:py|md|toml|lock|txt|ya?ml|svg|j2)$")


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The files and folders that documents may point at.

    Attributes:
        root: where they are.
        files: relative to ``root``.
    """

    root: Path
    files: frozenset[str]

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds one of the files."""
        return frozenset(str(above) for file in self.files for above in Path(file).parents)

    @cached_property
    def tops(self) -> frozenset[str]:
        """What lies directly in the root: a path that begins so is one of the tree."""
        return frozenset(Path(file).parts[0] for file in self.files)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all files, without their folders."""
        return frozenset(Path(file).name for file in self.files)

    def holds(self, path: str) -> bool:
        """Say whether a path, which may have ``*`` in its last part, is one of the tree."""
        if "*" in path:
            return any(Path(file).match(path) for file in self.files)
        return path in self.files or path in self.folders


def tree_of(root: Path) -> Tree:
    """Return what git would commit of a working copy, so nothing that only this machine has."""
    return Tree(root=root, files=frozenset(files_of(root)))


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a tree.

    Attributes:
        path: where it is, relative to the tree's root.
    """

    tree: Tree = field(repr=False)
    path: str

    @cached_property
    def _tokens(self) -> list[Token]:
        return _READER.parse((self.tree.root / self.path).read_text())

    def _inline(self) -> Iterator[Token]:
        for token in self._tokens:
            yield from token.children or ()

    @cached_property
    def anchors(self) -> frozenset[str]:
        """The anchors that GitHub gives to headings; a repeated one ends in ``-1``, then ``-2``."""
        made = []
        seen: Counter[str] = Counter()
        for before, token in zip(self._tokens, self._tokens[1:], strict=False):
            if before.type == "heading_open":
                said = (each.content for each in token.children or () if each.type != "image")
                plain = re.sub(r"[^\w\- ]", "", "".join(said).strip().lower()).replace(" ", "-")
                made.append(f"{plain}-{seen[plain]}" if seen[plain] else plain)
                seen[plain] += 1
        return frozenset(made)

    def code(self, language: str) -> list[str]:
        """Return the fenced blocks in a language."""
        return [
            token.content
            for token in self._tokens
            if token.type == "fence" and token.info.strip() == language
        ]

    def dead_links(self) -> list[str]:
        """Return each link and image of the tree that leads nowhere, or to no heading."""
        targets = (
            str(token.attrGet(attribute))
            for token in self._inline()
            for attribute in ("href", "src")
            if token.attrGet(attribute) is not None
        )
        return [link for link in targets if not (_ELSEWHERE.match(link) or self._leads(link))]

    def _leads(self, link: str) -> bool:
        path, _, anchor = unquote(link).partition("#")
        target = self._from_here(path) if path else self.path
        if not self.tree.holds(target):
            return False
        return not anchor or anchor in _read(self.tree, target).anchors

    def _from_here(self, path: str) -> str:
        root = self.tree.root.resolve()
        target = (root / Path(self.path).parent / path).resolve()
        return str(target.relative_to(root)) if target.is_relative_to(root) else str(target)

    def missing_paths(self) -> list[str]:
        """Return each path in code that reads as one of the tree, and is not.

        A path begins with what lies in the root, or ends as a file does, and is then relative to
        the root or to the document. A file's bare name may stand anywhere.
        """
        return [path for path in self._named() if not self._exists(path)]

    def _named(self) -> Iterator[str]:
        for token in (*self._tokens, *self._inline()):
            if token.type not in ("code_inline", "fence", "code_block"):
                continue
            alone = token.type == "code_inline" and _ONE_PATH.fullmatch(token.content)
            for word in re.findall(r"[^\s\"'`()\[\]{},;=:]+", token.content):
                path = word.removeprefix("./").rstrip(".")
                if not _ONE_PATH.fullmatch(path):
                    continue
                ours = "/" in path and path.split("/")[0] in self.tree.tops
                if ours or (alone and _FILE.search(path)):
                    yield path

    def _exists(self, path: str) -> bool:
        bare = path.rstrip("/")
        return (
            self.tree.holds(bare)
            or self.tree.holds(self._from_here(bare))
            or ("/" not in path and path in self.tree.names)
        )


@cache
def _read(tree: Tree, path: str) -> Document:
    return Document(tree=tree, path=path)
