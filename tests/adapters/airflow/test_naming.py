"""The ids of a try: the same for whoever takes it up again, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

from starburst.airflow.naming import Try
from starburst.contract.names import SESSION_ID

ONCE = Try(dag="nightly", run="scheduled__2026-11-30T00:00:00+00:00", task="simulate")
PLACE = ("prod", "genomics", "alice")


def first(once: Try = ONCE, *place: str, salt: str = "") -> str:
    return next(once.ids(*(place or PLACE), salt=salt))


def test_an_id_is_one_that_sessions_have() -> None:
    ids = [*islice(ONCE.ids(*PLACE), 200)]
    assert all(SESSION_ID.fullmatch(each) for each in ids)
    assert len(set(ids)) == 200


def test_an_id_is_the_same_in_every_process_and_release() -> None:
    assert first() == "qxposm065jfva9u40rpl"


@pytest.mark.parametrize(
    "other",
    [
        {"dag": "hourly"},
        {"run": "manual__1"},
        {"task": "other"},
        {"map_index": 0},
        {"number": 2},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_try_has_another_id(other: dict[str, Any]) -> None:
    assert first(replace(ONCE, **other)) != first()


@pytest.mark.parametrize("place", [("dev", *PLACE[1:]), ("prod", "other", "alice"), PLACE[:2]])
def test_another_place_has_another_id(place: tuple[str, ...]) -> None:
    assert first(ONCE, *place) != first()


def test_names_that_run_together_are_told_apart() -> None:
    assert first(replace(ONCE, dag="a", run="bc")) != first(replace(ONCE, dag="ab", run="c"))


def test_who_lacks_the_salt_cannot_tell_the_id() -> None:
    assert len({first(), first(salt="one"), first(salt="two")}) == 3


def test_a_try_is_what_airflow_says_it_is() -> None:
    instance = SimpleNamespace(
        dag_id="nightly", run_id=ONCE.run, task_id="simulate", map_index=-1, try_number=1
    )
    assert Try.of(instance) == ONCE
