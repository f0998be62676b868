"""Calls that cannot work are found before anything is sent: wrong arguments, and what never ends.

Only a signature that is the callable's own counts. Where there is none, as of some built-in
functions, or where it may be another's, nothing is refused.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, TypeVar

from starburst.errors import WrongArguments

__all__ = ["check_call", "check_map", "check_starmap", "iterated", "with_keywords"]

T = TypeVar("T")

_VARIADIC: Final = inspect.CO_VARARGS
_NEVER_VALUES: Final = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR

_ROWS: Final = {"itertuples": "itertuples(index=False)", "iter_rows": "iter_rows()"}
"""What gives the rows of a table: pandas' method, and that of polars."""


def check_call(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> None:
    """Refuse a call that the function's own signature refuses; quick, for every ``submit``.

    Raises:
        WrongArguments: what Python would say, with the function's signature.

    Example:
        >>> check_call(lambda a, b: a + b, (1, 2), {})
    """
    _check_callable(function)
    error = _refusal(function, args, kwargs)
    if error:
        raise WrongArguments(f"{error}; nothing was sent")


def check_map(function: Callable[..., Any], inputs: object, *, number: int = 1) -> None:
    """Refuse to map what cannot be called with so many arguments, or over what has no elements.

    Args:
        function: called once for each element.
        inputs: its arguments; an iterable.
        number: of arguments in each call.

    Raises:
        WrongArguments: says which of the two, and what to write instead.
    """
    if not callable(function) and callable(inputs):
        raise WrongArguments("the function comes first, then its inputs: they are swapped")
    _check_callable(function)
    if not isinstance(inputs, Iterable) and not hasattr(type(inputs), "__getitem__"):
        raise WrongArguments(
            f"the inputs are of type {_kind(inputs)}, which has no elements; pass a list, a range "
            "or any other iterable"
        )
    rows = next((name for name in _ROWS if hasattr(type(inputs), name)), None)
    if rows is not None and _kind(inputs) == "DataFrame":
        raise WrongArguments(
            "the inputs are a DataFrame, whose elements are its columns, as Python counts them. "
            f"For its rows use starmap over df.{_ROWS[rows]}; for its columns pass list(df)"
        )
    error = _refusal(function, [None] * number, {})
    if not error:
        return
    if number == 1 and _takes(function, 2):
        error += (
            ". Each input is one argument: give an iterable for each argument, or use starmap for "
            "inputs that are tuples"
        )
    raise WrongArguments(f"{error}; input 0 would fail as every other, so nothing was sent")


def check_starmap(function: Callable[..., Any], inputs: object) -> None:
    """Refuse to map over tuples of arguments what cannot be called with the first of them.

    Raises:
        WrongArguments: says so; of inputs that are no list or tuple, none is looked at.
    """
    if isinstance(inputs, list | tuple) and inputs and isinstance(inputs[0], list | tuple):
        check_map(function, inputs, number=len(inputs[0]))
    else:
        check_map(print, inputs)  # which takes whatever there is
        _check_callable(function)


def with_keywords(
    function: Callable[..., T], keywords: Mapping[str, Any] | None
) -> Callable[..., T]:
    """Return a function that is called with these keyword arguments as well.

    Raises:
        WrongArguments: they are no dictionary by names, or the function does not take them.
    """
    if keywords is None:
        return function
    if not isinstance(keywords, Mapping) or not all(isinstance(name, str) for name in keywords):
        raise WrongArguments(
            f"kwargs={keywords!r} is no dictionary: it has the keyword arguments that every call "
            "gets, by their names"
        )
    _check_callable(function)
    signature = _signature(function)
    try:
        if signature is not None:
            signature.bind_partial(**keywords)
    except TypeError as error:
        raise WrongArguments(
            f"{_name(function)}{signature} does not take kwargs=: {error}; nothing was sent"
        ) from None
    return functools.partial(function, **keywords) if keywords else function


def iterated(inputs: Iterable[T]) -> Iterator[T]:
    """Yield the inputs; an error that they raise themselves is told the number it came at."""
    number = 0
    try:
        for each in inputs:
            yield each
            number += 1
    except Exception as error:
        error.add_note(f"raised by the inputs, at number {number}, counted from 0")
        raise


def _check_callable(function: object) -> None:
    if not callable(function):
        raise WrongArguments(
            f"what was given to run is of type {_kind(function)}, which cannot be called. Pass a "
            "function"
        )


def _refusal(
    function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    plain = function.__func__ if isinstance(function, MethodType) else function
    if type(plain) is FunctionType:
        if plain.__code__.co_flags & _NEVER_VALUES:
            return _no_value(plain)
        if plain is function and not kwargs and _fits(plain, len(args)):
            return ""
    signature = _signature(function)
    if signature is None:
        return ""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return f"{_name(function)}{signature} cannot be called so: {error}"
    return ""


def _fits(function: FunctionType, count: int) -> bool:
    """Whether so many arguments without names surely fit."""
    code, defaults = function.__code__, len(function.__defaults__ or ())
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        return False
    enough = count >= code.co_argcount - defaults
    return enough and (count <= code.co_argcount or bool(code.co_flags & _VARIADIC))


def _takes(function: Callable[..., Any], count: int) -> bool:
    signature = _signature(function)
    try:
        return signature is not None and bool(signature.bind(*[None] * count))
    except TypeError:
        return False


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """Return what a callable itself takes, whatever it wraps; None where that is not known."""
    kind: Any = type(function)
    if kind is not BuiltinFunctionType and kind.__hash__ is not object.__hash__:
        return _inspected(function)  # one that equals it may take something else
    try:
        if function not in _known:
            _known[function] = _inspected(function)
        return _known[function]
    except TypeError:  # nothing can refer to it weakly
        return _inspected(function)


_known: weakref.WeakKeyDictionary[Callable[..., Any], inspect.Signature | None] = (
    weakref.WeakKeyDictionary()
)


def _inspected(function: Callable[..., Any]) -> inspect.Signature | None:
    inner: Any = function
    while isinstance(inner, functools.partial | MethodType):
        inner = inner.func if isinstance(inner, functools.partial) else inner.__func__
    if isinstance(function, functools._lru_cache_wrapper):
        return _signature(function.__wrapped__)
    try:
        if hasattr(inner, "__signature__"):
            return None  # says what somebody wrote there
        return inspect.signature(function, follow_wrapped=False)
    # Whatever stands there is the analyst's: a __call__ or a metaclass may raise anything.
    except Exception:
        return None


def _no_value(function: FunctionType) -> str:
    if function.__code__.co_flags & inspect.CO_GENERATOR:
        return (
            f"{_name(function)} has a yield, so it returns a generator, which cannot come back: "
            "have it return a list, or map `lambda x: list(f(x))`"
        )
    return (
        f"{_name(function)} is an async function, which returns what is still to be awaited: map "
        "`lambda x: asyncio.run(f(x))`"
    )


def _name(function: object) -> str:
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    return str(getattr(inner, "__qualname__", type(inner).__qualname__))


def _kind(value: object) -> str:
    return type(value).__qualname__
