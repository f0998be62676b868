"""Ctrl-C, callbacks that exit, calls made twice: no wait lasts for ever, nothing is half done."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, SSLError

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.executor import StarburstExecutor
from starburst._client.opening import open_session
from starburst._client.tasks import collect as collect_module
from starburst._client.tasks.chunking import Inputs
from starburst._functions.payload import dump_function, dump_input
from starburst.contract import SessionKeys
from starburst.errors import LimitExceeded, SessionError, SessionNotFound
from tests.runtime.fleet import BUCKET, Fleet, Lingering, leased
from tests.runtime.sessions import ONE, opened, square, work
from tests.session_internals import core, in_one_pack, queue_url

AT_ONCE = Timings(workers_leave_pause_seconds=0)


def objects(fleet: Fleet) -> list[str]:
    return [v["Key"] for v in fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions", [])]


@pytest.mark.parametrize("before", [True, False], ids=["before they wait", "while they wait"])
def test_what_an_interrupt_kept_from_being_sent_is_not_waited_for(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """What waits by then is sent; in both cases this client and another agree on what that is."""
    session = opened(connection, fleet, tasks=2)
    dispatcher = core(session).dispatcher
    put, name = dispatcher._put, core(session).functions.name(dump_function(square))

    def interrupted(tasks: Any) -> None:
        if not before:
            put(tasks)
        raise KeyboardInterrupt

    with in_one_pack(session):
        monkeypatch.setattr(dispatcher, "_put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            dispatcher.accept(name, Inputs([dump_input(((x,), {})) for x in range(2, 7)]))
        monkeypatch.undo()
        assert (dispatcher._count, dispatcher._bytes > 0) == ((0, False) if before else (5, True))
        session.submit(square, 7)
    work(fleet, session)
    found = session.collect(timeout=60, return_exceptions=True)
    kept = [x for x in found if not isinstance(x, CancelledError)]
    assert kept == ([0, 1, 49] if before else [x * x for x in range(8)])
    assert len(found) == len(session.futures) == 8
    again = attach_session(connection, session.id, progress=False)
    both = [[future.cancelled() for future in each.futures] for each in (session, again)]
    assert both[0] == both[1]
    again.detach()
    session.cleanup()


def test_an_interrupt_leaves_no_result_half_taken(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(connection, fleet)
    monkeypatch.setattr(core(session).collector, "start", lambda: None)
    core(session).collector.close()
    worker = fleet.supervisor(session.manifest.keys, queue_url(session))
    lease = leased(worker)
    assert lease is not None
    worker.work(lease)
    worker.settling.settle()
    worker.child.end()
    results = core(session).collector._results
    decode = results.decode

    def struck(*words: Any) -> Any:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return decode(*words)

    monkeypatch.setattr(results, "decode", struck)
    with pytest.raises(KeyboardInterrupt):
        session.collect(wait=False)
    monkeypatch.undo()
    assert session.collect(wait=False) == [0]
    assert session.tally.done == 1
    session.cleanup()


@pytest.mark.parametrize("end", [SystemExit(1), asyncio.CancelledError(), ValueError("its own")])
def test_a_callback_that_ends_ends_its_own_future_alone(
    connection: Connection, fleet: Fleet, caplog: pytest.LogCaptureFixture, end: BaseException
) -> None:
    session = opened(connection, fleet)

    def leave(_: object) -> None:
        raise end

    session.futures[0].add_done_callback(leave)
    work(fleet, session)
    assert session.collect(timeout=60) == [0, 1, 4, 9]
    assert repr(end).partition("(")[0] in caplog.text
    session.cleanup()


@pytest.mark.parametrize(
    "unheard",
    [
        EndpointConnectionError(endpoint_url="https://s3"),
        SSLError(endpoint_url="https://s3", error=OSError("the hotel's own certificate")),
    ],
    ids=["no network", "not logged in to it"],
)
def test_a_laptop_that_slept_for_hours_waits_for_its_network_and_goes_on(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, unheard: Exception
) -> None:
    slept, asked = 0.0, threading.Semaphore(0)
    error: Exception | None = None

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return real() + slept

    class Network:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(**words: Any) -> Any:
                if error is not None:
                    asked.release()
                    raise error
                return getattr(fleet.s3, name)(**words)

            return call

    real = collect_module.time.monotonic
    monkeypatch.setattr(collect_module, "time", Clock)
    away = dataclasses.replace(connection, s3=Network())  # type: ignore[arg-type]
    session = opened(away, fleet)
    slept, error = 7200.0, unheard
    for _ in range(2):
        assert asked.acquire(timeout=30)
    error = None
    work(fleet, session)
    assert session.collect(timeout=60) == [0, 1, 4, 9]
    session.cleanup()


def test_a_second_clean_up_waits_for_the_workers_of_the_first(
    connection: Connection, fleet: Fleet
) -> None:
    parting: Any = Lingering(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    session = opened(dataclasses.replace(connection, functions=parting, timings=AT_ONCE), parting)
    session.cleanup()
    session.cleanup(force=True)
    assert "refresh" in [request["action"] for request in parting.requests]
    assert not objects(fleet)


class Forgetful(Fleet):
    """Refuses to start sessions, and knows of none."""

    refusal = LimitExceeded("500 workers at most")

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        try:
            return super().invoke(FunctionName=FunctionName, Payload=Payload)
        except LimitExceeded:
            raise self.refusal from None

    def start(self, keys: SessionKeys) -> dict[str, str]:
        raise self.refusal

    def stop(self, keys: SessionKeys) -> dict[str, str]:
        raise SessionNotFound("no such session")


def test_a_session_that_was_refused_leaves_nothing_to_be_listed(
    connection: Connection, fleet: Fleet
) -> None:
    strict: Any = Forgetful(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    with pytest.raises(LimitExceeded, match="at most"):
        open_session(dataclasses.replace(connection, functions=strict), ONE, progress=False)
    assert list_sessions(connection) == []
    assert not objects(fleet)


def test_a_session_that_the_controller_has_forgotten_can_be_erased(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    session.detach()
    blank: Any = Forgetful(s3=fleet.s3, sqs=fleet.sqs, kms=fleet.kms, key_arn=fleet.key_arn)
    again = attach_session(
        dataclasses.replace(connection, functions=blank), session.id, progress=False
    )
    again.cleanup(force=True)
    assert not objects(fleet)


def test_objects_that_s3_is_too_busy_to_delete_are_deleted_later(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starburst.aws.erasing._FIRST_PAUSE", 0.0)
    said = ["SlowDown", "InternalError", "AccessDenied"]

    class Busy:
        def __getattr__(self, name: str) -> Any:
            return getattr(fleet.s3, name)

        def delete_objects(self, **words: Any) -> Any:
            first, *rest = words["Delete"]["Objects"]
            if not said:
                return fleet.s3.delete_objects(**words)
            if rest:
                fleet.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": rest})
            return {"Errors": [{"Key": first["Key"], "Code": said.pop(0), "Message": "not now"}]}

    session = opened(dataclasses.replace(connection, s3=Busy()), fleet)  # type: ignore[arg-type]
    with pytest.raises(SessionError, match="not now"):
        session.cleanup(force=True)  # who may not, is told at once
    assert not said
    session.cleanup(force=True)
    assert not objects(fleet)


def test_an_extension_is_what_the_controller_says(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=0)
    fleet.extend = lambda _: {"deadline": 5.0}  # type: ignore[attr-defined]
    assert session.extend(60) == 5.0
    session.cleanup()


FACTOR = 1


def scaled(x: int) -> int:
    return FACTOR * x


@pytest.mark.parametrize("door", ["session", "executor"])
def test_each_map_takes_the_surroundings_as_they_are(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    function: Any = scaled
    found = []
    with StarburstExecutor(connection, workers=1, progress=False) as pool:
        pool.submit(function, 0).result(timeout=60)
        assert pool.session is not None
        for factor in (2, 2, 3):
            monkeypatch.setitem(globals(), "FACTOR", factor)
            if door == "executor":
                found.append(list(pool.map(function, [1, 2])))
            else:
                found.append([f.result(60) for f in pool.session.map(function, [1, 2])])
        keys = pool.session.manifest.keys
        stored = connection.s3.list_objects_v2(Bucket=BUCKET, Prefix=keys.functions)
        assert stored["KeyCount"] == 3  # what did not change was not sent again
    assert found == [[2, 4], [2, 4], [3, 6]]
