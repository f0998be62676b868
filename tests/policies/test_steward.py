"""A steward keeps a workspace's packages and data, and sees neither sessions nor homes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from starburst.contract import PackagePolicy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.steward import steward_statements

BUCKET = "arn:aws:s3:::data"
KEY = "arn:aws:kms:eu-west-1:222233334444:key/k"
SID = "a1" * 10
WHEEL = f"{BUCKET}/packages/genomics/{'0' * 64}.00"
TABLE = f"{BUCKET}/data/genomics/cohort/a.parquet"
PARAMETERS = "arn:aws:ssm:eu-west-1:222233334444:parameter/starburst/prod"
READS = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListMultipartUploadParts")
ERASES = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion")

Statements = list[dict[str, Any]]


@pytest.fixture(scope="module")
def all_of(documents: Callable[..., Statements]) -> Callable[..., Statements]:
    def make(packages: PackagePolicy, **more: Any) -> Statements:
        return documents(
            steward_statements(
                "prod",
                "genomics",
                placement=Placement(account="222233334444", region="eu-west-1"),
                bucket_arn=BUCKET,
                key_arn=KEY,
                packages=packages,
                **more,
            )
        )

    return make


@pytest.fixture(scope="module")
def statements(all_of: Callable[..., Statements]) -> Statements:
    # Its condition holds only for a session without a name.
    return [one for one in all_of("allowed") if one["Sid"] != "NothingWithoutAName"]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        *((action, key) for action in (*READS, *ERASES, "s3:PutObject") for key in (WHEEL, TABLE)),
        ("ssm:GetParameter", f"{PARAMETERS}/runtime"),
        ("ssm:GetParameter", f"{PARAMETERS}/packages/genomics"),
    ],
)
def test_a_steward_can_do_their_work(
    statements: Statements, reaches: Callable[..., bool], action: str, resource: str
) -> None:
    assert reaches(statements, action, resource, userName="sam")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        *(
            (action, f"{BUCKET}/{key}")
            for action in (*READS, *ERASES, "s3:PutObject")
            for key in (
                f"sessions/genomics/sam/{SID}/inputs/0",
                f"sessions/genomics/alice/{SID}/results/0",
                "home/genomics/sam/notes.txt",
                "home/genomics/alice/notes.txt",
                "packages/markets/0",
                "data/markets/0",
                "data/genomics2/0",
                f"_control/active/{SID}.json",
                "genomics/0",
            )
        ),
        ("s3:PutObjectTagging", TABLE),
        ("s3:PutObjectLegalHold", TABLE),
        ("s3:BypassGovernanceRetention", TABLE),
        ("s3:PutObjectAcl", WHEEL),
        ("s3:DeleteBucket", BUCKET),
        ("ssm:GetParameter", f"{PARAMETERS}/packages/markets"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:222233334444:starburst-prod-genomics-x"),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller:analysts",
        ),
        ("ecs:RunTask", "arn:aws:ecs:eu-west-1:222233334444:task-definition/starburst-prod-x:1"),
        ("sts:AssumeRole", "arn:aws:iam::222233334444:role/starburst-prod-analyst-genomics"),
    ],
)
def test_a_steward_cannot(
    statements: Statements, reaches: Callable[..., bool], action: str, resource: str
) -> None:
    assert not reaches(statements, action, resource, userName="sam")


def test_names_are_listed_below_the_two_areas_only(statements: Statements) -> None:
    [listing] = [one for one in statements if "s3:ListBucket" in one["Action"]]
    assert set(listing["Action"]) == {"s3:ListBucket", "s3:ListBucketVersions"}
    assert listing["Resource"] == BUCKET
    assert listing["Condition"] == {
        "StringLike": {"s3:prefix": ["packages/genomics/*", "data/genomics/*"]}
    }


def test_keys_open_through_s3_alone(statements: Statements) -> None:
    [use] = [one for one in statements if "kms:Decrypt" in one["Action"]]
    assert set(use["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert use["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}


def test_where_workers_have_their_image_alone_wheels_are_only_cleared_away(
    all_of: Callable[..., Statements], reaches: Callable[..., bool]
) -> None:
    statements = [one for one in all_of("image") if one["Sid"] != "NothingWithoutAName"]
    assert not reaches(statements, "s3:PutObject", WHEEL, userName="sam")
    assert reaches(statements, "s3:DeleteObjectVersion", WHEEL, userName="sam")
    assert reaches(statements, "s3:PutObject", TABLE, userName="sam")


def test_a_session_without_a_name_or_from_elsewhere_can_do_nothing(
    all_of: Callable[..., Statements],
) -> None:
    *_, nameless, fence = all_of("any", trusted_cidrs=("140.107.0.0/16",), trusted_vpcs=())
    for deny in (nameless, fence):
        assert (deny["Effect"], deny["Action"], deny["Resource"]) == ("Deny", "*", "*")
    assert nameless["Condition"] == {"Null": {"aws:PrincipalTag/userName": "true"}}
    assert fence["Condition"]["NotIpAddressIfExists"] == {"aws:SourceIp": ["140.107.0.0/16"]}
