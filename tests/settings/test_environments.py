"""Sound settings pass, stay frozen, and are checked beside each other."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import moto
import pytest
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

import environments
from stacks.settings import (
    Audit,
    Ec2Capacity,
    Environment,
    ExistingVpc,
    Instance,
    Network,
    Rates,
    SettingsError,
    Shared,
    Workspace,
    check_together,
)
from stacks.settings.checks.instances import architecture_of, check_type
from stacks.settings.checks.reach import stopped_early
from stacks.settings.zones import FARGATE_ZONES, OTHER_PARTITIONS, REGIONS, WITHOUT_BUDGETS
from starburst.contract import Limits
from starburst.contract.rates import PLAUSIBLE


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


MEXICO: dict[str, Any] = {"region": "mx-central-1", "allowed_regions": ("mx-central-1",)}
ABROAD: dict[str, Any] = {"region": "eu-north-2", "allowed_regions": ("eu-north-2",)}
WORKERS = Rates(x86_vcpu_hour=0.05, x86_gb_hour=0.005, scratch_gb_hour=0.00013)


def test_a_region_without_prices_of_workers_is_refused_with_the_way_out() -> None:
    with pytest.raises(SettingsError) as refusal:
        replace(environments.PROD, **MEXICO)
    assert str(refusal.value) == (
        "environment prod: region is 'mx-central-1'; allowed: eu-central-1, us-east-1, us-west-2 "
        "and 5 more, where all prices of workers are known; else prices=Rates(scratch_gb_hour=…) "
        "from AWS's price list, or that list read by `make prices REGIONS=mx-central-1`."
    )
    # What the list knows need not be said again.
    free = tuple(
        replace(one, monthly_budget_usd=None, budget_emails=())
        for one in environments.PROD.workspaces
    )
    rate = Rates(scratch_gb_hour=0.00012)
    said = replace(environments.PROD, **MEXICO, prices=rate, workspaces=free)
    assert said.prices is not None
    # A session may ask for either architecture, so both have a price.
    with pytest.raises(SettingsError, match=r"Rates\(arm_vcpu_hour=…, arm_gb_hour=…\)"):
        replace(said, other_architectures=("ARM64",))
    named = r"Rates\(x86_vcpu_hour=…, x86_gb_hour=…, scratch_gb_hour=…\)"
    with pytest.raises(SettingsError, match=r"eu-north-1 is nearest; a younger one needs prices="):
        replace(environments.PROD, **ABROAD)
    for prices in (Rates(), Rates(nat_hour=0.05)):
        with pytest.raises(SettingsError, match=named):
            replace(environments.PROD, **ABROAD, prices=prices)
    assert replace(environments.PROD, **ABROAD, prices=WORKERS).prices == WORKERS


def test_the_regions_are_those_that_botocore_knows() -> None:
    assert set(REGIONS) == set(botocore.session.get_session().get_available_regions("ec2"))


def test_the_regions_without_budgets_are_those_that_cfn_lint_knows() -> None:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 - slow to import

    lacking = {
        region
        for region in REGIONS
        if "AWS::Budgets::Budget" not in PROVIDER_SCHEMA_MANAGER.get_resource_types(region=region)
    }
    assert set(WITHOUT_BUDGETS) == lacking


def test_every_region_can_have_an_environment() -> None:
    """Its workers' prices come from settings where the kit knows none, and budgets may be left."""
    [sandbox] = environments.DEV.workspaces
    free = replace(sandbox, monthly_budget_usd=None, budget_emails=())
    for region in REGIONS:
        chosen = replace(
            environments.DEV,
            region=region,
            allowed_regions=(region,),
            prices=WORKERS,
            workspaces=(free if region in WITHOUT_BUDGETS else sandbox,),
        )
        assert chosen.has_budgets is (region not in WITHOUT_BUDGETS)


def test_the_name_of_an_instance_type_tells_its_architecture() -> None:
    """Moto keeps what EC2 answered of each type."""
    told = Path(moto.__file__).parent / "ec2" / "resources" / "instance_types.json.gz"
    known = json.loads(gzip.decompress(told.read_bytes()))
    assert len(known) > 700
    for name, described in known.items():
        if name.startswith("mac"):
            with pytest.raises(SettingsError):
                check_type("capacity.instance_types", name)
            continue
        supported = described["ProcessorInfo"]["SupportedArchitectures"]
        arm = any(one.startswith("arm64") for one in supported)
        assert architecture_of(name) == ("ARM64" if arm else "X86_64"), name


def test_the_smallest_workers_that_limits_pay_for_may_be_asked_for() -> None:
    """To the worker: one more is refused, and the sentence names a limit that lets it start."""
    small = Limits(workers=80, usd_per_hour=1)
    [sandbox] = environments.DEV.workspaces
    limited = replace(sandbox, limits=small, cpu=0.25, memory_gb=0.5)
    reachable = replace(environments.DEV, workspaces=(limited,))
    assert stopped_early(limited, reachable.worker_price) is None
    over = replace(limited, limits=replace(small, workers=81))
    with pytest.raises(SettingsError) as refusal:
        replace(environments.DEV, workspaces=(over,))
    said = re.search(r"usd_per_hour=([\d.]+) for 81\.", str(refusal.value))
    assert said is not None
    enough = replace(over, limits=replace(over.limits, usd_per_hour=float(said[1])))
    assert replace(environments.DEV, workspaces=(enough,)).workspaces == (enough,)


def test_a_limit_that_stops_default_workers_early_is_told() -> None:
    [sandbox] = environments.DEV.workspaces
    assert stopped_early(sandbox, environments.DEV.worker_price) is None
    mean = replace(sandbox, limits=replace(sandbox.limits, usd_per_hour=0.5))
    assert stopped_early(mean, environments.DEV.worker_price) == (
        "workspace sandbox: limits.usd_per_hour=0.5 stops a session at 8 workers of the default "
        "size, before limits.workers=20; limits.usd_per_hour=1.17 would let all start"
    )


def test_instances_bring_the_price_of_workers_along() -> None:
    one = Instance(name="c7i.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.4)
    hosted = replace(
        environments.DEV,
        **ABROAD,
        capacity=Ec2Capacity(instance_types=(one,)),
        network=Network(cidr="10.77.0.0/20"),
    )
    assert hosted.prices is None


@pytest.mark.parametrize("name", PLAUSIBLE)
def test_a_slip_among_prices_is_refused(name: str) -> None:
    least, most = PLAUSIBLE[name]
    for rate in (least, most, int(most) or most):
        assert replace(environments.PROD, prices=Rates(**{name: rate})).prices is not None
    for rate in (0, -least, least / 60, most * 60, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match=rf"prices\.{name} is .*a slip of units"):
            replace(environments.PROD, prices=Rates(**{name: rate}))
    for rate in ("0.04", True):
        with pytest.raises(SettingsError, match=rf"prices\.{name} is"):
            replace(environments.PROD, prices=Rates(**{name: rate}))  # type: ignore[arg-type]


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
    there = replace(environments.PROD, network=young, **ABROAD, prices=WORKERS)
    assert there.network.zone_ids == young.named_zones


def test_one_environment_alone_sets_what_an_account_has_once() -> None:
    apart = Network(cidr="10.99.0.0/20", zones=3)
    second = beside_prod("second", network=apart, shared=Shared())
    with pytest.raises(SettingsError) as refusal:
        check_together((environments.PROD, second))
    assert str(refusal.value) == (
        "environment second: shared is Shared(registry_scanning=True, block_public_access=False); "
        "allowed: None where environment prod has it for the same account and Region."
    )
    second = replace(second, shared=None)
    check_together((environments.PROD, second))
    elsewhere = replace(second, region="eu-central-1", shared=Shared())
    check_together((environments.PROD, elsewhere))

    with pytest.raises(SettingsError, match=r"environment second: shared is None; allowed: Sha"):
        check_together((environments.PROD, replace(second, region="eu-central-1")))

    shut = replace(environments.PROD, network=apart, shared=Shared(block_public_access=True))
    nat = Network(cidr="10.98.0.0/20", zones=3, egress="nat")
    for both in ((shut, replace(second, network=nat)), (replace(second, network=nat), shut)):
        with pytest.raises(SettingsError, match=r"environment second: network\.egress is 'nat'"):
            check_together(both)


def beside_prod(name: str, **changes: object) -> Environment:
    return replace(environments.PROD, name=name, **{"shared": None, **changes})


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


def test_an_account_has_five_trails() -> None:
    several = [
        beside_prod(f"other{number}", network=Network(cidr=f"10.9{number}.0.0/20", zones=3))
        for number in range(6)
    ]
    several[0] = replace(several[0], shared=Shared())
    check_together(several[:5])
    check_together([*several[:5], replace(several[5], audit=Audit(trail=False))])


def test_overlapping_networks_of_two_regions_pass() -> None:
    abroad = beside_prod("second", region="eu-central-1", shared=Shared())
    check_together((environments.PROD, abroad))


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
        beside_prod(name, network=Network(existing=existing), shared=shared)
        for name, existing, shared in (
            ("one", creates, Shared()),
            ("two", reuses, None),
            ("three", reuses, None),
        )
    )
    check_together((one, two, three))
    with pytest.raises(SettingsError, match=r"environment four: network\.existing\.endpoints"):
        check_together((one, replace(one, name="four", shared=None)))


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        (Network(cidr="10.0.0.0/24", zones=2, grows=False), 2 * (128 - 21)),
        (Network(cidr="10.0.0.0/24", zones=3, grows=False), 3 * (64 - 21)),
        (Network(cidr="10.0.0.0/24", zones=2, egress="nat", grows=False), 2 * (64 - 21)),
        (Network(cidr="10.0.0.0/24", zones=6, egress="nat", grows=False), 0),
        (Network(cidr="10.0.0.0/24", zones=2), 2 * (32 - 21)),
        (Network(cidr="10.0.0.0/20", zones=2), 2 * (512 - 21)),
        (Network(cidr="10.0.0.0/20", zones=6, egress="nat"), 6 * (512 - 21)),
    ],
)
def test_worker_addresses_are_what_subnets_leave(network: Network, addresses: int) -> None:
    assert network.worker_addresses == addresses


ACCEPTED_DAYS = {
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922),
    *(3288, 3653),
}
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""


def test_logs_are_kept_for_days_that_cloudwatch_accepts_and_no_others() -> None:
    """Refused here, not by CloudFormation in the middle of a deployment (S25)."""
    taken = set[int]()
    for days in range(3700):
        try:
            replace(environments.DEV, log_retention_days=days)
        except SettingsError:
            continue
        taken.add(days)
    assert taken == ACCEPTED_DAYS
