"""Failures travel as text, and come back as something that can be caught."""

import builtins
from typing import Any

import pytest

from starburst._protocol.sealed.failure import Failure, describe
from starburst.errors import (
    IntegrityError,
    RemoteTraceback,
    ResultTooLarge,
    TaskError,
    TaskTimeout,
    UnsafeResult,
    WorkerLost,
)


class Own(ValueError):
    """An exception of the analyst's."""


class Hostile(Exception):
    """An exception that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def travel(error: BaseException) -> BaseException:
    return Failure.from_data(describe(raised(error)).to_data()).rebuild()


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), KeyError("gene"), ZeroDivisionError("x"), OSError("disk"), MemoryError()],
)
def test_builtin_comes_back_as_itself(error: Exception) -> None:
    back = travel(error)
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert isinstance(back.__cause__, RemoteTraceback)
    assert "in raised" in back.__cause__.text


def test_own_exception_comes_back_as_task_error() -> None:
    back = travel(Own("bad"))
    assert isinstance(back, TaskError)
    assert back.type_name == f"{__name__}.Own"
    assert "bad" in str(back)
    assert "type_name" in "".join(back.__notes__)
    assert back.type_name in "".join(back.__notes__)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_nothing_ends_the_analysts_process(error: BaseException) -> None:
    assert isinstance(travel(error), TaskError)


@pytest.mark.parametrize(("code", "said"), [(3, "3"), (None, ""), ("no input", "'no input'")])
def test_an_exit_says_what_was_called(code: object, said: str) -> None:
    assert str(travel(SystemExit(code))) == f"SystemExit: the function called sys.exit({said})"


@pytest.mark.parametrize("error", [StopIteration(1), UnicodeDecodeError("x", b"", 0, 1, "y")])
def test_builtin_that_text_cannot_rebuild_comes_back_as_task_error(error: Exception) -> None:
    assert isinstance(travel(error), TaskError)


@pytest.mark.parametrize(
    "name", [name for name in dir(builtins) if isinstance(getattr(builtins, name), type)]
)
def test_no_builtin_name_makes_anything_but_an_exception(name: str) -> None:
    failure = Failure(type_name=name, text="x", traceback="", builtin=True, kind="raised")
    assert isinstance(failure.rebuild(), Exception)


def test_names_of_functions_are_not_called() -> None:
    for name in ("eval", "exec", "open", "__import__", "print", "__build_class__", "no such"):
        failure = Failure(type_name=name, text="1/0", traceback="", builtin=True, kind="raised")
        assert isinstance(failure.rebuild(), TaskError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TaskTimeout("10 s"), "timeout"),
        (WorkerLost("3 times"), "lost"),
        (UnsafeResult("a Model"), "unsafe"),
        (ResultTooLarge("5 GB"), "too_large"),
    ],
)
def test_our_own_kinds_keep_their_type(error: Exception, kind: str) -> None:
    assert describe(error).kind == kind
    back = travel(error)
    assert type(back) is type(error)
    assert str(back) == str(error)


def test_hostile_exception_is_described_all_the_same() -> None:
    back = travel(Hostile())
    assert "__str__ raised RuntimeError" in str(back)


def test_causes_are_told_and_our_own_frames_left_out() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first
    except ValueError as error:
        text = describe(error).traceback
    assert "first" in text
    assert "direct cause" in text
    with pytest.raises(IntegrityError) as caught:
        Failure.from_data({})
    assert "in from_data" not in describe(caught.value).traceback


def test_an_error_of_the_system_keeps_its_number() -> None:
    back = travel(FileNotFoundError(2, "no such file"))
    assert isinstance(back, FileNotFoundError)
    assert (back.errno, back.strerror) == (2, "no such file")


def test_our_own_frames_are_left_out_of_each_error_of_a_group() -> None:
    def ours() -> BaseException:
        with pytest.raises(IntegrityError) as caught:
            Failure.from_data({})
        return caught.value

    text = describe(raised(ExceptionGroup("several", [ours(), ValueError("theirs")]))).traceback  # type: ignore[list-item]
    assert "theirs" in text
    assert "malformed" in text
    assert "in from_data" not in text


def test_text_is_bounded_and_encodable() -> None:
    failure = describe(raised(ValueError("\ud800" + "x" * 10**6)))
    assert len(failure.text) <= 17_000
    assert len(failure.traceback) <= 17_000
    failure.text.encode()


def recurse(depth: int) -> None:
    if depth:
        recurse(depth - 1)
    raise RecursionError("deep")


def test_deep_traceback_is_bounded() -> None:
    with pytest.raises(RecursionError) as caught:
        recurse(500)
    assert len(describe(caught.value).traceback) <= 17_000


@pytest.mark.parametrize(
    "change",
    [{"kind": "other"}, {"text": 1}, {"builtin": "yes"}, {"extra": 1}, {"type_name": None}],
)
def test_malformed_record_is_refused(change: dict[str, Any]) -> None:
    data = describe(ValueError("x")).to_data()
    with pytest.raises(IntegrityError):
        Failure.from_data({**data, **change})
    with pytest.raises(IntegrityError):
        Failure.from_data([])  # type: ignore[arg-type]
