"""What a message says is kept is there, and can be had in the very way that the message names."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.ending.erase import erase
from starburst._client.executor import StarburstExecutor
from starburst._client.reporting.making import gather
from starburst._client.session import Session
from starburst._protocol.sealed.chunks import pack_name
from starburst.errors import (
    IntegrityError,
    PayloadError,
    SessionEnded,
    SessionError,
    StarburstError,
)
from tests.runtime.client.failing.alone import left, left_beside_records
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import square
from tests.runtime.worker.faults import Faulty, refusal
from tests.session_internals import core, flush, in_one_pack
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked", "repeatable")

OFTEN = Timings(status_seconds=0.05, trouble_seconds=0.0)


@dataclasses.dataclass
class Fit:
    slope: float


def fails_on_two(x: int) -> int:
    if x == 2:
        raise ValueError("of two")
    return x * x


@pytest.fixture
def do(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], Any]]:
    """Do what a message says: ``do("collect", note)`` evaluates its expression of that name."""
    monkeypatch.setattr("starburst._client.api.connect", lambda *_, **__: connection)
    attached: list[Session] = []

    def attach(session: str) -> Session:
        attached.append(starburst.attach(session))
        return attached[-1]

    def evaluate(name: str, words: str) -> Any:
        said = re.findall(r"starburst\.attach\('\w+'\)\.\w+\([^)]*\)", words)
        (found,) = (each for each in said if f".{name}(" in each)
        names = {"starburst": SimpleNamespace(attach=attach)}
        return eval(found, names)  # noqa: S307 - it is the words' own promise

    yield evaluate
    for session in attached:  # whose threads would look for results for ever
        session.detach()


def test_a_map_that_fails_keeps_what_the_others_returned_and_says_how_to_get_it(
    connection: Connection, fleet: Fleet, do: Callable[[str, str], Any]
) -> None:
    with pytest.raises(ValueError, match="of two") as caught:
        starburst.map(fails_on_two, range(5), environment=connection, workers=1, progress=False)
    first, note = caught.value.__notes__
    assert first == "raised for input 2, counted from 0"
    assert "4 of 5 calls have a result, kept in the bucket" in note
    found = do("collect", note)
    assert [x for x in found if not isinstance(x, ValueError)] == [0, 1, 9, 16]
    assert len(found) == 5
    do("cleanup", note)
    assert left(fleet) == []


def test_a_map_that_is_interrupted_keeps_what_it_has_and_says_how_to_get_it(
    connection: Connection,
    fleet: Fleet,
    do: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(session: Session, **_: bool) -> None:
        session.futures[0].result(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "collect", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        starburst.map(square, range(5), environment=connection, workers=1, progress=False)
    monkeypatch.undo()
    monkeypatch.setattr("starburst._client.api.connect", lambda *_, **__: connection)
    note = caught.value.__notes__[-1]
    found = do("collect", note)
    assert next(x for x in found if not isinstance(x, SessionEnded)) == 0
    do("cleanup", note)
    assert left(fleet) == []
    assert not fleet.sqs.list_queues().get("QueueUrls")


def test_where_no_call_has_a_result_none_is_offered_but_only_to_erase_the_inputs(
    connection: Connection, fleet: Fleet, do: Callable[[str, str], Any]
) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        starburst.map(lambda x: x / 0, [1], environment=connection, workers=1, progress=False)
    note = caught.value.__notes__[-1]
    assert note.startswith("no call has a result; inputs are kept in the bucket: ")
    assert "collect(" not in note
    do("cleanup", note)
    assert left(fleet) == []


def test_results_that_cannot_be_read_here_or_may_still_come_are_offered(
    connection: Connection,
    fleet: Fleet,
    do: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One whose class is not here yet; and those of workers that were stopped in their middle."""
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("starburst._codec.records._class", absent)
        with pytest.raises(PayloadError, match="Fit") as caught:
            starburst.map(fit, [3], environment=connection, workers=1, progress=False)
    assert do("collect", caught.value.__notes__[-1]) == [Fit(1.5)]

    def interrupted(_: Session, **__: bool) -> None:
        raise KeyboardInterrupt

    fleet.launch = False
    monkeypatch.setattr(Session, "collect", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        starburst.map(square, [3], environment=connection, workers=1, progress=False)
    assert "0 of 1 calls have a result so far" in stopped.value.__notes__[-1]
    assert ".collect(" in stopped.value.__notes__[-1]


def broken(pool: StarburstExecutor, fleet: Fleet, faulty: Any) -> None:
    """S3 refuses the client for longer than it waits, and serves it again."""
    future = pool.submit(square, 2)
    flush(session_of(pool))  # before: a look that fails sooner has the pool refuse the call
    faulty.error = refusal("AccessDenied", 403)
    with pytest.raises(StarburstError):
        future.result(60)
    faulty.error = None


def ended(pool: StarburstExecutor, fleet: Fleet, faulty: Any) -> None:
    """The controller ends the session, and says that what was done is kept."""
    keys = session_of(pool).manifest.keys
    status = a_status(session=keys.session, state="ended", reason="it has cost $5")
    fleet.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=status.to_json())
    with pytest.raises(SessionEnded, match=r"What was done is kept: starburst\.attach"):
        pool.submit(square, 2).result(60)


def damaged(pool: StarburstExecutor, fleet: Fleet, faulty: Any) -> None:
    """What stands under a result's key is none: evidence, and the message says how to hold it."""
    future = pool.submit(square, 2)
    flush(session_of(pool))
    pack = pack_name(core(session_of(pool)).dispatcher._packs)
    key = f"{session_of(pool).manifest.keys.results}{pack}-00000/000000-000001"
    fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=b"no result")
    with pytest.raises(IntegrityError, match=r"deploy\.hold"):
        future.result(60)


def detached(pool: StarburstExecutor, fleet: Fleet, faulty: Any) -> None:
    """Its session was let go, and the words of that say that it is found again."""
    future = pool.submit(square, 2)
    session_of(pool).detach()
    with pytest.raises(SessionEnded, match=r"starburst\.attach"):
        future.result(60)


def session_of(pool: StarburstExecutor) -> Session:
    assert pool.session is not None
    return pool.session


@pytest.mark.parametrize("trouble", [broken, ended, damaged, detached])
def test_an_executor_erases_nothing_where_a_call_did_not_end_by_itself(
    connection: Connection,
    fleet: Fleet,
    do: Callable[[str, str], Any],
    trouble: Callable[[StarburstExecutor, Fleet, Any], None],
) -> None:
    fleet.launch = False
    s3: Any = Faulty(fleet.s3)
    mine = dataclasses.replace(connection, s3=s3, timings=OFTEN)
    pool = StarburstExecutor(mine, workers=1, progress=False)
    cancelled = pool.submit(square, 1)  # that alone would be no reason
    flush(session_of(pool))
    assert cancelled.cancel()
    with contextlib.suppress(StarburstError):
        core(session_of(pool)).cancels.flush()
    trouble(pool, fleet, s3)
    with pytest.warns(RuntimeWarning, match="is not erased: 1 of its calls") as warned:
        pool.shutdown()
    assert left(fleet)
    assert {each.filename for each in warned} == {__file__}, "a thread speaks for who shut down"
    said = " ".join(str(each.message) for each in warned)
    assert len(do("collect", said)) >= 1
    do("cleanup", said)
    assert left(fleet) == []


def test_a_result_whose_class_was_not_here_can_be_read_after_the_executors_end(
    connection: Connection,
    fleet: Fleet,
    do: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = StarburstExecutor(connection, workers=1, progress=False)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("starburst._codec.records._class", absent)
        future = pool.submit(fit, 3)
        with pytest.raises(PayloadError, match="Fit"):
            future.result(60)
        with pytest.warns(RuntimeWarning, match="is not erased") as warned:
            pool.shutdown()
    said = str(warned[0].message)
    assert do("collect", said) == [Fit(1.5)]
    do("cleanup", said)


def fit(x: int) -> Any:
    return Fit(x / 2)


def absent(module: str, name: str) -> type:
    raise PayloadError(f"the result holds a {name} of {module}, which is not imported here")


def test_an_executor_whose_calls_ended_each_in_its_own_way_leaves_nothing(
    connection: Connection, fleet: Fleet
) -> None:
    with StarburstExecutor(connection, workers=1, progress=False) as pool:
        first = pool.submit(square, 3)
        with in_one_pack(session_of(pool)):
            second, third = pool.submit(fails_on_two, 2), pool.submit(square, 4)
            assert third.cancel()
    assert first.result() == 9
    assert isinstance(second.exception(), ValueError)
    assert left_beside_records(fleet) == []


@pytest.mark.parametrize("door", ["map", "imap", "executor"])
def test_what_went_well_leaves_its_report_for_any_process_until_that_is_erased(
    connection: Connection, fleet: Fleet, tmp_path: Path, door: str
) -> None:
    options: Any = {"workers": 1, "progress": False}
    if door == "map":
        starburst.map(square, range(5), environment=connection, **options)
    elif door == "imap":
        list(starburst.imap(square, range(5), environment=connection, **options))
    else:
        with StarburstExecutor(connection, **options) as pool:
            list(pool.map(square, range(5)))
    (summary,) = starburst.sessions(connection)
    again = starburst.attach(summary.id, connection, progress=False)
    keys = again.manifest.keys
    assert set(left(fleet)) == {keys.manifest, keys.report}
    told = gather(core(again))
    assert (told.tally.done, told.tally.failed, told.story.tasks) == (5, 0, 5)
    assert "5 of 5 tasks done" in str(core(again).status(None))
    with pytest.raises(SessionEnded, match="were erased when it ended well"):
        again.collect()
    assert "5" in again.report(tmp_path / "x.html").read_text()
    again.cleanup(force=True)
    assert left(fleet) == []


def test_a_session_that_was_erased_meanwhile_gets_no_record(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    pool = StarburstExecutor(connection, workers=1, progress=False)
    future = pool.submit(square, 3)
    flush(session_of(pool))
    assert future.cancel()
    erase(connection, session_of(pool).manifest.keys)
    pool.shutdown()
    assert not [key for key in left(fleet) if key.endswith("/report")]


def test_a_report_that_cannot_be_kept_keeps_no_input(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> None:
        raise SessionError("no")

    monkeypatch.setattr("starburst._client.session_core.keep_report", refused)
    assert starburst.map(square, [3], environment=connection, workers=1, progress=False) == [9]
    assert left(fleet) == []
