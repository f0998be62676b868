"""Starts at one instant, and where their totals might be kept.

``python -m benchmarks.fleet_model.contention`` prints the tables. Three ways are compared: the book
that is (one object, compare-and-set), one such object a workspace (which cannot hold the
environment's total), and no book: each start writes an object of its own, lists and reads all
others, and takes its own back where they are too many.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.contract import CONTROL_PREFIX, Totals
from starburst.controller.state.environment import Clients, Environment
from starburst.controller.state.sessions import Record
from starburst.controller.totals.book import BOOK, Book
from starburst.controller.totals.grants import Ask, Grant
from starburst.controller.totals.keeping import FIRST_PAUSE, LONGEST_PAUSE, Bookkeeper
from starburst.errors import LimitExceeded
from starburst.local.environment import LocalEnvironment

from .terms import document, settings

__all__ = ["main", "simulated"]

STARTS: Final = 50
HELD: Final = 100
"""Sessions that hold room before."""

WORKSPACES: Final = 5
_MUCH: Final = Totals(
    sessions=1000, workers=9000, vcpu=9e4, memory_gb=9e4, usd_per_hour=9e4, usd_per_day=9e5
)
"""Room for all, so that each start writes."""

_LIST: Final = f"{CONTROL_PREFIX}claims/"


class _Counted:
    """A client of S3 that counts its calls, and how many were outrun; or a Parameter Store."""

    def __init__(self, s3: Any) -> None:  # noqa: ANN401 - boto3's clients
        self._s3, self._lock = s3, threading.Lock()
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**words: Any) -> Any:  # noqa: ANN401 - as AWS answers
            with self._lock:
                self.calls[name] += 1
            try:
                return getattr(self._s3, name)(**words)
            except ClientError:
                with self._lock:
                    self.calls["outrun"] += 1
                raise

        return call

    @staticmethod
    def get_parameter(**_: object) -> Mapping[str, Any]:
        usual = document()
        workspaces = {n: replace(each, totals=_MUCH) for n, each in usual.workspaces.items()}
        there = replace(usual, workspaces=workspaces, totals=_MUCH, user_totals=_MUCH)
        return {"Parameter": {"Value": there.to_json()}}


def _record(number: int) -> Record:
    return Record(
        workspace="genomics",
        user="alice",
        session=f"{number:020d}",
        workers=2,
        cpu=1,
        memory_gb=4,
        scratch_gb=20,
        capacity="on-demand",
        idle_seconds=60,
        task_definition="t",
        started=time.time(),
        deadline=time.time() + 3600,
    )


def _keeper(clients: Any) -> Bookkeeper:  # noqa: ANN401 - stands for all of them
    return Bookkeeper(
        environment=Environment(
            settings=settings(),
            clients=Clients(s3=clients, sqs=clients, ecs=clients, ssm=clients),
            clock=time.time,
            pause=time.sleep,
        )
    )


def _one_book(clients: _Counted, number: int) -> None:
    with contextlib.suppress(LimitExceeded):
        _keeper(clients).reserve(_record(number), until=time.time() + 60)


def _one_a_workspace(clients: _Counted, number: int) -> None:
    key, chance = f"{BOOK}.{number % WORKSPACES}", Random(number)  # noqa: S311 - no secret
    for attempt in range(100):
        found = clients.get_object(Bucket=settings().bucket, Key=key)
        book = Book.from_json(found["Body"].read())
        ask = Ask(**_words(number))
        book = book.holding(f"{number:020d}", Grant.begun(ask, now=time.time()))
        try:
            clients.put_object(
                Bucket=settings().bucket, Key=key, Body=book.to_json(), IfMatch=found["ETag"]
            )
        except ClientError:
            time.sleep(chance.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt))
        else:
            return


def _one_a_session(clients: _Counted, number: int) -> None:
    key = f"{_LIST}{number:020d}"
    clients.put_object(
        Bucket=settings().bucket, Key=key, Body=json.dumps(_words(number)), IfNoneMatch="*"
    )
    listed = clients.list_objects_v2(Bucket=settings().bucket, Prefix=_LIST)["Contents"]
    for each in listed:
        clients.get_object(Bucket=settings().bucket, Key=each["Key"])["Body"].read()


def _words(_number: int) -> dict[str, Any]:
    sizes = {"workers": 2, "vcpu": 2.0, "memory_gb": 8.0, "usd_per_hour": 0.12, "seconds": 3600.0}
    return {"workspace": "genomics", "user": "alice", **sizes}


WAYS: Final[Mapping[str, Callable[[_Counted, int], None]]] = {
    "one book": _one_book,
    "one a workspace": _one_a_workspace,
    "one a session": _one_a_session,
}


def _measured(s3: Any, way: str, at_once: int) -> tuple[float, float, Counter[str]]:  # noqa: ANN401
    """Return when the last of the starts was answered, and the median, in seconds."""
    bucket, clients = settings().bucket, _Counted(s3)
    ask = Ask(**_words(0))
    held = {f"{n:019d}x": Grant.begun(ask, now=time.time()) for n in range(HELD)}
    body = Book(grants=held).to_json()
    for key in (BOOK, *(f"{BOOK}.{n}" for n in range(WORKSPACES))):
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    for name in held:
        s3.put_object(Bucket=bucket, Key=f"{_LIST}{name}", Body=json.dumps(_words(0)))
    began, ends = time.monotonic(), list[float]()

    def start(number: int) -> None:
        WAYS[way](clients, number)
        ends.append(time.monotonic() - began)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(start, range(STARTS)))
    for number in range(STARTS):
        s3.delete_object(Bucket=bucket, Key=f"{_LIST}{number:020d}")
    return max(ends), sorted(ends)[STARTS // 2], clients.calls


def simulated(at_once: int, *, seconds: float, seed: int = 0) -> tuple[float, int]:
    """Return when the last start is answered, and how many calls of S3 it took, by one book.

    Args:
        at_once: how many invocations there may be.
        seconds: that a GET or a PUT takes.
        seed: of the pauses.
    """
    chance, version, calls, end = Random(seed), 0, 0, 0.0  # noqa: S311 - a model, not a secret
    left = STARTS - at_once
    # The moment of a read, and which version it saw where it is about to write.
    due: list[tuple[float, int, int, int | None]] = [(seconds, n, 0, None) for n in range(at_once)]
    heapq.heapify(due)
    while due:
        now, number, attempt, saw = heapq.heappop(due)
        calls += 1
        if saw is None:
            heapq.heappush(due, (now + seconds, number, attempt, version))
        elif saw != version:
            pause = chance.random() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt)
            heapq.heappush(due, (now + pause + seconds, number, attempt + 1, None))
        else:
            version, end = version + 1, now
            if left:
                left -= 1
                heapq.heappush(due, (now + seconds, STARTS - left, 0, None))
    return end, calls


def main() -> int:
    """Measure on the emulator, simulate AWS's times, print both."""
    print(f"{STARTS} starts, {HELD} sessions that hold room\n")
    print(f"{'on the emulator':18} {'at once':>7} {'last':>7} {'median':>7}  calls of S3")
    with LocalEnvironment() as local:
        s3 = local.client(local.root_session(), "s3")
        where: Any = {"LocationConstraint": local.region}
        s3.create_bucket(Bucket=settings().bucket, CreateBucketConfiguration=where)
        for way in WAYS:
            for at_once in (10, STARTS) if way != "one a session" else (10,):
                last, median, calls = _measured(s3, way, at_once)
                said = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
                print(f"{way:18} {at_once:7} {last:6.2f}s {median:6.2f}s  {said}", flush=True)
    print(f"\n{'by one book':18} {'at once':>7} {'last':>7}  calls of S3, by what one takes")
    for seconds in (0.01, 0.025, 0.05):
        for at_once in (10, STARTS):
            runs = [simulated(at_once, seconds=seconds, seed=seed) for seed in range(20)]
            last, calls = max(end for end, _ in runs), sum(count for _, count in runs) / len(runs)
            print(f"{seconds * 1000:.0f} ms{'':13} {at_once:7} {last:6.2f}s  {calls:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
