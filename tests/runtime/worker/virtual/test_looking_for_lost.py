"""Who looks for lost ranges goes on behind gaps and damage, and sends all that it has found."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from types import SimpleNamespace

import pytest

from starburst._protocol.sealed.chunks import ChunkMessage, LedgerEntry, pack_name
from starburst.errors import IntegrityError
from starburst.worker.leases.requeue import send_again
from starburst.worker.objects.store import NoSuchChunk
from tests.runtime.effects import listening


class Packs:
    """A session's packs by their numbers, each of some chunks whose one task has no result."""

    def __init__(
        self, stored: Collection[int], *, damaged: int = 0, chunks: int = 1, began: str = ""
    ) -> None:
        self._ledgers = {pack_name(number): number for number in stored}
        self._damaged, self._chunks = damaged, chunks
        self.ticks = 0
        self.attempts = SimpleNamespace(workers=lambda _: {began} - {""})
        self.sent: list[list[ChunkMessage]] = []

    def ledger(self, pack: str) -> dict[str, LedgerEntry]:
        if pack not in self._ledgers:
            raise NoSuchChunk(pack)
        if self._ledgers[pack] == self._damaged:
            raise IntegrityError("it was damaged")
        names = [f"{pack}-{number:05d}" for number in range(self._chunks)]
        return {
            name: LedgerEntry(name=name, first=number, tasks=1, offset=9, length=9)
            for number, name in enumerate(names)
        }

    def children(self, name: str, lo: int, hi: int) -> tuple[tuple[int, int], ...] | None:
        """Nothing stands there."""
        return None

    def hand_on(self, messages: list[ChunkMessage]) -> None:
        self.sent.append(list(messages))

    def tick(self) -> None:
        self.ticks += 1

    def look(self, *live: str) -> int:
        """Be asked to send again what is lost, while these tasks of ECS run."""
        with listening():
            return send_again(self, self, live=frozenset(live), tick=self.tick)  # type: ignore[arg-type]

    @property
    def found(self) -> list[str]:
        return [message.pack for messages in self.sent for message in messages]


def test_numbers_of_packs_that_were_never_stored_end_the_look_only_64_in_a_row() -> None:
    packs = Packs([64, 128, 129, 193, 258])
    assert packs.look() == 4
    assert packs.found == [pack_name(number) for number in (64, 128, 129, 193)]


def test_a_damaged_pack_keeps_nothing_of_the_others_from_being_sent() -> None:
    packs = Packs([1, 2, 3], damaged=2)
    assert packs.look() == 2
    assert packs.found == [pack_name(1), pack_name(3)]


def test_what_is_found_is_sent_in_lots_to_the_last_and_counted_so() -> None:
    packs = Packs([1, 2], chunks=225)
    assert packs.look() == 450
    assert [len(messages) for messages in packs.sent] == [200, 200, 50]
    assert len({message.chunk for messages in packs.sent for message in messages}) == 450


@pytest.mark.parametrize(
    ("began", "sent"),
    [("0a1b-27", 0), ("0a1b", 0), ("w-7", 0), ("0a1b2-27", 1), ("27-0a1b", 1), ("w", 1), ("", 1)],
)
def test_a_worker_bears_its_tasks_id_or_that_and_its_containers_number(
    began: str, sent: int
) -> None:
    assert Packs([1], began=began).look("0a1b", "w-7") == sent


def test_what_is_sent_names_its_place_and_that_it_may_have_a_result_already() -> None:
    packs = Packs([1])
    assert packs.look() == 1
    assert packs.sent[-1] == [
        ChunkMessage(
            chunk="p000001-00000",
            lo=0,
            hi=1,
            pack="p000001",
            offset=9,
            length=9,
            inline=None,
            again=True,
        )
    ]


def test_who_looks_through_a_large_pack_looks_after_its_leases_at_each_chunk() -> None:
    few, many = Packs([1]), Packs([1], chunks=60)
    few.look()
    many.look()
    assert many.ticks - few.ticks >= 59


class Given(Exception):
    """Something else is to be done."""


class Endless(Packs):
    """Nodes that lead to more of them for as long as a test waits."""

    def __init__(self) -> None:
        super().__init__([1], chunks=40)
        self.begun: set[str] = set()
        self._until = time.monotonic() + 20.0
        self._pause = threading.Event()

    def children(self, name: str, lo: int, hi: int) -> tuple[tuple[int, int], ...] | None:
        self.begun.add(name)
        self._pause.wait(0.001)
        return ((lo, hi),) if self.in_time else ()

    def tick(self) -> None:
        if self.begun:
            raise Given

    @property
    def in_time(self) -> bool:
        return time.monotonic() < self._until


def test_who_gives_the_look_up_waits_for_none_of_its_walks() -> None:
    packs = Endless()
    with pytest.raises(Given):
        packs.look()
    assert packs.in_time
    assert not packs.sent
