"""Which values of own modules travel beside their files, and which stay out."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._functions.installing import install
from starburst._functions.ordinary.variables import loading
from starburst._functions.payload import dump_function, load
from starburst.errors import UnpicklableInput
from tests.functions.projects import imported, script, write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "study"
    write(root, {"pyproject.toml": ""})
    monkeypatch.chdir(root)
    with imported(root, monkeypatch):
        yield root


def sent(text: str) -> tuple[set[str], tuple[str, ...]]:
    """Return the files of a script's ``run`` that travel, and the values beside them."""
    shown: Any = starburst.map(script(text).run, [1], dry_run=True)
    return {file.path.rpartition("/study/")[2] for file in shown.files}, shown.values


PLUGGED = {
    "seen.py": "RATE = 0.1\nTABLE = [1] * 2\n",
    "plug.py": "RATE = 0.1\nTABLE = [1] * 2\n",
}


def test_of_what_may_only_be_asked_for_by_name_what_surely_was_changed_travels(
    project: Path,
) -> None:
    """A whole project may be asked for so, and computes its values there as it did here."""
    write(project, PLUGGED)
    files, values = sent(
        "import importlib, plug, seen\n"
        "plug.RATE = 0.5\n"
        "def run(x): return importlib.import_module('plu' + 'g'), seen.TABLE\n"
    )
    assert files == {"plug.py", "seen.py"}
    assert set(values) == {"seen.TABLE", "plug.RATE"}


ODD = """
class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(one)
"""


def test_a_value_that_does_not_come_back_is_left_to_its_file(project: Path) -> None:
    write(project, {"model.py": f"{ODD}PROBLEM = Odd(1, 2)\nSMALL = 1 + 1\n"})
    files, values = sent("import model\ndef run(x): return model.PROBLEM\n")
    assert (files, values) == ({"model.py"}, ("model.SMALL",))


def test_one_that_was_changed_and_does_not_come_back_is_refused(project: Path) -> None:
    write(project, {"model.py": f"{ODD}PROBLEM = None\n"})
    text = "import model\nmodel.PROBLEM = model.Odd(1, 2)\ndef run(x): return model.PROBLEM\n"
    with pytest.raises(UnpicklableInput, match=r"model\.PROBLEM.* cannot be loaded again"):
        sent(text)


GUARDED = """
import threading
def guarded(function):
    lock = threading.Lock()
    def inside(*args):
        with lock:
            return function(*args)
    return inside
@guarded
def run(x): return x
"""


def test_what_a_decorator_has_made_is_made_there_again(project: Path) -> None:
    write(project, {"model.py": GUARDED})
    assert sent("import model\ndef run(x): return model.run(x)\n") == ({"model.py"}, ())
    text = "import importlib\ndef run(x): return importlib.import_module('mod' + 'el')\n"
    assert sent(text) == ({"model.py"}, ())
    patch = "import model\nmodel.run = lambda x: -x\ndef run(x): return model.run(x)\n"
    assert sent(patch) == ({"model.py"}, ("model.run",))


NAMED = """
from typing import NamedTuple
class Point(NamedTuple):
    x: int = 0
READERS = {}
def reads(kind):
    return lambda reader: READERS.setdefault(kind, reader)
"""


def test_what_modules_register_as_they_are_imported_is_no_change(project: Path) -> None:
    """But what the script itself has registered is."""
    write(
        project, {"model.py": NAMED, "more.py": "import model\n@model.reads(1)\ndef one(): ...\n"}
    )
    text = "import importlib, more\ndef run(x): return importlib.import_module('mod' + 'el')\n"
    assert sent(text) == ({"model.py", "more.py"}, ())
    text += "@more.model.reads('x')\ndef mine(): ...\n"
    more = "def own(): ...\nmore.model.READERS.clear()\nmore.model.READERS['own'] = own\n"
    assert sent(text + more)[1] == ("model.READERS",)


def test_a_function_in_a_cache_brings_its_module(project: Path) -> None:
    write(project, {"leaf.py": "import functools\n@functools.lru_cache\ndef run(x): return x\n"})
    assert sent("import leaf\nrun = leaf.run\n") == ({"leaf.py"}, ())


def test_a_variable_of_a_script_is_not_looked_for_in_a_workers_main(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = script(
        "import contextvars\nlevel = contextvars.ContextVar('level', default=1)\n"
        "def run(x): return level.get() + x\n"
    )
    monkeypatch.setitem(sys.modules, "__main__", made)
    data = dump_function(made.run)
    monkeypatch.undo()
    with loading():
        run: Any = load(data, "the function")
    assert run(1) == 2


def test_a_folder_that_no_import_takes_keeps_no_name_from_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``constructs/`` beside an installed package of that name, say, as it is for the analyst."""
    known = importlib.import_module("msgpack").__file__
    monkeypatch.setattr(sys, "path", [*sys.path])
    install(str(tmp_path), ["a/msgpack/notes.py"], [b""], entries=["a"])
    assert importlib.import_module("msgpack").__file__ == known
    for path in ("b/msgpack/__init__.py", "b/msgpack.py"):
        with pytest.raises(UnpicklableInput, match="your own module msgpack has the name"):
            install(str(tmp_path), [path], [b""], entries=["b"])
