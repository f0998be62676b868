"""Modules of the analyst's own on workers: as they are here, and one of each."""

from __future__ import annotations

import contextlib
import importlib
import unittest.mock
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.errors import RemoteTraceback, UnpicklableInput
from tests.functions.projects import imported, script, write

pytestmark = pytest.mark.usefixtures("forked")

ONE = SessionOptions(workers=1, idle_timeout=60)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with imported(tmp_path, monkeypatch):
        yield tmp_path


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    with open_session(connection, ONE, progress=False) as opened:
        yield opened


def there(session: Session, function: Callable[..., Any], inputs: Iterable[Any]) -> list[Any]:
    return [future.result(60) for future in session.map(function, list(inputs))]


MODEL = """
import collections, enum, functools, os, random, sqlite3, threading
import numpy
from dataclasses import dataclass, field

RATE = 0.1
NAMES = ["a"]
REGISTER = {}
COMPUTED = 2 * 3
DRAWN = random.random()
BAG = collections.UserDict()
WEIGHTS = numpy.zeros(3)
LOCK = threading.Lock()
DATABASE = sqlite3.connect(":memory:")
HERE = os.path.dirname(os.path.abspath(__file__))
SENTINEL = object()
CACHE = collections.defaultdict(list)
_connection = None

def register(f):
    REGISTER[f.__name__] = f
    return f

@register
def one(): return 1

@functools.lru_cache
def cached(): return threading.get_ident()

def run(): return RATE * 10

def is_sentinel(x): return x is SENTINEL

def cached_for(x): return list(CACHE[x])

class Kind(enum.Enum):
    A = 1

@dataclass
class Point:
    x: int = 3
    tags: list = field(default_factory=list)

class Settings:
    rate = 1
    __depth = 3

    def __init__(self):
        self.size, self.lock = 1, threading.Lock()

    def get(self): return self.rate, self.size, self.__depth

settings = Settings()

def made(k):
    def inner(x):
        global RATE
        RATE = k
        return run() + x
    return inner
"""

FILES = {
    "model.py": MODEL,
    "other.py": "from model import BAG, DRAWN, RATE, WEIGHTS, run\nimport model\nTWICE = 2 * RATE\n"
    "def get(): return RATE, TWICE, run(), model.run(), BAG is model.BAG, dict(BAG), DRAWN,"
    " WEIGHTS.tolist(), WEIGHTS is model.WEIGHTS\n",
    "plugin.py": "import model\n@model.register\ndef two(): return 2\n",
    "leaf.py": "def g(x): return x + 1\n",
    "spread/inner.py": "def g(x): return 3 * x\n",
}

ISSUE = """
import functools
import leaf, model, spread.inner
def sweep(rate): model.RATE = rate; return model.run()
def f(k, x): import leaf; return leaf.g(x) + k
partial = functools.partial(f, 5)
nested = lambda x: spread.inner.g(x)
made = model.made(0.5)
def deco(f):
    @functools.wraps(f)
    def wrapped(*a): return f(*a)
    return wrapped
@deco
def decorated(x):
    from leaf import g
    return g(x)
class C:
    def __call__(self, x):
        import leaf
        return leaf.g(x)
called = C()
method = C().__call__
"""


def test_modules_work_as_here_however_they_are_reached(project: Path, session: Session) -> None:
    write(project, FILES)
    made = script(ISSUE)
    assert there(session, made.sweep, [0.1, 0.5, 0.9]) == [1.0, 5.0, 9.0]
    assert there(session, made.partial, [1]) == [7]
    assert there(session, made.nested, [1]) == [3]
    assert there(session, made.made, [1]) == [6.0]
    for name in ("decorated", "called", "method"):
        assert there(session, getattr(made, name), [1]) == [2], name


CHANGED = """
import leaf, model, other, plugin
def look(x):
    return (
        model.RATE, model.NAMES, model.COMPUTED, model.run(), sorted(model.REGISTER), other.get(),
        model.REGISTER['two'](), model.settings.get(), model.HERE == model.__file__[:-9],
        model.cached() > 0, getattr(model, 'NEW', None), hasattr(model, 'one'), leaf.g(1),
    )
"""


def test_what_was_changed_here_is_so_there_and_what_was_not_is_the_files(
    project: Path, session: Session
) -> None:
    write(project, FILES)
    made = script(CHANGED)
    model: Any = made.model
    changes: list[Callable[[], object]] = [
        lambda: None,
        lambda: setattr(model, "RATE", 0.5),
        lambda: model.NAMES.append("b"),
        lambda: setattr(model, "COMPUTED", 7),
        lambda: setattr(model.Settings, "rate", 5),
        lambda: setattr(model.Settings, "_Settings__depth", 8),
        lambda: setattr(model.settings, "size", 9),
        lambda: setattr(model, "NEW", {"x": 1}),
        lambda: model.BAG.update(y=2),
        lambda: model.WEIGHTS.__setitem__(0, 5.0),
        lambda: setattr(model, "WEIGHTS", model.WEIGHTS[:2]),
        lambda: setattr(model.settings, "extra", model.BAG),
        lambda: setattr(model, "run", script("def fake(): return 77\n").fake),
        lambda: setattr(made.leaf, "g", lambda x: x - 1),
        lambda: delattr(model, "one"),
        lambda: setattr(model, "_connection", model.DATABASE),
        lambda: setattr(model, "RATE", 0.1),
    ]
    for number, change in enumerate(changes):
        change()
        assert there(session, made.look, [0]) == [made.look(0)], f"change {number}"
    model.run = (each for each in ())
    with pytest.raises(UnpicklableInput, match=r"model\.run.*generator"):
        session.submit(made.look, 0)
    with unittest.mock.patch("model.run", return_value=3):
        assert there(session, made.look, [0]) == [made.look(0)]


IDENTITY = """
import model
from model import CACHE, SENTINEL, Kind, Point, settings
def sentinel(x): return x is SENTINEL, model.is_sentinel(x), x is settings
def kinds(x): return x is Kind.A, isinstance(x, Point), x == Point()
def fills(x): CACHE[x].append(5); return model.cached_for(x)
def point(x): return Point(x, tags=[x])
"""


def test_objects_of_a_module_are_the_same_ones_there(project: Path, session: Session) -> None:
    write(project, FILES)
    made = script(IDENTITY)
    inputs = [made.SENTINEL, made.settings, object()]
    assert there(session, made.sentinel, inputs) == [made.sentinel(each) for each in inputs]
    assert there(session, made.kinds, [made.Kind.A, made.Point()]) == [
        (True, False, False),
        (False, True, True),
    ]
    assert there(session, made.fills, ["a"]) == [[5]]
    assert there(session, made.point, [1]) == [made.Point(1, [1])]
    assert there(session, lambda p: p.tags, [made.Point(2, ["t"])]) == [["t"]]


def test_an_edited_module_is_taken_once_it_is_reloaded_and_refused_before(
    project: Path, session: Session
) -> None:
    write(project, {"volatile.py": "def answer():\n    return 1\n", "later.py": ""})
    made = script(
        "import os, volatile\ndef run(x): return volatile.answer(), os.getpid()\n"
        "def more(x):\n    import later\n    return volatile.answer(), os.getpid()\n"
    )
    [(first, child)] = there(session, made.run, [0])
    [(again, same)] = there(session, made.more, [0])
    assert (first, again, same) == (1, 1, child), "only files came, so the child goes on"
    write(project, {"volatile.py": "# another line\ndef answer():\n    return 1\n"})
    assert there(session, made.run, [0])[0][0] == 1, "a comment changes nothing"
    write(project, {"volatile.py": "def answer():\n    return 2 + 0 * 1000\n"})
    with pytest.raises(UnpicklableInput, match=r"importlib\.reload\(volatile\)"):
        session.submit(made.run, 0)
    importlib.invalidate_caches()
    importlib.reload(made.volatile)
    [(second, other)] = there(session, made.run, [0])
    assert second == 2
    assert other != child, "a child runs one version of a module"


@pytest.mark.parametrize("door", ["submit", "map", "executor"])
def test_a_corrected_cell_is_taken_by_the_next_call(connection: Connection, door: str) -> None:
    made = script("def helper(x): return x + 1\ndef run(x): return helper(x)\n")
    with contextlib.ExitStack() as stack:
        pool: starburst.Executor | None = None
        if door == "executor":
            pool = stack.enter_context(starburst.Executor(connection, workers=1, progress=False))
            call = pool.submit
        else:
            session = stack.enter_context(open_session(connection, ONE, progress=False))
            call = session.submit if door == "submit" else lambda f, x: session.map(f, [x])[0]
        assert call(made.run, 1).result(60) == 2
        exec("def helper(x): return x + 100\n", vars(made))  # noqa: S102 - the cell, run again
        assert call(made.run, 1).result(60) == 101
        if pool is not None:
            assert list(pool.map(made.run, [1, 2])) == [101, 102]


def test_files_are_real_files_there(project: Path, connection: Connection) -> None:
    write(
        project,
        {
            "lab/__init__.py": "",
            "lab/core.py": "import inspect, json, pathlib\nfrom importlib import resources\n"
            "def text(): return resources.files('lab').joinpath('data.json').read_text()\n"
            "def beside(): return json.loads((pathlib.Path(__file__).parent / 'data.json')"
            ".read_text())\n"
            "def source(): return inspect.getsource(source)\n"
            "def fails():\n    raise ZeroDivisionError('see the line above')  # this line\n",
            "lab/data.json": "[1]",
        },
    )
    made = script(
        "import lab.core\n"
        "def run(x): return lab.core.text(), lab.core.beside(), lab.core.source()\n"
        "def fails(x): lab.core.fails()\n"
    )
    terms: dict[str, Any] = {"environment": connection, "workers": 1, "progress": False}
    with pytest.raises(FileNotFoundError):
        starburst.map(made.run, [0], **terms)
    assert starburst.map(made.run, [0], include=[project / "lab"], **terms) == [
        ("[1]", [1], "def source(): return inspect.getsource(source)\n")
    ]
    with pytest.raises(ZeroDivisionError) as raised:
        starburst.map(made.fails, [0], **terms)
    assert isinstance(raised.value.__cause__, RemoteTraceback)
    assert "lab/core.py" in str(raised.value.__cause__)
    assert "# this line" in str(raised.value.__cause__)


def test_nothing_is_created_where_something_cannot_travel(project: Path) -> None:
    """There is no environment here: to ask for one would raise something else."""
    write(project, {"model.py": "RATE = 1\n"})
    made = script("import model\ndef run(x): return model.RATE\n")
    made.model.RATE = (each for each in ())
    with pytest.raises(UnpicklableInput, match=r"model\.RATE.*generator"):
        starburst.map(made.run, [1], environment="nowhere")
    with pytest.raises(UnpicklableInput, match=r"model\.RATE"):
        starburst.Executor("nowhere").submit(made.run, 1)
