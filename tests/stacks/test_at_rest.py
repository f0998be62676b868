"""The bill at rest is the sum that one can do by hand, and what has no price is said."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.at_rest import AtRest, Item, at_rest, markdown
from starburst.prices import load

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
        ("AWS::SSM::Parameter", {}),
        ("AWS::S3::Bucket", {}),
    )
    bill = at_rest((network, rest), IRELAND)
    assert bill.usd == pytest.approx(6 * 730 * 0.011 + 730 * 0.048 + 2 * 1.0 + 3 * 0.10)
    assert {item.what: item.quantity for item in bill.items} == {
        "interface endpoints, by zone": 6,
        "NAT gateways": 1,
        "KMS keys": 2,
        "alarms": 3,
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
    bill = at_rest([template((kind, properties), (kind, properties))], IRELAND)
    assert bill.usd == 0
    assert bill.not_priced == ((named, 2),)
    assert f"Not priced in prod: 2 {named}." in markdown({("prod", "eu-west-1"): bill})


def test_the_table_has_a_row_for_each_environment() -> None:
    keys = Item(what="KMS keys", quantity=3, unit_usd=1.0)
    bill = AtRest(items=(keys,), by_use=("AWS::S3::Bucket",), not_priced=())
    table = markdown({("prod", "eu-west-1"): bill, ("far", "mx-central-1"): None}).splitlines()
    assert table[2] == "| prod | eu-west-1 | - | - | 3: 3.00 | - | - | **3.00** |"
    assert table[3] == "| far | mx-central-1 | | | | | | no prices known |"
    assert "Billed by use only, next to nothing at rest: S3::Bucket." in table
    assert len({line.count("|") for line in table[:4]}) == 1
