"""Prices are dated data, and a fleet's cost is plain arithmetic on them."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from importlib.resources import files

import botocore.session
import pytest

from stacks.settings.zones import FARGATE_ZONES, FIPS_REGIONS, OTHER_PARTITIONS
from starburst.contract import Rates
from starburst.contract.rates import PLAUSIBLE
from starburst.errors import ConfigurationError
from starburst.pricing.prices import (
    billed_seconds,
    fleet_usd,
    known_regions,
    load,
    worker_rates,
)
from starburst_constructs.network.s3_addresses import S3_PREFIX_LISTS
from tests.some import some

LISTS = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"


def test_the_guides_example_costs_39_50_not_19_84() -> None:
    usd = fleet_usd(workers=100, cpu=4, memory_gb=8, hours=2, prices=load("us-east-1"))

    assert f"{usd:.2f}" == "39.50"
    assert usd != pytest.approx(19.84, abs=0.5)


def test_scratch_storage_above_20_gb_is_paid() -> None:
    prices = load("us-east-1")

    def of(scratch_gb: float) -> float:
        return fleet_usd(
            workers=10, cpu=1, memory_gb=2, hours=3, scratch_gb=scratch_gb, prices=prices
        )

    assert of(0) == of(20)
    assert of(200) - of(20) == pytest.approx(10 * 3 * 180 * 0.000111)


def test_arm_is_cheaper_and_another_architecture_is_refused() -> None:
    prices = load("us-east-1")
    fleet = {"workers": 1, "cpu": 1.0, "memory_gb": 2.0, "hours": 1.0}

    arm = fleet_usd(**fleet, architecture="ARM64", prices=prices)
    assert arm == pytest.approx(0.03238 + 2 * 0.00356)
    assert arm < fleet_usd(**fleet, prices=prices)
    with pytest.raises(ConfigurationError, match="MIPS"):
        fleet_usd(**fleet, architecture="MIPS", prices=prices)


def test_a_region_without_prices_names_those_that_have_them() -> None:
    with pytest.raises(ConfigurationError, match=r"xx-north-9.*eu-central-1.*us-east-1"):
        load("xx-north-9")


def test_every_figure_is_plausible_and_has_a_source_with_a_date() -> None:
    document = json.loads((files("starburst.pricing") / "prices.json").read_text(encoding="utf-8"))
    sources = document["sources"]
    for name, source in some(sources.items()):
        assert {*source} == {"url", "date", "read"}, name
        assert name.split()[1].replace("-", "").startswith(source["date"].replace("-", ""))
        assert date.fromisoformat(source["date"]) <= date(2026, 11, 30)
        assert source["read"] in ("list", "quoted", "copy")
        mine = source["url"].startswith("https://github.com/")
        assert mine == (source["read"] == "copy")
        assert mine or source["url"].startswith(f"{LISTS}/{name.split()[0]}/")
    used = {name for row in document["regions"].values() for name in row}
    assert used == {*sources}
    for region, row in some(document["regions"].items()):
        figures = [(name, rate) for found in row.values() for name, rate in found.items()]
        assert len({name for name, _ in figures}) == len(figures), f"{region} has a figure twice"
        for name, rate in some(figures):
            least, most = PLAUSIBLE[name]
            assert least <= rate <= most, (region, name)
        known = load(region).known()
        assert known == dict(figures)
        # Both halves of a worker's price, or none.
        for pair in (worker_rates("X86_64"), worker_rates("ARM64")):
            assert len({*pair} & {*known}) in (0, 2), region


def test_the_four_first_regions_are_as_aws_lists_them() -> None:
    """Read anew in public texts that quote AWS's lists; two figures differed from what was here."""
    assert load("eu-west-1").scratch_gb_hour == 0.000122
    assert load("eu-central-1").scratch_gb_hour == 0.000132
    for region in ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1"):
        bench = {"s3_put_thousand", "s3_get_thousand", "lambda_million"}
        assert load(region).known().keys() >= {*PLAUSIBLE} - bench
    # The fleet's model and the benchmarks count with all of them.
    assert load("eu-west-1").known().keys() == {*PLAUSIBLE}


def test_regions_agree() -> None:
    """Prices, zones, FIPS, prefix lists and endpoints speak of the same Regions."""
    priced = {*known_regions()}
    assert priced <= {*FARGATE_ZONES}
    assert {*FIPS_REGIONS} <= priced
    assert {*S3_PREFIX_LISTS} <= priced
    # Where the settings ask for network.s3_prefix_list; prices are there.
    assert priced - {*S3_PREFIX_LISTS} == {
        *("af-south-1", "ap-east-1", "eu-south-1", "il-central-1", "me-south-1", "mx-central-1"),
    }
    session = botocore.session.get_session()
    for service in ("ecs", "ecr", "kms", "lambda", "logs", "s3", "sqs", "ssm", "sts"):
        assert priced <= {*session.get_available_regions(service)}, service
    assert not [region for region in priced if region.startswith(OTHER_PARTITIONS)]


def test_what_an_account_pays_holds_before_the_list() -> None:
    own = Rates(x86_vcpu_hour=0.03, nat_hour=0.02)
    listed, paid = load("eu-west-1"), load("eu-west-1", own)
    assert (paid.x86_vcpu_hour, paid.nat_hour) == (0.03, 0.02)
    assert paid.own == ("x86_vcpu_hour", "nat_hour")
    assert paid.known() == {**listed.known(), **own.known()}
    # The day is of list prices that still count.
    assert (listed.date, load("us-west-1").date) == ("2022-01-01", "2021-01-10")
    assert load("us-west-1", Rates(x86_vcpu_hour=0.04, x86_gb_hour=0.004)).date == ""
    abroad = load("xx-north-9", own)
    assert (abroad.region, abroad.date, abroad.known()) == ("xx-north-9", "", own.known())
    with pytest.raises(ConfigurationError, match="x86_gb_hour of region 'xx-north-9' is not known"):
        fleet_usd(workers=1, cpu=1, memory_gb=2, hours=1, prices=abroad)


def test_prices_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load("us-east-1").nat_hour = 0  # type: ignore[misc]


def test_a_worker_is_billed_a_minute_at_least() -> None:
    assert [billed_seconds(s) for s in (0, 59, 60, 61.5)] == [60, 60, 60, 61.5]


def test_spot_is_counted_with_the_least_discount_that_aws_names_and_storage_with_none() -> None:
    complete = {"x86_vcpu_hour", "x86_gb_hour", "scratch_gb_hour"}
    for prices in some(one for one in map(load, known_regions()) if complete <= {*one.known()}):
        assert prices.spot_share == 0.5
        fleet = {"workers": 2.0, "cpu": 4.0, "memory_gb": 8.0, "hours": 3.0, "prices": prices}
        assert fleet_usd(**fleet, spot=True) == pytest.approx(fleet_usd(**fleet) / 2)  # type: ignore[arg-type]
        disk = fleet_usd(**fleet, scratch_gb=120) - fleet_usd(**fleet)  # type: ignore[arg-type]
        spot = fleet_usd(**fleet, scratch_gb=120, spot=True) - fleet_usd(**fleet, spot=True)  # type: ignore[arg-type]
        assert spot == pytest.approx(disk) != 0
