"""What a deployment would do is told before it does it: in place, anew, or not to the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.changing.changes import changes
from deploy.changing.stops import Stop, stops

Template = dict[str, Any]

PREFIX = "starburst-dev-"
NETWORK, STORAGE, CONTROL = (f"{PREFIX}{part}" for part in ("network", "storage", "control"))


def network(**subnets: str) -> Template:
    """Two stacks' producer: a VPC, its subnets, and an export of each."""
    made: Template = {
        name: {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": block},
        }
        for name, block in subnets.items()
    }
    made["Vpc"] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    return {
        "Resources": made,
        "Outputs": {
            f"Export{name}": {"Value": {"Ref": name}, "Export": {"Name": f"{NETWORK}:{name}"}}
            for name in made
        },
    }


def control(*imported: str) -> Template:
    return {
        "Resources": {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "starburst-dev-controller",
                    "VpcConfig": {
                        "SubnetIds": [{"Fn::ImportValue": f"{NETWORK}:{one}"} for one in imported]
                    },
                },
            }
        }
    }


def bucket(**properties: Any) -> Template:
    return {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": properties}}}


TWO = {NETWORK: network(A="10.0.0.0/24", B="10.0.1.0/24"), CONTROL: control("A", "B")}
THREE = {
    NETWORK: network(A="10.0.0.0/24", B="10.0.1.0/24", C="10.0.2.0/24"),
    CONTROL: control("A", "B", "C"),
}


def found(before: Mapping[str, Template], after: Mapping[str, Template], **more: Any) -> list[Stop]:
    return stops(before, after, prefix=PREFIX, **more)


def words(before: Mapping[str, Template], after: Mapping[str, Template]) -> dict[str, str]:
    return {one.name: one.word for one in changes(before, after)}


def test_what_is_the_same_changes_nothing() -> None:
    assert changes(TWO, TWO) == []
    assert found(TWO, TWO) == []


def test_what_is_added_changes_its_importer_in_place() -> None:
    assert words(TWO, THREE) == {"C": "adds", "Function": "changes"}
    assert found(TWO, THREE) == []


def test_what_follows_a_replacement_is_replaced_too_across_stacks() -> None:
    moved = {NETWORK: network(A="10.0.0.0/24", B="10.0.1.0/24"), "x": {"Resources": {}}}
    moved[NETWORK]["Resources"]["Vpc"]["Properties"]["CidrBlock"] = "10.9.0.0/16"
    reader = {
        "Resources": {
            "Group": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"VpcId": {"Fn::ImportValue": f"{NETWORK}:Vpc"}},
            }
        }
    }
    before, after = {**TWO, "x": reader}, {**TWO, **moved, "x": reader}
    replaced = [one.name for one in changes(before, after) if one.word == "replaces"]
    assert replaced == ["A", "B", "Vpc", "Group"]
    # A VPC of its own has room for every subnet; what is imported is another all the same.
    assert {stop.reason for stop in found(before, after)} == {"export"}


def test_an_export_that_goes_is_refused_with_two_deployments() -> None:
    [stop] = found(THREE, TWO)
    assert stop.reason == "export"
    assert stop.sentence == (
        "starburst-dev-network would no longer hand on C as it does, which starburst-dev-control "
        "imports; CloudFormation stops there"
    )
    assert stop.way == (
        "While no session runs, deploy what imports it by itself: .venv/bin/python -m deploy.up "
        "--environment dev control -- --exclusively; then deploy everything"
    )


def test_the_two_deployments_pass() -> None:
    first = {CONTROL: TWO[CONTROL]}
    assert found(THREE, first, known=TWO) == []
    assert found({**THREE, **first}, TWO) == []


def test_what_holds_an_export_and_is_described_no_more_is_deleted_first() -> None:
    [stop] = found(THREE, {NETWORK: TWO[NETWORK]})
    assert "--stack-name starburst-dev-control; then deploy everything" in stop.way
    assert found({NETWORK: THREE[NETWORK]}, {NETWORK: TWO[NETWORK]}) == []


def test_an_importer_that_needs_what_is_not_there_yet_has_no_way_in_place() -> None:
    other = {NETWORK: network(A="10.0.0.0/24", C="10.0.2.0/24"), CONTROL: control("A", "C")}
    [stop] = found(TWO, other)
    assert stop.way.startswith("Take the change back; or make a second environment")


@pytest.mark.parametrize(
    ("block", "refused"),
    [("10.0.0.0/23", True), ("10.0.1.128/25", True), ("10.0.2.0/24", False)],
)
def test_a_subnet_is_not_made_over_one_that_is_there(block: str, refused: bool) -> None:
    after = {NETWORK: network(A="10.0.0.0/24", B="10.0.1.0/24", C=block)}
    assert [stop.reason for stop in found(TWO, after)] == ["subnets"] * refused


def test_a_replaced_bucket_is_refused_and_a_changed_one_is_not() -> None:
    before = {STORAGE: bucket(BucketName="one")}
    [stop] = found(before, {STORAGE: bucket(BucketName="two")})
    assert (stop.reason, stop.stack) == ("stateful", STORAGE)
    assert "Data (AWS::S3::Bucket) would be replaced by an empty one, for its BucketName" in (
        stop.sentence
    )
    assert found(before, {STORAGE: bucket(BucketName="one", ObjectLockEnabled=True)}) == []


def test_a_replacement_under_the_same_name_is_refused() -> None:
    def cluster(name: str, kind: str = "Zip") -> dict[str, Template]:
        made = control("A")
        properties = made["Resources"]["Function"]["Properties"]
        properties.update(FunctionName=name, PackageType=kind)
        return {CONTROL: made}

    [stop] = found(cluster("same"), cluster("same", "Image"))
    assert (stop.reason, "finds the name taken" in stop.sentence) == ("named", True)
    assert found(cluster("one"), cluster("two", "Image")) == []


def test_stacks_that_are_not_deployed_now_are_left_alone() -> None:
    assert found(THREE, {STORAGE: bucket()}, known=THREE) == []
