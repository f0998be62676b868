"""Starts are judged by what others hold, and refused in one sentence that says who."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from starburst.contract import Totals
from starburst.controller.sweep import SweepFailed
from starburst.controller.totals.book import BOOK
from tests.controller.totals.people import (
    ALL,
    begin,
    book_of,
    deploy,
    error_of,
    keys_of,
    named,
)
from tests.controller.world import BUCKET, World, refused


def test_a_second_full_size_session_in_a_full_workspace_is_told_who_holds_it(world: World) -> None:
    deploy(world, workspace=Totals(workers=500, usd_per_hour=1e4, usd_per_day=1e6))
    for number, workers in enumerate((400, 9, 8)):
        assert begin(world, number, workers, user=("alice", "bobby", "carol")[number])["ok"]

    assert error_of(begin(world, 3, 500, user="daisy")) == (
        "LimitExceeded",
        "417 of genomics' 500 workers are held by 3 sessions, 400 of them by session "
        f"{named(0)} of alice, which ends by 09:00 UTC: ask for at most 83 workers, or wait=600 to "
        "queue",
    )
    assert len(world.ecs.live()) == 417, "nothing was created"
    assert len(world.queues()) == 3
    assert begin(world, 4, 83, user="daisy")["ok"]


@pytest.mark.parametrize(
    ("scope", "totals", "words"),
    [
        (
            "person",
            replace(ALL, workers=5),
            "3 of alice's 5 workers are held by session 00000000000000000000 in genomics, which "
            "ends by 09:00 UTC: ask for at most 2 workers, or wait=600 to queue",
        ),
        (
            "together",
            replace(ALL, vcpu=5),
            "3 of the environment's 5 vCPU are held by workspace genomics: ask for at most 2 "
            "workers, or wait=600 to queue",
        ),
        (
            "workspace",
            replace(ALL, sessions=1),
            "1 of genomics' 1 sessions are held by session 00000000000000000000 of alice, which "
            "ends by 09:00 UTC: ask again later, or wait=600 to queue",
        ),
        (
            "workspace",
            replace(ALL, memory_gb=2),
            "the session asks for 12 GB of memory, and all sessions of workspace genomics together "
            "may have 2: ask the platform team to raise that total",
        ),
        (
            "workspace",
            replace(ALL, usd_per_hour=0.2),
            "$0.17 of genomics' $0.20 per hour are held by session 00000000000000000000 of alice, "
            "which ends by 09:00 UTC: ask again later, or wait=600 to queue",
        ),
        (
            "workspace",
            replace(ALL, usd_per_day=0.2),
            "$0.17 of genomics' $0.20 on 15 January (UTC) are spent or held by session "
            "00000000000000000000 of alice, which ends by 09:00 UTC: ask for max_usd=0.02 or a "
            "shorter session_timeout, or wait=600 to queue",
        ),
        (
            "together",
            replace(ALL, usd_per_month=0.2),
            "$0.17 of the environment's $0.20 in January (UTC) are spent or held by workspace "
            "genomics: ask for max_usd=0.02 or a shorter session_timeout, or wait=600 to queue",
        ),
    ],
)
def test_each_total_of_each_scope_is_held(
    world: World, scope: str, totals: Totals, words: str
) -> None:
    deploy(world, **{scope: totals})
    first = begin(world, 0)
    if first["ok"]:
        user = {"person": "alice", "workspace": "bobby", "together": "bobby"}[scope]
        assert error_of(begin(world, 1, user=user)) == ("LimitExceeded", words)
        assert len(world.queues()) == 1
    else:
        assert error_of(first) == ("LimitExceeded", words)


def test_a_person_is_counted_in_all_workspaces_and_foreign_users_are_not_named(
    world: World,
) -> None:
    deploy(world, person=replace(ALL, workers=4), together=replace(ALL, workers=6))
    assert begin(world, 0, workspace="imaging")["ok"]
    _, words = error_of(begin(world, 1))
    assert "3 of alice's 4 workers" in words
    assert "in imaging" in words
    assert begin(world, 2, user="bobby")["ok"]
    _, words = error_of(begin(world, 3, user="carol"))
    assert (
        "6 of the environment's 6 workers are held by 2 sessions, 3 of them by workspace" in words
    )
    assert not {"alice", "bobby", named(0), named(2)} & set(words.replace(",", "").split())


def test_room_is_there_again_once_no_worker_is_left(world: World) -> None:
    deploy(world, workspace=replace(ALL, workers=3))
    begin(world, 0)
    stop = world.ecs.stop_task
    world.ecs.stop_task = lambda **words: {}  # type: ignore[method-assign]
    world.request(keys_of(0), "stop")
    assert error_of(begin(world, 1))[0] == "LimitExceeded", "its workers have not left"
    world.ecs.stop_task = stop  # type: ignore[method-assign]
    world.sweep()
    assert begin(world, 2)["ok"]
    assert set(book_of(world).grants) == {named(2)}


def test_what_a_session_did_cost_replaces_what_it_might_have(world: World) -> None:
    deploy(world, workspace=replace(ALL, usd_per_day=0.2))
    begin(world, 0)
    assert error_of(begin(world, 1))[0] == "LimitExceeded"
    world.later(600)
    world.request(keys_of(0), "stop")
    spent = book_of(world).days["2027-01-15"]["genomics/alice"]
    assert 0.02 < spent < 0.03, "ten minutes of three workers"
    _, words = error_of(begin(world, 2))
    assert words.startswith(
        "$0.03 of genomics' $0.20 on 15 January (UTC) are spent: ask for at most 2 workers"
    )
    assert begin(world, 3, workers=2)["ok"]


def test_a_cap_of_its_own_counts_for_less(world: World) -> None:
    deploy(world, workspace=replace(ALL, usd_per_day=0.2))
    assert begin(world, 0, max_usd=0.05)["ok"]
    assert begin(world, 1, max_usd=0.15)["ok"]
    assert error_of(begin(world, 2, max_usd=0.01))[0] == "LimitExceeded"


def test_money_is_counted_on_the_days_on_which_it_may_be_spent(world: World) -> None:
    deploy(world, workspace=replace(ALL, usd_per_day=2))
    # It is 08:00: sixteen hours are left of today, at 17 cents.
    assert error_of(begin(world, 0, timeout_seconds=12 * 3600))[0] == "LimitExceeded"
    assert begin(world, 1, timeout_seconds=11 * 3600)["ok"]
    world.later(11 * 3600)
    world.sweep()
    world.deliver()
    assert book_of(world).grants == {}
    # Five hours of today are left, of which all is spent, and tomorrow nothing.
    assert error_of(begin(world, 2, timeout_seconds=9 * 3600))[0] == "LimitExceeded"
    world.later(5 * 3600 - 1)
    assert begin(world, 3, timeout_seconds=11 * 3600)["ok"]


def test_an_extension_asks_the_book_too(world: World) -> None:
    deploy(world, workspace=replace(ALL, usd_per_day=0.5))
    begin(world, 0)
    keys = keys_of(0)
    started = world.record(keys).started
    assert world.request(keys, "extend", deadline=started + 7200)["deadline"] == started + 7200
    kind, words = error_of(world.request(keys, "extend", deadline=started + 5 * 3600))
    assert kind == "LimitExceeded"
    assert words.startswith(
        f"session {named(0)} cannot last until 13:00 UTC: the session may cost $0.87 by its "
        "deadline on 15 January (UTC), and all sessions of workspace genomics together may have "
        "$0.50: extend it until 10:51 UTC at most"
    )
    assert book_of(world).grants[named(0)].until == started + 7200
    assert error_of(begin(world, 1, timeout_seconds=5400))[0] == "LimitExceeded"
    assert world.request(keys, "extend", deadline=started + 7200)["ok"], "it is so already"


@pytest.fixture
def reserved(world: World) -> World:
    """A start has died between its reservation and its record; there is no room for another."""
    deploy(world, workspace=replace(ALL, workers=3))
    s3 = world.environment.clients.s3
    put = s3.put_object

    def dying(**words: object) -> object:
        if str(words["Key"]).startswith("_control/active/"):
            raise KeyboardInterrupt
        return put(**words)  # type: ignore[arg-type]

    s3.put_object = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        begin(world, 0)
    s3.put_object = put  # type: ignore[method-assign]
    world.later(60)
    world.sweep()
    assert error_of(begin(world, 1))[0] == "LimitExceeded"
    return world


def test_a_start_that_is_tried_again_finds_its_grant(reserved: World) -> None:
    reserved.later(55)
    assert reserved.request(keys_of(0), "start")["ok"]
    reserved.later(10)
    reserved.sweep()
    assert len(reserved.ecs.live()) == 3
    assert error_of(begin(reserved, 1))[0] == "LimitExceeded"


def test_a_reservation_without_a_record_ends_by_itself(
    reserved: World, caplog: pytest.LogCaptureFixture
) -> None:
    reserved.later(61)
    reserved.sweep()
    assert begin(reserved, 1)["ok"]
    assert "has no record" in caplog.text


@pytest.mark.parametrize("lost", ["gone", "damaged"])
def test_records_win_over_a_book_that_was_lost(
    world: World, caplog: pytest.LogCaptureFixture, lost: str
) -> None:
    deploy(world, workspace=replace(ALL, workers=3))
    begin(world, 0)
    if lost == "gone":
        world.environment.clients.s3.delete_object(Bucket=BUCKET, Key=BOOK)
    else:
        world.put(BOOK, b'{"protocol": 1, "grants": 7}')
    assert error_of(begin(world, 1))[0] == "LimitExceeded"
    world.sweep()
    assert book_of(world).grants[named(0)].ask.workers == 3
    assert ("is damaged" in caplog.text) == (lost == "damaged")


def test_a_book_that_says_less_than_a_record_is_put_right(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(world, workspace=replace(ALL, workers=5))
    begin(world, 0)
    fields = json.loads(world.read(BOOK))
    fields["grants"][named(0)] |= {"until": world.now + 60, "reserved": 0, "later": 1}
    world.put(BOOK, json.dumps({**fields, "of_a_later_release": 1}).encode())
    # ECS has two workers that no record asked for.
    for _ in range(2):
        world.ecs.add(named(0), lastStatus="RUNNING")
    world.environment.clients.ecs.stop_task = lambda **_: {}  # type: ignore[method-assign]
    world.sweep()
    world.sweep()
    grant = book_of(world).grants[named(0)]
    assert (grant.ask.workers, grant.until) == (5, world.record(keys_of(0)).deadline)
    assert "the record wins" in caplog.text


def test_an_end_whose_release_was_lost_is_settled_once(world: World) -> None:
    deploy(world)
    begin(world, 0)
    world.later(600)
    s3 = world.environment.clients.s3
    put = s3.put_object

    def refusing(**words: object) -> object:
        if words["Key"] == BOOK:
            raise refused("SlowDown")
        return put(**words)  # type: ignore[arg-type]

    s3.put_object = refusing  # type: ignore[method-assign, assignment]
    world.request(keys_of(0), "stop")
    s3.put_object = put  # type: ignore[method-assign]
    assert named(0) in book_of(world).grants
    world.sweep()
    book = book_of(world)
    assert book.grants == {}
    once = book.months["2027-01"]["genomics/alice"]
    world.later(300)
    world.sweep()
    assert book_of(world).months["2027-01"]["genomics/alice"] == once > 0.02


def test_a_book_that_cannot_be_written_is_the_sweeps_trouble(world: World) -> None:
    begin(world, 0)
    world.environment.clients.s3.delete_object(Bucket=BUCKET, Key=BOOK)
    s3 = world.environment.clients.s3
    put = s3.put_object

    def refusing(**words: object) -> object:
        if words["Key"] == BOOK:
            raise refused("AccessDenied")
        return put(**words)  # type: ignore[arg-type]

    s3.put_object = refusing  # type: ignore[method-assign, assignment]
    with pytest.raises(SweepFailed, match="the book of totals could not be seen to"):
        world.sweep()
    s3.put_object = put  # type: ignore[method-assign]


def test_starts_give_up_in_time_where_others_always_write_first(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    s3 = world.environment.clients.s3
    put = s3.put_object

    def outrun(**words: object) -> object:
        if words["Key"] == BOOK:
            world.later(0.1)
            raise refused("PreconditionFailed")
        return put(**words)  # type: ignore[arg-type]

    s3.put_object = outrun  # type: ignore[method-assign, assignment]
    began = world.now
    kind, words = error_of(begin(world, 0))
    s3.put_object = put  # type: ignore[method-assign]
    assert (kind, words[:17]) == ("SessionError", "too many sessions")
    assert 20 < world.now - began < 30
    assert len(set(world.pauses)) == len(world.pauses) > 10, "no two wait alike"
