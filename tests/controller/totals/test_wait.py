"""``wait=``: a start that finds no room stands in a queue, and nobody overtakes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starburst.controller.totals.book import BOOK
from tests.controller.totals.people import (
    ALL,
    begin,
    book_of,
    command,
    deploy,
    error_of,
    keys_of,
    named,
)
from tests.controller.world import BUCKET, World


@pytest.fixture
def full(world: World) -> World:
    """Session 0 holds three of five workers of its workspace."""
    deploy(world, workspace=replace(ALL, workers=5))
    begin(world, 0)
    return world


def ask(world: World, number: int) -> None:
    """Its client asks how it stands."""
    assert world.request(keys_of(number), "refresh")["ok"]


def stop(world: World, number: int) -> None:
    assert world.request(keys_of(number), "stop") == {"ok": True}
    world.deliver(rounds=5)


def workers(world: World, number: int) -> int:
    return len(world.ecs.live(named(number)))


def test_it_stands_in_the_queue_and_starts_when_there_is_room(full: World) -> None:
    answer = begin(full, 1, wait=600)
    assert answer["queue_url"].endswith(named(1)), "its tasks may be sent"
    assert full.sweep()["sessions"] == 2
    status = full.status(keys_of(1))
    assert (status.state, status.place, workers(full, 1)) == ("starting", 1, 0)
    assert status.reason == (
        "place 1 of those who wait for room, since 08:00 UTC and until 08:10 UTC: 3 of genomics' 5 "
        f"workers are held by session {named(0)} of alice, which ends by 09:00 UTC"
    )
    assert status.deadline == status.started + 600 + 3600, "at the latest"
    full.later(100)
    ask(full, 1)
    stop(full, 0)
    status = full.status(keys_of(1))
    assert (status.state, status.place, workers(full, 1)) == ("running", 0, 3)
    assert status.deadline == full.now + 3600, "its time begins with its room"
    book = book_of(full)
    assert book.waiting == ()
    assert book.grants[named(1)].until == status.deadline


def test_nobody_who_shares_what_is_full_overtakes(full: World) -> None:
    begin(full, 1, 5, wait=600)
    kind, words = error_of(begin(full, 2, 1))
    assert kind == "LimitExceeded"
    assert words == (
        "1 session in front of it waits for room, and nobody overtakes: ask again later, or "
        "wait=600 to queue"
    )
    assert begin(full, 3, 2, wait=600)["ok"]
    assert begin(full, 4, 2, workspace="imaging")["ok"]
    assert (workers(full, 3), workers(full, 4)) == (0, 2), "another workspace has room of its own"
    full.sweep()
    assert [full.status(keys_of(n)).place for n in (1, 3)] == [1, 2]
    stop(full, 0)
    assert (workers(full, 1), workers(full, 3)) == (5, 0)
    full.sweep()
    assert full.status(keys_of(3)).place == 1
    stop(full, 1)
    assert workers(full, 3) == 2


def test_two_that_fit_together_start_together(full: World) -> None:
    for number in (1, 2):
        begin(full, number, wait=600)
    begin(full, 3, 2, wait=600)
    stop(full, 0)
    assert [workers(full, n) for n in (1, 2, 3)] == [3, 0, 0], "the third does not overtake"
    stop(full, 1)
    assert [workers(full, n) for n in (2, 3)] == [3, 2]


def test_after_its_wait_it_fails_with_the_sentence(full: World) -> None:
    begin(full, 1, wait=100)
    full.later(99)
    ask(full, 1)
    assert full.status(keys_of(1)).place == 1
    full.later(1)
    ask(full, 1)
    status = full.status(keys_of(1))
    assert (status.state, status.error, status.place) == ("failed", "LimitExceeded", 0)
    assert status.reason == (
        f"it has waited 100 s for room: 3 of genomics' 5 workers are held by session {named(0)} of "
        "alice, which ends by 09:00 UTC: ask for at most 2 workers"
    )
    assert book_of(full).waiting == ()
    assert len(full.queues()) == 1


def test_one_whose_client_is_silent_is_dropped_and_the_next_starts(full: World) -> None:
    begin(full, 1, 5, wait=6000)
    begin(full, 2, 2, wait=6000)
    for _ in range(2):
        full.later(60)
        ask(full, 2)
        full.sweep()
    full.deliver(rounds=5)
    status = full.status(keys_of(1))
    assert status.state == "ended"
    assert "its client has not asked" in status.reason
    assert workers(full, 2) == 2


def test_one_that_got_its_room_while_its_client_was_gone_starts_nothing(full: World) -> None:
    begin(full, 1, wait=6000)
    full.later(119)
    assert full.request_only(keys_of(0), "stop") == {"ok": True}
    full.later(2)
    full.deliver(rounds=9)
    assert workers(full, 1) == 0
    assert full.status(keys_of(1)).state == "ended"
    assert book_of(full).grants == {}


def test_who_stops_it_takes_it_out(full: World) -> None:
    begin(full, 1, 5, wait=600)
    stop(full, 1)
    assert book_of(full).waiting == ()
    assert begin(full, 2, 2)["ok"]


def test_a_start_that_is_tried_again_keeps_its_place(full: World) -> None:
    first = begin(full, 1, wait=600)
    begin(full, 2, wait=600)
    assert full.request(keys_of(1), "start") == first
    assert [one.session for one in book_of(full).waiting] == [named(1), named(2)]


def test_places_are_found_again_after_the_book_was_lost(full: World) -> None:
    begin(full, 1, wait=600)
    full.environment.clients.s3.delete_object(Bucket=BUCKET, Key=BOOK)
    full.sweep()
    book = book_of(full)
    assert list(book.grants) == [named(0)]
    assert [one.session for one in book.waiting] == [named(1)]


def test_a_freeze_ends_the_wait(full: World) -> None:
    begin(full, 1, wait=600)
    command(full, "freeze", workspace="genomics", why="an incident", by="ada")
    full.deliver(rounds=3)
    status = full.status(keys_of(1))
    assert (status.state, status.error) == ("failed", "SessionsFrozen")
    assert "frozen by ada since 08:00 UTC: an incident" in status.reason


def test_a_wait_for_more_than_there_is_is_refused_at_once(full: World) -> None:
    assert error_of(begin(full, 1, 6, wait=600))[1] == (
        "the session asks for 6 workers, and all sessions of workspace genomics together may have "
        "5: ask for at most 2 workers"
    )
    assert "the limit is 86400 s" in error_of(begin(full, 1, wait=86_401))[1]


def test_one_that_waits_cannot_be_extended(full: World) -> None:
    begin(full, 1, wait=600)
    answer = full.request(keys_of(1), "extend", deadline=full.now + 7200)
    assert "waits for room" in error_of(answer)[1]
