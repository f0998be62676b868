"""The page of messages says what the code says, and speaks of each kind of error."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Final

import pytest

import starburst
from starburst import errors
from tests.some import some

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/troubleshooting.md").read_text()
MESSAGES: Final = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
BASES: Final = {"StarburstError", "TaskError", "RemoteTraceback"}
"""Of which others are kinds: the page's beginning names them."""


def template(node: ast.expr) -> str:
    """Return a text with … for what is put into it; empty for what is none."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(template(each) or "…" for each in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{template(left) or '…'}{template(right) or '…'}"
    return ""


@functools.cache
def said() -> str:
    """Return all sentences in the runtime's source, each a line."""
    found: set[str] = set()
    for path in some((ROOT / "worker/src/starburst").rglob("*.py")):
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        documents = {id(each.value) for each in nodes if isinstance(each, ast.Expr)}
        texts = (
            template(each)
            for each in nodes
            if isinstance(each, ast.expr) and id(each) not in documents
        )
        found.update(" ".join(text.split()) for text in texts if " " in text)
    return "\n".join(sorted(found))


def is_said(message: str) -> bool:
    return re.search(".*?".join(map(re.escape, message.split("…"))), said()) is not None


@pytest.mark.parametrize("message", some(MESSAGES))
def test_each_message_is_one_of_ours(message: str) -> None:
    assert is_said(message)


@pytest.mark.parametrize(
    "message", ["cannot …: there are valid credentials", "the task … was slow"]
)
def test_no_other_message_is(message: str) -> None:
    assert not is_said(message)


def test_no_message_stands_twice() -> None:
    assert len(set(MESSAGES)) == len(MESSAGES)


@pytest.mark.parametrize("name", some(errors.__all__))
def test_each_kind_of_error_has_an_entry(name: str) -> None:
    assert hasattr(starburst, name)
    entries = PAGE.partition("\n### ")[2]
    assert f"`{name}`" in (PAGE if name in BASES else entries)


def test_each_entry_says_of_which_kind_it_is() -> None:
    entries = some(re.split(r"^##+ .+$", PAGE, flags=re.MULTILINE)[1:])
    titles = some(re.findall(r"^(##+) .+$", PAGE, re.MULTILINE))
    for title, entry in zip(titles, entries, strict=True):
        if title == "###":
            kinds = re.match(r"\s*`(\w+)`", entry)
            assert (kinds and kinds[1] in errors.__all__) or entry.strip().startswith("A warning.")
