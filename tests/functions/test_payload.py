"""Functions reach a worker that has none of the analyst's own code."""

import functools
import gzip
import importlib
import io
import pickle
import sqlite3
import subprocess
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
from starburst._functions.own_code import own_modules
from starburst._functions.payload import LargePayloadWarning, dump_function, dump_input, load
from starburst.errors import UnpicklableInput

LAB = """
import dataclasses
from . import inner

@dataclasses.dataclass
class Sample:
    x: int

def double(x):
    return Sample(inner.twice(x))
"""
RUN = """
import sys
from starburst._functions.payload import load
function, value = (load(bytes.fromhex(each)) for each in sys.argv[1:])
print(function(value), any(name.startswith("lab") for name in sys.modules))
"""
LOCK = threading.Lock()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package in the analyst's project, as no worker image has it."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").write_text(LAB)
    (tmp_path / "lab" / "inner.py").write_text("FACTOR = 2\ndef twice(x): return x.x * FACTOR\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lab")
    for name in ("lab", "lab.inner"):
        del sys.modules[name]


def run_elsewhere(function: Callable[..., Any], value: object) -> str:
    sent = [dump_function(function).hex(), dump_input(value).hex()]
    command = [sys.executable, "-I", "-c", RUN, *sent]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd="/")  # noqa: S603
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def test_own_modules_travel_with_the_function(lab: ModuleType) -> None:
    assert run_elsewhere(lab.double, lab.Sample(3)) == "Sample(x=6) False"
    assert run_elsewhere(lambda x: lab.double(x).x, lab.Sample(3)) == "6 False"
    assert run_elsewhere(functools.partial(lab.double), lab.Sample(3)) == "Sample(x=6) False"


def test_own_classes_travel_in_whatever_holds_them(lab: ModuleType) -> None:
    for held in (
        np.array([lab.Sample(3), None], dtype=object),
        [{"a": lab.Sample(3)}],
        {lab.Sample: (3,)},
    ):
        assert run_elsewhere(lambda x: "Sample" in repr(x), held) == "True False"


def test_registry_of_cloudpickle_is_left_as_it_was(lab: ModuleType) -> None:
    dump_function(lab.double)
    assert not cloudpickle.list_registry_pickle_by_value()
    cloudpickle.register_pickle_by_value(lab)
    try:
        dump_function(lab.double)
        assert cloudpickle.list_registry_pickle_by_value() == {"lab"}
    finally:
        cloudpickle.unregister_pickle_by_value(lab)
    with pytest.raises(UnpicklableInput):
        dump_input(LOCK)
    assert not cloudpickle.list_registry_pickle_by_value()


def test_only_the_users_code_is_their_own(lab: ModuleType) -> None:
    own = own_modules()
    assert {"lab", "lab.inner", __name__} <= set(own)
    assert not {"os", "json", "starburst", "starburst._functions.payload", "pytest", "numpy"} & set(
        own
    )
    assert len(dump_function(np.mean)) < 200


def test_modules_that_change_are_judged_again(lab: ModuleType, tmp_path: Path) -> None:
    assert "lab" in own_modules()
    replaced, sys.modules["lab"] = sys.modules["lab"], ModuleType("lab")
    try:
        assert "lab" not in own_modules()
    finally:
        sys.modules["lab"] = replaced


@pytest.mark.parametrize("value", [None, 1, "x", b"x", 2j, [1, {"a": (2,)}]])
def test_inputs_come_back(value: object) -> None:
    assert load(dump_input(value)) == value


class Holder:
    def __init__(self) -> None:
        self.lock = LOCK


def uses_lock(x: object) -> object:
    return (LOCK, x)


def takes_lock(x: object, *, lock: object = LOCK) -> object:
    return (lock, x)


def uses_holder() -> Callable[[], object]:
    holder = Holder()
    return lambda: holder


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (uses_lock, "uses_lock: the global 'LOCK' cannot be sent.*lock; it belongs to one process"),
        (uses_holder(), r"the variable 'holder'\.lock cannot be sent"),
        (functools.partial(print, LOCK), "argument 1 cannot be sent"),
        (takes_lock, "the default of 'lock' cannot be sent"),
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
    with pytest.raises(UnpicklableInput, match="worker image"):
        load(missing)
    with pytest.raises(UnpicklableInput, match="same versions"):
        load(b"garbage")
