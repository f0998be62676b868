"""Each thing that a drill judges can fail, and then the drill does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.drill import __main__ as command
from deploy.drill.evidence import rung
from deploy.drill.judging import NOT_SHOWN, Outcome, table
from deploy.drill.watching import Over, is_refused, open_doors, watch
from starburst.contract import TAMPERING
from starburst.errors import AccessDenied, StarburstError

OVER = Over(stopped=2.0, shut=1.0)
GOOD = Outcome(
    incident="theft",
    command="python -m deploy.contain",
    code=0,
    seconds=2.0,
    over=OVER,
    new_session=False,
    evidence={"a record": True},
    differing=(),
)


def test_what_is_as_it_must_be_is_not_complained_about() -> None:
    assert list(GOOD.wrong()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": 2}, "exit code 2"),
        ({"seconds": 61.0}, "took 61 s"),
        ({"over": replace(OVER, stopped=None)}, "workers still run"),
        ({"over": replace(OVER, shut=None)}, "can still be read"),
        ({"over": replace(OVER, shut=None, still=("a login reads",))}, "a login reads"),
        ({"new_session": True}, "one more session"),
        ({"evidence": {}}, "no evidence"),
        ({"evidence": {"a record": True, "a hold": False}}, "not kept: a hold"),
        ({"differing": ["home/demo/drill1/notes.txt"]}, "not as it was: home/demo"),
    ],
)
def test_each_thing_can_fail(change: dict[str, Any], said: str) -> None:
    wrong = list(replace(GOOD, **change).wrong())
    assert said in " ".join(wrong)


def test_the_table_says_what_never_came() -> None:
    bad = replace(GOOD, over=Over(stopped=None, shut=None), differing=["x"])
    good, other = table([GOOD, bad]).splitlines()[1:]
    assert ("after 2.0 s" in good, "byte-equal" in good, "NEVER" in good) == (True, True, False)
    assert (other.count("NEVER"), "1 differ" in other) == (2, True)


class Time:
    """A clock that a pause moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert seconds >= 0.5, "each look signs somebody in: it is not made many times a second"
        self.now += 1


def denied() -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")


def watched(
    time: Time, runs_until: float, reads_until: float, *, ends: float = 3, patience: float = 20
) -> Over:
    return watch(
        lambda: ["task"] if time.now < runs_until else [],
        {"door": lambda: None if time.now < reads_until else denied()},
        done=lambda: time.now >= ends,
        patience=patience,
        clock=time,
        pause=time.pause,
    )


def test_it_is_over_when_the_last_look_found_nothing() -> None:
    assert watched(Time(), 5, 2) == Over(stopped=5, shut=2)


def test_what_is_over_before_the_command_ends_is_looked_at_until_then() -> None:
    time = Time()
    assert watched(time, 0, 0, ends=9) == Over(stopped=0, shut=0)
    assert time.now == 9


@pytest.mark.parametrize(
    ("runs", "reads", "still"),
    [(999, 2, ("task runs",)), (2, 999, ("door reads",)), (999, 999, ("task runs", "door reads"))],
)
def test_what_does_not_end_is_told(runs: float, reads: float, still: tuple[str, ...]) -> None:
    over = watched(Time(), runs, reads)
    assert over.still == still
    assert (over.stopped is None, over.shut is None) == (runs == 999, reads == 999)


def test_what_begins_again_was_not_over() -> None:
    time = Time()
    over = watch(
        lambda: ["late"] if time.now == 4 else [],
        {},
        done=lambda: time.now >= 6,
        clock=time,
        pause=time.pause,
    )
    assert over.stopped == 5


def gone() -> None:
    raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")


def as_a_client_says_it() -> None:
    raise AccessDenied("no")


def as_the_cause() -> None:
    try:
        denied()
    except ClientError as error:
        raise StarburstError("no") from error


@pytest.mark.parametrize("call", [denied, as_a_client_says_it, as_the_cause])
def test_a_refusal_is_one_however_it_comes(call: Callable[[], None]) -> None:
    assert is_refused(call)
    assert open_doors({"it": call, "other": lambda: None}) == ("other",)


def test_what_fails_otherwise_is_no_refusal() -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        is_refused(gone)


def test_a_line_of_tampering_rings_and_others_do_not() -> None:
    assert rung(['{"event": "started"}', '{"event": "committed"}']) == frozenset()
    [alarm] = rung(['{"event": "started"}', f'{{"event": "{TAMPERING}"}}'])
    assert alarm.startswith("WatchTampering")


@pytest.mark.parametrize(("outcome", "code"), [(GOOD, 0), (replace(GOOD, new_session=True), 1)])
def test_the_exit_code_is_the_verdict(
    outcome: Outcome,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    @contextmanager
    def set_up(*_: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(command, "current", lambda: None)
    monkeypatch.setattr(command, "ensure", lambda: None)
    monkeypatch.setattr(command, "set_up", set_up)
    monkeypatch.setattr(command, "play", lambda *_: outcome)
    assert command.main(["--records", str(tmp_path / "kept")]) == code
    said = capsys.readouterr()
    assert said.out.count("\ntheft  ") == 3
    assert all(sentence in said.out for sentence in NOT_SHOWN)
    assert ("NOT AS IT MUST BE: theft: one more session" in said.err) == bool(code)
    assert (tmp_path / "kept").is_dir()
