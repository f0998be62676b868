"""A collector under a sky of its own: AWS as a script has it, in a time that only pauses pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.connection import Connection
from starburst._client.tasks import collect as collect_module
from starburst._client.tasks.collect import Collector
from starburst._client.tasks.result_reader import NodeName, ResultReader
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.sealed.cancel_list import NOTHING_CANCELLED
from starburst._protocol.sealed.chunks import LedgerEntry
from starburst._protocol.sealed.result_nodes import ResultNode
from starburst._protocol.status import StatusDocument
from starburst.errors import IntegrityError

__all__ = ["KEY", "Sky", "collect", "collector_under", "listed"]

KEY = bytes(32)


class Sky:
    """AWS as a collector meets it.

    Attributes:
        now: seconds.
        until: when the collector is closed.
        troubles: from when until when which calls fail, and how.
        nodes: from when on S3 lists which results, by their names.
        latest: from when on the controller says what of the session.
        looks, statuses, asked: when it listed results, read the status, asked the controller.
        fetched: the names of the results that it read, in order.
        told: what it said that it waits for.
    """

    def __init__(self, until: float = 60.0) -> None:
        self.now = 0.0
        self.until = until
        self.troubles: list[tuple[float, float, str, ClientError]] = []
        self.nodes: dict[NodeName, tuple[float, ResultNode | IntegrityError]] = {}
        self.latest: tuple[float, StatusDocument] | None = None
        self.looks: list[float] = []
        self.statuses: list[float] = []
        self.asked: list[float] = []
        self.fetched: list[NodeName] = []
        self.told: list[str] = []
        self.erased = False
        self.decode: Any = None

    def monotonic(self) -> float:
        """Stand for the module ``time``."""
        return self.now

    def is_set(self) -> bool:
        """Stand for the event that a collector is closed by, and waits for."""
        return self.now >= self.until

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def meet(self, call: str, times: list[float]) -> None:
        times.append(self.now)
        for begin, end, name, error in self.troubles:
            if begin <= self.now < end and name == call:
                with aws_errors(f"do {call}"):
                    raise error

    def list_nodes(self, *, first_open: str | None) -> Iterator[tuple[NodeName, str]]:
        self.meet("list", self.looks)
        seen = [name for name, (since, _) in self.nodes.items() if since <= self.now]
        return iter([(name, "its key") for name in seen if name[0] >= (first_open or "")])

    def fetch(
        self, pool: ThreadPoolExecutor, nodes: Sequence[tuple[NodeName, str]]
    ) -> list[ResultNode | IntegrityError]:
        self.fetched += [name for name, _ in nodes]
        return [self.nodes[name][1] for name, _ in nodes]

    def read(self) -> StatusDocument | None:
        self.meet("status", self.statuses)
        return self.latest[1] if self.latest and self.latest[0] <= self.now else None

    def check_erased(self) -> bool:
        return self.erased

    def refresh(self) -> None:
        self.meet("refresh", self.asked)


def listed(chunks: Iterable[int] = (4,)) -> TaskList:
    """Tasks that are sent, in chunks of these lengths."""
    made, first = TaskList(), 0
    for number, count in enumerate(chunks):
        name = f"p000001-{number:05d}"
        made.add(count)
        made.dispatched([LedgerEntry(name=name, first=first, tasks=count, offset=0, length=9)])
        first += count
    return made


def collector_under(
    connection: Connection, sky: Sky, tasks: TaskList, *, mode: Any = "data"
) -> Any:
    """A collector that meets this sky, and ends when its time is over or all tasks are done."""
    keys, fake = connection.keys("s" * 20), dict[str, Any](statuses=sky)
    collector: Any = Collector(
        connection,
        keys,
        key=KEY,
        mode=mode,
        tasks=tasks,
        refresh=sky.refresh,
        changed=lambda: None if tasks.outstanding else setattr(sky, "until", sky.now),
        cancelled=lambda: NOTHING_CANCELLED,
        told=sky.told.append,
        **fake,
    )
    sky.decode = ResultReader(connection, keys, key=KEY, mode=mode).decode
    collector._results = collector._closing = sky
    collector._patience._clock = sky.monotonic
    return collector


def collect(connection: Connection, sky: Sky, tasks: TaskList, *, mode: Any = "data") -> None:
    """Let a collector run under a sky."""
    collector = collector_under(connection, sky, tasks, mode=mode)
    with pytest.MonkeyPatch.context() as patches, ThreadPoolExecutor(1) as pool:
        patches.setattr(collect_module, "time", sky)
        collector._collect(pool)
