"""How long the sender gathers tasks, at the real seconds: what travels together, and when."""

from __future__ import annotations

import pytest

from starburst._client.access.timings import Timings
from starburst.errors import SessionEnded
from tests.runtime.client.sending.desk import Desk, Pack

MODULE = "starburst._client.tasks.dispatch"


def sizes(packs: list[Pack]) -> list[tuple[float, int]]:
    return [(round(pack.at, 4), pack.tasks) for pack in packs]


def test_the_first_of_many_tasks_go_soon_and_the_others_in_larger_packs() -> None:
    """While workers have something to do, a quarter of a second; without more, a hundredth."""
    desk = Desk()
    for n in range(250):
        desk.at(0.004 * n, desk.submit)
    packs = desk.run()
    assert sizes(packs) == [(0.05, 13), (0.302, 63), (0.554, 63), (0.806, 63), (1.006, 48)]
    assert [pack.name for pack in packs] == [f"p{n:06d}" for n in range(1, 6)]
    assert sorted(desk.inputs) == list(range(250))
    assert len(desk.sent) == sum(len(pack.chunks) for pack in packs)


def test_workers_that_have_one_task_are_busy_until_it_is_done() -> None:
    desk = Desk()

    def stream(begin: float) -> None:
        for n in range(100):
            desk.at(begin + 0.004 * n, desk.submit)

    desk.at(0.0, desk.submit)
    stream(1.0)
    desk.at(2.0, desk.end_all)
    stream(3.0)
    assert sizes(desk.run()) == [
        (0.01, 1),
        (1.25, 63),
        (1.406, 37),
        (3.05, 13),
        (3.302, 63),
        (3.406, 24),
    ]


def test_a_sender_that_gathers_sleeps_through_what_comes() -> None:
    """A thousand tasks in the idle wait wake it no more often than its time is over."""
    desk = Desk()
    for n in range(500):
        desk.at(0.0001 * n, desk.submit)
    assert sizes(desk.run()) == [(0.05, 500)]
    assert desk.naps < 10


@pytest.mark.parametrize("bound", ["tasks", "bytes"])
def test_a_pack_that_is_full_goes_at_once_and_holds_no_more(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(f"{MODULE}._PACK_{bound.upper()}", 4 if bound == "tasks" else 100)
    desk = Desk(workers=100)
    for n in range(7):
        desk.at(0.001 * n, lambda: desk.submit(size=25))
    desk.at(1.0, lambda: desk.submit(10, size=25))
    desk.at(2.0, lambda: desk.submit(3, size=33))
    assert sizes(desk.run()) == [
        *[(0.003, 4), (0.016, 3)],
        *[(1.0, 4), (1.0, 4), (1.01, 2)],
        (2.01, 3),
    ]


def test_a_pack_holds_32_megabytes() -> None:
    desk = Desk()
    desk.at(0.0, lambda: desk.dispatcher.submit_all("f", [b"x" * (8 << 20)] * 5))
    assert sizes(desk.run()) == [(0.0, 4), (0.01, 1)]


def test_what_is_larger_than_a_pack_travels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}._PACK_BYTES", 100)
    desk = Desk()
    for size in (60, 300, 41, 60, 40, 1):
        desk.at(0.0, lambda size=size: desk.submit(size=size))  # type: ignore[misc]
    assert [pack.tasks for pack in desk.run()] == [1, 1, 1, 2, 1]
    assert [len(desk.inputs[n]) for n in range(6)] == [60, 300, 41, 60, 40, 1]


def test_who_flushes_waits_for_no_more_tasks_and_until_all_are_queued() -> None:
    desk, seen = Desk(), dict[str, bool]()
    assert desk.dispatcher.flush(0)
    desk.at(0.0, desk.submit)
    desk.at(0.003, lambda: seen.update(gathering=desk.dispatcher.flush(0)))
    desk.before = lambda call: seen.update({call: desk.dispatcher.flush(0)})
    desk.at(5.0, lambda: seen.update(idle=desk.dispatcher.flush(0)))
    desk.at(6.0, desk.submit)  # it gathers as before
    desk.at(6.004, desk.submit)
    assert sizes(desk.run()) == [(0.003, 1), (6.014, 2)]
    assert seen == {"gathering": False, "put": False, "send": False, "idle": True}


def test_who_closes_sends_what_waits_and_takes_no_more() -> None:
    desk = Desk(timings=Timings(gather_seconds=60, gather_idle_seconds=60))
    desk.at(0.0, desk.submit)
    desk.at(7.0, desk.submit)
    desk.at(7.0, desk.close)
    desk.at(8.0, desk.submit)
    assert sizes(desk.run()) == [(7.0, 2)]
    assert desk.sent == ["p000001-00000", "p000001-00001"]
    with pytest.raises(SessionEnded, match="takes no more tasks"):
        desk.submit()
    assert len(desk.dispatcher.submit_all("f", [])) == 0
    Desk().dispatcher.close()  # one that has had no task


def test_inputs_that_come_slowly_are_taken_on_while_the_others_are_made() -> None:
    """Not all at once at the end: the first may be sent after a hundredth of a second."""
    desk, known = Desk(), list[int]()

    def made() -> list[bytes]:
        desk.pass_time(0.004)
        known.append(len(desk.tasks))
        return [b""]

    with desk.held():
        taken = desk.dispatcher.submit_all("f", (made()[0] for _ in range(10)))
    assert known == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]
    assert len(taken) == len(desk.tasks) == 10
    desk.run()


def test_inputs_that_come_quickly_are_taken_on_some_at_a_time() -> None:
    desk, known = Desk(), list[int]()

    def made(n: int) -> bytes:
        known.append(len(desk.tasks))
        if n == 600:
            raise OverflowError
        return b"x" * n

    with desk.held(), pytest.raises(OverflowError):
        desk.dispatcher.submit_all("f", map(made, range(700)))
    assert known == [0] * 256 + [256] * 256 + [512] * 89
    desk.run()
    assert [len(desk.inputs[n]) for n in range(600)] == list(range(600))
    assert len(desk.inputs) == 600


def test_a_task_that_is_cancelled_in_time_does_not_travel() -> None:
    desk = Desk(packs=7)
    desk.at(0.0, lambda: desk.submit(2))
    desk.at(0.004, lambda: [future.cancel() for future in desk.tasks])
    desk.at(1.0, lambda: desk.submit(5))
    desk.at(1.004, lambda: [future.cancel() for future in [*desk.tasks][3:5]])
    (pack,) = desk.run()
    assert (pack.name, pack.chunks) == ("p000008", [(2, 1), (5, 1), (6, 1)])
