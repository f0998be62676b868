"""What a task raises comes back as what it is, as far as that is here, and runs no code of it."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import csv
import decimal
import json
import pickle
import sqlite3
import subprocess
import sys
import traceback
import types
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgpack
import numpy as np
import pandas as pd
import pytest

from starburst._codec import encode
from starburst._codec.exceptions import describe, rebuild
from starburst._codec.exceptions.members import read_members
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.failure import Failure
from starburst.errors import RemoteTraceback, SessionEnded, TaskError, UnsafeResult, WorkerLost


def caught(raises: Callable[[], object]) -> BaseException:
    try:
        raises()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def throw(error: BaseException) -> NoReturn:
    raise error


def travel(error: BaseException, mode: ResultMode = "data") -> Any:
    data: Any = msgpack.unpackb(msgpack.packb(describe(error, mode=mode).to_data()))
    return rebuild(Failure.from_data(data), mode=mode)


def look(error: BaseException) -> object:
    attributes = {key: value for key, value in vars(error).items() if key != "__notes__"}
    notes = getattr(error, "__notes__", [])
    return type(error), str(error), error.args, read_members(error), attributes, notes


class Bad(ValueError):
    """An exception of the analyst's, whose constructor takes something else than its text."""

    def __init__(self, gene: str, *, counts: Any) -> None:
        super().__init__(f"no counts of {gene}")
        self.gene = gene
        self.counts = counts


class Slotted(KeyError):
    __slots__ = ("gene",)


class Several(ExceptionGroup[Exception]):
    pass


def slotted() -> Slotted:
    error = Slotted("a", 1)
    error.gene = "BRCA1"
    return error


RAISED: dict[str, Callable[[], object]] = {
    "UnicodeDecodeError": b"\xff".decode,
    "UnicodeEncodeError": lambda: "é".encode("ascii"),
    "UnicodeTranslateError": lambda: throw(UnicodeTranslateError("é", 0, 1, "no")),
    "KeyError of a number": lambda: {}[3],
    "KeyError of a tuple": lambda: {}["a", 1],
    "IndexError": lambda: list[int]()[1],
    "ZeroDivisionError": lambda: 1 / 0,
    "AttributeError": lambda: "text".nothing,  # type: ignore[attr-defined]
    "NameError": lambda: undefined,  # type: ignore[name-defined] # noqa: F821
    "ModuleNotFoundError": lambda: __import__("no.such"),
    "ImportError": lambda: throw(ImportError("no", name="lib", path="/lib.so")),
    "SyntaxError": lambda: compile("x = = 1", "a file", "exec"),
    "FileNotFoundError": Path("/no/such").read_bytes,
    "OSError of two files": lambda: throw(OSError(18, "across", "a", None, "b")),
    "BlockingIOError": lambda: throw(BlockingIOError(11, "busy", 5)),
    "ConnectionResetError": lambda: throw(ConnectionResetError(104, "reset")),
    "TimeoutError": lambda: throw(TimeoutError("late")),
    "MemoryError": lambda: throw(MemoryError()),
    "AssertionError": lambda: throw(AssertionError()),
    "a warning": lambda: throw(UserWarning("careful", 3)),
    "arguments of every kind": lambda: throw(ValueError(1, 2.5, ("a", [None]), np.arange(3).sum())),
    "JSONDecodeError": lambda: json.loads("{"),
    "CalledProcessError": lambda: throw(subprocess.CalledProcessError(3, ["a", "b"], "out", "err")),
    "zlib.error": lambda: zlib.decompress(b"x"),
    "csv.Error": lambda: throw(csv.Error("line 3")),
    "sqlite3.OperationalError": lambda: throw(sqlite3.OperationalError("locked")),
    "DivisionByZero": lambda: decimal.Decimal(1) / 0,
    "LinAlgError": lambda: np.linalg.inv(np.zeros((2, 2))),
    "MergeError": lambda: pd.DataFrame({"a": [1]}).merge(pd.DataFrame({"b": [1]})),
    "OutOfBoundsDatetime": lambda: pd.Timestamp("9999-01-01").as_unit("ns"),
    "own": lambda: throw(Bad("BRCA1", counts={"a": (1, None)})),
    "own with slots": lambda: throw(slotted()),
}


@pytest.mark.parametrize("name", RAISED)
def test_an_exception_comes_back_with_type_arguments_and_attributes(name: str) -> None:
    error = caught(RAISED[name])
    back = travel(error)
    assert look(back) == look(error)
    assert "in caught" in RemoteTraceback.of(back).text  # type: ignore[union-attr]
    assert "".join(traceback.format_exception(back)).count(f"{type(error).__name__}") >= 2


def test_attributes_that_compare_by_element_come_back() -> None:
    back = travel(Bad("BRCA1", counts=np.arange(4)))
    assert type(back) is Bad
    assert back.counts.tolist() == [0, 1, 2, 3]


# Chains, notes and groups.


def test_causes_contexts_and_notes_come_back_and_the_workers_traceback_is_the_last() -> None:
    def raises() -> None:
        try:
            try:
                try:
                    {}[3]
                except KeyError as first:
                    first.add_note("in the first file")
                    raise Bad("BRCA1", counts=1) from first
            except ValueError:
                raise OSError(2, "no", "file")  # noqa: B904 - the context is what is meant
        except OSError as third:
            raise RuntimeError("last") from third

    back = travel(caught(raises))
    third = back.__cause__
    second = third.__context__
    first = second.__cause__
    assert [type(each) for each in (back, third, second, first)] == [
        *(RuntimeError, FileNotFoundError, Bad, KeyError)
    ]
    assert (first.args, first.__notes__) == ((3,), ["in the first file"])
    assert back.__context__ is third
    assert (back.__suppress_context__, third.__suppress_context__) == (True, False)
    assert isinstance(third.__cause__, RemoteTraceback)
    assert RemoteTraceback.of(back) is third.__cause__
    assert RemoteTraceback.of(ValueError()) is None


def test_from_none_hides_the_context_still() -> None:
    def raises() -> None:
        try:
            {}[3]
        except KeyError:
            raise ValueError("shown alone") from None

    back = travel(caught(raises))
    assert back.__suppress_context__
    assert type(back.__context__) is KeyError


def test_groups_come_back_with_their_members() -> None:
    inner = Several("inner", [KeyError(3), Bad("BRCA1", counts=2)])
    inner.add_note("a note")
    group = ExceptionGroup("outer", [inner, throw_and_catch(ZeroDivisionError("x"))])
    back = travel(group)
    assert (type(back), back.message, str(back)) == (ExceptionGroup, "outer", str(group))
    assert [look(each) for each in back.exceptions[0].exceptions] == [
        look(each) for each in inner.exceptions
    ]
    assert (type(back.exceptions[0]), back.exceptions[0].__notes__) == (Several, ["a note"])
    found, rest = back.split(Bad)
    assert found.exceptions[0].exceptions[0].gene == "BRCA1"
    assert len(rest.exceptions) == 2


def throw_and_catch(error: Exception) -> Exception:
    return caught(lambda: throw(error))  # type: ignore[return-value]


def test_a_group_with_what_ends_programs_ends_none() -> None:
    back = travel(BaseExceptionGroup("both", [KeyboardInterrupt(), ValueError("b")]))
    assert type(back) is ExceptionGroup
    assert [type(each).__name__ for each in back.exceptions] == ["KeyboardInterrupt", "ValueError"]
    assert isinstance(back.exceptions[0], TaskError)


def test_circles_end_and_long_chains_are_cut() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__cause__ = two, one
    back = travel(one)
    assert str(back.__context__) == "two"
    error: BaseException = ValueError("root")
    for number in range(500):
        error, error.__context__ = ValueError(number), error
    assert travel(error).args == (499,)
    wide = travel(ExceptionGroup("wide", [ValueError(n) for n in range(3000)]))
    assert 900 < len(wide.exceptions) < 1000
    assert f"{3000 - len(wide.exceptions)} more exceptions" in wide.__notes__[0]


# What is not here, or not data.


class Panic(BaseException):
    """As pyo3 raises it: not an Exception."""


@pytest.mark.parametrize(
    ("error", "attribute"),
    [
        (StopIteration(3), {"value": 3}),
        (StopAsyncIteration(3), {}),
        (SystemExit(3), {"code": 3}),
        (KeyboardInterrupt("now"), {}),
        (GeneratorExit(), {}),
        (asyncio.CancelledError("x"), {}),
        (concurrent.futures.CancelledError("x"), {}),
        (Panic("index out of bounds"), {}),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_would_end_a_loop_or_a_program_is_a_task_error_that_says_so(
    error: BaseException, attribute: dict[str, object]
) -> None:
    back = travel(error)
    assert isinstance(back, TaskError)
    assert not isinstance(back, type(error))
    assert (type(back).__name__, back.args) == (type(error).__name__, error.args)
    assert attribute.items() <= vars(back).items()
    assert back.type_name in back.__notes__[0]
    assert type(back).__bases__[0] is TaskError
    assert "or Exception" not in back.__notes__[0]


def test_a_class_that_is_not_here_is_caught_by_the_nearest_that_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab: Any = types.ModuleType("lab")
    code = (
        "class Base(LookupError): pass\n"
        "class Wrong(json.JSONDecodeError, Base):\n"
        "    def __str__(self): return f'{self.gene} is wrong'\n"
        "class Closed(OSError):\n"
        "    def __init_subclass__(cls): raise AssertionError\n"
    )
    exec(code, vars(lab) | {"json": json, "__name__": "lab"}, vars(lab))  # noqa: S102 - a module
    monkeypatch.setitem(sys.modules, "lab", lab)
    error = lab.Wrong("msg", "doc", 1)
    error.gene = "BRCA1"
    error.add_note("look")
    described = describe(caught(lambda: throw(error)), mode="data")
    closed = describe(lab.Closed(2, "no", "file"), mode="data")
    monkeypatch.delitem(sys.modules, "lab")

    back: Any = rebuild(described, mode="data")
    assert {json.JSONDecodeError, LookupError, TaskError} <= {*type(back).__mro__}
    assert (type(back).__name__, type(back).__module__) == ("Wrong", "lab")
    assert (str(back), back.gene, back.lineno) == ("BRCA1 is wrong", "BRCA1", 1)
    assert back.type_name == "lab.Wrong"
    assert back.__notes__[0] == "look"
    assert "starburst.TaskError" in back.__notes__[1]
    assert "lab.Wrong: BRCA1 is wrong" in "".join(traceback.format_exception(back))
    again: Any = pickle.loads(pickle.dumps(back))  # noqa: S301 - as a pool of processes does
    assert (type(again), str(again), again.gene) == (type(back), str(back), "BRCA1")
    other: Any = rebuild(closed, mode="data")
    assert (isinstance(other, OSError), other.errno, other.filename) == (True, 2, "file")


def test_what_is_no_data_comes_back_as_its_text_and_says_so() -> None:
    error = Bad("BRCA1", counts=sys.stdout)
    back = travel(error)
    assert isinstance(back, Bad)
    assert isinstance(back, TaskError)
    assert str(back) == str(error)
    assert back.gene == "BRCA1"
    assert "TextIOWrapper" in back.counts or "EncodedFile" in back.counts
    assert back.__notes__[0].startswith("counts: only text came back")
    key = travel(KeyError(object()))
    assert isinstance(key, KeyError)
    assert "<object object" in str(key)


class Opaque:
    """Something that only pickle can carry."""


def test_a_session_of_pickles_carries_what_is_no_data_in_exceptions_too() -> None:
    error = ValueError(Opaque())
    back = travel(error, mode="pickle")
    assert type(back.args[0]) is Opaque
    described = describe(error, mode="pickle")
    assert isinstance(rebuild(described, mode="data").args[0], str)


def test_large_arguments_are_bounded_and_the_type_stays() -> None:
    back = travel(caught((b"a" * 3_000_000 + b"\xff").decode))
    assert isinstance(back, UnicodeDecodeError)
    assert (back.start, back.reason) == (3_000_000, "invalid start byte")
    assert "position 3000000" in str(back)
    assert len(describe(ValueError(*[b"x" * 100_000] * 100), mode="data").raised) < 1_200_000


def test_a_hostile_exception_is_described_all_the_same() -> None:
    class Hostile(Exception):
        args = property(lambda self: 1 / 0)  # type: ignore[assignment]

        def __str__(self) -> str:
            raise RuntimeError("no")

        def __getattribute__(self, name: str) -> object:
            raise RuntimeError("no")

    back = travel(Hostile("x"))
    assert "__str__ raised RuntimeError" in str(back)
    assert back.args == ("x",)


def test_our_own_errors_stay_what_they_mean_here() -> None:
    """A task that uses Starburst itself does not end its client's session."""
    back = travel(SessionEnded("theirs"))
    assert isinstance(back, TaskError)
    assert not isinstance(back, SessionEnded)
    assert type(travel(UnsafeResult("x"))) is UnsafeResult
    assert type(travel(WorkerLost("x"))) is WorkerLost


# Forged.

ran: list[str] = []


class Loud(OSError):
    """Would say so if any of it were called."""

    def __new__(cls, *args: object, **kwargs: object) -> Loud:
        ran.append("new")
        return super().__new__(cls, *args)

    def __init__(self, *args: object) -> None:
        ran.append("init")

    def __setattr__(self, name: str, value: object) -> None:
        ran.append(f"set {name}")

    def __setstate__(self, state: object) -> None:
        ran.append("setstate")

    def add_note(self, note: str) -> None:
        ran.append("note")

    @classmethod
    def __init_subclass__(cls) -> None:
        ran.append("subclass")


class Finalized(ValueError):
    def __del__(self) -> None:
        ran.append("del")


def value(x: object) -> list[object]:
    return ["data", b"".join(encode(x, mode="data").parts), "text"]


def forge(*names: tuple[str, str], **changes: Any) -> BaseException:
    node = {
        "names": [
            *names,
            *(("builtins", each) for each in ("Exception", "BaseException", "object")),
        ],
        "text": "said",
        "args": [value("a")],
        "members": {},
        "attributes": {},
        "notes": [],
        "message": "",
        "cause": None,
        "context": None,
        "suppressed": False,
        "group": [],
        "left_out": 0,
    }
    packed: Any = msgpack.packb([list((node | changes).values())])
    failure = Failure(
        type_name="X", text="said", traceback="", builtin=False, kind="raised", raised=packed
    )
    return rebuild(failure, mode="data")


def test_no_code_of_a_class_runs() -> None:
    sent = [(__name__, "Loud"), ("builtins", "OSError")]
    ran.clear()
    back = forge(*sent, attributes={"path": value(1)}, notes=["n"], members={"errno": value(3)})
    assert (ran, type(back), back.args) == ([], Loud, ("a",))
    assert (vars(back)["path"], vars(OSError)["errno"].__get__(back)) == (1, 3)
    made = forge(*sent, attributes={"path": ["", b"", "shown"]})
    assert ran == []
    assert isinstance(made, OSError)
    finalized = forge((__name__, "Finalized"), ("builtins", "ValueError"))
    del finalized
    assert ran == []


@pytest.mark.parametrize(
    "names",
    [
        [("os", "system")],
        [("builtins", "eval")],
        [("subprocess", "Popen")],
        [("antigravity", "Error")],
        [("starburst.errors", "AccessDenied")],
        [("a\x1b[31m", "b\n\x00c\ud800")],
        [("", "")],
    ],
    ids=repr,
)
def test_no_name_makes_anything_but_a_task_error(names: list[tuple[str, str]]) -> None:
    before = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        error = forge(*[(m, n.encode("utf-8", "replace").decode()) for m, n in names])
    assert isinstance(error, TaskError)
    assert set(sys.modules) == before
    assert "\x1b" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("UnicodeDecodeError", {"object": b"x", "start": -(2**40), "end": 1 - 2**40}),
        ("UnicodeDecodeError", {"object": "x", "start": 0, "end": 1}),
        ("UnicodeEncodeError", {"object": b"x", "start": 2**70, "end": 1}),
        ("UnicodeTranslateError", {"object": 3, "start": None}),
        ("SyntaxError", {"offset": 2**40, "text": "x", "lineno": -9, "end_offset": 10**9}),
        ("SyntaxError", {"filename": 3, "print_file_and_line": [1]}),
        ("OSError", {"errno": "x", "characters_written": "y", "filename": [1]}),
        ("AttributeError", {"obj": {"a": 1}, "name": 3}),
        ("ImportError", {"msg": 1, "name": [2]}),
    ],
)
def test_members_that_python_would_trust_are_checked(name: str, members: dict[str, Any]) -> None:
    chain = [(base.__module__, base.__qualname__) for base in getattr(builtins, name).__mro__]
    more = {"encoding": value("utf-8"), "reason": value("r")} if "Unicode" in name else {}
    error = forge(members=more | {key: value(x) for key, x in members.items()}, names=chain)
    assert "said" in str(error) or error.args
    str(error)
    "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "changes",
    [
        {"cause": 0},
        {"cause": -1},
        {"group": [0]},
        {"names": []},
        {"names": [("builtins",)]},
        {"args": [["data", b"\1", "x"]]},
        {"args": [["pickle", b"\0" + pickle.dumps(print), "x"]]},
        {"args": [["classes", b"\x92\xc3\x91\x92\xa2os\xa6system", "x"]]},
        {"notes": [1]},
        {"attributes": {"__class__": value(1), "__dict__": value(2)}},
        {"left_out": "x"},
        {"members": 3},
    ],
    ids=repr,
)
def test_what_is_malformed_is_told_by_its_text(changes: dict[str, Any]) -> None:
    error = forge(("lab", "Wrong"), **changes)
    assert isinstance(error, TaskError)
    assert "said" in str(error)
    assert isinstance(RemoteTraceback.of(error), RemoteTraceback)


def test_bytes_that_are_no_description_are_told_by_their_text() -> None:
    for raised in (b"\xc1", b"\x90", b"\x91\x90", b"\xff" * 9, b"\x81\xa1a\x01"):
        failure = Failure(
            type_name="X", text="said", traceback="", builtin=False, kind="raised", raised=raised
        )
        assert "said" in str(rebuild(failure, mode="data"))
