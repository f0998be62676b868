"""The bill at rest is the sum that one can do by hand, and what has no price is said."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.tools.idle_cost import IdleCost, Item, idle_cost, main, markdown
from environments import PROD
from starburst.aws.cost_tag import CostTag
from starburst.contract import Rates
from starburst.contract.sweep_line import SWEEP_PATTERN, UNFINISHED_PATTERN
from starburst.pricing.prices import load

IRELAND = load("eu-west-1")


def template(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "Resources": {
            f"R{number}": {"Type": kind, "Properties": properties}
            for number, (kind, properties) in enumerate(resources)
        }
    }


def test_a_small_environment_costs_what_its_parts_cost() -> None:
    network = template(
        ("AWS::EC2::VPC", {}),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b", "c"]}),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b", "c"]}),
        ("AWS::EC2::NatGateway", {}),
    )
    rest = template(
        ("AWS::KMS::Key", {}),
        ("AWS::KMS::Key", {}),
        ("AWS::CloudWatch::Alarm", {"MetricName": "Errors"}),
        ("AWS::CloudWatch::Alarm", {"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {}]}),
        ("AWS::Budgets::Budget", {}),
        ("AWS::Logs::MetricFilter", {"FilterPattern": SWEEP_PATTERN}),
        ("AWS::Logs::MetricFilter", {"FilterPattern": UNFINISHED_PATTERN}),
        ("AWS::SSM::Parameter", {}),
        ("AWS::S3::Bucket", {}),
    )
    bill = idle_cost((network, rest), IRELAND)
    assert bill.usd == pytest.approx(6 * 730 * 0.011 + 730 * 0.048 + 2 * 1.0 + 3 * 0.10 + 0.30)
    assert {item.what: item.quantity for item in bill.items} == {
        "interface endpoints, by zone": 6,
        "NAT gateways": 1,
        "KMS keys": 2,
        "alarms": 3,
        "metrics": 1,
        "budgets": 1,
    }
    assert bill.by_use == ("AWS::S3::Bucket",)
    assert bill.not_priced == ()


@pytest.mark.parametrize(
    ("kind", "properties", "named"),
    [
        ("AWS::RDS::DBInstance", {}, "AWS::RDS::DBInstance"),
        ("AWS::EC2::EIP", {}, "AWS::EC2::EIP"),
        ("AWS::SSM::Parameter", {"Tier": "Advanced"}, "AWS::SSM::Parameter:Advanced"),
        (
            "AWS::EC2::VPCEndpoint",
            {"VpcEndpointType": "Interface", "SubnetIds": {"Fn::Split": [",", "x"]}},
            "AWS::EC2::VPCEndpoint",
        ),
    ],
)
def test_what_has_no_price_is_said_not_dropped(
    kind: str, properties: dict[str, Any], named: str
) -> None:
    bill = idle_cost([template((kind, properties), (kind, properties))], IRELAND)
    assert bill.usd == 0
    assert bill.not_priced == ((named, 2),)
    assert f"Not priced in prod: 2 {named}." in markdown({("prod", "eu-west-1"): bill})


def test_what_a_regions_prices_lack_is_said_not_counted_as_free() -> None:
    endpoint = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}
    stack = template(
        ("AWS::EC2::VPCEndpoint", endpoint),
        ("AWS::EC2::VPCEndpoint", {}),
        ("AWS::KMS::Key", {}),
        ("AWS::CloudWatch::InsightRule", {}),
    )
    bill = idle_cost([stack], load("us-west-1"))
    assert bill.usd == pytest.approx(0.50)
    assert bill.not_priced == (("AWS::EC2::VPCEndpoint", 1), ("AWS::KMS::Key", 1))
    said = markdown({("west", "us-west-1"): bill})
    assert "Not priced in west: 1 AWS::EC2::VPCEndpoint, 1 AWS::KMS::Key." in said
    own = load("us-west-1", Rates(endpoint_az_hour=0.02, key_month=0.9))
    assert idle_cost([stack], own).usd == pytest.approx(0.50 + 2 * 730 * 0.02 + 0.9)


def test_the_bill_goes_by_what_the_account_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paying = replace(PROD, prices=Rates(key_month=0.25))
    monkeypatch.setattr("deploy.tools.idle_cost.ALL", (paying,))
    keys = template(("AWS::KMS::Key", {}), ("AWS::KMS::Key", {}))
    assembly = synthesized(tmp_path, "prod", "eu-west-1", keys)
    assert main(str(assembly), cost_tag=unasked) == 0
    assert "2: 0.50" in capsys.readouterr().out


def test_what_is_off_while_idle_is_priced_by_the_hour() -> None:
    endpoint = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}
    stack = template(("AWS::EC2::VPCEndpoint", endpoint), ("AWS::KMS::Key", {}))
    stack["Resources"]["R0"]["Condition"] = "Busy"
    stack["Conditions"] = {"Busy": {"Fn::Equals": [{"Ref": "Bursting"}, "on"]}}
    stack["Parameters"] = {"Bursting": {"Default": "off"}}
    bill = idle_cost([stack], IRELAND)
    assert bill.usd == pytest.approx(1.0)
    assert bill.hour == pytest.approx(2 * 0.011)
    said = markdown({("dev", "eu-west-1"): bill})
    assert "a session runs in dev, its private endpoints cost 0.022 USD an hour on top" in said
    stack["Parameters"] = {"Bursting": {"Default": "on"}}
    bill = idle_cost([stack], IRELAND)
    assert (bill.usd, bill.hour) == (pytest.approx(1.0 + 2 * 0.011 * 730), 0)
    stack["Conditions"] = {"Busy": {"Fn::Not": [{"Condition": "Other"}]}}
    assert idle_cost([stack], IRELAND).usd == pytest.approx(1.0 + 2 * 0.011 * 730)


def test_idle_dev_costs_no_more_than_five_dollars(
    templates: dict[str, dict[str, Any]],
) -> None:
    dev = idle_cost((each for name, each in templates.items() if name.startswith("dev/")), IRELAND)
    assert dev.usd <= 5
    assert dev.hour > 0


def test_the_table_has_a_row_for_each_environment() -> None:
    keys = Item(what="KMS keys", quantity=3, unit_usd=1.0)
    bill = IdleCost(items=(keys,), by_use=("AWS::S3::Bucket",), not_priced=())
    table = markdown({("prod", "eu-west-1"): bill, ("far", "eu-north-2"): None}).splitlines()
    assert table[2] == "| prod | eu-west-1 | - | - | 3: 3.00 | - | - | - | - | - | **3.00** |"
    assert table[3] == "| far | eu-north-2 | | | | | | | | | no prices known |"
    assert "Billed by use only, next to nothing at rest: S3::Bucket." in table
    assert len({line.count("|") for line in table[:4]}) == 1


def unasked() -> CostTag:
    return CostTag(active=None, text="nobody was asked")


def synthesized(assembly: Path, environment: str, region: str, content: dict[str, Any]) -> Path:
    folder = assembly / f"assembly-{environment}"
    folder.mkdir()
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://222233334444/{region}",
        "properties": {"templateFile": "keys.template.json"},
    }
    (folder / "keys.template.json").write_text(json.dumps(content))
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"keys": stack}}))
    stage = {
        "type": "cdk:cloud-assembly",
        "properties": {"directoryName": folder.name, "displayName": environment},
    }
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": {folder.name: stage}}))
    return assembly


def test_the_command_reads_what_was_synthesized_and_says_whether_budgets_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = template(("AWS::KMS::Key", {}))
    assembly = str(synthesized(tmp_path, "prod", "eu-west-1", content))
    tag = CostTag(active=False, text="the tag is not active, so every budget reads zero")
    assert main(assembly, cost_tag=lambda: tag) == 0
    row = "| prod | eu-west-1 | - | - | 1: 1.00 | - | - | - | - | - | **1.00** |"
    out = capsys.readouterr().out
    assert row in out
    assert "\nThe tag is not active, so every budget reads zero.\n" in out


def test_without_credentials_it_is_unknown_whether_budgets_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nowhere = str(tmp_path / "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assembly = str(synthesized(tmp_path, "prod", "eu-west-1", template()))
    assert main(assembly) == 0
    said = "Whether budgets count what workspaces cause is unknown (NoCredentialsError): ask with"
    assert said in capsys.readouterr().out


def test_a_region_without_prices_gets_a_row_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(str(synthesized(tmp_path, "far", "eu-north-2", template())), cost_tag=unasked) == 0
    assert "| far | eu-north-2 |" in capsys.readouterr().out


def test_the_emulated_environment_has_no_bill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = template(("AWS::KMS::Key", {}))
    assert main(str(synthesized(tmp_path, "local", "eu-west-1", content)), cost_tag=unasked) == 0
    assert "| local |" not in capsys.readouterr().out


def test_without_a_synthesis_it_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(str(tmp_path)) == 1
    assert "run: python app.py" in capsys.readouterr().err


def test_every_resource_of_the_shipped_environments_has_a_known_price(
    templates: dict[str, dict[str, Any]],
) -> None:
    assert idle_cost(templates.values(), IRELAND).not_priced == ()


def test_endpoints_are_counted_in_every_zone(templates: dict[str, dict[str, Any]]) -> None:
    stack = templates["prod/endpoints"]
    (endpoints,) = idle_cost([stack], IRELAND).items
    assert endpoints.quantity == len(stack["Resources"]) * PROD.network.zones
