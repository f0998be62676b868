"""Fourteen seeded runs through all faults at once. ``make nemesis SEEDS=1000`` runs more."""

from __future__ import annotations

import pytest

from tests.nemesis.plan import CLOUD_FAULTS, DAMAGED, FAULTS, ROLES, THEFTS, Plan
from tests.nemesis.world import run

SEEDS = range(14)


# A client that is killed shows as its sending thread's death.
KILLED = "ignore:Exception in thread starburst-send:pytest.PytestUnhandledThreadExceptionWarning"


@pytest.mark.filterwarnings(KILLED)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_twice_or_unverified(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    history, wrong = run(seed)
    assert wrong == [], f"make nemesis SEEDS=1 FIRST={seed} replays it; {dict(history.plan.struck)}"


def test_the_seeds_of_the_suite_cover_every_fault() -> None:
    plans = [Plan(seed) for seed in SEEDS]
    assert all(
        any(plan.rates[fault] for plan in plans) for fault in (*FAULTS, *CLOUD_FAULTS, *THEFTS)
    )
    assert {plan.damaged for plan in plans} == {"", *DAMAGED}
    assert all(plan.unkind for plan in plans)
    assert {role for plan in plans for role, _ in plan.policy_changes} == {*ROLES}
    assert {plan.login[0] < float("inf") for plan in plans} == {True, False}
    for clock in ("skew", "worker_skew", "controller_skew"):
        assert {getattr(plan, clock) for plan in plans} == {-900.0, 0.0, 900.0}
    assert {plan.chunks for plan in plans} == {1, 4}
    assert {plan.neighbour for plan in plans} == {True, False}
    assert {plan.blames for plan in plans} == {True, False}
    assert {plan.kinds.count("fatal") for plan in plans} == {0, 1, 2}
    assert {plan.client_leaves for plan in plans} == {True, False}
    assert {plan.controller_dies for plan in plans} == {True, False}
    assert {plan.inline for plan in plans} == {plan.client_dies for plan in plans} == {True, False}
    kinds = {kind for plan in plans for kind in plan.kinds}
    assert kinds == {
        "square", "raise", "unsafe", "large", "memory", "once", "segfault", "exit", "hang", "slow",
        "fatal",
    }  # fmt: skip


def test_a_plan_is_its_seed() -> None:
    first, again = Plan(7), Plan(7)
    asked = [("refused", "get", f"x{n % 5}") for n in range(200)]
    assert [first.strikes(*about) for about in asked] == [again.strikes(*about) for about in asked]
    assert first.kinds == again.kinds != Plan(8).kinds
