"""Whatever Starburst warns of points at the analyst's line, from however deep it comes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import inspect
import re
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import starburst
from starburst._functions import payload
from starburst._functions.caller import Caller, acting_for, caller, warn
from starburst._functions.ordinary.generators import RepeatedRandomWarning
from starburst._functions.payload import LargePayloadWarning, dump_function, dump_input
from tests.some import some

SOURCES = Path(starburst.__file__).parent


def here() -> int:
    """Return the line that calls this."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_nothing_warns_but_through_the_one_way_that_finds_the_line() -> None:
    way = re.compile(r"\bwarnings\.warn|\bwarn_explicit\b|stacklevel")
    found = [
        path.relative_to(SOURCES).as_posix()
        for path in some(sorted(SOURCES.rglob("*.py")))
        if way.search(path.read_text())
    ]
    assert found == ["_functions/caller.py"]


class Pool(concurrent.futures.Executor):
    """Calls at once, below Python's own ``map``."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_neither_pools_nor_context_managers_are_the_analyst() -> None:
    with contextlib.ExitStack() as stack:
        found = list(Pool().map(lambda _: caller(), [0]))  # our own lambda is the first line
        stack.callback(lambda: None)
    assert {line.filename for line in found} == {__file__}


def test_a_warning_has_file_line_and_module_of_the_caller() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn("look", UserWarning)
        line = here() - 1
    assert [(each.filename, each.lineno, each.category) for each in caught] == [
        (__file__, line, UserWarning)
    ]


def test_filters_by_the_callers_module_are_obeyed() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=__name__.replace(".", r"\."))
        warn("look")
    assert not caught


def test_a_thread_acts_for_the_line_that_began_it() -> None:
    found: list[Caller] = []
    line = caller()

    def act() -> None:
        found.append(caller())
        with acting_for(line):
            found.append(caller())

    thread = threading.Thread(target=lambda: contextlib.nullcontext(act()))
    thread.start()
    thread.join()
    assert found[1] == line


def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "LARGE_BYTES", 1000)


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (lambda: dump_input(((b"x" * 2000,), {})), "an input of type bytes takes"),
        (lambda: dump_input(((1, np.ones(2000)), {})), "an input of type ndarray takes"),
        (lambda: dump_input(((), {"table": "x" * 2000})), "an input of type str takes"),
        (lambda: dump_input([b"x" * 2000]), "an input of type list takes"),
    ],
)
def test_a_large_input_is_named_by_the_type_that_the_caller_knows(
    monkeypatch: pytest.MonkeyPatch, send: Callable[[], object], said: str
) -> None:
    large(monkeypatch)
    with pytest.warns(LargePayloadWarning, match=said) as caught:
        send()
    assert caught[0].filename == __file__


def test_a_generator_in_a_function_is_told_once_a_line() -> None:
    generator = np.random.default_rng(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            dump_function(generator.normal)
        dump_function(generator.normal)
        line = here() - 1
    assert [each.lineno for each in caught] == [line - 1, line]
    assert {each.category for each in caught} == {RepeatedRandomWarning}
