"""The throw-away environment: derived from any other, small, and gone in the end."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from deploy.rehearsal.account import reserved_executions
from deploy.rehearsal.cost import price
from deploy.rehearsal.derive import NAME as PATTERN
from deploy.rehearsal.derive import derive, new_name
from deploy.rehearsal.left_behind import left_by_tag, left_in_the_end
from deploy.rehearsal.probes import clear
from environments import ALL, DEV, PROD, REGULATED
from stacks.settings import ExistingVpc
from starburst.contract import ENVIRONMENT_NAME
from starburst.errors import ConfigurationError
from starburst.pricing.prices import known_regions, load
from tests.first_day.stubs import ACCOUNT, ANY, BROKER, NAME, REGION, TRIAL, Stubs, Time

STANDING = ("alarm_month", "endpoint_az_hour", "key_month", "sqs_million")
"""What an hour is billed by for existing."""


@pytest.mark.parametrize("chosen", ALL, ids=lambda chosen: chosen.name)
def test_every_environment_can_be_tried_without_its_production(chosen: Any) -> None:
    role = f"arn:aws:iam::{chosen.account}:role/aws-reserved/sso.amazonaws.com/Admin_1"
    trial = derive(chosen, name=NAME, broker_arn=role, workers=100, others=ALL)
    assert (trial.purpose, trial.production, trial.placement.retain) == ("test", False, False)
    assert (trial.account, trial.region) == (chosen.account, chosen.region)
    assert not trial.scans_registry
    assert not trial.shuts_gateways
    assert trial.identity.arn == role  # type: ignore[union-attr]
    assert not any(trial.network.block.overlaps(each.network.block) for each in ALL)
    [workspace] = trial.workspaces
    assert workspace.limits.workers == 100
    # What is tried is the chosen one's.
    kept = ("organization_id", "permissions_boundary", "python", "architecture", "fips", "packs")
    assert all(getattr(trial, name) == getattr(chosen, name) for name in kept)
    assert trial.network.endpoints == chosen.network.endpoints
    assert trial.storage.encryption == chosen.storage.encryption


def test_an_existing_vpc_with_several_subnets_in_a_zone_can_be_tried() -> None:
    theirs = ExistingVpc(
        vpc_id="vpc-0a1b2c3d",
        subnet_ids=tuple(f"subnet-0a1b2c3{n}" for n in range(4)),
        route_table_ids=tuple(f"rtb-0a1b2c3{n}" for n in range(4)),
    )
    near = replace(DEV, network=replace(DEV.network, zones=4, existing=theirs, endpoints="always"))
    trial = derive(near, name=NAME, broker_arn=BROKER, workers=1)
    assert (trial.network.zones, trial.network.existing) == (3, None)


def test_its_network_keeps_clear_of_a_peer() -> None:
    peer = IPv4Network("10.255.252.0/22")
    near = replace(DEV, network=replace(DEV.network, peers=(str(peer),)))
    trial = derive(near, name=NAME, broker_arn=BROKER, workers=1)
    assert not trial.network.block.overlaps(peer)


def test_its_name_is_new_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("a" * 6 + "b" * 6)
    monkeypatch.setattr("secrets.choice", lambda _: next(letters))
    name = new_name(["fdaaaaaa"])
    assert name == "fdbbbbbb"
    assert PATTERN.fullmatch(name)
    assert ENVIRONMENT_NAME.fullmatch(name)


@pytest.fixture(scope="module", params=[DEV, PROD, REGULATED], ids=lambda one: one.name)
def synthesized(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Any, Path]:
    """The trial of an environment, synthesized without its judges, to save the time."""
    import app  # noqa: PLC0415 - Node is chosen by the conftest

    trial = derive(request.param, name=NAME, broker_arn=BROKER, workers=100, others=ALL)
    outdir = tmp_path_factory.mktemp("trial")
    app.build([trial], outdir=str(outdir), validate=False).synth()
    return trial, outdir


def test_a_first_day_costs_less_than_a_dollar_wherever_prices_are_known(
    synthesized: tuple[Any, Path],
) -> None:
    trial, outdir = synthesized
    told, untold = [], []
    for region in known_regions():
        known = load(region).known().keys()
        (told if {*STANDING, "x86_gb_hour"} <= known else untold).append(region)
    assert {"us-east-1", "eu-west-1", "eu-central-1"} <= {*told}
    for region in untold:
        there = type("There", (), {"region": region, "prices": None, "architecture": "X86_64"})
        with pytest.raises(ConfigurationError, match=rf"price \w+ of region '{region}'"):
            price(there, outdir, workers=100)  # type: ignore[arg-type]
    for region in told:
        own = {"region": region, "prices": None, "architecture": trial.architecture}
        there = type("There", (), own)
        cost = price(there, outdir, workers=100)  # type: ignore[arg-type]
        assert 0 < cost.once < cost.most(0) < 1, region
        assert cost.most(3601) == pytest.approx(cost.most(0) + cost.hour)
        assert "AWS::SQS::Queue" in cost.by_use
        assert price(there, outdir, workers=0).once == 0  # type: ignore[arg-type]


def test_what_lambda_must_have_free_is_counted(synthesized: tuple[Any, Path]) -> None:
    assert reserved_executions(synthesized[1]) >= 10  # the controller's own


def test_what_still_carries_the_tag_is_left_but_what_aws_keeps_is_told() -> None:
    stubs = Stubs()
    where = f"{REGION}:{ACCOUNT}"
    stubs.answers(
        "resourcegroupstaggingapi",
        "get_resources",
        {
            "ResourceTagMappingList": [
                {"ResourceARN": arn}
                for arn in (
                    f"arn:aws:kms:{where}:key/1",
                    f"arn:aws:ecs:{where}:task-definition/starburst-{NAME}-probe:1",
                    f"arn:aws:ecs:{where}:task-definition/starburst-{NAME}-probe:2",
                    f"arn:aws:ec2:{where}:network-interface/eni-1",
                )
            ]
        },
        TagFilters=[{"Key": "starburst:environment", "Values": [NAME]}],
    )
    found = left_by_tag(TRIAL, stubs)
    assert [line.split(":")[0] for line in found.told] == ["2 ecs", "1 kms"]
    assert found.left == (
        f"arn:aws:ec2:{where}:network-interface/eni-1 still carries the environment's tag: look",
    )


@pytest.mark.parametrize(("lags", "left"), [(2, 0), (30, 1)])
def test_what_the_tags_forget_late_is_waited_for(lags: int, left: int) -> None:
    stubs, time = Stubs(), Time()
    there = {"ResourceARN": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-endpoint/vpce-1"}
    for look in range(min(lags, 21) + 1):
        known = [there] if look < lags else []
        tags = {"ResourceTagMappingList": known}
        stubs.answers("resourcegroupstaggingapi", "get_resources", tags)
    assert len(left_in_the_end(TRIAL, stubs, clock=time.clock).left) == left
    assert sum(time.slept) == min(lags * 15, 300)


def test_what_a_killed_question_left_goes_before_the_stacks() -> None:
    stubs = Stubs()
    filters = [
        {"Name": "tag:starburst:environment", "Values": [NAME]},
        {"Name": "tag-key", "Values": ["starburst:first-day"]},
    ]
    there = [
        {"VpcEndpointId": "vpce-1", "State": "available"},
        {"VpcEndpointId": "vpce-2", "State": "deleting"},
    ]
    stubs.answers("ec2", "describe_vpc_endpoints", {"VpcEndpoints": there}, Filters=filters)
    stubs.answers("ec2", "delete_vpc_endpoints", {}, VpcEndpointIds=["vpce-1"])
    stubs.answers("ec2", "describe_vpc_endpoints", {"VpcEndpoints": []})
    for number in range(5):
        if number == 2:
            url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/starburst-{NAME}-probe2"
            stubs.answers("sqs", "get_queue_url", {"QueueUrl": url}, QueueName=ANY)
            stubs.answers("sqs", "delete_queue", {}, QueueUrl=url)
        else:
            stubs.refuses("sqs", "get_queue_url", "AWS.SimpleQueueService.NonExistentQueue")
    clear(TRIAL, stubs, clock=Time().clock)
    stubs.all_were_asked()
