"""Prices are dated data, and a fleet's cost is plain arithmetic on them."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib.resources import files

import pytest

from starburst.errors import ConfigurationError
from starburst.pricing.prices import billed_seconds, fleet_usd, known_regions, load
from tests.some import some


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


def test_every_region_is_complete_dated_and_sourced() -> None:
    document = json.loads((files("starburst.pricing") / "prices.json").read_text(encoding="utf-8"))
    assert all(
        url.startswith("https://aws.amazon.com/") for url in some(document["sources"].values())
    )
    assert "us-east-1" in known_regions()
    for region in some(known_regions()):
        prices = load(region)
        assert re.fullmatch(r"2026-\d\d-\d\d", prices.date)
        for field in some(dataclasses.fields(prices)):
            value = getattr(prices, field.name)
            assert isinstance(value, str) or value >= 0


def test_prices_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load("us-east-1").nat_hour = 0  # type: ignore[misc]


def test_a_worker_is_billed_a_minute_at_least() -> None:
    assert [billed_seconds(s) for s in (0, 59, 60, 61.5)] == [60, 60, 60, 61.5]


def test_spot_is_counted_with_the_least_discount_that_aws_names_and_storage_with_none() -> None:
    for region in some(known_regions()):
        prices = load(region)
        assert prices.spot_share == 0.5
        fleet = {"workers": 2.0, "cpu": 4.0, "memory_gb": 8.0, "hours": 3.0, "prices": prices}
        assert fleet_usd(**fleet, spot=True) == pytest.approx(fleet_usd(**fleet) / 2)  # type: ignore[arg-type]
        disk = fleet_usd(**fleet, scratch_gb=120) - fleet_usd(**fleet)  # type: ignore[arg-type]
        spot = fleet_usd(**fleet, scratch_gb=120, spot=True) - fleet_usd(**fleet, spot=True)  # type: ignore[arg-type]
        assert spot == pytest.approx(disk) != 0
