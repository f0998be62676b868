"""An hour of a worker costs what its machine costs, and never less where that is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst.contract import Hosts, Instance, RuntimeDocument
from starburst.pricing.prices import fleet_usd, load
from starburst.pricing.tariff import worker_usd

PRICES = load("eu-central-1")
SIZE = {"cpu": 2, "memory_gb": 4.0}
SMALL = Instance(name="c7g.large", vcpu=2, memory_gb=4, usd_per_hour=0.1)
LARGE = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.5)
DEAR = replace(LARGE, name="m7g.2xlarge", memory_gb=32, usd_per_hour=0.6)


def document(**changes: Any) -> RuntimeDocument:
    sound: dict[str, Any] = {
        **{"environment": "prod", "account": "222233334444", "region": "eu-central-1"},
        **{"bucket": "b", "key_arn": "k", "controller": "c", "python": "3.11"},
        **{"architecture": "ARM64", "workspaces": {}},
    }
    return RuntimeDocument(**{**sound, **changes})


def usd(**changes: Any) -> float:
    asked: dict[str, Any] = {
        **{"document": document(), **SIZE, "scratch_gb": 20, "architecture": ""},
        **{"prices": PRICES},
    }
    return worker_usd(**{**asked, **changes})


@pytest.mark.parametrize("spot", [False, True])
@pytest.mark.parametrize(
    ("asked", "counted"), [("", "ARM64"), ("ARM64", "ARM64"), ("X86_64", "X86_64")]
)
def test_without_a_word_it_is_the_environments_own_architecture(
    asked: str, counted: str, *, spot: bool
) -> None:
    expected = fleet_usd(
        workers=1, hours=1, scratch_gb=120, architecture=counted, spot=spot, prices=PRICES, **SIZE
    )
    assert usd(architecture=asked, scratch_gb=120, spot=spot) == pytest.approx(expected)
    assert usd() < usd(architecture="X86_64")


def test_on_instances_it_is_the_share_of_the_dearest_that_holds_it() -> None:
    hosted = document(hosts=Hosts(instances=(SMALL, LARGE, DEAR)))
    shares = [one.share(2, 4.0) * one.usd_per_hour for one in (LARGE, DEAR)]
    assert SMALL.share(2, 4.0) > 1, "the system's own memory is not for workers"
    assert usd(document=hosted) == pytest.approx(max(shares))
    assert usd(document=hosted, scratch_gb=200) == usd(document=hosted), "the disk is shared"
    assert usd(document=hosted, spot=True) == pytest.approx(max(shares) * PRICES.spot_share)


def test_where_no_instance_holds_it_any_more_it_is_all_of_the_dearest() -> None:
    gone = document(hosts=Hosts(instances=(SMALL, replace(SMALL, name="t4g", usd_per_hour=0.02))))
    assert usd(document=gone) == SMALL.usd_per_hour
