"""No untrusted text drives, reorders or hides on a terminal or a page."""

from __future__ import annotations

import io
import json
import sys
import traceback
import warnings
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment as Engine

import starburst.errors
from deploy.evidence.page import engine
from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import Connection
from starburst._client.access.controller import Control
from starburst._client.attaching import SessionSummary
from starburst._client.display.progress import ProgressBar
from starburst._client.display.session_status import Status
from starburst._client.tasks.task_list import Tally
from starburst._codec import exceptions
from starburst._protocol.sealed.failure import Failure, FailureKind, describe
from starburst._protocol.status import StatusDocument
from starburst.errors import RemoteTraceback, StarburstError, TaskError
from starburst.untrusted.terminal_text import many_lines, one_line, tell
from tests.attacks.hostile import ESCAPES, EVIL, clean, client_error
from tests.attacks.test_names import clients, connection, fleet, sdk
from tests.incident.test_contain import clients as incident
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened
from tests.session_internals import core
from tests.statuses import a_status

__all__ = ["clients", "connection", "fleet", "incident", "sdk"]

HONEST = (
    "no such gene: BRCA1",
    "col\tumn\nline",
    "größe 10\xa0000 € “ok” … 数値 مرحبا שלום ✔️ 😀 n\u0303",
    "C:\\temp\\x1b",
)


# The cleaner.


@given(st.text(st.characters()) | st.sampled_from(ESCAPES))
def test_whatever_a_text_is_made_of_a_terminal_gets_letters(text: str) -> None:
    line, lines = one_line(text), many_lines(text)
    clean(line)
    clean(lines)
    assert "\n" not in line
    assert "\t" not in line
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line
    assert many_lines(lines) == lines


@given(st.integers(0x20, 0x10FFFF))
def test_what_is_shown_is_a_letter_or_its_number(number: int) -> None:
    character = chr(number)
    shown = one_line(character)
    assert shown == character or int(shown[2:], 16) == number


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_is_left_as_it_is(text: str) -> None:
    assert many_lines(text) == text
    assert one_line(text.replace("\n", "").replace("\t", "")) == text.replace("\n", "").replace(
        "\t", ""
    )


def test_length_is_bounded_and_both_ends_are_kept() -> None:
    for cleaner in (one_line, many_lines):
        shown = cleaner("begin" + "\x1b" * 10**6 + "end", most=1000)
        assert shown.startswith("begin")
        assert shown.endswith("end")
        assert "999,008 characters left out" in shown
        assert len(shown) < 5000


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_stream_that_cannot_spell_a_letter_still_gets_the_line(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    tell(one_line("数値 é \ud800"), stream)
    assert raw.getvalue().endswith(b"\\ud800\n")


# What a worker says of a task.


def printed(error: BaseException) -> str:
    """Return what Python prints of an error that nobody catches."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("kind", get_args(FailureKind))
@pytest.mark.parametrize("builtin", [True, False])
@pytest.mark.parametrize("name", ["ValueError", "KeyError", "OSError", EVIL])
def test_an_error_of_a_task_reaches_no_terminal_with_more_than_letters(
    kind: FailureKind, builtin: bool, name: str
) -> None:
    data = {
        "type_name": name,
        "text": f"[Errno 2] {EVIL}\nforged",
        "traceback": f"Traceback\n  {EVIL}\n",
        "builtin": builtin,
        "kind": kind,
    }
    error = Failure.from_data(data).rebuild()
    for text in (str(error), *map(str, error.args), printed(error), str(error.__cause__)):
        clean(text)
    assert isinstance(error.__cause__, RemoteTraceback)
    clean(error.__cause__.text)
    clean(repr(error))
    clean("".join(getattr(error, "__notes__", ())))
    if isinstance(error, TaskError):
        clean(error.type_name)


class Own(LookupError):
    """Shows an attribute."""

    def __str__(self) -> str:
        return f"no gene {vars(self)['gene']}"


def _own() -> Own:
    error = Own()
    error.gene = EVIL  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError(EVIL), KeyError(EVIL), KeyError((EVIL, 1)), OSError(2, EVIL, EVIL), _own()),
        *(SyntaxError(EVIL, (EVIL, 1, 1, EVIL)), ImportError(EVIL, name=EVIL), SystemExit(EVIL)),
        *(UnicodeDecodeError(EVIL.encode("ascii", "replace").decode(), b"x", 0, 1, "r"),),
        ExceptionGroup(EVIL.encode("utf-8", "replace").decode(), [_own()]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("here", [True, False])
def test_nor_does_one_that_comes_back_as_data(
    error: BaseException, here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    error.add_note(EVIL)
    data = exceptions.describe(error, mode="data").to_data()
    assert data["raised"]
    if not here:
        monkeypatch.delitem(globals(), "Own")
    back = exceptions.rebuild(Failure.from_data(data), mode="data")
    for text in (str(back), printed(back), *getattr(back, "__notes__", ())):
        clean(text)


@pytest.mark.parametrize("text", HONEST)
@pytest.mark.parametrize("kind", [ValueError, RuntimeError, OSError, LookupError])
def test_an_honest_error_comes_back_as_it_was_raised(kind: type[Exception], text: str) -> None:
    error = kind(text)
    back = Failure.from_data(describe(error).to_data()).rebuild()
    assert (type(back), str(back)) == (kind, str(error))
    assert back.args == error.args


def test_an_error_that_a_worker_made_long_is_cut() -> None:
    failure = Failure(
        type_name="E" * 10**6,
        text="x" * 10**6,
        traceback="\x1b" * 10**6,
        builtin=False,
        kind="raised",
    )
    assert len(printed(failure.rebuild())) < 300_000


# Errors of ours, whatever they quote.


@pytest.mark.parametrize(
    "kind",
    [
        each
        for name in starburst.errors.__all__
        if issubclass(each := getattr(starburst.errors, name), Exception)
    ],
)
def test_an_error_of_ours_may_quote_anything(kind: type[Exception]) -> None:
    error = kind(f"cannot read {EVIL}")
    clean(str(error))
    clean(printed(error))
    assert "cannot read" in str(error)


def test_what_aws_says_is_cleaned_with_its_own_error() -> None:
    for code in ("AccessDenied", "KMS.DisabledException", "RequestExpired", "Other", EVIL):
        with pytest.raises(StarburstError) as caught, aws_errors("read it"):
            raise client_error(code, f"not authorized on {EVIL}\nforged")
        clean(printed(caught.value))
        assert "\nforged" not in str(caught.value)


def test_a_refusal_of_the_controller_is_one_line(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=0)
    answer = {"ok": False, "error": {"type": "LimitExceeded", "message": f"{EVIL}\nforged"}}
    words: Any = {"Payload": io.BytesIO(json.dumps(answer).encode())}
    functions: Any = type("Lambda", (), {"invoke": lambda *_, **__: words})()
    with pytest.raises(StarburstError) as caught:
        Control(replace(connection, functions=functions), session.manifest.keys).refresh()
    clean(str(caught.value))
    assert "\n" not in str(caught.value)
    failed: Any = {"Payload": io.BytesIO(EVIL.encode(errors="replace")), "FunctionError": "x"}
    functions = type("Lambda", (), {"invoke": lambda *_, **__: failed})()
    with pytest.raises(StarburstError) as caught:
        Control(replace(connection, functions=functions), session.manifest.keys).refresh()
    clean(str(caught.value))
    session.cleanup()


# What a session's status says.


def evil_status(**fields: Any) -> StatusDocument:
    status = a_status(session="a" * 20, **fields)
    spoken = json.loads(status.to_json())
    evil = EVIL.replace(chr(0xD800), "")  # which the strict reader refuses
    spoken |= {"reason": f"{evil}\nforged", "session": evil}
    return StatusDocument.from_json(json.dumps(spoken).encode())


def test_a_status_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    status = evil_status(workers_running=0)
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    bar = ProgressBar(f"starburst {EVIL}")
    bar.update(Tally(total=4), status)
    bar.finish()
    drawn = shown.getvalue().replace("\r", "").replace("\x1b[A", "")
    clean(drawn)
    told = str(Status(session="a" * 20, tasks=Tally(total=4), workers=status))
    unused: Any = None
    summary = repr(
        SessionSummary(id="a" * 20, workspace="study", created=0, manifest=unused, status=status)
    )
    for text in (told, summary, status.reason, status.session):
        clean(text)
        assert "\n" not in text


# Warnings and log lines.


def test_a_warning_is_a_line(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=0)

    def refuse(*_: Any, **__: Any) -> None:
        raise StarburstError(f"{EVIL}\nforged")

    core(session).control.stop = refuse  # type: ignore[method-assign]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        core(session).clean_up_or_warn(force=True)
    [warning] = caught
    clean(str(warning.message))
    assert "\n" not in str(warning.message)


# The page.


def test_the_page_shows_a_name_and_runs_none() -> None:
    made: Engine = engine()
    shown = made.from_string("<p>{{ name }}</p>").render(name=f"<script>{EVIL}</script>")
    clean(shown)
    assert "<script>" not in shown
