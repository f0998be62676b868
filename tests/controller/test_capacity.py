"""Capacity: who is bought how, what waits and why, and that waiting costs no replacement."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from starburst.contract import Hosts, Instance, Limits, Rates, Totals
from starburst.pricing.prices import fleet_usd, load
from tests.controller.world import World, bought
from tests.manifests import a_manifest

KEYS = a_manifest().keys
WIDE = Limits(workers=500, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6)
VCPUS = "You've reached the limit on the number of vCPUs you can run concurrently"


def live(world: World) -> Counter[str]:
    return Counter(task["capacityProviderName"] for task in world.ecs.live(KEYS.session))


def tokens(world: World) -> list[str]:
    return [call["clientToken"] for call in world.ecs.calls]


def lack(world: World, *tasks: dict[str, Any]) -> None:
    """Fargate accepted these and then had no room for them."""
    for task in tasks:
        event = world.ecs.end(
            task, exit_code=None, stop_code="TaskFailedToStart", reason=world.ecs.excuse
        )
        world.tell(event)


@pytest.mark.parametrize(
    ("capacity", "providers"),
    [
        ("on-demand", {"FARGATE": 40}),
        ("spot", {"FARGATE_SPOT": 40}),
        ("mixed", {"FARGATE": 4, "FARGATE_SPOT": 36}),
    ],
)
def test_each_capacity_is_bought_as_it_says(
    world: World, capacity: str, providers: dict[str, int]
) -> None:
    world.deploy(WIDE)
    world.start(a_manifest(workers=40, capacity=capacity))

    assert live(world) == providers
    assert sum(call["count"] for call in world.ecs.calls) == 40


def test_mixed_replaces_spot_by_spot_while_its_certain_share_is_there(world: World) -> None:
    world.deploy(WIDE)
    url = world.start(a_manifest(workers=40, capacity="mixed"))["queue_url"]
    world.send(url, 80)
    world.later(60)
    for task in world.ecs.live()[-10:]:
        world.ecs.end(task, exit_code=None, stop_code="SpotInterruption")
    world.sweep()
    assert live(world) == {"FARGATE": 4, "FARGATE_SPOT": 36}


def test_mixed_takes_on_demand_workers_where_spot_has_no_room(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.room = {"FARGATE_SPOT": 12}
    world.start(a_manifest(workers=50, capacity="mixed"))

    assert live(world) == {"FARGATE": 38, "FARGATE_SPOT": 12}
    assert len(set(tokens(world))) == len(world.ecs.calls)
    assert not world.pauses, "nobody waits for Spot where on-demand workers may be had"
    assert world.record(KEYS).waiting_since is None


@pytest.mark.parametrize("seconds", [6, 11])  # its time ends behind the fallback, and with it
def test_mixed_waits_for_nothing_when_only_time_was_short(world: World, seconds: float) -> None:
    world.deploy(WIDE)
    world.ecs.room = {"FARGATE_SPOT": 5}
    world.ecs.on_run = lambda: world.later(seconds)
    world.start(a_manifest(workers=40, capacity="mixed"), seconds=30)

    assert 0 < sum(live(world).values()) < 40
    assert world.record(KEYS).waiting_since is None
    assert "being launched" in world.status(KEYS).reason
    world.ecs.on_run = None
    world.later(60)
    world.sweep()
    assert live(world) == {"FARGATE": 35, "FARGATE_SPOT": 5}


def test_mixed_asks_for_spot_where_on_demand_workers_lacked(world: World) -> None:
    world.ecs.answers = ["Capacity is unavailable at this time"]
    world.start(a_manifest(workers=10, capacity="mixed"))

    assert live(world) == {"FARGATE": 1, "FARGATE_SPOT": 9}
    assert world.record(KEYS).spot_lacked_at is None


def test_mixed_comes_back_to_spot_after_a_while(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.room = {"FARGATE_SPOT": 0}
    url = world.start(a_manifest(workers=10, capacity="mixed", timeout_seconds=80_000))["queue_url"]
    world.send(url, 60)
    assert live(world) == {"FARGATE": 10}

    world.ecs.room = {}
    for wait, provider in ((60, "FARGATE"), (900, "FARGATE_SPOT")):
        world.later(wait)
        world.ecs.end(world.ecs.live()[0], exit_code=1)
        world.sweep()
        assert bought(world.ecs.calls[-1]) == provider
    assert sum(live(world).values()) == 10


def test_mixed_falls_back_when_accepted_spot_workers_find_no_room(world: World) -> None:
    world.ecs.first_status = "PROVISIONING"
    url = world.start(a_manifest(capacity="mixed"))["queue_url"]
    world.send(url, 30)
    assert live(world) == {"FARGATE_SPOT": 3}
    world.later(30)
    lack(world, *world.ecs.live())
    world.later(30)
    world.sweep()

    assert live(world) == {"FARGATE": 3}
    record = world.record(KEYS)
    assert (record.faults, record.unstarted, record.lost, record.lacked) == (0, 0, 0, 3)


def test_spot_waits_for_spot_and_says_since_when(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.room = {"FARGATE_SPOT": 12}
    url = world.start(a_manifest(workers=50, capacity="spot"))["queue_url"]
    world.send(url, 80)

    began = world.status(KEYS).reason
    assert began.startswith("12 of 50 workers running; 38 waiting for Fargate Spot capacity since ")
    for _ in range(10):
        world.later(60)
        world.sweep()
    assert world.status(KEYS).reason == began, "the wait began when it began"
    assert live(world) == {"FARGATE_SPOT": 12}

    world.ecs.room = {}
    world.later(600)
    world.sweep()
    assert live(world) == {"FARGATE_SPOT": 50}
    assert world.status(KEYS).reason == "50 of 50 workers running"
    world.later(60)
    world.sweep()
    assert world.record(KEYS).waiting_since is None


def test_spot_workers_that_were_accepted_and_found_no_room_wait_alike(world: World) -> None:
    world.ecs.first_status = "PROVISIONING"
    url = world.start(a_manifest(capacity="spot", timeout_seconds=80_000))["queue_url"]
    world.send(url, 30)
    began = ""
    for _ in range(40):
        world.later(60)
        lack(world, *world.ecs.live())
        world.sweep()
        reason = world.status(KEYS).reason
        if "waiting" in reason:
            began = began or reason.split(" (ECS")[0]
            assert reason.startswith(began)
    assert "3 waiting for Fargate Spot capacity since" in began
    assert "lost" not in world.status(KEYS).reason
    record = world.record(KEYS)
    assert (record.state, record.faults, record.lost) == ("starting", 0, 0)
    assert len(world.ecs.calls) <= 16, "a minute at first, five at last"


@pytest.mark.parametrize("all_or_nothing", [False, True])
def test_a_small_quota_starts_what_it_can_and_grows_in_waves(
    world: World, all_or_nothing: bool
) -> None:
    world.deploy(WIDE)
    world.ecs.excuse, world.ecs.room = VCPUS, {"FARGATE": 34}
    world.ecs.all_or_nothing = all_or_nothing
    url = world.start(a_manifest(workers=50, timeout_seconds=80_000))["queue_url"]
    world.send(url, 90)

    assert live(world) == {"FARGATE": 34}
    assert world.status(KEYS).reason.startswith(
        "34 of 50 workers running; 16 waiting for the account's Fargate vCPU quota (L-3032A538; "
        "ask for more in Service Quotas) since "
    )
    for quota in (41, 50, 50):
        world.ecs.room = {"FARGATE": quota}
        world.later(600)
        world.sweep()
        assert live(world) == {"FARGATE": quota}
    assert world.status(KEYS).reason == "50 of 50 workers running"
    assert world.status(KEYS).workers_started == 50
    assert len(set(tokens(world))) == len(world.ecs.calls), "no token ever asks for two things"


def test_a_quota_that_is_asked_in_vain_is_asked_ever_more_seldom(world: World) -> None:
    world.ecs.excuse, world.ecs.room = VCPUS, {"FARGATE": 1}
    url = world.start(a_manifest(timeout_seconds=80_000))["queue_url"]
    world.send(url, 30)
    before = len(world.ecs.calls)
    for _ in range(60):
        world.later(60)
        world.sweep()

    assert 10 <= len(world.ecs.calls) - before <= 40, (
        "an hour, each five minutes, two calls at most"
    )
    assert world.record(KEYS).state == "running"
    assert world.record(KEYS).faults == 0


def test_a_worker_that_ends_makes_room_for_another_at_once(world: World) -> None:
    world.ecs.excuse, world.ecs.room = VCPUS, {"FARGATE": 2}
    url = world.start(a_manifest(timeout_seconds=80_000))["queue_url"]
    world.send(url, 30)
    for _ in range(30):
        world.later(60)
        world.sweep()
    assert world.record(KEYS).not_before > world.now + 60

    world.ecs.end(world.ecs.live()[0])
    world.later(30)
    world.sweep()
    assert len(world.ecs.live()) == 2


def test_a_wait_ends_with_the_work(world: World) -> None:
    world.ecs.excuse, world.ecs.room = VCPUS, {"FARGATE": 1}
    url = world.start(a_manifest(timeout_seconds=80_000))["queue_url"]
    world.send(url, 30)
    world.later(60)
    world.sweep()
    assert "2 waiting" in world.status(KEYS).reason

    world.all_of_sqs.purge_queue(QueueUrl=url)
    world.ecs.room = {}
    world.later(600)
    world.sweep()
    assert len(world.ecs.live()) == 1, "nobody starts workers that have nothing to do"
    assert world.record(KEYS).waiting_since is None
    assert "waiting" not in world.status(KEYS).reason


def test_an_invocation_that_dies_in_the_fallback_doubles_nothing(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.room = {"FARGATE_SPOT": 5}
    world.ecs.die_at(5)
    with pytest.raises(KeyboardInterrupt):
        world.start(a_manifest(workers=40, capacity="mixed"))
    world.ecs.on_run = None
    assert sum(live(world).values()) < 40
    world.later(120)
    world.send(world.record(KEYS).queue_url, 80)
    for _ in range(3):
        world.later(60)
        world.sweep()

    assert sum(live(world).values()) == 40
    assert max(Counter(tokens(world)).values()) <= 2


def test_subnets_without_addresses_are_named(world: World) -> None:
    world.ecs.answers = [
        "Unexpected EC2 error while attempting to Create Network Interface: "
        "InsufficientFreeAddressesInSubnet"
    ] * 4
    world.start()

    assert "3 waiting for free addresses in the subnets since" in world.status(KEYS).reason


def test_each_worker_is_counted_at_its_own_price(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.room = {"FARGATE_SPOT": 6}
    world.start(a_manifest(workers=10, capacity="mixed"))
    assert live(world) == {"FARGATE": 4, "FARGATE_SPOT": 6}
    world.later(1800)
    world.sweep()

    size: dict[str, Any] = {"cpu": 1, "memory_gb": 4, "hours": 0.5, "prices": load("eu-west-1")}
    dear, cheap = fleet_usd(workers=4, **size), fleet_usd(workers=6, spot=True, **size)
    assert world.status(KEYS).usd == pytest.approx(dear + cheap, abs=1e-5)
    assert cheap == pytest.approx(fleet_usd(workers=6, **size) / 2)

    world.all_of_sqs.purge_queue(QueueUrl=world.record(KEYS).queue_url)
    for task in world.ecs.live():
        world.ecs.end(task)
    world.sweep()
    assert world.status(KEYS).usd == pytest.approx(dear + cheap, abs=1e-5)


@pytest.mark.parametrize("capacity", ["spot", "mixed"])
def test_an_hourly_limit_is_judged_at_the_dearest_price(world: World, capacity: str) -> None:
    hourly = fleet_usd(workers=3, cpu=1, memory_gb=4, hours=1, prices=load("eu-west-1"))
    world.deploy(Limits(usd_per_hour=hourly * 0.9))

    answer = world.start(a_manifest(capacity=capacity))
    assert answer["error"]["type"] == "LimitExceeded"
    assert "price per hour" in answer["error"]["message"]
    world.deploy(Limits(usd_per_hour=hourly))
    assert world.start(a_manifest(capacity=capacity, session="b" * 20))["ok"] is True


def test_what_the_account_pays_holds_limits_totals_and_the_cap(world: World) -> None:
    own = Rates(x86_vcpu_hour=0.2, x86_gb_hour=0.02)
    hourly = 3 * (0.2 + 4 * 0.02)
    listed = fleet_usd(workers=3, cpu=1, memory_gb=4, hours=1, prices=load("eu-west-1"))
    assert listed < hourly
    world.deploy(Limits(usd_per_hour=listed), prices=own)
    refusal = world.start(a_manifest(session="b" * 20))["error"]
    assert (refusal["type"], "price per hour" in refusal["message"]) == ("LimitExceeded", True)
    world.deploy(Limits(usd_per_hour=hourly), prices=own, totals=Totals(usd_per_hour=1.5 * hourly))
    assert world.start(a_manifest(session="c" * 20))["ok"] is True
    held = world.start(a_manifest(session="d" * 20))["error"]
    assert f"of the environment's ${1.5 * hourly:.2f} per hour are held" in held["message"]
    world.later(1800)
    world.sweep()
    status = world.status(a_manifest(session="c" * 20).keys)
    assert status.usd == pytest.approx(hourly / 2, rel=0.05)


def test_a_session_has_the_architecture_and_the_disk_that_it_asks_for(world: World) -> None:
    world.deploy(WIDE, other_architectures=("ARM64",))
    world.start(a_manifest(architecture="ARM64", scratch_gb=120))

    (call,) = world.ecs.calls
    assert call["taskDefinition"] == "starburst-prod-genomics-arm64"
    assert call["overrides"]["ephemeralStorage"] == {"sizeInGiB": 120}
    for task in world.ecs.live():
        task["ephemeralStorage"] = {"sizeInGiB": 120}
    world.later(3600)
    world.request(KEYS, "refresh")
    usd = fleet_usd(
        workers=3,
        cpu=1,
        memory_gb=4,
        hours=1,
        scratch_gb=120,
        architecture="ARM64",
        prices=load("eu-west-1"),
    )
    assert world.status(KEYS).usd == pytest.approx(usd, abs=1e-5)


def test_what_is_not_asked_for_is_the_environments_own(world: World) -> None:
    world.deploy(WIDE, other_architectures=("ARM64",))
    world.start()

    (call,) = world.ecs.calls
    assert call["taskDefinition"] == "starburst-prod-genomics"
    assert "ephemeralStorage" not in call["overrides"], "20 GB are there unasked"


def test_an_architecture_that_is_not_offered_starts_nothing(world: World) -> None:
    answer = world.start(a_manifest(architecture="ARM64"))

    assert answer["error"]["type"] == "ConfigurationError"
    assert not world.ecs.calls
    assert not world.queues()


def test_stopped_workers_of_another_architecture_are_counted_too(world: World) -> None:
    world.deploy(WIDE, other_architectures=("ARM64",))
    world.start(a_manifest(architecture="ARM64"))
    world.later(60)
    for task in world.ecs.live():
        world.ecs.end(task, exit_code=1)
    world.later(3)
    world.request(KEYS, "refresh")

    assert world.status(KEYS).workers_lost == 3


HOSTS = Hosts(
    instances=(Instance(name="c7g.xlarge", vcpu=4, memory_gb=8, usd_per_hour=0.16),), spot=True
)


@pytest.mark.parametrize(
    ("capacity", "providers"),
    [
        ("on-demand", {"starburst-prod-genomics-on-demand": 20}),
        ("spot", {"starburst-prod-genomics-spot": 20}),
        (
            "mixed",
            {"starburst-prod-genomics-on-demand": 2, "starburst-prod-genomics-spot": 18},
        ),
    ],
)
def test_workers_run_on_their_workspaces_own_instances(
    world: World, capacity: str, providers: dict[str, int]
) -> None:
    world.deploy(WIDE, hosts=HOSTS)
    world.start(a_manifest(workers=20, capacity=capacity))

    assert live(world) == providers
    for call in world.ecs.calls:
        network = call["networkConfiguration"]["awsvpcConfiguration"]
        assert network == {"subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-workers"]}
        assert not {"launchType", "platformVersion"} & set(call)
        assert "ephemeralStorage" not in call["overrides"]
    world.later(3600)
    world.request(KEYS, "refresh")
    spot = sum(n for name, n in providers.items() if name.endswith("spot"))
    share = HOSTS.instances[0].share(1, 4) * 0.16
    assert world.status(KEYS).usd == pytest.approx(share * (20 - spot + spot / 2), abs=1e-4)


def test_mixed_turns_to_on_demand_when_spot_holds_workers_back_for_long(world: World) -> None:
    world.deploy(WIDE, hosts=HOSTS)
    world.ecs.first_status = "PROVISIONING"
    url = world.start(a_manifest(workers=4, capacity="mixed"))["queue_url"]
    world.send(url, 40)
    world.later(240)
    world.sweep()
    assert live(world) == {"starburst-prod-genomics-spot": 4}

    world.later(120)
    world.sweep()
    world.later(30)
    world.sweep()
    assert live(world) == {"starburst-prod-genomics-on-demand": 4}
    assert world.record(KEYS).lost == 0
    for _ in range(10):
        world.later(60)
        world.sweep()
    assert live(world) == {"starburst-prod-genomics-on-demand": 4}, "on demand may take its time"


def test_one_refusal_in_a_long_launch_is_no_shortage(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.answers = ["Capacity is unavailable at this time"]
    world.ecs.on_run = lambda: world.later(1)
    world.start(a_manifest(workers=300))

    record = world.record(KEYS)
    assert len(world.ecs.live()) == 300
    assert (record.shortages, record.waiting_since) == (0, None)
    assert record.not_before <= world.now
