"""What type checkers and editors must know of the public calls. Checked by `make types`, never run.

A comment that silences an error fails where there is none: so each of them is a negative case.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, assert_type

import boto3

import starburst
from starburst import (
    Connection,
    Estimate,
    FutureList,
    Handle,
    LogLine,
    ResultIterator,
    Session,
    SessionOptions,
    SessionSummary,
    Status,
)


def shown(travels: starburst.Travels) -> None:
    assert_type(travels.input_bytes, int)
    assert_type(travels.values, tuple[str, ...])


def length(text: str) -> int:
    return len(text)


def scaled(x: float, *, by: float = 2.0) -> float:
    return x * by


def added(x: str, y: int) -> str:
    return x * y


def check_map(texts: list[str]) -> None:
    assert_type(starburst.map(length, texts), list[int])
    assert_type(starburst.map(length, iter(texts), workers=50, memory="8GB"), list[int])
    assert_type(starburst.map(lambda x: (x, str(x)), range(3)), list[tuple[int, str]])
    assert_type(starburst.map(added, texts, range(3)), list[str])
    assert_type(starburst.map(added, texts, kwargs={"y": 3}, return_exceptions=True), list[str])
    starburst.map(length, [b"bytes"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    starburst.map(length, texts, worker=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    starburst.map(length, texts, workers="5")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    starburst.map(length, texts, capacity="cheap")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


def check_starmap(pairs: list[tuple[str, int]], session: Session) -> None:
    assert_type(starburst.starmap(added, pairs, workers=2, stop_on_error=True), list[str])
    assert_type(session.starmap(added, pairs), FutureList[str])
    starburst.starmap(added, [3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    starburst.starmap(added, pairs, worker=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def check_imap(texts: list[str]) -> None:
    assert_type(starburst.imap(length, texts, buffersize=5, workers=2), ResultIterator[int])
    assert_type(next(starburst.imap(length, texts)), int)
    starburst.imap(length, [5])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    starburst.imap(length, texts, worker=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def check_session(texts: list[str], where: Connection) -> None:
    session = starburst.session("prod", workers=200, retries=2, labels={"study": "7"})
    assert_type(session, Session)
    assert_type(starburst.session(where, idle_timeout=60, max_usd=5), Session)
    assert_type(session.submit(length, "abc"), Future[int])
    assert_type(session.submit(scaled, 1.5, by=3), Future[float])
    assert_type(session.map(length, texts), FutureList[int])
    assert_type(session.map(length, texts)[0], Future[int])
    assert_type(session.map(added, texts, range(3)), FutureList[str])
    assert_type(session.map(added, texts, kwargs={"y": 3}), FutureList[str])
    assert_type(session.map(length, texts)[:1], FutureList[int])
    assert_type(session.imap(length, texts, buffersize=5), ResultIterator[int])
    assert_type(session.collect(timeout=5, stop_on_error=True), list[Any])
    assert_type(session.futures, FutureList[Any])
    assert_type(session.cancel(session.futures[0]), int)
    with session as same:
        assert_type(same, Session)
    session.submit(length, 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.submit(scaled, 1.5, bye=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    session.map(length, [5])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    starburst.session(worker=200)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    starburst.session(workers="200")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    starburst.session(capacity="cheap")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def check_put(texts: list[str], session: Session) -> None:
    """A handle takes the place of the value, whatever a function asks for."""
    handle = starburst.put("abc")
    assert_type(handle, Handle[str])
    assert_type(session.put(texts), Handle[list[str]])
    assert_type(handle.value, str)
    assert_type(session.submit(length, handle), Future[int])
    assert_type(starburst.map(length, [handle, handle]), list[int])


def check_executor(texts: list[str]) -> None:
    with starburst.Executor(workers=4, architecture="arm64") as pool:
        base: Executor = pool
        assert_type(pool.submit(length, "abc"), Future[int])
        assert_type(pool.map(length, texts, timeout=5), Iterator[int])
        assert_type(base.submit(length, "abc"), Future[int])
        assert_type(pool.session, Session | None)
        futures = [pool.submit(length, text) for text in texts]
        for future in starburst.as_completed(futures, timeout=60):
            assert_type(future.result(), int)
        assert_type(starburst.wait(futures).done, set[Future[int]])
        pool.submit(length, 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        pool.map(length, texts, time_out=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    starburst.Executor(worker=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    starburst.Executor(retries="4")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def throw(_: int) -> float:
    assert_type(starburst.rng("random").random(), float)
    return float(starburst.rng(seed=7, task=3).normal())


def check_ordinary_python(where: Connection) -> None:
    starburst.map(throw, range(3), seed=7, env={"LEVEL": "3"}, initializer=length, initargs=("x",))
    starburst.session(where, initializer=print, initargs=[1, 2], seed=7)
    starburst.map(throw, range(3), env={"LEVEL": 3})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    starburst.rng("torch")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


def check_files(there: Connection) -> None:
    assert_type(starburst.data.put("cohort", environment=there), str)
    assert_type(starburst.data.glob("*.parquet", workspace="genomics", profile="study"), list[str])
    assert_type(starburst.map(length, starburst.data.glob("*.parquet")), list[int])
    assert_type(starburst.data.get("a.csv", "here/"), Path)
    assert_type([each.size for each in starburst.data.ls("cohort", recursive=True)], list[int])
    assert_type(starburst.data.rm("cohort", recursive=True, steward=True), int)
    assert_type(starburst.home.url("a.png", 300), str)
    assert_type(starburst.connect("prod", "genomics", steward=True).steward, bool)
    starburst.data.put([1, 2])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    starburst.data.rm("cohort", force=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    starburst.home.ls(work_space="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def check_the_rest(texts: list[str]) -> None:
    assert_type(starburst.attach("0123456789abcdefghij"), Session)
    assert_type(starburst.attach("0123456789abcdefghij").status(), Status)
    assert_type(starburst.attach("0123456789abcdefghij").logs(task=7), Iterator[LogLine])
    assert_type(starburst.sessions("prod"), list[SessionSummary])
    assert_type(starburst.connect("prod", "genomics"), Connection)
    assert_type(starburst.estimate(length, texts, workers=10), Estimate)
    assert_type(starburst.estimate(workers=100, cpu=4, memory="8GB", hours=2).usd, float)
    assert_type(SessionOptions(workers=4).memory_gb, float)
    signed_in = starburst.login("arn:…", "123456", serial_number="arn:…", user="alice", seconds=900)
    assert_type(signed_in, boto3.session.Session)
    starburst.estimate(length, [5])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    starburst.attach(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
