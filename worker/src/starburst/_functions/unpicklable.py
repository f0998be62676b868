"""Explain why something cannot be sent: which object inside it, why, and what to do instead."""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

__all__ = ["belongs_to_one_process", "captured", "explain"]

_MAX_DEPTH: Final = 12
_MAX_CHILDREN: Final = 1000

_ADVICE: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("generator", "async_generator", "coroutine", "map", "filter", "zip"),
        "it makes its values one by one and cannot be sent; pass list(...) of it",
    ),
    (
        (
            *("lock", "RLock", "Condition", "Event", "Semaphore", "Thread", "Queue"),
            *("local", "_local", "Context"),
        ),
        "it belongs to one process; make it inside the function",
    ),
    (
        (
            *("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO"),
            *("_TemporaryFileWrapper", "GzipFile", "BZ2File", "LZMAFile", "ZipFile", "TarFile"),
        ),
        "an open file belongs to one process; pass its path and open it inside the function",
    ),
    (
        ("Connection", "connection", "Cursor", "Engine", "socket", "SSLContext", "Session"),
        "a connection belongs to one process; pass what is needed to connect, and connect inside "
        "the function",
    ),
    (
        (
            *("ReferenceType", "WeakMethod", "WeakSet", "WeakKeyDictionary"),
            *("WeakValueDictionary", "CallableProxyType", "ProxyType"),
        ),
        "it is a weak reference, which keeps nothing alive, so on the worker it would refer to "
        "nothing; pass the object itself",
    ),
    (
        ("ufunc",),
        "it was made of a Python function, which it does not show; pass that function, and call "
        "np.frompyfunc or np.vectorize inside",
    ),
    (
        ("Future", "TaskFuture", "FutureList"),
        "it stands for calls in this process; send what result() returns",
    ),
    (("frame", "traceback"), "it belongs to one process; keep its text instead"),
)


def explain(value: object, what: str, error: Exception, dump: Callable[[object], bytes]) -> str:
    """Return the message for something that ``dump`` refused with ``error``."""
    path, culprit, error = _blame(value, what, error, dump)
    cls = type(culprit)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
    reason = _advice(culprit) or (
        f"pickle says {type(error).__name__}: {error}; send what it is made from instead, and "
        "make it inside the function"
    )
    return f"{path} cannot be sent: it is a {name}; {reason}."


def belongs_to_one_process(value: object, dump: Callable[[object], bytes]) -> bool:
    """Whether ``dump`` refuses a value for a lock, a file or a connection in it."""
    _, culprit, _ = _blame(value, "", ValueError(), dump)
    return "belongs to one process" in _advice(culprit)


def _advice(culprit: object) -> str:
    kinds = {cls.__name__ for cls in type(culprit).__mro__}
    return next((text for names, text in _ADVICE if not kinds.isdisjoint(names)), "")


def _blame(
    value: object, path: str, error: Exception, dump: Callable[[object], bytes]
) -> tuple[str, object, Exception]:
    """Descend to the innermost object that cannot be pickled by itself."""
    seen: set[int] = set()
    for _ in range(_MAX_DEPTH):
        seen.add(id(value))
        whole = isinstance(value, weakref.WeakSet | MutableMapping | Sequence | Future)
        if whole and _advice(value):
            break  # the whole of it is to blame, not what it is made of
        for step, child in _some(_children(value)):
            if id(child) in seen:
                continue
            try:
                dump(child)
            except Exception as inner:  # user code: anything may be raised
                value, path, error = child, f"{path}{step}", inner
                break
        else:
            break
    return path, value, error


def captured(function: object) -> list[tuple[str, object]]:
    """Return the globals and outer variables that a function uses, named for people."""
    return [(step.removeprefix(": "), child) for step, child in _some(_children(function))]


def _some(children: Iterator[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    for _, child in zip(range(_MAX_CHILDREN), children, strict=False):
        yield child


def _children(value: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    if isinstance(value, types.FunctionType):
        yield from _of_function(value)
    elif isinstance(value, types.MethodType):
        yield ": its object", value.__self__
        yield from _children(value.__func__)
    elif isinstance(value, functools.partial):
        yield ": the function", value.func
        yield from ((f": argument {n}", each) for n, each in enumerate(value.args, 1))
        yield from ((f": argument {name!r}", each) for name, each in value.keywords.items())
    elif isinstance(value, dict):
        yield from ((f"[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{n}]", each) for n, each in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from ((": its element", each) for each in value)
    elif isinstance(value, type):
        own = {n: each for n, each in vars(value).items() if isinstance(each, types.FunctionType)}
        yield from ((f".{name}", each) for name, each in own.items())
    elif not isinstance(value, types.ModuleType):
        fields = getattr(value, "__dict__", None)
        if isinstance(fields, dict):
            yield from ((f".{name}", each) for name, each in fields.items())


def _of_function(function: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f": the variable {name!r}", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    pending = [code]
    for current in pending:
        for name in current.co_names:
            if name in function.__globals__:
                yield f": the global {name!r}", function.__globals__[name]
        pending += [each for each in current.co_consts if isinstance(each, types.CodeType)]
    for default in function.__defaults__ or ():
        yield ": a default argument", default
    for name, default in (function.__kwdefaults__ or {}).items():
        yield f": the default of {name!r}", default
