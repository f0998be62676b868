"""A resource that holds something is never replaced, removed or let go without a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.review.stateful import replaced_between

STACK, NAME = "starburst-prod-storage", "Data1234"
BUCKET = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {"BucketName": "one", "ObjectLockEnabled": False},
}


def said(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> list[str]:
    before, after = ({STACK: {"Resources": {NAME: one} if one else {}}} for one in (old, new))
    return [one.sentence for one in replaced_between(before, after, environment="prod")]


def with_(old: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    return {**old, "Properties": {**old["Properties"], **properties}}


@pytest.mark.parametrize(
    ("new", "word"),
    [
        (None, "is removed: it stays in the account, and no stack has it"),
        (with_(BUCKET, BucketName="two"), "is replaced, since BucketName cannot be changed"),
        ({**BUCKET, "Type": "AWS::SQS::Queue"}, "is replaced: it becomes AWS::SQS::Queue"),
        ({**BUCKET, "DeletionPolicy": "Delete"}, "DeletionPolicy"),
    ],
)
def test_what_is_lost_is_told(new: Mapping[str, Any] | None, word: str) -> None:
    (sentence,) = said(BUCKET, new)
    assert "starburst-prod-storage/Data1234 (AWS::S3::Bucket)" in sentence
    assert word in sentence


def test_what_goes_for_good_is_told_so() -> None:
    (sentence,) = said({**BUCKET, "DeletionPolicy": "Delete"}, None)
    assert "it is deleted" in sentence


def test_what_is_changed_in_place_is_silent() -> None:
    assert said(BUCKET, BUCKET) == []
    # CloudFormation turns it on in place, whatever `cdk diff` prints.
    assert said(BUCKET, with_(BUCKET, ObjectLockEnabled=True)) == []


def test_what_goes_with_its_stack_is_told() -> None:
    before = {STACK: {"Resources": {NAME: BUCKET}}}
    (finding,) = replaced_between(before, {}, environment="prod")
    assert "is removed: it stays in the account" in finding.sentence


def test_what_follows_a_replacement_is_told_too() -> None:
    """A subnet of a VPC that is replaced says the same as before, and goes all the same."""

    def network(cidr: str) -> dict[str, Any]:
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}}
        subnet = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        }
        return {STACK: {"Resources": {"Vpc": vpc, "Subnet": subnet}}}

    before, after = network("10.0.0.0/16"), network("10.0.0.0/8")
    found = [one.sentence for one in replaced_between(before, after, environment="prod")]
    assert found == [
        f"{STACK}/{name} is replaced, since {why} cannot be changed in place: all that stands in "
        "it has to move."
        for name, why in (
            ("Subnet (AWS::EC2::Subnet)", "VpcId"),
            ("Vpc (AWS::EC2::VPC)", "CidrBlock"),
        )
    ]


def test_what_may_be_replaced_is_told_so() -> None:
    database = {"Type": "AWS::RDS::DBInstance", "Properties": {"AvailabilityZone": "a"}}
    (sentence,) = said(database, with_(database, AvailabilityZone="b"))
    assert (
        "may be replaced: CloudFormation changes AvailabilityZone in place under some" in sentence
    )


def test_what_holds_nothing_is_silent() -> None:
    assert said({"Type": "AWS::IAM::Role", "Properties": {}}, None) == []
