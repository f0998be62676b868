"""What the standard library puts around functions travels as it was written, with empty caches.

``lru_cache``, ``singledispatch`` and ``cached_property`` cannot be pickled, or only by a name that
no worker knows. They are made anew there from what they were made of here: no cached
value of this process goes along. What an importable module holds travels by its name, as ever.
"""

from __future__ import annotations

import contextvars
import functools
import pickle
import types
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from cloudpickle import cloudpickle

from starburst._functions.ordinary.generators import is_generator, note
from starburst._functions.ordinary.main_globals import made_function
from starburst._functions.ordinary.variables import reduced_variable

__all__ = ["reduced"]

_Parts = tuple[Any, ...]

_A_DISPATCHER: Any = functools.singledispatch(lambda _: None)
_DISPATCHER: Final = _A_DISPATCHER.__code__
_WEAK: Final[tuple[Any, ...]] = (
    weakref.ReferenceType,
    weakref.WeakSet,
    weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary,
    *weakref.ProxyTypes,
)


def reduced(obj: Any, pickler: Any) -> _Parts | None:  # noqa: ANN401 - whatever is in the value
    """Return how an object is made anew, as of ``__reduce__``; None leaves that to others.

    Args:
        obj: anything but a number, a text or a container of Python's own.
        pickler: cloudpickle's, which is at work on it.

    Raises:
        pickle.PicklingError: it refers weakly to what would be gone on the worker.
    """
    kind: Any = type(obj)
    try:
        reduce = _reducer(kind)
    except TypeError:  # a class of classes may be without a hash
        reduce = _reducer.__wrapped__(kind)
    return None if reduce is None else reduce(obj, pickler)


@functools.lru_cache(maxsize=1024)
def _reducer(kind: type) -> Callable[[Any, Any], _Parts | None] | None:
    """Return what reduces objects of a type; asked of every object, so it has to be quick."""
    if issubclass(kind, _WEAK):
        return _refused
    if kind.__name__ == "vectorize" and kind.__module__ == "numpy":
        return _vectorized
    if is_generator(kind):
        return _noted
    if issubclass(kind, functools.cached_property):
        return _cached_property
    return _REDUCERS.get(kind)


def _refused(_: object, __: object) -> None:
    raise pickle.PicklingError("a weak reference keeps nothing alive")


def _noted(obj: object, _: object) -> None:
    note(obj)


def _vectorized(obj: Any, _: object) -> _Parts:  # noqa: ANN401
    return _made, (type(obj),), {**vars(obj), "_ufunc": {}}  # what it compiled for itself here


def _is_known(obj: Any) -> bool:  # noqa: ANN401
    """Whether a worker finds it under its own name."""
    found = cloudpickle._lookup_module_and_qualname(obj)
    return found is not None and not cloudpickle._is_registered_pickle_by_value(found[0])


def _made(kind: Any) -> object:  # noqa: ANN401
    return kind.__new__(kind)


def _cached(obj: Any, pickler: Any) -> _Parts | None:  # noqa: ANN401
    if _is_known(obj):
        return None
    terms = obj.cache_parameters()
    function = obj.__wrapped__
    extra = {name: value for name, value in vars(obj).items() if name != "__wrapped__"}
    if type(function) is not types.FunctionType or _is_known(function):
        return _cache, (function, terms), (None, extra), None, None, _set_cached
    # A recursive one refers to its own cache: so the function is made empty, and filled afterwards.
    empty = pickler._function_getnewargs(function)
    state = (cloudpickle._function_getstate(function), extra)
    return _cache_of_new, (empty, terms), state, None, None, _set_cached


def _cache(function: Callable[..., Any], terms: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return functools.lru_cache(**terms)(function)


def _cache_of_new(empty: tuple[Any, ...], terms: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return _cache(made_function(*empty), terms)


def _set_cached(obj: Any, state: tuple[Any, Mapping[str, object]]) -> None:  # noqa: ANN401
    of_function, extra = state
    if of_function is not None:
        cloudpickle._function_setstate(obj.__wrapped__, of_function)
    functools.update_wrapper(obj, obj.__wrapped__)
    vars(obj).update(extra)


def _dispatcher(obj: Any, _: object) -> _Parts | None:  # noqa: ANN401
    if obj.__code__ is not _DISPATCHER or _is_known(obj):
        return None
    about = {name: getattr(obj, name) for name in functools.WRAPPER_ASSIGNMENTS}
    kept = {name: value for name, value in vars(obj).items() if name not in _MADE_ANEW}
    state = (about, kept, dict(obj.registry))
    return _new_dispatcher, (obj.__name__,), state, None, None, _set_dispatcher


_MADE_ANEW: Final = frozenset({"register", "dispatch", "registry", "_clear_cache", "__wrapped__"})


def _new_dispatcher(name: str) -> Any:  # noqa: ANN401
    def nothing(*_: object) -> None: ...

    nothing.__name__ = name
    return functools.singledispatch(nothing)


def _set_dispatcher(obj: Any, state: tuple[Any, ...]) -> None:  # noqa: ANN401
    about, kept, implementations = state
    for kind, function in implementations.items():
        obj.register(kind, function)
    for name, value in about.items():
        setattr(obj, name, value)
    vars(obj).update(kept)
    obj.__wrapped__ = implementations[object]


def _method_dispatcher(obj: Any, _: object) -> _Parts:  # noqa: ANN401
    return _made, (type(obj),), {"dispatcher": obj.dispatcher, "func": obj.func}


def _cached_property(obj: Any, _: object) -> _Parts:  # noqa: ANN401
    state = {name: value for name, value in vars(obj).items() if name != "lock"}
    return _new_cached_property, (type(obj),), state


def _new_cached_property(kind: Any) -> object:  # noqa: ANN401
    made = kind.__new__(kind)
    functools.cached_property.__init__(made, lambda _: None)
    return made


_REDUCERS: Final[Mapping[type, Callable[[Any, Any], _Parts | None]]] = {
    types.FunctionType: _dispatcher,
    functools._lru_cache_wrapper: _cached,
    functools.singledispatchmethod: _method_dispatcher,
    contextvars.ContextVar: reduced_variable,
}
