"""Functions reach a worker that has none of the analyst's own code."""

import functools
import gzip
import importlib.util
import io
import pickle
import sqlite3
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import numpy as np
import pytest

from starburst._functions import payload
from starburst._functions.capturing import needs_of
from starburst._functions.payload import LargePayloadWarning, dump_function, dump_input, load
from starburst.errors import UnpicklableInput

LOCK = threading.Lock()


def scripted(text: str, **names: object) -> ModuleType:
    """What a script holds once it has run: ``__main__`` belongs to no module's file."""
    script = ModuleType("__main__")
    vars(script).update(names)
    exec(text, vars(script))  # noqa: S102 - our own text
    return script


def test_registry_of_cloudpickle_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that Python could not import again by its name travels by value, for once."""
    (tmp_path / "a-plug-in.py").write_text("FACTOR = 2\ndef double(x): return x * FACTOR\n")
    spec = importlib.util.spec_from_file_location("plugged", tmp_path / "a-plug-in.py")
    assert spec is not None
    assert spec.loader is not None
    plugged = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "plugged", plugged)
    spec.loader.exec_module(plugged)
    data = dump_function(plugged.double)
    assert needs_of(data) == set()
    assert not cloudpickle.list_registry_pickle_by_value()
    monkeypatch.delitem(sys.modules, "plugged")
    assert load(data)(4) == 8
    with pytest.raises(UnpicklableInput):
        dump_input(LOCK)
    assert not cloudpickle.list_registry_pickle_by_value()


def test_what_is_installed_is_none_of_the_analysts_own() -> None:
    assert needs_of(dump_function(np.mean)) == set()
    assert needs_of(dump_function(dump_function)) == set()
    assert needs_of(dump_function(scripted)) == {__name__}
    assert len(dump_function(np.mean)) < 200


@pytest.mark.parametrize("value", [None, 1, "x", b"x", 2j, [1, {"a": (2,)}]])
def test_inputs_come_back(value: object) -> None:
    assert load(dump_input(value)) == value


class Holder:
    def __init__(self) -> None:
        self.lock = LOCK


SCRIPT = scripted(
    "def uses_lock(x): return LOCK, x\n"
    "def takes_lock(x, *, lock=LOCK): return lock, x\n"
    "def holder_of(holder): return lambda: holder\n",
    LOCK=LOCK,
)


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            SCRIPT.uses_lock,
            "uses_lock: the global 'LOCK' cannot be sent.*lock; it belongs to one process",
        ),
        (SCRIPT.holder_of(Holder()), r"the variable 'holder'\.lock cannot be sent"),
        (functools.partial(print, LOCK), "argument 1 cannot be sent"),
        (SCRIPT.takes_lock, "the default of 'lock' cannot be sent"),
        (Holder().lock.acquire, "cannot be sent"),
        (3, "Pass a function"),
    ],
    ids=["global", "closure", "argument", "keyword", "method", "number"],
)
def test_function_that_cannot_travel_says_why(function: Any, message: str) -> None:
    with pytest.raises(UnpicklableInput, match=message):
        dump_function(function)


def test_input_that_cannot_travel_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnpicklableInput, match=r"generator; .*list\(...\)"):
        dump_input(numbers())
    with pytest.raises(UnpicklableInput, match=r"input\['a'\]\[1\]\.lock cannot be sent"):
        dump_input({"a": [1, Holder()]})
    with (tmp_path / "x").open("w") as file, pytest.raises(UnpicklableInput, match="open it"):
        dump_input([file])
    connection = sqlite3.connect(":memory:")
    with pytest.raises(UnpicklableInput, match=r"sqlite3\.Connection; a connection"):
        dump_input({"db": connection})
    connection.close()


class Reads:
    def __init__(self, file: object) -> None:
        self.file = file


def test_an_open_file_is_refused_and_not_read_in_secret(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text("patient,age\n")
    with path.open() as text, path.open("rb") as raw, gzip.open(tmp_path / "x.gz", "wt") as packed:
        for file in (text, raw, packed):
            with pytest.raises(UnpicklableInput, match=r"input\[1\].*pass its path and open it"):
                dump_input([1, file])
            with pytest.raises(UnpicklableInput, match=r"the variable 'file' cannot be sent"):
                dump_function(reader(file))
        with pytest.raises(UnpicklableInput, match=r"\.file cannot be sent: it is a _io.TextIO"):
            dump_input(Reads(text))
        assert text.tell() == 0


def reader(file: Any) -> Callable[[], object]:
    return lambda: (file, file.read())


def test_standard_output_is_the_workers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    out = dump_input([sys.stdout])
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", other)
    assert load(out) == [other]


def test_text_in_memory_travels() -> None:
    text = io.StringIO("a\nb")
    text.readline()
    assert load(dump_input([text]))[0].read() == "b"


class Broken:
    def __reduce__(self) -> tuple[object, ...]:
        raise RuntimeError("not today")


def test_what_pickling_raises_is_told() -> None:
    with pytest.raises(UnpicklableInput, match="RuntimeError: not today"):
        dump_input(Broken())


def test_large_payloads_warn_and_name_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "LARGE_BYTES", 1000)
    table = b"x" * 2000
    with pytest.warns(LargePayloadWarning, match="largest object.*the variable 'table'"):
        dump_function(lambda: table)
    with pytest.warns(LargePayloadWarning, match="input of type list"):
        dump_input([table])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dump_function(lambda: 1)


def test_missing_package_on_the_worker_is_named() -> None:
    missing = pickle.dumps(Holder).replace(__name__.encode(), b"n" * len(__name__))
    with pytest.raises(UnpicklableInput, match="travel with packages="):
        load(missing)
    with pytest.raises(UnpicklableInput, match="same versions"):
        load(b"garbage")
