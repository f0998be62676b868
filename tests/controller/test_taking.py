"""What ECS's answer to a launch leaves in the session's record, however often it is taken in."""

from __future__ import annotations

from dataclasses import replace

from starburst.controller.launches import take_launch
from starburst.controller.state.sessions import Launch, Record
from starburst.controller.workers.launching import Launched

NOW = 1e9
WHOLE = {"0": 10, "1": 10}
RECORD = Record(
    workspace="genomics",
    user="alice",
    session="a" * 20,
    workers=20,
    cpu=1,
    memory_gb=2,
    scratch_gb=20,
    capacity="on-demand",
    idle_seconds=60,
    task_definition="t",
    started=NOW,
    deadline=NOW + 3600,
    launch=Launch(wave=1, batches=WHOLE, until=NOW),
)


def taken(record: Record, outcome: Launched, *, now: float) -> Record:
    return take_launch(record, outcome, wave=1, now=now, alone=True)


def test_a_part_of_a_launch_that_is_written_twice_is_counted_once() -> None:
    """S3 wrote the first, and its answer was lost."""
    part = Launched(workers=10, ids=("one",), batches={"1": 10})
    once = taken(RECORD, part, now=NOW)
    assert (once.launched, once.launch) == (10, Launch(wave=1, batches={"1": 10}, until=0))
    assert taken(once, part, now=NOW) == once
    rest = Launched(workers=10, ids=("two",), batches={})
    assert taken(once, rest, now=NOW).launched == 20


def test_a_worker_that_stopped_before_its_launch_was_written_down_is_none_that_lives() -> None:
    outcome = Launched(workers=2, ids=("one", "two"), batches={})
    record = taken(replace(RECORD, settled={"one": NOW}), outcome, now=NOW)
    assert (record.known, record.launched) == ({"two": NOW}, 2)


def test_a_permission_that_lacks_is_timed_from_its_first_refusal_until_a_worker_starts() -> None:
    denied = Launched(workers=0, batches=WHOLE, denied=True, trouble="PassRole")
    busy = Launched(workers=0, batches=WHOLE, trouble="Rate exceeded")
    record = taken(taken(RECORD, denied, now=NOW), busy, now=NOW + 30)
    assert taken(record, denied, now=NOW + 59.5).state == "starting"
    assert taken(record, denied, now=NOW + 60).state == "failed"

    a_worker = replace(busy, workers=1, ids=("one",))
    record = taken(record, a_worker, now=NOW + 40)
    assert taken(record, denied, now=NOW + 60).denied_since == NOW + 60


def test_what_workers_were_lost_of_is_kept_where_a_launch_only_waits() -> None:
    lost = replace(RECORD, lost=1, trouble="OutOfMemory")
    busy = Launched(workers=0, batches=WHOLE, trouble="Rate exceeded")
    full = replace(busy, shortage="quota", trouble="no room")
    assert taken(lost, busy, now=NOW).trouble == "OutOfMemory"
    assert taken(RECORD, busy, now=NOW).trouble == "Rate exceeded"
    assert taken(replace(lost, lost=0), full, now=NOW).trouble == "OutOfMemory"
    assert taken(lost, replace(busy, batches={}, trouble=""), now=NOW).trouble == "OutOfMemory"
    assert taken(replace(lost, lost=0), Launched(workers=20, batches={}), now=NOW) == replace(
        lost, lost=0, launched=20, launch=None
    )


def test_workers_that_came_beside_others_are_counted_though_as_much_is_left() -> None:
    outcome = Launched(workers=2, ids=("one", "two"), batches=WHOLE)
    assert taken(RECORD, outcome, now=NOW).launched == 2
    assert taken(replace(RECORD, known={"one": NOW}), outcome, now=NOW).launched == 2


def test_what_turned_out_to_be_in_vain_ends_no_session_whose_first_workers_came() -> None:
    outcome = Launched(workers=2, ids=("one", "two"), batches={}, trouble="bad", fatal=True)
    record = taken(RECORD, outcome, now=NOW)
    assert (record.state, record.launch, record.not_before) == ("starting", None, NOW + 600)
    assert taken(RECORD, replace(outcome, workers=0, ids=()), now=NOW).state == "failed"
