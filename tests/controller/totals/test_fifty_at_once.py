"""Fifty starts at one instant never take more than there is, and leave nothing that fits unused."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from starburst.contract import Limits, Totals, WorkspaceDocument
from starburst.controller.state.sessions import Record
from starburst.controller.totals.book import BOOK, Book
from starburst.controller.totals.keeping import Bookkeeper
from starburst.errors import LimitExceeded
from tests.controller.effects.memory_world import MemoryWorld, a_world
from tests.controller.totals.crowd import Crowd

STARTS = 50


def a_record(number: int, random: Random, *, now: float) -> Record:
    return Record(
        workspace=random.choice(("genomics", "imaging")),
        user=random.choice(("alice", "bobby", "carol")),
        session=f"{number:020d}",
        workers=random.randint(1, 9),
        cpu=1,
        memory_gb=4,
        scratch_gb=20,
        capacity="on-demand",
        idle_seconds=60,
        task_definition="t",
        started=now,
        deadline=now + 3600 * random.randint(1, 30),
    )


def a_workspace(totals: Totals) -> WorkspaceDocument:
    return WorkspaceDocument(
        analyst_role_arn="r", task_definition="t", limits=Limits(), totals=totals
    )


def exceeded(book: Book, totals: dict[tuple[str, str], Totals]) -> list[str]:
    """Return what is held beyond what is allowed, summed up anew from nothing but the grants."""
    wrong = []
    for (kind, name), allowed in totals.items():
        held = [
            grant
            for grant in book.grants.values()
            if name in ("", grant.ask.workspace if kind == "workspace" else grant.ask.user)
        ]
        sums = {
            "sessions": len(held),
            "workers": sum(grant.ask.workers for grant in held),
            "usd_per_hour": sum(grant.ask.usd_per_hour for grant in held),
            # By the first midnight: each until then, or until its deadline.
            "usd_per_day": sum(
                grant.ask.usd_per_hour
                * (min(grant.until, (grant.since // 86_400 + 1) * 86_400) - grant.since)
                / 3600
                for grant in held
            ),
        }
        wrong += [
            f"{total} of {kind} {name}: {used} of {getattr(allowed, total)}"
            for total, used in sums.items()
            if used > getattr(allowed, total) + 1e-6
        ]
    return wrong


def crowd(seed: int, *, deaths: int) -> tuple[MemoryWorld, Book, int, int]:
    random = Random(seed)  # noqa: S311 - a test, not a secret
    world = a_world()
    person = Totals(sessions=9, workers=random.choice((20, 500)))
    workspace = Totals(workers=40, usd_per_day=random.choice((5, 1500)))
    together = Totals(workers=60, usd_per_hour=random.choice((2.5, 150)), sessions=14)
    world.deploy(
        workspaces={name: a_workspace(workspace) for name in ("genomics", "imaging")},
        totals=together,
        user_totals=person,
    )
    keeper = Bookkeeper(environment=world.environment)
    records = [a_record(number, random, now=world.now) for number in range(STARTS)]
    totals = {
        ("environment", ""): together,
        **{("workspace", name): workspace for name in ("genomics", "imaging")},
        **{("person", name): person for name in ("alice", "bobby", "carol")},
    }
    granted, refused, seen = 0, 0, dict[str, object]()

    def start(record: Record) -> None:
        nonlocal granted, refused
        try:
            with world.history.invocation(seconds=60):
                keeper.reserve(record, until=world.now + 25)
            granted += 1
        except LimitExceeded:
            refused += 1

    def watch() -> None:
        if world.store.objects.get(BOOK) is seen.get(BOOK):
            return
        seen[BOOK] = world.store.objects[BOOK]
        assert exceeded(keeper.read(), totals) == []

    works = [lambda record=record: start(record) for record in records]
    players = Crowd(random=random, works=works, deaths=deaths)
    players.watch = watch
    players.play(world.history)
    book = keeper.read()
    watch()
    assert granted + refused + players.died == STARTS
    assert granted <= len(book.grants) <= granted + players.died
    # Whoever was refused would be refused again: nothing that fits is left unused.
    for record in records:
        if record.session not in book.grants and not players.died:
            with pytest.raises(LimitExceeded):
                keeper.reserve(replace(record, started=world.now), until=world.now + 25)
    return world, book, granted, refused


@pytest.mark.parametrize("deaths", [0, 15])
def test_no_total_is_exceeded_at_any_moment(deaths: int) -> None:
    met = 0
    for seed in range(8):
        _, _, granted, refused = crowd(seed, deaths=deaths)
        assert granted
        met += refused
    assert met
