"""Who looks for lost ranges goes on behind gaps and damage, and sends all that it has found."""

from __future__ import annotations

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

    def children(self, name: str, lo: int, hi: int) -> None:
        """Nothing stands there."""

    def hand_on(self, messages: list[ChunkMessage]) -> None:
        self.sent.append(list(messages))

    def look(self, *live: str) -> int:
        """Be asked to send again what is lost, while these tasks of ECS run."""
        with listening():
            return send_again(self, self, live=frozenset(live), tick=lambda: None)  # type: ignore[arg-type]

    @property
    def found(self) -> list[str]:
        return [message.pack for messages in self.sent for message in messages]


def test_numbers_of_packs_that_were_never_stored_end_the_look_only_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("starburst.worker.leases.requeue._MISSING_MOST", 3)
    packs = Packs([3, 6, 9, 10, 13, 17])
    assert packs.look() == 5
    assert packs.found == [pack_name(number) for number in (3, 6, 9, 10, 13)]


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
