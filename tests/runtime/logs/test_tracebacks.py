"""A traceback shows its user's own file, line and source, what was called and on which worker."""

from __future__ import annotations

import linecache
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._functions.payload import dump_function
from starburst._functions.showing.called import called, last_call
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import ONE

SOURCE = """\
def outer(x):
    def inner(y):
        return 1 / y  # divides
    return inner(x - x)
"""


LINES = [str(line) for line in SOURCE.splitlines(keepends=True)]
NAMES = ("/home/ana/study.py", "<ipython-input-3-0a>", "/x/ipykernel_77/42.py")


@pytest.fixture(params=NAMES)
def written(request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A function of ``__main__``, in a file that no worker has, and how it is shown."""
    name: str = request.param
    linecache.cache[name] = (len(SOURCE), None, LINES, name)
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(SOURCE, name, "exec"), scope)  # noqa: S102 - as a script and a notebook are run
    yield name, scope["outer"]
    del linecache.cache[name]


def test_a_function_of_a_script_or_a_notebook_shows_its_lines(
    connection: Connection, fleet: Fleet, written: tuple[str, Callable[..., Any]]
) -> None:
    name, function = written
    session = open_session(connection, ONE, progress=False)
    error = session.submit(function, 7).exception(60)
    assert isinstance(error, ZeroDivisionError)
    told = str(error.__cause__)
    shown = "<notebook cell 42>" if "ipykernel" in name else name
    assert f'File "{shown}", line 3, in inner\n    return 1 / y  # divides\n' in told
    assert f'File "{shown}", line 4, in outer\n    return inner(x - x)\n' in told
    assert "called as outer(7)" in told
    assert f"task 0 of session {session.id}, on worker " in told


def test_what_is_sent_of_a_notebook_is_the_same_from_every_kernel() -> None:
    sent = []
    for process in (1, 22):
        name = f"/x/ipykernel_{process}/42.py"
        linecache.cache[name] = (len(SOURCE), None, LINES, name)
        scope: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(SOURCE, name, "exec"), scope)  # noqa: S102 - as a notebook is run
        sent.append(bytes(dump_function(scope["outer"])))
        del linecache.cache[name]
    assert sent[0] == sent[1]
    assert b"ipykernel" not in sent[0]


class Rude:
    def __repr__(self) -> str:
        raise ValueError


class Table:
    shape = (3, 4)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((1, "x" * 1000), "fail(1, 'xxx"),
        ((Rude(),), "fail(<Rude"),
        ((Table(),), "fail(<Table of shape (3, 4)>)"),
        ((list(range(1000)),), "fail([0, 1, 2, 3, 4, 5, ...])"),
        (("a\nb",), r"fail('a\nb')"),
    ],
)
def test_what_a_task_was_called_with_is_short_whatever_it_is(
    args: tuple[Any, ...], words: str
) -> None:
    def fail(*_: object) -> None:
        raise KeyError

    fail.__qualname__ = "fail"
    with pytest.raises(KeyError):
        called(fail, args, {})
    said = last_call()
    assert words in said
    assert len(said) < 210
    assert not last_call()


class Model:
    def __call__(self) -> None:
        raise KeyError


def fails(*_: object, **__: object) -> None:
    raise KeyError


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (partial(Model()), "called as Model.__call__()"),
        (partial(fails, Table(), by=2), "called as fails(<Table of shape (3, 4)>, by=2)"),
        (partial(partial(fails, 1), 2), "called as fails(1, 2)"),
    ],
)
def test_what_was_called_is_named_and_not_what_wraps_it(
    function: Callable[..., object], words: str
) -> None:
    with pytest.raises(KeyError):
        called(function, (), {})
    assert last_call() == words


def test_a_function_whose_lines_nobody_knows_still_travels() -> None:
    function = types.FunctionType(compile("1", "<nowhere>", "eval"), {"__name__": "__main__"})
    assert dump_function(function)
