"""The table of what each setting's change does says what syntheses before and after show."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from deploy.changing.changes import Template, changes
from deploy.changing.fields import FIELDS, Row, changing_page
from deploy.changing.stops import stops
from environments import DEV
from stacks.settings import (
    Audit,
    BrokerRole,
    Ec2Capacity,
    Environment,
    Instance,
    Network,
    Rates,
    Reads,
    Secret,
    Shared,
    Storage,
)
from starburst.contract import Limits, Totals
from tests.networks import EXISTING, GROUPED, REUSED
from tests.settings.test_coverage import settings_below, values_in
from tests.some import some

Templates = Mapping[str, Template]
Synthesize = Callable[[Environment], Templates]

PAGE = Path(__file__).parents[2] / "docs" / "changing.md"

_SANDBOX = DEV.workspaces[0]
OWN = replace(DEV, network=Network(), audit=Audit())
"""An environment with a VPC of its own and endpoints that stay."""

_TOTALS = Totals(
    sessions=9,
    workers=100,
    vcpu=400,
    memory_gb=1600,
    usd_per_hour=20,
    usd_per_day=100,
    usd_per_month=300,
)

CHANGED = replace(
    OWN,
    purpose="production",
    data_class="public",
    allowed_regions=("eu-west-1", "eu-west-3"),
    packs=("AwsSolutions",),
    workspaces=(
        replace(
            _SANDBOX,
            limits=Limits(
                workers=10,
                vcpu=40,
                memory_gb=160,
                timeout_seconds=3600,
                usd_per_hour=4,
                pickle_results=False,
                scratch_gb=100,
            ),
            totals=_TOTALS,
            cpu=2,
            memory_gb=8,
            scratch_gb=50,
            monthly_budget_usd=200,
            budget_emails=("others@example.com",),
            packages="allowed",
            allowed_packages=("humanize>=4,<5",),
            data_writers="steward",
            data_days=60,
            own_cluster=True,
            home_days=60,
            home_links=True,
            reads=(
                Reads(
                    objects="arn:aws:s3:::theirs/*",
                    owner="other",
                    account="777788889999",
                    key_arn="arn:aws:kms:eu-west-1:777788889999:key/0a1b2c3d",
                ),
            ),
            secrets=(
                Secret(
                    variable="PORTAL_TOKEN",
                    arn=f"arn:aws:secretsmanager:eu-west-1:{DEV.account}:secret:portal-a1B2c3",
                    json_key="token",
                    key_arn=f"arn:aws:kms:eu-west-1:{DEV.account}:key/0a1b2c3d",
                ),
            ),
            image_digest="sha256:" + "cd" * 32,
        ),
    ),
    totals=_TOTALS,
    user_totals=_TOTALS,
    freeze_at_budget=True,
    end_at_budget=True,
    identity=BrokerRole(
        arn=f"arn:aws:iam::{DEV.account}:role/broker",
        platform_arn=f"arn:aws:iam::{DEV.account}:role/operators",
    ),
    trusted_cidrs=("140.107.0.0/16",),
    trusted_vpcs=("vpc-0f1e2d3c",),
    alert_emails=("others@example.com",),
    security_emails=("security@example.com",),
    network=Network(
        zones=3,
        egress="nat",
        peers=("10.8.0.0/16",),
        s3_prefix_list="pl-0a1b2c3d",
        client_groups=("sg-0a1b2c3d",),
    ),
    storage=Storage(
        encryption="kms:dsse",
        session_days=20,
        noncurrent_days=5,
        access_log_days=500,
        packages_days=10,
    ),
    audit=Audit(
        data_events=False,
        log_days=400,
        lock="governance",
        person_gb_per_hour=None,
        person_objects_per_hour=None,
    ),
    log_retention_days=400,
    task_output="session and cloudwatch",
    architecture="ARM64",
    other_architectures=("X86_64",),
    prices=Rates(x86_vcpu_hour=0.05, x86_gb_hour=0.005),
    python="3.12",
    image_digest="sha256:" + "ab" * 32,
    shared=Shared(registry_scanning=False, block_public_access=True),
    break_glass_role_arn=f"arn:aws:iam::{DEV.account}:role/break-glass",
    data_role_arns=(f"arn:aws:iam::{DEV.account}:role/eraser",),
    organization_id="o-a1b2c3d4e5",
    tags=(("cost-centre", "4711"),),
)
"""The same, with nearly all changed at once that the table calls in place, or a replacement."""

HOSTS = Ec2Capacity(
    instance_types=(Instance(name="c7i.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.41),)
)
_BROUGHT = replace(OWN, network=Network(existing=EXISTING))
_REUSED = replace(OWN, network=Network(existing=REUSED))
_EAST = replace(OWN, region="us-east-1", allowed_regions=("us-east-1",))
_ZONES = ("euw1-az1", "euw1-az2", "euw1-az3")


def _with(one: Environment, **network: Any) -> Environment:
    return replace(one, network=replace(one.network, **network))


GOES: dict[str, tuple[Environment, Environment]] = {
    "nearly all at once": (OWN, CHANGED),
    "a trail less": (DEV, replace(DEV, audit=replace(DEV.audit, trail=False))),
    "a boundary of theirs": (
        OWN,
        replace(OWN, permissions_boundary=f"arn:aws:iam::{DEV.account}:policy/theirs"),
    ),
    "instances": (OWN, replace(OWN, capacity=HOSTS)),
    "other instances": (
        replace(OWN, capacity=HOSTS),
        replace(OWN, capacity=replace(HOSTS, spot=True, most=10, disk_gb=150)),
    ),
    "no budgets any more": (
        OWN,
        replace(
            OWN,
            workspaces=(replace(_SANDBOX, monthly_budget_usd=None, budget_emails=()),),
        ),
    ),
    "a workspace more": (
        OWN,
        replace(OWN, workspaces=(_SANDBOX, replace(_SANDBOX, name="another"))),
    ),
    "endpoints of ours": (_REUSED, _BROUGHT),
    "endpoints that stay": (DEV, _with(DEV, endpoints="always")),
    "FIPS": (_EAST, replace(_EAST, fips=True)),
    "other subnets of theirs": (
        _BROUGHT,
        _with(
            _BROUGHT,
            existing=replace(
                EXISTING,
                subnet_ids=("subnet-2a1b2c3d", "subnet-3a1b2c3d"),
                route_table_ids=("rtb-2a1b2c3d", "rtb-3a1b2c3d"),
            ),
        ),
    ),
    "other endpoints of theirs": (
        _REUSED,
        _with(
            _REUSED,
            existing=replace(
                REUSED,
                endpoints_security_group_id="sg-1a1b2c3d",
                s3_endpoint_id="vpce-1a1b2c3d",
            ),
        ),
    ),
}
"""Before and after: nothing stops, and nothing is lost."""

STOPS: dict[str, tuple[str, Environment, Environment, str]] = {
    "another block": ("Network.cidr", OWN, _with(OWN, cidr="10.99.0.0/20"), "export"),
    "a VPC of theirs": ("Network.existing", OWN, _BROUGHT, "export"),
    "a VPC of our own": ("Network.existing", _BROUGHT, OWN, "export"),
    "another layout": ("Network.grows", _with(OWN, grows=False), OWN, "subnets"),
    "a zone more without room": (
        "Network.grows",
        _with(OWN, grows=False),
        _with(OWN, grows=False, zones=3),
        "subnets",
    ),
    "zones in another order": (
        "Network.named_zones",
        _with(OWN, zones=3, named_zones=_ZONES),
        _with(OWN, zones=3, named_zones=_ZONES[::-1]),
        "subnets",
    ),
    "another VPC of theirs": (
        "ExistingVpc.vpc_id",
        _BROUGHT,
        _with(_BROUGHT, existing=replace(EXISTING, vpc_id="vpc-1a1b2c3d")),
        "export",
    ),
    "endpoints that come and go": (
        "Network.endpoints",
        OWN,
        _with(OWN, endpoints="while_bursting"),
        "export",
    ),
    "no instances any more": (
        "Environment.capacity",
        replace(OWN, capacity=HOSTS),
        OWN,
        "export",
    ),
    "endpoints of theirs": ("ExistingVpc.endpoints", _BROUGHT, _REUSED, "export"),
    "groups of theirs": (
        "ExistingVpc.worker_security_group_id",
        _BROUGHT,
        replace(OWN, network=Network(existing=GROUPED)),
        "export",
    ),
}
"""Of each: the field, before and after, and why it is refused."""

IN_TWO = {
    "endpoints of theirs",
    "endpoints that come and go",
    "groups of theirs",
    "no instances any more",
}
"""What goes in two deployments."""


@pytest.fixture(scope="module")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Return the templates of an environment, each made once."""
    known: dict[str, Templates] = {}

    def templates(one: Environment) -> Templates:
        if repr(one) not in known:
            outdir = str(tmp_path_factory.mktemp("fields"))
            built = app.build([one], outdir=outdir, validate=False).synth()
            known[repr(one)] = {each.stack_name: each.template for each in built.stacks_recursively}
        return known[repr(one)]

    return templates


def every_field() -> set[str]:
    return {
        f"{kind.__name__}.{field.name}"
        for kind in settings_below(Environment, set())
        for field in dataclasses.fields(kind)
    }


def rows(table: Iterable[Row] = FIELDS) -> dict[str, list[Row]]:
    """Return the rows of each field."""
    found: dict[str, list[Row]] = {}
    for row in table:
        for name in row.fields:
            kind = name.removesuffix("*")
            meant = [
                one
                for one in every_field()
                if one == name or (name == f"{kind}*" != one and one.startswith(kind))
            ]
            for one in meant or [name]:
                found.setdefault(one, []).append(row)
    return found


def differing(before: Environment, after: Environment) -> set[str]:
    def of(one: Environment) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for name, value in values_in(one):
            found.setdefault(name, []).append(value)
        return found

    old, new = of(before), of(after)
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def lost(before: Templates, after: Templates) -> list[str]:
    """Return what a deployment would lose, or where it would stop."""
    told = [stop.sentence for stop in stops(before, after, prefix="starburst-dev-")]
    return told + [
        f"{one.stack} {one.word} {one.name}"
        for one in changes(before, after)
        if one.word in ("removes", "replaces") and one.stateful
    ]


def test_every_field_has_one_row_and_no_row_another() -> None:
    found = rows()
    assert found.keys() == every_field()
    assert {name for name, own in found.items() if len(own) > 1} == set()


@pytest.mark.parametrize("case", GOES)
def test_what_goes_in_place_loses_nothing(synthesize: Synthesize, case: str) -> None:
    before, after = GOES[case]
    assert synthesize(before) != synthesize(after)
    assert lost(synthesize(before), synthesize(after)) == []


def uncovered(table: Sequence[Row]) -> Iterator[str]:
    """Yield the fields that the table lets change, and that no pair above did change."""
    tried = set().union(*(differing(*pair) for pair in GOES.values()))
    for name, [row] in rows(table).items():
        if row.verdict in ("in place", "replaces") and name not in tried | ELSEWHERE:
            yield name


ELSEWHERE = {
    *(f"Environment.{name}" for name in ("accepted_risks", "addons", "without")),
    *(f"Environment.{name}" for name in ("processing", "profile")),
    *(name for name in every_field() if name.startswith(("Activity.", "Processing."))),
    *("AcceptedRisk.reason", "AcceptedRisk.risk"),
    *("MfaUsers.account", "MfaUsers.path"),
}
"""Risks, profiles and records of processing change no template, an add-on's stacks are its own,
only an emulator's environment goes without anything, and one provider of identities stands for
all."""


def test_all_that_is_said_to_go_in_place_was_tried() -> None:
    assert sorted(uncovered(FIELDS)) == []


def test_a_row_that_says_in_place_of_what_is_not_is_found() -> None:
    lying = [
        replace(row, verdict="in place") if "Network.cidr" in row.fields else row for row in FIELDS
    ]
    assert "Network.cidr" in set(uncovered(lying))


@pytest.mark.parametrize("case", STOPS)
def test_what_is_not_in_place_is_refused_with_the_way_round(
    synthesize: Synthesize, case: str
) -> None:
    field, before, after, reason = STOPS[case]
    found = stops(synthesize(before), synthesize(after), prefix="starburst-dev-")
    assert reason in {stop.reason for stop in some(found)}
    [row] = rows()[field]
    assert row.verdict in ("immutable", "needs")
    two = [stop.way.startswith("While no session runs") for stop in found]
    assert all(two) is (case in IN_TWO)


def test_everything_immutable_was_tried() -> None:
    tried = {field for field, *_ in STOPS.values()}
    others = {f"Environment.{name}" for name in ("name", "account", "region")}
    for name, [row] in some(rows().items()):
        if row.verdict == "immutable":
            assert name in tried | others
    # These begin anew: nothing that is deployed bears the new name, or is in the new place.
    assert all(rows()[name][0].verdict == "immutable" for name in others)


def test_zones_go_in_two_deployments(synthesize: Synthesize) -> None:
    three, two = synthesize(_with(OWN, zones=3)), synthesize(OWN)
    assert lost(two, three) == []
    found = stops(three, two, prefix="starburst-dev-")
    assert {stop.reason for stop in some(found)} == {"export"}
    for stop in found:
        assert "audit control endpoints -- --exclusively; then deploy everything" in stop.way
    first = {
        f"starburst-dev-{part}": two[f"starburst-dev-{part}"]
        for part in ("audit", "control", "endpoints")
    }
    assert stops(three, first, prefix="starburst-dev-", known=two) == []
    assert stops({**three, **first}, two, prefix="starburst-dev-") == []


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text() == changing_page(), "run: python -m deploy.changing.fields"
