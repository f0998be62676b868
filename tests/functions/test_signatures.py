"""A call that cannot work is refused before anything is sent; what may work never is."""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import json
import math
import operator
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest

from starburst._functions.signatures import check_call, check_map, iterated
from starburst.errors import ConfigurationError, StarburstError, WrongArguments


def two(a: int, b: int) -> int:
    return a + b


def named(a: int, *, b: int) -> int:
    return a + b


def free(a: int, b: int = 1, *rest: int, c: int = 2, **more: int) -> int:
    return a


@functools.lru_cache
def cached(a: int, b: int) -> int:
    return a


def gives_one(f: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap as many do: what is called takes fewer arguments than it says."""

    @functools.wraps(f)
    def inner(*args: Any) -> Any:
        return f(1, *args)

    return inner


class Model:
    def __init__(self, a: int) -> None:
        self.a = a

    def run(self, x: int) -> int:
        return x

    def __call__(self, x: int, y: int) -> int:
        return x


def wrong(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(WrongArguments) as caught:
        check_call(function, args, kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        (two, (1,), r"two(a: 'int', b: 'int') -> 'int' cannot be called so: missing a req.* 'b'"),
        (two, (1, 2, 3), "too many positional"),
        (named, (1,), "'b'"),
        (cached, (1,), "'b'"),
        (functools.partial(two, 1), (), "two"),
        (functools.partial(two, 1), (2, 3), "too many"),
        (Model, (), "'a'"),
        (Model(1).run, (), "'x'"),
        (Model(1), (1,), "'y'"),
        (math.sqrt, (), "sqrt"),
        (lambda: 1, (1,), "too many"),
    ],
)
def test_what_python_would_refuse_is_refused_with_the_signature(
    function: Any, args: tuple[Any, ...], said: str
) -> None:
    with pytest.raises(WrongArguments, match=said.replace("(", r"\(").replace(")", r"\)")):
        check_call(function, args, {})


def test_it_is_a_type_error_and_ours() -> None:
    assert issubclass(WrongArguments, TypeError)
    assert issubclass(WrongArguments, ConfigurationError)
    assert issubclass(WrongArguments, StarburstError)
    assert "unexpected keyword argument 'c'" in wrong(two, 1, 2, c=2)
    assert "multiple values" in wrong(two, 1, 2, a=3)


@pytest.mark.parametrize(
    "function",
    [
        *(abs, int, str, dict, max, print, json.dumps, operator.itemgetter(0), np.sqrt, np.mean),
        *(free, Model(1).run, functools.partial(two, 1), functools.partial(two, b=1), Model),
        *(gives_one(two), mock.Mock(), mock.create_autospec(abs), functools.partial(map, abs)),
    ],
    ids=lambda function: getattr(function, "__qualname__", type(function).__name__),
)
def test_what_may_work_is_not_refused(function: Any) -> None:
    check_map(function, [1])


def test_a_signature_that_somebody_wrote_decides_nothing() -> None:
    def anything(*args: Any) -> None: ...

    anything.__signature__ = inspect.signature(two)  # type: ignore[attr-defined]
    check_call(anything, (1,), {})


class Strange:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self, x: int) -> int:
        return x


def test_a_callable_that_answers_no_question_is_not_refused() -> None:
    check_map(Strange(), [1])


@pytest.mark.parametrize(
    ("needed", "optional", "rest", "keyword"),
    [*itertools.product(range(3), range(3), (False, True), (False, True))],
)
def test_the_quick_look_agrees_with_python(
    needed: int, optional: int, rest: bool, keyword: bool
) -> None:
    names = [f"a{n}" for n in range(needed)] + [f"b{n}=0" for n in range(optional)]
    names += ["*rest"] * rest + ["*"] * (keyword and not rest) + ["k=0"] * keyword
    function: Any = eval(f"lambda {', '.join(names)}: 1")  # noqa: S307 - our own text
    for given in range(6):
        try:
            function(*range(given))
        except TypeError:
            assert wrong(function, *range(given))
        else:
            check_call(function, range(given), {})


def yields(x: int) -> Iterator[int]:
    yield x


async def waits(x: int) -> int:
    return x


async def both(x: int) -> AsyncIterator[int]:
    yield x


@pytest.mark.parametrize(
    ("function", "said"),
    [(yields, "a yield.*list"), (waits, "async function.*asyncio.run"), (both, "async function")],
)
def test_a_function_that_never_returns_a_value_is_refused(function: Any, said: str) -> None:
    with pytest.raises(WrongArguments, match=said):
        check_map(function, [1])


@pytest.mark.parametrize(
    ("function", "inputs", "said"),
    [
        ([1], abs, "swapped"),
        (3, [1], "of type int, which cannot be called"),
        (abs, 5, "of type int, which has no elements"),
        (abs, None, "of type NoneType, which has no elements"),
        (two, [(1, 2)], r"input 0.*|lambda x: f\(\*x\)"),
    ],
)
def test_a_map_that_cannot_begin_says_what_to_write(function: Any, inputs: Any, said: str) -> None:
    with pytest.raises(WrongArguments, match=said):
        check_map(function, inputs)


@pytest.mark.parametrize("inputs", ["abc", b"ab", {"a": 1}, {1}, range(3), iter([1]), np.ones(2)])
def test_whatever_can_be_iterated_is_mapped_over(inputs: Any) -> None:
    check_map(print, inputs)


@pytest.mark.parametrize(
    ("library", "rows"), [("pandas", "itertuples(index=False)"), ("polars", "iter_rows()")]
)
def test_a_table_is_not_mapped_over_its_columns_by_mistake(library: str, rows: str) -> None:
    table = importlib.import_module(library).DataFrame({"a": [1, 2], "b": [3, 4]})
    with pytest.raises(WrongArguments, match=rf"starmap over df\.{re.escape(rows)}; .* list\(df\)"):
        check_map(print, table)
    check_map(print, table["a"])
    check_map(print, list(table))


def test_inputs_that_raise_say_at_which_number() -> None:
    def inputs() -> Iterator[int]:
        yield from (1, 2)
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended") as caught:
        list(iterated(inputs()))
    assert caught.value.__notes__ == ["raised by the inputs, at number 2, counted from 0"]
