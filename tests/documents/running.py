"""Runs the Python of a page as a reader's script would: one module, in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import linecache
import os
import re
import sys
import traceback
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from starburst._client.options import SessionOptions
from tests.documents.blocks import Block, blocks_of

__all__ = ["WrongPage", "few_workers", "run_page"]

_WORKERS: Final = 1
_TRACEBACK: Final = "Traceback (most recent call last):"


class WrongPage(AssertionError):
    """Code of a page does not do what the page says."""


def run_page(page: str, name: str, folder: Path, names: Mapping[str, object]) -> None:
    """Run all blocks of a page, one after another.

    Args:
        page: its text.
        name: its path, for messages.
        folder: the working directory, which belongs to the page.
        names: what its code finds besides what it imports.

    Raises:
        WrongPage: a block raised, or printed something else, or does not compile.
    """
    blocks = blocks_of(page)
    # What runs is in the file at the page's lines, for tracebacks and for who reads its source.
    file = folder / "page.py"
    lines = [""] * (len(page.splitlines()) + 1)
    for block in blocks:
        if block.kind != "not run":
            lines[block.line - 1 : block.line - 1 + block.code.count("\n")] = (
                block.code.splitlines()
            )
    file.write_text("\n".join(lines) + "\n")
    main = types.ModuleType("__main__")
    main.__dict__.update(names, __file__=str(file))
    with _as_a_script(main, folder):
        for block in blocks:
            _run(block, f"{name}:{block.line}", str(file), main)


def _run(block: Block, where: str, file: str, main: types.ModuleType) -> None:
    try:
        code = compile("\n" * (block.line - 1) + block.code, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise WrongPage(f"{where} does not compile: {error}") from error
    if block.kind == "not run":
        return
    printed = io.StringIO()
    raises = (block.prints or "").startswith(_TRACEBACK)
    try:
        with contextlib.redirect_stdout(printed):
            exec(code, main.__dict__)  # noqa: S102 - our own pages
    except (Exception, SystemExit) as error:
        if not raises:
            raise WrongPage(f"{where} raises {type(error).__name__}: {error}") from error
        printed.write("".join(traceback.format_exception(error)))
    if block.prints is not None and not _same(printed.getvalue(), block.prints):
        raise WrongPage(
            f"{where} prints something else\n--- the page:\n{block.prints}"
            f"--- it prints:\n{printed.getvalue()}"
        )


def _same(printed: str, expected: str) -> bool:
    """Say whether it is as the page says, but for spaces at the end of lines."""
    plain, wanted = (
        "\n".join(map(str.rstrip, text.strip("\n").split("\n"))) for text in (printed, expected)
    )
    pattern = ".*?".join(re.escape(part) for part in re.split(r"…|\.\.\.", wanted))
    return re.fullmatch(pattern, plain, re.DOTALL) is not None


@contextlib.contextmanager
def _as_a_script(main: types.ModuleType, folder: Path) -> Iterator[None]:
    """Let a module be what a script is: its name, its folder, its place on the path."""
    linecache.checkcache()
    here, environment, modules = Path.cwd(), dict(os.environ), {*sys.modules}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", main)
        patch.syspath_prepend(str(folder))
        patch.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(environment)
            for name in {*sys.modules} - modules:  # a page's own modules are another's no more
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                    del sys.modules[name]


@contextlib.contextmanager
def few_workers() -> Iterator[None]:
    """Let sessions have one worker, however many a page asks for: each is two processes here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SessionOptions, "worker_count", lambda *_, **__: _WORKERS)
        yield
