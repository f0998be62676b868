"""What is kept of tasks that an iterator has handed out: nothing, and nobody is misled by that."""

from __future__ import annotations

import pytest

from starburst._client.tasks import outcomes as outcomes_module
from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.outcomes import Ended, Holder, Outcomes
from starburst._client.tasks.sent_chunks import SentChunks
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.sealed.chunks import LedgerEntry
from starburst.errors import SessionEnded, SessionError


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes_module, "_TRIM", 4)


def entry(first: int, tasks: int) -> LedgerEntry:
    return LedgerEntry(name=f"p000001-{first:05d}", first=first, tasks=tasks, offset=0, length=9)


def handed_out(count: int) -> Outcomes:
    """Twenty tasks, of which half have ended and some were handed out."""
    made = Outcomes()
    made.extend(20, Holder.ITERATOR)
    for number in range(10):
        made.end(number, Ended.RESULT, str(number), told=False)
    assert [made.release(n) for n in range(count)] == [(Ended.RESULT, str(n)) for n in range(count)]
    return made


def test_tasks_that_were_handed_out_are_forgotten_and_still_counted() -> None:
    made = handed_out(8)
    assert made.trim() == 8
    assert (len(made), len(made._ends), len(made._values)) == (20, 12, 12)
    assert [made.count(Ended.RESULT, *r) for r in ((0, 20), (0, 5), (6, 9), (8, 20))] == [
        *(10, 5, 3, 2)
    ]
    assert [made.count(Ended.NOT, *r) for r in ((0, 20), (0, 5), (9, 12))] == [10, 0, 2]
    assert (made.ended(3), made.ended(8), made.ended(12)) == (
        *(Ended.RESULT, Ended.RESULT, Ended.NOT),
    )
    assert (made.is_open(3), made.is_open(9), made.is_open(10)) == (False, False, True)
    assert (made.first_open(0, 20), made.first_open(0, 8), made.first_open(3, 10)) == (
        *(10, None, None),
    )
    assert made.open_runs(range(20)) == [range(10, 20)]
    end, error = made.get(3)
    assert end is Ended.UNREAD
    assert isinstance(error, SessionError)
    made.let_go(3)
    assert made.get(8) == (Ended.RESULT, "8")
    made.end_run(range(12, 14), Ended.UNREAD, error)
    made.end(11, Ended.UNREAD, error, told=False)
    assert made.unread == 3
    assert made.number_with(error) == 11
    assert made.open_runs(range(20)) == [range(10, 11), range(14, 20)]


def test_few_tasks_are_not_worth_a_trim_and_open_ones_stay() -> None:
    assert handed_out(3).trim() == 0
    made = handed_out(10)
    for number in range(10, 15):
        made.let_go(number)  # its iterator is closed, and a worker has it
    assert made.trim() == 10
    assert made.open_runs(range(20)) == [range(10, 20)]
    made.end(10, Ended.RESULT, "late", told=False)
    assert made.release(10)[0] is Ended.UNREAD, "and its result was not kept"


def test_chunks_are_forgotten_with_the_last_of_their_tasks() -> None:
    sent = SentChunks()
    for first in (0, 4, 8):
        sent.add(entry(first, 4), left=4)
    sent.close(range(2, 9))
    assert sent.outstanding == 5
    assert sent.first_open == entry(0, 4).name
    sent.close(range(2))
    assert (sent.outstanding, sent.first_open) == (3, entry(8, 4).name)
    kept = []
    for before in (3, 4, 7, 8, 11, 12):
        sent.forget(before)
        kept.append(len(sent.entries))
    assert kept == [3, 2, 2, 1, 1, 0]
    sent.close(range(20))
    assert sent.outstanding == 3, "of what was never in a chunk, nothing is expected"


def test_a_list_of_tasks_forgets_what_its_iterators_handed_out_or_let_go() -> None:
    tasks = TaskList()
    tasks.add(8, holder=Holder.ITERATOR)
    tasks.dispatched([entry(0, 4), entry(4, 4)])
    tasks.settle(entry(0, 4).name, 0, "abcd")
    assert [value for _, value in tasks.release(range(8))] == ["a", "b", "c", "d"]
    assert tasks.entry(entry(0, 4).name) is None
    tasks.settle(entry(0, 4).name, 0, "ABCD")
    assert (tasks.tally.done, tasks.outstanding) == (4, 4)
    assert tasks.cancel() == 4
    tasks.let_go(range(4, 8))
    assert tasks.entry(entry(4, 4).name) is None
    assert (len(tasks), tasks.unread, tasks.count_done(range(8))) == (8, 0, 8)
    tasks.close(SessionEnded("closed"))
    assert tasks.tally.failed == 0


def test_inputs_that_an_interrupt_left_half_added_do_not_count() -> None:
    some = Inputs([b"abc"])
    some._data += b"half an input"  # type: ignore[operator]
    some.append(b"de")
    assert [bytes(one) for one in some] == [b"abc", b"de"]
    assert (len(some), some.nbytes) == (2, 5)
    assert [some.fitting(tasks=t, nbytes=n) for t, n in ((9, 9), (1, 9), (9, 4), (9, 2))] == [
        *(2, 1, 1, 0)
    ]
    joined = list(Inputs.joined(b"x" * 1000 for _ in range(600)))
    assert [len(one) for one in joined] == [262, 262, 76]
    assert [len(one) for one in Inputs.joined(b"x" for _ in range(5000))] == [4096, 904]
    large = [b"y" * 300_000, b"z", b"w" * 20_000]
    found = list(Inputs.joined(large))
    assert [bytes(one) for block in found for one in block] == large
    assert next(iter(found[0])) is large[0], "a large one is not copied"
