"""What the standard library puts around functions works on a worker, and no cache goes along."""

from __future__ import annotations

import contextvars
import functools
import subprocess
import sys
import threading
import types
import weakref
from typing import Any

import numpy as np
import pytest

from starburst._functions.ordinary.variables import loading
from starburst._functions.payload import dump_function, dump_input, load
from starburst.errors import UnpicklableInput

SCRIPT = '''
import contextvars, functools, operator, pickle, sys
import numpy as np
from starburst._functions.payload import dump_function, dump_input

class once(functools.cached_property):
    pass

class Model:
    def __init__(self, n): self.n = n
    @once
    def twice(self):
        "Twice."
        return self.n * 2
    @functools.lru_cache(maxsize=5)
    def plus(self, x): return x + self.n
    @staticmethod
    @functools.cache
    def cube(x): return x ** 3
    @classmethod
    @functools.lru_cache
    def named(cls, x): return (cls.__name__, x)
    @functools.singledispatchmethod
    def kind(self, x): return "any"
    @kind.register
    def _(self, x: int): return "int"

@functools.lru_cache(maxsize=None, typed=True)
def fib(n):
    """Fibonacci."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)
fib.unit = "rabbits"

@functools.singledispatch
def show(x): return f"<{x}>"
@show.register
def _(x: list): return [show(each) for each in x]
@show.register(np.ndarray)
def _sum(x): return float(x.sum())

def factorial():
    @functools.cache
    def inner(n): return 1 if n == 0 else n * inner(n - 1)
    return inner

level = contextvars.ContextVar("level", default=1)
name = contextvars.ContextVar("name")
name.set("alice")
unset = contextvars.ContextVar("unset")
wide = np.vectorize(lambda x: x * 2 if x > 1 else 0, otypes=[float])
wide([1, 2])
fact, model = factorial(), Model(3)
fact(4), fib(10), model.twice, model.plus(1), Model.cube(2)
first, n, upper = operator.itemgetter(0), operator.attrgetter("n"), operator.methodcaller("upper")
cases = [
    (lambda: (fib.cache_info().currsize, fib(20), fib.__doc__, fib.unit, fib.__wrapped__(1)), ()),
    (lambda: fib.cache_parameters(), ()),
    (fact, (5,)),
    (lambda: (fact.cache_info().misses, fact(3)), ()),
    (lambda: (Model.plus.cache_info().currsize, Model.cube.cache_info().currsize), ()),
    (lambda m: (m.twice, m.plus(2), m.cube(2), m.named(1), m.kind(1), m.kind("x")), (model,)),
    (lambda: (Model(4).twice, Model.twice.__doc__), ()),
    (model.plus, (4,)),
    (show, ([1, [np.ones(3)]],)),
    (lambda: (show(2), show.registry.keys() >= {list, object}, show.__name__), ()),
    (lambda: wide([1, 2, 3]).tolist(), ()),
    (lambda: (first([7]), n(model), upper("a")), ()),
    (lambda: (level.get(), name.get(), unset.get("nothing")), ()),
    (functools.partial(fib, 10), ()),
]
sent = [(dump_function(f), dump_input((args, {}))) for f, args in cases]
sys.stdout.buffer.write(pickle.dumps(sent))
'''


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a script sends, of which everything is in ``__main__``."""
    path = tmp_path_factory.mktemp("script") / "analysis.py"
    path.write_text(SCRIPT)
    done = subprocess.run([sys.executable, path], capture_output=True, check=False)  # noqa: S603
    assert not done.returncode, done.stderr.decode()
    return done.stdout


def test_what_stands_around_functions_is_made_anew_and_empty(sent: bytes) -> None:
    answers = []
    for function, arguments in load(sent):
        with loading() as surroundings:
            called = load(function)
        args, kwargs = load(arguments)
        answers.append(surroundings.run(functools.partial(called, *args, **kwargs)))
    assert answers == [
        (0, 6765, "Fibonacci.", "rabbits", 1),
        {"maxsize": None, "typed": True},
        120,
        (0, 6),
        (0, 0),
        (6, 5, 8, ("Model", 1), "int", "any"),
        (8, "Twice."),
        7,
        ["<1>", [3.0]],
        ("<2>", True, "show"),
        [0.0, 4.0, 6.0],
        (7, 3, "A"),
        (1, "alice", "nothing"),
        55,
    ]


def test_what_a_module_holds_travels_by_its_name() -> None:
    module: Any = types.ModuleType("held_elsewhere")
    module.variable = contextvars.ContextVar("variable", default=2)

    @functools.cache
    def cached() -> int:
        return 1

    cached.__module__, cached.__qualname__ = module.__name__, "cached"
    module.cached = cached
    sys.modules[module.__name__] = module
    try:
        sent = load(dump_input((module.cached, module.variable)))
    finally:
        del sys.modules[module.__name__]
    assert sent[0] is cached
    assert sent[1] is module.variable


LEVEL: contextvars.ContextVar[int] = contextvars.ContextVar("LEVEL")


def test_each_task_begins_with_the_variable_as_it_was_sent() -> None:
    def raised() -> int:
        LEVEL.set(LEVEL.get() + 1)
        return LEVEL.get()

    token = LEVEL.set(4)
    data = dump_function(raised)
    LEVEL.reset(token)
    with loading() as surroundings:
        function = load(data)
    assert [surroundings.run(function) for _ in range(3)] == [5, 5, 5]
    assert LEVEL.get(None) is None


OTHER: contextvars.ContextVar[int] = contextvars.ContextVar("OTHER", default=0)


def test_other_variables_stay_set_as_in_any_thread() -> None:
    with loading() as surroundings:
        load(dump_function(lambda: LEVEL.get(1)))

    def sets() -> None:
        OTHER.set(9)

    contextvars.copy_context().run(lambda: (surroundings.run(sets), _nine()))


def _nine() -> None:
    assert OTHER.get() == 9


class Kept:
    pass


KEPT = Kept()


class Local(threading.local):
    pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (weakref.ref(KEPT), "weakref.ReferenceType; it is a weak reference"),
        (weakref.WeakSet([KEPT]), "WeakSet; it is a weak reference"),
        (weakref.WeakValueDictionary(a=KEPT), "WeakValueDictionary; it is a weak reference"),
        (weakref.WeakKeyDictionary({KEPT: 1}), "WeakKeyDictionary; it is a weak reference"),
        (weakref.proxy(KEPT), "weak reference"),
        (threading.local(), "_thread._local; it belongs to one process"),
        (Local(), "Local; it belongs to one process"),
        (contextvars.copy_context(), "Context; it belongs to one process"),
        (np.frompyfunc(lambda a: a, 1, 1), "ufunc; .*call np.frompyfunc"),
        ((x for x in [1]), "generator; .*list"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_one_process_alone_can_have_is_refused_by_name(value: object, said: str) -> None:
    with pytest.raises(UnpicklableInput, match=said):
        dump_function(lambda: value)
    with pytest.raises(UnpicklableInput, match=said):
        dump_input(((value,), {}))
    with pytest.raises(UnpicklableInput, match=said):
        dump_input(([value],))
