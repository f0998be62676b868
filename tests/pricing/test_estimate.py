"""An estimate is right where the answer is known, and says what it rests on where it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from starburst import Estimate, estimate
from starburst.contract import (
    Hosts,
    Instance,
    Limits,
    Rates,
    RuntimeDocument,
    WorkspaceDocument,
    runtime_parameter,
)
from starburst.errors import (
    ConfigurationError,
    EnvironmentNotFound,
    LimitExceeded,
    WorkspaceNotFound,
)
from starburst.pricing.prices import fleet_usd, load
from starburst.pricing.run_time import WORKER_START_SECONDS, run_time


@pytest.fixture(autouse=True)
def _no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


class Watch:
    """A clock that only the function under estimate moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seen: list[int] = []

    def __call__(self) -> float:
        return self.now

    def work(self, x: int) -> None:
        self.seen.append(x)
        self.now += 36.0


def document(**limits: float) -> RuntimeDocument:
    return RuntimeDocument(
        environment="prod",
        account="222233334444",
        region="eu-central-1",
        bucket="b",
        key_arn="k",
        controller="c",
        python="3.11",
        architecture="ARM64",
        workspaces={
            "genomics": WorkspaceDocument(
                analyst_role_arn="a",
                task_definition="t",
                limits=Limits(**limits),  # type: ignore[arg-type]
                scratch_gb=120,
            )
        },
    )


def test_the_guides_example() -> None:
    fleet = estimate(workers=100, cpu=4, memory=8, hours=2)

    assert f"{fleet.usd:.2f}" == "39.50"
    assert fleet.usd_per_hour == pytest.approx(19.748)
    assert (fleet.hours, fleet.vcpu_hours, fleet.region) == (2, 800, "us-east-1")
    assert sum(fleet.breakdown.values()) == pytest.approx(fleet.usd)


def test_the_region_comes_from_argument_then_environment_then_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert estimate(hours=1).region == "us-east-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert estimate(hours=1).region == "us-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert estimate(hours=1).region == "eu-west-1"
    assert estimate(hours=1, environment=document()).region == "eu-central-1"
    assert estimate(hours=1, environment=document(), region="us-east-1").region == "us-east-1"
    with pytest.raises(ConfigurationError, match="known regions"):
        estimate(hours=1, region="mars-1")


def test_a_timed_function_runs_on_inputs_spread_over_all() -> None:
    watch = Watch()
    fleet = estimate(watch.work, range(1000), workers=10, samples=4, clock=watch)

    assert watch.seen == [0, 333, 666, 999]
    assert fleet.hours == pytest.approx((WORKER_START_SECONDS + 100 * 36) / 3600)
    usd = fleet_usd(workers=10, cpu=1, memory_gb=4, hours=fleet.hours, prices=load("us-east-1"))
    assert fleet.usd == pytest.approx(usd)
    said = " ".join(fleet.assumptions)
    assert "4 of 1000 calls were run and timed on this computer" in said
    assert "90 s" in said
    assert "one minute" in said


def test_a_fleet_runs_as_long_as_the_worker_with_the_most_calls() -> None:
    """Seven calls of three workers: one has three of them. A slow call counts in the mean."""
    found = run_time([1.0, 1.0, 10.0], calls=7, workers=3)
    assert found.hours * 3600 == pytest.approx(90 + 3 * 4.0)
    assert found.workers == 3


def test_inputs_of_any_iterable_are_taken_and_never_more_than_there_are() -> None:
    watch = Watch()
    fleet = estimate(watch.work, (n for n in range(3)), workers=50, clock=watch)

    assert watch.seen == [0, 1, 2]
    assert fleet.workers == 3
    assert "3 workers, not 50" in " ".join(fleet.assumptions)


def test_nothing_runs_here_where_hours_are_given() -> None:
    watch = Watch()
    estimate(watch.work, range(3), hours=1, clock=watch)
    assert not watch.seen


def test_an_error_of_the_function_is_the_callers() -> None:
    def broken(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        estimate(broken, [1])


def test_a_worker_is_billed_a_minute_at_least() -> None:
    short = estimate(workers=10, hours=1 / 3600, cpu=2, memory=4, capacity="spot")

    assert short.usd == pytest.approx(short.usd_per_hour / 60)
    assert short.vcpu_hours == pytest.approx(10 * 2 / 60)
    assert any("one minute" in sentence for sentence in short.assumptions)
    dear = estimate(workers=10, hours=1 / 3600, cpu=2, memory=4).usd
    assert f"all on demand it would be ${dear:.4f}" in str(short)
    whole = estimate(workers=10, hours=1 / 60)
    assert not any("one minute" in sentence for sentence in whole.assumptions)


def test_a_fleet_that_costs_its_limit_is_within_it_however_its_price_is_rounded() -> None:
    fleet = {"workers": 7, "hours": 1, "workspace": "genomics"}
    limit = estimate(**fleet, environment=document()).usd_per_hour  # type: ignore[arg-type]
    for near in (limit, limit - 5e-10):
        estimate(**fleet, environment=document(usd_per_hour=near))  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded, match="per hour on demand"):
        estimate(**fleet, environment=document(usd_per_hour=limit - 1e-4))  # type: ignore[arg-type]


def test_an_environments_architecture_and_scratch_count() -> None:
    fleet = estimate(hours=1, environment=document(), workspace="genomics")

    assert fleet.usd == pytest.approx(
        fleet_usd(
            workers=10,
            cpu=1,
            memory_gb=4,
            hours=1,
            scratch_gb=120,
            architecture="ARM64",
            prices=load("eu-central-1"),
        )
    )
    assert fleet.breakdown["scratch storage above 20 GB"] > 0


def test_what_would_be_refused_is_refused_here() -> None:
    with pytest.raises(LimitExceeded, match="limit is 5"):
        estimate(hours=1, environment=document(workers=5), workspace="genomics")
    with pytest.raises(LimitExceeded, match="per hour"):
        estimate(hours=1, environment=document(usd_per_hour=0.1), workspace="genomics")
    for full in ({"vcpu": 10}, {"memory_gb": 40}):  # ten workers of 1 vCPU and 4 GB
        estimate(hours=1, environment=document(**full), workspace="genomics")
    with pytest.raises(LimitExceeded, match=r"vCPU over all workers is 10, .* limit is 9\.5"):
        estimate(hours=1, environment=document(vcpu=9.5), workspace="genomics")
    with pytest.raises(LimitExceeded, match=r"memory over all workers is 40 GB, .* is 39 GB"):
        estimate(hours=1, environment=document(memory_gb=39), workspace="genomics")
    with pytest.raises(WorkspaceNotFound, match="genomics"):
        estimate(hours=1, environment=document(), workspace="markets")


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": 501, "hours": 1},
        {"workers": 0, "hours": 1},
        {"cpu": 3, "hours": 1},
        {"cpu": 4, "memory": 4, "hours": 1},
        {"hours": 0},
        {"hours": float("inf")},
        {"samples": 0, "hours": 1},
        {},
        {"f": abs, "inputs": []},
        {"f": abs},
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        estimate(**wrong)  # type: ignore[arg-type]


def test_memory_may_be_text() -> None:
    assert estimate(cpu=4, memory="8GB", hours=2, workers=100).usd == pytest.approx(39.496)


def test_a_named_environment_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        boto3.client("ssm").put_parameter(
            Name=runtime_parameter("prod"), Value=document().to_json(), Type="String"
        )
        named = estimate(hours=1, environment="prod", workspace="genomics")
        with pytest.raises(EnvironmentNotFound):
            estimate(hours=1, environment="absent")
    assert named == estimate(hours=1, environment=document(), workspace="genomics")


def test_what_an_environment_pays_is_what_it_is_told() -> None:
    own = Rates(x86_vcpu_hour=0.02, x86_gb_hour=0.002)
    paid = replace(document(), prices=own, architecture="X86_64")
    asked: dict[str, Any] = {"workers": 10, "cpu": 1, "memory": 4, "hours": 2, "scratch_gb": 20}
    cheap = estimate(**asked, environment=paid)
    assert cheap.usd == pytest.approx(10 * 2 * (0.02 + 4 * 0.002))
    assert cheap.usd < estimate(**asked, environment=replace(paid, prices=None)).usd
    said = "The prices x86_vcpu_hour, x86_gb_hour are what the environment's settings say; else"
    assert said in str(cheap)
    # A Region that is named has its list prices, and one without any is no obstacle.
    listed = estimate(**asked, environment=paid, region="us-east-1")
    assert listed.usd == estimate(**asked, region="us-east-1").usd
    abroad = replace(paid, region="xx-north-9")
    assert estimate(**asked, environment=abroad).usd == cheap.usd
    with pytest.raises(ConfigurationError, match=r"price scratch_gb_hour .* 'xx-north-9'.*Rates\("):
        estimate(**{**asked, "scratch_gb": 30}, environment=abroad)
    with pytest.raises(ConfigurationError, match=r"price arm_vcpu_hour of region 'xx-north-9'"):
        estimate(**asked, environment=replace(abroad, architecture="ARM64"))


def test_people_can_read_it() -> None:
    fleet: Estimate = estimate(workers=100, cpu=4, memory=8, hours=2)

    text = str(fleet)
    assert text.startswith("$39.50 for 100 workers of 4 vCPU and 8 GB over 2 h in us-east-1")
    assert "List prices of us-east-1, of 2026-" in text
    assert " or later, without tax, discounts or free tiers." in text
    assert "$39.50" in fleet._repr_html_()
    assert "<li>" in fleet._repr_html_()


def test_spot_and_mixed_are_counted_at_their_own_price_and_limited_at_the_dearest() -> None:
    fleet = {"workers": 100, "cpu": 4, "memory": 8, "hours": 2, "region": "us-east-1"}
    dear, spot, mixed = (
        estimate(**fleet, capacity=capacity)  # type: ignore[arg-type]
        for capacity in ("on-demand", "spot", "mixed")
    )

    assert spot.usd == pytest.approx(dear.usd / 2)
    assert mixed.usd == pytest.approx(0.1 * dear.usd + 0.9 * spot.usd)
    assert sum(mixed.breakdown.values()) == pytest.approx(mixed.usd)
    assert "all on demand it would be $39.50" in str(mixed)
    assert "10 on demand" in str(mixed)
    few = [estimate(workers=n, hours=1, capacity="mixed") for n in (9, 19)]
    assert "on demand. The" not in str(few[0]), "none of nine"
    assert "but for 1 on demand" in str(few[1])
    limited = document(usd_per_hour=spot.usd_per_hour)
    with pytest.raises(LimitExceeded, match="on demand"):
        estimate(
            workers=100,
            cpu=4,
            memory=8,
            hours=2,
            capacity="spot",
            environment=limited,
            workspace="genomics",
        )


def test_another_architecture_is_estimated_where_it_is_offered() -> None:
    offered = replace(document(), other_architectures=("X86_64",))
    x86 = estimate(hours=1, environment=offered, workspace="genomics", architecture="x86_64")

    assert x86.usd > estimate(hours=1, environment=offered, workspace="genomics").usd
    with pytest.raises(ConfigurationError, match="no x86_64 workers; it has arm64"):
        estimate(hours=1, environment=document(), architecture="x86_64")
    with pytest.raises(ConfigurationError, match="MIPS"):
        estimate(hours=1, architecture="mips")


def test_more_scratch_than_the_workspace_grants_is_refused() -> None:
    few = document(scratch_gb=150)
    big = estimate(hours=1, environment=few, workspace="genomics", scratch_gb=150)

    assert big.usd > estimate(hours=1, environment=few, workspace="genomics").usd
    with pytest.raises(LimitExceeded, match="limit is 150"):
        estimate(hours=1, environment=few, workspace="genomics", scratch_gb=151)


def test_workers_on_instances_are_estimated_by_their_share() -> None:
    instance = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.3)
    hosted = replace(document(), hosts=Hosts(instances=(instance,), spot=True))
    fleet = estimate(workers=8, cpu=2, memory=4, hours=1, environment=hosted)

    assert fleet.usd == pytest.approx(8 * 0.3 * instance.share(2, 4))
    assert fleet.breakdown == {"share of EC2 instances": fleet.usd}
    assert instance.share(2, 4) == pytest.approx(0.2734, abs=1e-4)
    assert "Whole EC2 instances are billed" in str(fleet)
    spot = estimate(workers=8, cpu=2, memory=4, hours=1, environment=hosted, capacity="spot")
    assert spot.usd == pytest.approx(fleet.usd / 2)
    with pytest.raises(ConfigurationError, match="no instance"):
        estimate(cpu=16, memory=32, hours=1, environment=hosted)
