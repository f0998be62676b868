"""A controller whose answers break off: what became of the session is said as it is."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError

from starburst._client.access import controller as controller_module
from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import list_sessions
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst.cli import main as command_line
from starburst.contract import SessionKeys
from starburst.errors import (
    ConfigurationError,
    LimitExceeded,
    SessionError,
    SessionNotFound,
)
from tests.runtime.client.failing.alone import left
from tests.runtime.fleet import BUCKET, Fleet, Lingering
from tests.runtime.sessions import ONE, opened


class Broken(io.BytesIO):
    """An answer that ends in its middle."""

    def read(self, *_: Any) -> Any:
        raise IncompleteReadError(actual_bytes=9, expected_bytes=99)


@dataclasses.dataclass
class Half:
    """A controller that does as it is asked, and whose answers break off or do not come at all."""

    fleet: Fleet
    ends: dict[str, BaseException | None] = dataclasses.field(default_factory=dict)

    def invoke(self, **words: Any) -> Any:
        answer = self.fleet.invoke(**words)
        action = self.fleet.requests[-1]["action"]
        if action not in self.ends:
            return answer
        error = self.ends[action]
        if error is not None:
            raise error
        return {"Payload": Broken()}


def controlled(connection: Connection, half: Half) -> Connection:
    return dataclasses.replace(connection, functions=half)  # type: ignore[arg-type]


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), LimitExceeded("2 at most")])
def test_a_start_that_breaks_off_is_undone_and_says_so(
    connection: Connection, fleet: Fleet, error: BaseException | None
) -> None:
    fleet.launch = False
    with pytest.raises((ConfigurationError, KeyboardInterrupt, LimitExceeded)) as caught:
        open_session(controlled(connection, Half(fleet, {"start": error})), ONE, progress=False)
    assert [request["action"] for request in fleet.requests] == ["start", "stop"]
    (summary,) = list_sessions(connection)
    assert notes(caught.value) == f"session {summary.id} was stopped before it began"
    assert not fleet.sqs.list_queues().get("QueueUrls")


@pytest.mark.parametrize("second", [None, SessionError("throttled"), KeyboardInterrupt()])
def test_a_start_that_could_not_be_undone_never_says_that_it_was(
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    second: BaseException | None,
) -> None:
    """Its workers may be on their way: its id is told, and a command that ends it."""
    fleet.launch = False
    half = Half(fleet, {"start": None, "stop": second})
    stop, fleet.stop = fleet.stop, lambda keys: {}  # type: ignore[method-assign]
    with pytest.raises((ConfigurationError, KeyboardInterrupt)) as caught:
        open_session(controlled(connection, half), ONE, progress=False)
    fleet.stop = stop  # type: ignore[method-assign]
    (summary,) = list_sessions(connection)
    assert f"`starburst stop {summary.id}" in notes(caught.value)
    assert "was stopped" not in notes(caught.value)
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    assert command_line(["stop", "--erase", summary.id]) == 0
    assert left(fleet) == []
    assert not fleet.sqs.list_queues().get("QueueUrls")


@pytest.mark.parametrize("words", [["stop"], ["stop", "--erase"]])
def test_what_the_controller_does_not_know_can_be_erased_from_a_terminal(
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    """As of a session whose start was never asked, or whose manifest was erased and no more."""

    def forget(keys: SessionKeys) -> Any:
        raise SessionNotFound("user alice has no session")

    session = opened(connection, fleet)
    session.detach()
    fleet.s3.delete_object(Bucket=BUCKET, Key=session.manifest.keys.manifest)
    monkeypatch.setattr(fleet, "stop", forget)
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    assert command_line([*words, session.id]) == 0
    said = capsys.readouterr().out
    assert f"knows no session {session.id}: nothing of it runs" in said
    assert "is stopped" not in said
    assert (left(fleet) == []) == ("--erase" in words)


@pytest.mark.parametrize(
    ("action", "operate"),
    [
        ("refresh", lambda session: session.status()),
        ("extend", lambda session: session.extend(60)),
        ("stop", lambda session: session.cleanup(force=True)),
    ],
)
def test_an_answer_that_breaks_off_is_a_typed_error_and_the_same_can_be_asked_again(
    connection: Connection, fleet: Fleet, action: str, operate: Callable[[Session], object]
) -> None:
    half = Half(fleet)
    fleet.extend = lambda keys: {}  # type: ignore[attr-defined]
    session = opened(controlled(connection, half), fleet)
    half.ends[action] = None
    with pytest.raises(ConfigurationError, match=f"{action} session {session.id}"):
        operate(session)
    assert left(fleet), "nothing is erased whose end is not known"
    half.ends.clear()
    if action == "stop":
        fleet.stop = lambda keys: {}  # type: ignore[method-assign]
    operate(session)
    session.cleanup(force=True)
    assert left(fleet) == []


def test_one_request_for_the_status_serves_for_an_hour_by_a_clock_that_goes_on(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller takes it for a day; a clock that was set back may have made it older."""
    wall = SimpleNamespace(now=1e9)
    monkeypatch.setattr(controller_module, "time", SimpleNamespace(time=lambda: wall.now))
    session = opened(connection, fleet, tasks=0)
    served: list[str] = []
    for wall.now in (1e9 + at for at in (0, 3599, 3601, 7000, 6000, 3000, 3001)):
        session.status()
        served.append(fleet.requests[-1]["key"])
    keys = list(dict.fromkeys(served))
    assert [keys.index(key) for key in served] == [0, 0, 1, 1, 1, 2, 2]
    session.cleanup()


def test_workers_that_stay_are_told_of_and_what_there_is_is_erased(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """After three minutes, real ones here by another clock: they may write once more."""
    lingering: Any = Lingering(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    lingering.refresh = lambda keys: {}
    times = Timings(workers_leave_seconds=0.0, workers_leave_pause_seconds=0.0)
    mine = dataclasses.replace(connection, functions=lingering, timings=times)
    session = opened(mine, lingering)
    said = rf"still there.*starburst stop {session.id} --erase"
    with pytest.warns(RuntimeWarning, match=said) as warned:
        session.cleanup(force=True)
    assert warned[0].filename == __file__
    assert left(fleet) == []
    other = opened(mine, lingering)
    other.detach()
    with pytest.MonkeyPatch.context() as here:
        here.setattr("starburst._client.access.connection.connect", lambda *_, **__: mine)
        assert command_line(["stop", "--erase", other.id]) == 0
    assert "Workers are still there and may write once more" in capsys.readouterr().out
    assert left(fleet) == []
