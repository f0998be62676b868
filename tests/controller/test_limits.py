"""Every limit is judged on the server, each by itself and all together."""

from __future__ import annotations

from typing import Any

import pytest

from starburst.contract import Hosts, Instance, Limits, RuntimeDocument, WorkspaceDocument
from starburst.controller.limits import Refusal, affordable_workers, judge, refuse
from starburst.errors import ConfigurationError, LimitExceeded
from starburst.pricing.prices import load
from tests.manifests import a_manifest

WIDE = Limits(workers=500, vcpu=1e6, memory_gb=1e6, timeout_seconds=86_400, usd_per_hour=1e6)
PRICE = 2 * 0.04048 + 8 * 0.004445
"""Of the worker that is afforded, an hour."""


def judged(
    limits: Limits = WIDE,
    /,
    *,
    default_gb: int = 20,
    others: tuple[str, ...] = (),
    hosts: Hosts | None = None,
    **fields: Any,
) -> list[Refusal]:
    known = document(limits, default_gb=default_gb, others=others, hosts=hosts)
    return judge(a_manifest(**fields), known, prices=load("us-east-1"))


def document(
    limits: Limits = WIDE,
    *,
    default_gb: int = 20,
    others: tuple[str, ...] = (),
    hosts: Hosts | None = None,
) -> RuntimeDocument:
    workspace = WorkspaceDocument(
        analyst_role_arn="a",
        task_definition="t",
        limits=limits,
        worker_role_arn="w",
        scratch_gb=default_gb,
    )
    return RuntimeDocument(
        environment="prod",
        account="123456789012",
        region="us-east-1",
        bucket="b",
        key_arn="k",
        controller="c",
        python="3.11",
        architecture="X86_64",
        workspaces={"genomics": workspace},
        other_architectures=others,
        hosts=hosts,
    )


def test_what_is_within_every_limit_passes() -> None:
    assert judged() == []
    assert judged(workers=500) == []


@pytest.mark.parametrize(
    ("limits", "fields", "kind", "says"),
    [
        (WIDE, {"workers": 501}, "LimitExceeded", "Workers must be <= 500"),
        (WIDE, {"workers": 0}, "LimitExceeded", "at least 1"),
        (Limits(workers=2), {"workers": 3}, "LimitExceeded", "Workers must be <= 2"),
        (Limits(vcpu=5.9), {"cpu": 2}, "LimitExceeded", "vCPU over all workers is 6"),
        (Limits(memory_gb=11), {}, "LimitExceeded", "memory over all workers is 12 GB"),
        (Limits(usd_per_hour=0.17), {}, "LimitExceeded", "price per hour is $0.17"),
        (WIDE, {"timeout_seconds": 86_401}, "LimitExceeded", "86401 s"),
        (WIDE, {"timeout_seconds": 0}, "LimitExceeded", "at least 1 s"),
        (WIDE, {"idle_seconds": 0}, "LimitExceeded", "idle_seconds"),
        (WIDE, {"idle_seconds": 3601}, "LimitExceeded", "idle_seconds"),
        (WIDE, {"attempts": 0}, "LimitExceeded", "attempts"),
        (WIDE, {"attempts": 11}, "LimitExceeded", "attempts"),
        (WIDE, {"retries": 11}, "LimitExceeded", "retries"),
        (WIDE, {"labels": {str(n): "" for n in range(21)}}, "LimitExceeded", "labels"),
        (WIDE, {"cpu": 3}, "ConfigurationError", "it sells 0.25, 0.5, 1, 2, 4, 8, 16"),
        (WIDE, {"cpu": 4, "memory_gb": 4}, "ConfigurationError", "8 to 30 GB"),
        (WIDE, {"cpu": 1, "memory_gb": 4.5}, "ConfigurationError", "2 to 8 GB"),
        (WIDE, {"python": "3.12"}, "VersionMismatch", "Use Python 3.11"),
        (WIDE, {"scratch_gb": 20}, "ConfigurationError", "21 to 200 GB"),
        (WIDE, {"scratch_gb": 201}, "ConfigurationError", "21 to 200 GB"),
        (WIDE, {"scratch_gb": 0}, "ConfigurationError", "21 to 200 GB"),
        (Limits(scratch_gb=60), {"scratch_gb": 61}, "LimitExceeded", "the limit is 60 GB"),
        (Limits(pickle_results=False), {"results": "pickle"}, "LimitExceeded", "pickle"),
    ],
)
def test_each_limit_refuses_by_itself(
    limits: Limits, fields: dict[str, Any], kind: str, says: str
) -> None:
    (refusal,) = judged(limits, **fields)

    assert refusal.kind.__name__ == kind
    assert says in refusal.message


def test_500_workers_hold_even_where_the_document_allows_more() -> None:
    (refusal,) = judged(
        Limits(workers=5000, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6), workers=501
    )

    assert refusal.kind is LimitExceeded


def test_the_limit_itself_is_allowed() -> None:
    exact = Limits(workers=3, vcpu=3, memory_gb=12, timeout_seconds=3600)

    assert judged(exact) == []
    assert judged(WIDE, results="pickle") == []


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        (WIDE, {"timeout_seconds": 1}),
        (WIDE, {"timeout_seconds": 86_400}),
        (WIDE, {"idle_seconds": 1}),
        (WIDE, {"idle_seconds": 3600}),
        (WIDE, {"attempts": 1}),
        (WIDE, {"attempts": 10}),
        (WIDE, {"retries": 10}),
        (WIDE, {"labels": {str(n): "" for n in range(20)}}),
        (WIDE, {"scratch_gb": 21}),
        (WIDE, {"scratch_gb": 200}),
        (WIDE, {"workers": 1}),
        (Limits(scratch_gb=60), {"scratch_gb": 60}),
        (Limits(pickle_results=False), {"results": "data"}),
        # What a binary fraction makes of a tenth is no reason to refuse.
        (Limits(workers=100, vcpu=0.75 - 1e-10, memory_gb=1e6), {"cpu": 0.25, "memory_gb": 2}),
        (Limits(workers=100, vcpu=1e6, memory_gb=6 - 1e-10), {"cpu": 0.25, "memory_gb": 2}),
    ],
)
def test_each_bound_itself_is_allowed(limits: Limits, fields: dict[str, Any]) -> None:
    assert judged(limits, **fields) == []


@pytest.mark.parametrize("name", ["workers", "cpu", "memory_gb", "scratch_gb"])
def test_an_absurd_number_is_refused_alone_and_a_million_is_merely_too_much(name: str) -> None:
    fields: dict[str, Any] = {name: 10**400}
    (refusal,) = judged(**fields)
    assert (refusal.kind, refusal.message) == (
        LimitExceeded,
        f"{name} is more than 1000000, the limit is far less: lower it",
    )
    fields[name] = 1_000_000
    assert not any("far less" in one.message for one in judged(**fields))
    fields |= {name: 1_000_001, "architecture": "ARM64"}
    (refusal,) = judged(**fields)
    assert "far less" in refusal.message, "nothing else is computed from it"


def test_paid_scratch_storage_counts_towards_the_price() -> None:
    price = 3 * (0.04048 + 4 * 0.004445)

    assert judged(Limits(usd_per_hour=price)) == []
    (refusal,) = judged(Limits(usd_per_hour=price), default_gb=200)
    assert "price per hour" in refusal.message
    (refusal,) = judged(Limits(usd_per_hour=price), scratch_gb=200)
    assert "price per hour" in refusal.message


def test_what_the_environment_does_not_offer_is_refused() -> None:
    (refusal,) = judged(architecture="ARM64")

    assert refusal.kind is ConfigurationError
    assert "it has X86_64" in refusal.message
    assert judged(architecture="X86_64") == []
    assert judged(architecture="ARM64", others=("ARM64",)) == []


def test_arm_is_judged_at_its_own_price() -> None:
    arm = 3 * (0.03238 + 4 * 0.00356)

    assert judged(Limits(usd_per_hour=arm), others=("ARM64",), architecture="ARM64") == []
    (refusal,) = judged(Limits(usd_per_hour=arm), others=("ARM64",))
    assert "price per hour" in refusal.message


def test_spot_is_judged_at_the_on_demand_price() -> None:
    limits = Limits(usd_per_hour=0.1)

    assert [r.message for r in judged(limits, capacity="spot")] == [
        r.message for r in judged(limits)
    ]


def test_all_reasons_are_told_at_once() -> None:
    refusals = judged(Limits(workers=1), timeout_seconds=10**9, python="2.7")

    with pytest.raises(
        LimitExceeded, match=r"Workers must be.*ask for fewer.*timeout.*Python 3.11"
    ):
        refuse(refusals)


def test_advice_that_reasons_share_is_given_once() -> None:
    refusals = judged(Limits(workers=1, vcpu=0.25, memory_gb=0.5, usd_per_hour=0.001), workers=2)
    assert len(refusals) == 4

    with pytest.raises(LimitExceeded) as caught:
        refuse(refusals)

    assert str(caught.value).count("ask the platform team") == 1
    assert str(caught.value).endswith("raise the workspace's limit")


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        (Limits(workers=9999, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6), 500),
        (Limits(workers=7, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6), 7),
        (Limits(workers=99, vcpu=6, memory_gb=1e6, usd_per_hour=1e6), 3),
        (Limits(workers=99, vcpu=5.9, memory_gb=1e6, usd_per_hour=1e6), 2),
        (Limits(workers=99, vcpu=1e6, memory_gb=24, usd_per_hour=1e6), 3),
        (Limits(workers=99, vcpu=1e6, memory_gb=23.9, usd_per_hour=1e6), 2),
        (Limits(workers=99, vcpu=1e6, memory_gb=1e6, usd_per_hour=3 * PRICE), 3),
        (Limits(workers=99, vcpu=1e6, memory_gb=1e6, usd_per_hour=2.9 * PRICE), 2),
        # A rounding error more or less is none: what was accepted is not stopped.
        (Limits(workers=99, vcpu=6 - 1e-10, memory_gb=1e6, usd_per_hour=1e6), 3),
        (Limits(workers=99, vcpu=1e6, memory_gb=24 - 1e-10, usd_per_hour=1e6), 3),
        (Limits(workers=99, vcpu=1e6, memory_gb=1e6, usd_per_hour=3 * PRICE - 1e-11), 3),
        (Limits(workers=99, vcpu=1.9, memory_gb=1e6, usd_per_hour=1e6), 0),
    ],
)
def test_each_limit_bounds_what_can_be_afforded(limits: Limits, workers: int) -> None:
    affordable = affordable_workers(
        limits,
        document(),
        cpu=2,
        memory_gb=8,
        scratch_gb=20,
        prices=load("us-east-1"),
        architecture="X86_64",
    )
    assert affordable == workers


LARGE = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.29)
SMALL = Instance(name="c7g.large", vcpu=2, memory_gb=4, usd_per_hour=0.08)


def test_a_worker_on_an_instance_is_judged_at_its_share_of_the_dearest_that_holds_it() -> None:
    hosts = Hosts(instances=(SMALL, LARGE))
    half = 3 * 0.5 * 0.08  # 1 of 2 vCPU, but 2 GB are more than half of what is left for workers
    (refusal,) = judged(Limits(usd_per_hour=half), hosts=hosts, memory_gb=2)

    assert "price per hour" in refusal.message
    assert judged(Limits(usd_per_hour=3 * 0.577 * 0.08), hosts=hosts, memory_gb=2) == []
    assert judged(Limits(usd_per_hour=3 * 0.274 * 0.29), hosts=hosts, cpu=2) == []


def test_every_instance_that_has_no_room_is_named() -> None:
    (refusal,) = judged(hosts=Hosts(instances=(SMALL, LARGE)), cpu=16, memory_gb=32)

    assert "(c7g.large, c7g.2xlarge)" in refusal.message


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"cpu": 16, "memory_gb": 32}, "c7g.2xlarge"),
        ({"cpu": 4, "memory_gb": 16}, "no instance"),
        ({"capacity": "spot"}, "on-demand instances only"),
        ({"capacity": "mixed"}, "on-demand instances only"),
        ({"scratch_gb": 100}, "disk of their instance"),
    ],
)
def test_what_instances_cannot_do_is_refused(fields: dict[str, Any], says: str) -> None:
    (refusal,) = judged(WIDE, hosts=Hosts(instances=(LARGE,)), **fields)

    assert refusal.kind is ConfigurationError
    assert says in refusal.message
    if "capacity" in fields:
        assert judged(WIDE, hosts=Hosts(instances=(LARGE,), spot=True), **fields) == []
