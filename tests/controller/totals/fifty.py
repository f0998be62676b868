"""Fifty starts at one instant, some of which die, over an S3 that fails now and then, by a seed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.contract import Limits, Totals, WorkspaceDocument
from starburst.controller.state.sessions import Record
from starburst.controller.totals.book import BOOK, Book
from starburst.controller.totals.keeping import BookBusy, Bookkeeper
from starburst.errors import LimitExceeded
from tests.controller.effects.memory_world import a_world
from tests.controller.totals.crowd import Crowd

__all__ = ["Outcome", "fifty"]

STARTS: Final = 50
_WORKSPACES: Final = ("genomics", "imaging")
_PEOPLE: Final = ("alice", "bobby", "carol")


@dataclass(kw_only=True)
class Outcome:
    """What became of them.

    Attributes:
        granted, refused, died, failed: how many of each; who failed was told of AWS's trouble.
        wrong: what was exceeded at some moment, or left unused.
    """

    granted: int = 0
    refused: int = 0
    died: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)


def fifty(seed: int, *, deaths: int = 0, faults: int = 0) -> Outcome:
    """Play a seed.

    Args:
        seed: which.
        deaths: how many of a hundred writes end their invocation, before or after.
        faults: how many of a hundred calls of S3 fail, before or after their effect.
    """
    random = Random(seed)  # noqa: S311 - a test, not a secret
    world, found = a_world(), Outcome()
    person = Totals(sessions=9, workers=random.choice((20, 500)))
    workspace = Totals(workers=40, usd_per_day=random.choice((5, 1500)))
    together = Totals(workers=60, usd_per_hour=random.choice((2.5, 150)), sessions=14)
    entry = WorkspaceDocument(
        analyst_role_arn="r", task_definition="t", limits=Limits(), totals=workspace
    )
    world.deploy(workspaces=dict.fromkeys(_WORKSPACES, entry), totals=together, user_totals=person)
    allowed = {
        ("environment", ""): together,
        **{("workspace", name): workspace for name in _WORKSPACES},
        **{("person", name): person for name in _PEOPLE},
    }
    keeper = Bookkeeper(environment=world.environment)
    records = [_record(number, random, now=world.now) for number in range(STARTS)]
    seen: object = None

    def start(record: Record) -> None:
        try:
            with world.history.invocation(seconds=60):
                keeper.reserve(record, until=world.now + 25)
            found.granted += 1
        except LimitExceeded:
            found.refused += 1
        except (ClientError, BotoCoreError, BookBusy):
            found.failed += 1

    def watch() -> None:
        nonlocal seen
        if world.store.objects.get(BOOK) is not seen:
            seen = world.store.objects[BOOK]
            found.wrong += _exceeded(Book.from_json(world.read(BOOK)), allowed)

    crowd = Crowd(
        random=random,
        works=[partial(start, record) for record in records],
        deaths=deaths,
        faults=faults,
        watch=watch,
    )
    crowd.play(world.history)
    found.died = crowd.died
    book, unsure = keeper.read(), found.died + found.failed
    if not found.granted <= len(book.grants) <= found.granted + unsure:
        found.wrong.append(f"{len(book.grants)} hold room, of {found.granted} that were told so")
    # Whoever was refused would be refused again: nothing that fits is left unused.
    for record in records if not unsure else ():
        if record.session not in book.grants:
            with contextlib.suppress(LimitExceeded):
                keeper.reserve(replace(record, started=world.now), until=world.now + 25)
                found.wrong.append(f"there is room for session {record.session}")
    return found


def _record(number: int, random: Random, *, now: float) -> Record:
    fields: dict[str, Any] = {"cpu": 1, "memory_gb": 4, "scratch_gb": 20, "idle_seconds": 60}
    return Record(
        workspace=random.choice(_WORKSPACES),
        user=random.choice(_PEOPLE),
        session=f"{number:020d}",
        workers=random.randint(1, 9),
        capacity="on-demand",
        task_definition="t",
        started=now,
        deadline=now + 3600 * random.randint(1, 30),
        **fields,
    )


def _exceeded(book: Book, totals: dict[tuple[str, str], Totals]) -> list[str]:
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
            # On the first day: each until midnight, or until its deadline.
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
