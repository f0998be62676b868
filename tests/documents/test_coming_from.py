"""Pages for who comes from elsewhere: each name exists, and none of the other's is left out."""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import itertools
import re
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import dask
import pytest
from markdown_it import MarkdownIt

import starburst
import starburst.joblib
from starburst.cli.command import _parser
from tests.documents.peers import asked, noted
from tests.some import some

ROOT: Final = Path(__file__).parents[2]
LIBRARIES: Final = {
    "joblib": "joblib.md",
    "distributed": "dask.md",
    "lithops": "lithops.md",
    "starburst-r": "starburst-r.md",
}
PAGES: Final = {
    path.name: path.read_text() for path in sorted((ROOT / "docs/coming-from").glob("*.md"))
}
ROOTS: Final[dict[str, Any]] = {
    "starburst": starburst,
    "session": starburst.Session,
    "pool": starburst.Executor,
    "future": Future,
}
"""What the pages call things; all other names on them are the reader's own."""

OPTIONS: Final = {each.name for each in fields(starburst.SessionOptions)}
OF_CALLS: Final = {*inspect.signature(starburst.map).parameters, *OPTIONS}
WHERE: Final = {"environment", "workspace", "user", "profile", "progress"}
TAKES_OPTIONS: Final = {"starburst.session", "starburst.imap", "starburst.starmap"}


def rows(page: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each row of a page's tables below the heading that it stands under."""
    heading, cells = "", list[str]()
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    for before, token in itertools.pairwise(tokens):
        if before.type == "heading_open":
            heading = token.content
        if before.type == "td_open":
            cells.append(token.content if token.type == "inline" else "")
        if token.type == "tr_close" and cells:
            yield heading, cells
            cells = []


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def ours() -> set[str]:
    """Return the code in tables' second columns, and all that names our modules elsewhere."""
    found: set[str] = set()
    for text in PAGES.values():
        found |= {code for code in spans(text) if re.match(r"(starburst|session)[. ]", code)}
        for _, cells in rows(text):
            found |= set(spans(cells[1])) if len(cells) == 3 else set()
    return found


@pytest.mark.parametrize("code", sorted(some(ours())))
def test_what_is_ours_exists(code: str) -> None:
    if code.startswith("starburst "):
        words = [word if word != "ID" else "0" for word in code.split()[1:]]
        assert _parser().parse_args(words).run
        return
    if re.match(r"\w+=", code):  # options alone
        names = {each.arg for each in ast.parse(f"f({code})").body[0].value.keywords}  # type: ignore[attr-defined]
        assert names <= OF_CALLS | WHERE
        return
    tree = ast.parse(code.replace("…", "..."), mode="eval")
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in some(ast.walk(tree)):
        if isinstance(node, ast.Attribute) and root(node) in ROOTS:
            found = resolved(node)
            call = calls.get(id(node))
            given = {each.arg for each in call.keywords} if call else set()
            assert given <= taken(found, ast.unparse(node)), code


def root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def resolved(node: ast.expr) -> Any:
    """Return what a dotted name stands for; AttributeError where there is none."""
    path = ast.unparse(node).split(".")
    if path[:2] == ["session", "futures"]:
        return None
    return functools.reduce(getattr, path[1:], ROOTS[path[0]])


def taken(found: Any, name: str) -> set[str]:
    """Return the keyword arguments that may be given."""
    if found is None or not callable(found):
        return set()
    own = set(inspect.signature(found).parameters)
    if name in TAKES_OPTIONS or found in (starburst.Executor, starburst.SessionOptions):
        own |= OPTIONS | (set() if found is starburst.SessionOptions else WHERE)
    return own | ({"deep"} if "kwargs" in own else set())  # of the reader's own function


@functools.cache
def said_by(library: str) -> dict[str, Any]:
    return asked(library) if importlib.util.find_spec(library) else noted()[library]


def first(page: str, heading: str) -> set[str]:
    """Return what the first columns of a part of a page name."""
    return {
        name for under, cells in rows(PAGES[page]) if under == heading for name in spans(cells[0])
    }


@pytest.mark.parametrize("library", ["joblib", "distributed", "lithops"])
def test_each_argument_is_answered(library: str) -> None:
    for call, arguments in some(said_by(library)["arguments"].items()):
        assert first(LIBRARIES[library], f"`{library}.{call}`") == set(arguments), call


def test_each_method_of_dask_is_answered() -> None:
    said = said_by("distributed")["methods"]
    others = first("dask.md", "Other methods of `distributed.Client`")
    assert others | {"submit", "map"} == set(said["Client"])
    assert first("dask.md", "`distributed.Future`") == set(said["Future"])


def test_each_name_of_dask_is_answered() -> None:
    assert first("dask.md", "Other names of `distributed`") == set(said_by("distributed")["names"])
    for name in some(first("dask.md", "`dask`")):
        assert getattr(dask, name.removeprefix("dask."))


def test_each_name_of_joblib_is_answered() -> None:
    told = {name.removeprefix("joblib.") for name in first("joblib.md", "The others")}
    assert told | {"Parallel", "parallel_config"} == set(said_by("joblib")["names"])


def test_each_name_of_lithops_is_answered() -> None:
    said = said_by("lithops")
    for name in some(said["names"]):
        assert re.search(rf"\b{name}\b", PAGES["lithops.md"])
    for method in some(said["methods"]["Storage"]):
        assert f"`Storage.{method}`" in PAGES["lithops.md"]
    told = first("lithops.md", "`lithops.RetryingFunctionExecutor`")
    assert {*said["methods"]["RetryingFunctionExecutor"], "executor"} == told


def test_each_name_of_starburst_in_r_is_answered() -> None:
    said, page = noted()["starburst-r"], PAGES["starburst-r.md"]
    code = set(re.findall(r"`([^`\n]+)`", page))
    assert set(said["names"]) <= code
    for call, arguments in some(said["arguments"].items()):
        assert set(arguments) <= code, call
        if told := first("starburst-r.md", f"`{call}`"):
            more = set(said["methods"].get(call, ()))
            assert told == set(arguments) | more, call


@pytest.mark.parametrize("library", ["distributed", "lithops"])
def test_the_pages_are_of_the_versions_that_are_measured(library: str) -> None:
    locks = "".join(path.read_text() for path in some((ROOT / "benchmarks/sides").glob("*.lock")))
    version = noted()[library]["version"]
    assert f"\n{library}=={version} " in locks
    assert version in PAGES[LIBRARIES[library]]
    if importlib.util.find_spec(library):
        assert asked(library) == noted()[library]
