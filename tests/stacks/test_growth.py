"""Subnets never move: a zone more and a way out are added beside what there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import aws_cdk as cdk
import pytest

from environments import DEV
from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Network
from tests.some import some
from tests.stacks.reading import Template, resources

PLAIN = Network()
SIX_ZONES = replace(DEV, region="us-east-1", allowed_regions=("us-east-1",))


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Template]:
    """The network's template of each of these, in one small synthesis."""
    networks = {
        "two": PLAIN,
        "three": replace(PLAIN, zones=3),
        "six": replace(PLAIN, zones=6),
        "out": replace(PLAIN, egress="nat"),
        "six out": replace(PLAIN, zones=6, egress="nat"),
        "small": replace(PLAIN, cidr="10.64.0.0/24"),
        "small out": replace(PLAIN, cidr="10.64.0.0/23", egress="nat", zones=6),
        "divided": replace(PLAIN, grows=False),
        "divided in three": replace(PLAIN, grows=False, zones=3),
    }
    return dict(_synthesize(networks, str(tmp_path_factory.mktemp("growth"))))


def _synthesize(networks: Mapping[str, Network], outdir: str) -> Iterator[tuple[str, Template]]:
    app = cdk.App(outdir=outdir)
    for number, (_, network) in enumerate(networks.items()):
        place = cdk.Environment(account=SIX_ZONES.account, region=SIX_ZONES.region)
        stage = cdk.Stage(app, f"n{number}", env=place)
        dev = replace(SIX_ZONES, network=network)
        foundation = FoundationStack(stage, "foundation", environment=dev, addons=())
        NetworkStack(stage, "network", environment=dev, foundation=foundation)
    built = {one.hierarchical_id: one.template for one in app.synth().stacks_recursively}
    for number, name in enumerate(networks):
        yield name, built[f"n{number}/network"]


def blocks(template: Template) -> dict[str, str]:
    return {
        name: subnet["Properties"]["CidrBlock"]
        for name, subnet in resources(template, "AWS::EC2::Subnet").items()
    }


def moved(before: Template, after: Template) -> set[str]:
    """Return the subnets that another layout would have to make anew, or take away."""
    kept = blocks(after)
    return {name for name, block in some(blocks(before).items()) if kept.get(name) != block}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("two", "three"),
        ("three", "six"),
        ("two", "out"),
        ("out", "six out"),
        ("six", "six out"),
    ],
)
def test_no_subnet_moves_where_zones_or_a_way_out_are_added(
    laid_out: Mapping[str, Template], before: str, after: str
) -> None:
    assert moved(laid_out[before], laid_out[after]) == set()
    assert len(blocks(laid_out[after])) > len(blocks(laid_out[before]))


def test_subnets_that_divide_the_block_do_move(laid_out: Mapping[str, Template]) -> None:
    assert len(moved(laid_out["divided"], laid_out["divided in three"])) == 2


@pytest.mark.parametrize("name", ["six", "six out", "small", "small out", "divided in three"])
def test_subnets_stay_in_the_block_and_off_each_other(
    laid_out: Mapping[str, Template], name: str
) -> None:
    vpc: Any = next(iter(resources(laid_out[name], "AWS::EC2::VPC").values()))
    found = [IPv4Network(block) for block in some(blocks(laid_out[name]).values())]
    assert all(one.subnet_of(IPv4Network(vpc["Properties"]["CidrBlock"])) for one in found)
    assert not [pair for pair in combinations(found, 2) if pair[0].overlaps(pair[1])]


def test_workers_have_an_eighth_in_each_zone(laid_out: Mapping[str, Template]) -> None:
    for name in ("two", "six", "out"):
        found = blocks(laid_out[name])
        workers = [one for key, one in found.items() if "workers" in key]
        assert {IPv4Network(one).prefixlen for one in some(workers)} == {PLAIN.block.prefixlen + 3}


def test_addresses_are_those_of_the_subnets(laid_out: Mapping[str, Template]) -> None:
    for name, network in (("two", PLAIN), ("divided", replace(PLAIN, grows=False))):
        sizes = [IPv4Network(one).num_addresses for one in some(blocks(laid_out[name]).values())]
        assert sum(sizes) - 2 * 21 == network.worker_addresses
