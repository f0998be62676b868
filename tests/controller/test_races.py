"""A writer that loses a compare-and-set looks again; nothing is overwritten that it did not see."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from starburst.controller.state.documents import Conflict
from starburst.controller.state.sessions import Record, Records
from starburst.errors import SessionEnded
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys


def test_a_change_that_was_based_on_an_old_record_is_refused(world: World) -> None:
    world.start()
    records = Records(world.environment)
    old = records.active(KEYS.session)
    assert old is not None
    records.update(KEYS.session, lambda record: replace(record, lost=1))

    with pytest.raises(Conflict):
        records.save(old, replace(old.record, lost=7))
    assert world.record(KEYS).lost == 1


def test_the_loser_tries_again_on_what_the_winner_wrote(world: World) -> None:
    world.start()
    records = Records(world.environment)
    rivals = iter(range(3))

    def change(record: Record) -> Record:
        if next(rivals, None) is not None:
            rival = Records(world.environment).active(KEYS.session)
            assert rival is not None
            records.save(rival, replace(rival.record, faults=rival.record.faults + 1))
        return replace(record, lost=record.lost + 1)

    saved = records.update(KEYS.session, change)

    assert saved is not None
    assert (saved.record.lost, saved.record.faults) == (1, 3)


def test_a_loser_does_not_try_for_ever(world: World) -> None:
    world.start()
    records = Records(world.environment)

    def change(record: Record) -> Record:
        rival = Records(world.environment).active(KEYS.session)
        assert rival is not None
        records.save(rival, replace(rival.record, faults=rival.record.faults + 1))
        return replace(record, lost=record.lost + 1)

    with pytest.raises(Conflict):
        records.update(KEYS.session, change)
    assert world.pauses == [0.02 * 2**n for n in range(8)], "each time it lets the others pass"


def test_a_record_is_made_once(world: World) -> None:
    world.start()
    records = Records(world.environment)
    assert records.create(world.record(KEYS)) is None


def test_an_ended_session_cannot_be_made_again(world: World) -> None:
    world.start()
    record = world.record(KEYS)
    world.request(KEYS, "stop")

    with pytest.raises(SessionEnded):
        Records(world.environment).create(record)
    assert world.keys_under("_control/") == [KEYS.ended_record]


def test_a_record_survives_its_json() -> None:
    record = Record(
        workspace="genomics",
        user="alice",
        session="a" * 20,
        workers=1,
        cpu=1,
        memory_gb=2,
        scratch_gb=20,
        capacity="spot",
        idle_seconds=60,
        task_definition="t",
        started=1.0,
        deadline=2.0,
        settled={"x": 1.0},
    )
    assert Record.from_json(record.to_json()) == record
    later = {**json.loads(record.to_json()), "of_a_later_release": [1]}
    assert Record.from_json(json.dumps(later).encode()) == record
    for text in (b"[]", b"{}", b'{"protocol": 1, "surprise": 1}'):
        with pytest.raises(ValueError, match="record"):
            Record.from_json(text)


def test_a_start_outlasts_a_conflict_that_nobody_won(world: World) -> None:
    s3 = world.environment.clients.s3
    put, conflicts = s3.put_object, iter(range(2))

    def conflicting(**arguments: Any) -> Any:
        if arguments["Key"] == KEYS.control_record and next(conflicts, None) is not None:
            raise refused("ConditionalRequestConflict")
        return put(**arguments)

    s3.put_object = conflicting  # type: ignore[method-assign]

    assert world.start()["ok"]
    assert len(world.ecs.live()) == 3


@pytest.mark.parametrize("moment", ["before its queue is made", "before its queue is noted"])
def test_a_start_that_its_stop_outran_leaves_no_queue(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    sqs = world.all_of_sqs
    create = sqs.create_queue

    def outrun(**arguments: Any) -> Any:
        made = create(**arguments) if "noted" in moment else None
        assert world.request_only(KEYS, "stop")["ok"]
        return made or create(**arguments)

    monkeypatch.setattr(sqs, "create_queue", outrun, raising=False)
    assert world.start()["error"]["type"] == "SessionEnded"
    assert not world.queues()


@pytest.mark.parametrize(("rivals", "looks"), [(0, 1), (3, 4), (4, 4)])
def test_who_looked_while_others_wrote_looks_again_up_to_four_times(
    world: World, monkeypatch: pytest.MonkeyPatch, rivals: int, looks: int
) -> None:
    world.start()
    world.later(3601)
    describe, asked = world.ecs.describe_tasks, list[str]()

    def outrun(**arguments: Any) -> Any:
        asked.append("")
        if len(asked) <= rivals:
            Records(world.environment).update(KEYS.session, lambda r: replace(r, lost=r.lost + 1))
        return describe(**arguments)

    monkeypatch.setattr(world.ecs, "describe_tasks", outrun)
    assert world.request_only(KEYS, "refresh")["ok"]
    ended = world.status(KEYS).state == "ended"
    assert (len(asked) - ended, ended) == (looks, rivals < 4), "who ends it looks at what is left"
