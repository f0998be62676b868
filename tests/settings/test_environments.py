"""Sound settings pass, stay frozen, and are checked beside each other."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

import environments
from stacks.settings import (
    Environment,
    ExistingVpc,
    Network,
    SettingsError,
    Workspace,
    check_together,
)
from stacks.settings.environment import OTHER_PARTITIONS
from stacks.settings.zones import FARGATE_ZONES
from starburst.contract import Limits


def test_the_shipped_environments_stand_beside_each_other() -> None:
    check_together(environments.ALL)


def test_the_largest_sound_workspace_passes() -> None:
    Workspace(
        name="a" * 32,
        cpu=16,
        memory_gb=120,
        scratch_gb=200,
        limits=Limits(
            workers=500, vcpu=8000, memory_gb=60_000, timeout_seconds=14 * 86_400, usd_per_hour=1000
        ),
        budget_emails=tuple(f"p{i}@mail.example.com" for i in range(10)),
    )


def test_an_environment_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        environments.PROD.region = "us-east-1"  # type: ignore[misc]


def test_a_changed_copy_is_judged_again() -> None:
    with pytest.raises(SettingsError, match="log_retention_days is 30"):
        replace(environments.PROD, log_retention_days=30)


def test_a_region_without_known_prices_is_allowed() -> None:
    place = replace(environments.PROD, region="mx-central-1", allowed_regions=("mx-central-1",))
    assert place.region == "mx-central-1"


def test_the_table_of_zones_is_what_others_know_of_aws() -> None:
    """Moto and cfn-lint keep such tables too; where Fargate runs, AWS alone says."""
    import cfnlint.helpers  # noqa: PLC0415 - slow to import

    theirs = RegionsAndZonesBackend.zones
    for region, ours in FARGATE_ZONES.items():
        assert set(ours) == {zone.zone_id for zone in theirs[region]}, region
        assert len(ours) <= len(cfnlint.helpers.AVAILABILITY_ZONES[region]), region
    ours = {name for name in theirs if not name.startswith(OTHER_PARTITIONS)}
    assert ours - {*FARGATE_ZONES} == {"ap-east-2", "ap-southeast-6"}  # AWS's page names neither


def test_zones_can_be_named_where_the_region_has_them() -> None:
    for named in (("euw1-az3", "euw1-az1"), ("eu-west-1a", "eu-west-1c")):
        network = Network(cidr="10.64.16.0/20", named_zones=named)
        assert replace(environments.PROD, network=network).network.named_zones == named
    young = Network(named_zones=("eun2-az1", "eun2-az9"), s3_prefix_list="pl-0123abcd")
    place = {"region": "eu-north-2", "allowed_regions": ("eu-north-2",)}
    assert replace(environments.PROD, network=young, **place).network.zone_ids == young.named_zones


def test_one_environment_alone_sets_what_an_account_has_once() -> None:
    apart = Network(cidr="10.99.0.0/20", zones=3)
    second = beside_prod("second", network=apart, registry_scanning=True)
    with pytest.raises(SettingsError) as refusal:
        check_together((environments.PROD, second))
    assert str(refusal.value) == (
        "environment second: registry_scanning is True; allowed: False where environment prod sets "
        "it for the same account and Region."
    )
    second = replace(second, registry_scanning=False)
    check_together((environments.PROD, second))
    elsewhere = replace(second, region="eu-central-1", registry_scanning=True)
    check_together((environments.PROD, elsewhere))

    shut = replace(environments.PROD, network=replace(apart, block_public_access=True))
    with pytest.raises(SettingsError, match=r"second: network\.block_public_access is True; allow"):
        check_together(
            (shut, replace(second, network=Network(cidr="10.98.0.0/20", block_public_access=True)))
        )
    nat = Network(cidr="10.98.0.0/20", zones=3, egress="nat")
    for both in ((shut, replace(second, network=nat)), (replace(second, network=nat), shut)):
        with pytest.raises(SettingsError, match=r"environment second: network\.egress is 'nat'"):
            check_together(both)


def beside_prod(name: str, **changes: object) -> Environment:
    return replace(environments.PROD, name=name, **{"registry_scanning": False, **changes})


@pytest.mark.parametrize("between", [1, 2])
def test_environments_that_do_not_stand_side_by_side_are_held_against_each_other(
    between: int,
) -> None:
    others = [
        beside_prod(f"other{number}", network=Network(cidr=f"10.9{number}.0.0/20", zones=3))
        for number in range(between)
    ]
    last = beside_prod("last")
    with pytest.raises(SettingsError, match=r"environment last: network\.cidr"):
        check_together((environments.PROD, *others, last))


def test_overlapping_networks_of_two_regions_pass() -> None:
    check_together((environments.PROD, beside_prod("second", region="eu-central-1")))


def test_environments_may_share_an_existing_vpc_and_its_endpoints() -> None:
    creates = ExistingVpc(
        vpc_id="vpc-0a1b2c3d",
        subnet_ids=("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
        route_table_ids=("rtb-0a1b2c3d", "rtb-0a1b2c3d"),
    )
    reuses = replace(
        creates,
        endpoints="reuse",
        endpoints_security_group_id="sg-0a1b2c3d",
        s3_endpoint_id="vpce-0a1b2c3d",
    )
    one, two, three = (
        beside_prod(name, network=Network(existing=existing))
        for name, existing in (("one", creates), ("two", reuses), ("three", reuses))
    )
    check_together((one, two, three))
    with pytest.raises(SettingsError, match=r"environment four: network\.existing\.endpoints"):
        check_together((one, replace(one, name="four")))


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        (Network(cidr="10.0.0.0/24", zones=2), 2 * (128 - 21)),
        (Network(cidr="10.0.0.0/24", zones=3), 3 * (64 - 21)),
        (Network(cidr="10.0.0.0/24", zones=2, egress="nat"), 2 * (64 - 21)),
        (Network(cidr="10.0.0.0/24", zones=6, egress="nat"), 0),
    ],
)
def test_worker_addresses_are_what_even_subnets_leave(network: Network, addresses: int) -> None:
    assert network.worker_addresses == addresses
