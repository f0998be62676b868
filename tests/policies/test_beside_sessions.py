"""Beside sessions analysts read packages and data, write as settings say, and keep a home."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from starburst.contract import DataWriters, PackagePolicy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import analyst_area_statements, analyst_statements
from starburst_constructs.policies.steward import steward_statements
from starburst_constructs.policies.worker import worker_area_statements

BUCKET = "arn:aws:s3:::data"
WHEEL = f"{BUCKET}/packages/genomics/{'0' * 64}.00"
TABLE = f"{BUCKET}/data/genomics/cohort/a.parquet"
NOTE = f"{BUCKET}/home/genomics/alice/note.txt"
KEEPS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")
MOST_IN_A_POLICY = 6_144
"""Characters of a managed policy, white space apart."""

Statements = list[dict[str, Any]]


@pytest.fixture(scope="module")
def analyst(documents: Callable[..., Statements]) -> Callable[..., Statements]:
    def make(
        packages: PackagePolicy = "image",
        data_writers: DataWriters = "steward",
        *,
        home_links: bool = False,
    ) -> Statements:
        return documents(
            analyst_area_statements(
                "genomics",
                bucket_arn=BUCKET,
                packages=packages,
                data_writers=data_writers,
                home_links=home_links,
            )
        )

    return make


def links(statements: Statements) -> dict[str, Any]:
    [found] = [one for one in statements if one["Effect"] == "Deny"]
    return found


def plainly(statements: Statements) -> Statements:
    """What holds of a call that is signed in a header."""
    return [one for one in statements if one["Effect"] == "Allow"]


@pytest.mark.parametrize("packages", get_args(PackagePolicy))
@pytest.mark.parametrize("data_writers", get_args(DataWriters))
def test_analysts_write_what_settings_leave_to_them(
    analyst: Callable[..., Statements],
    reaches: Callable[..., bool],
    packages: PackagePolicy,
    data_writers: DataWriters,
) -> None:
    statements = plainly(analyst(packages, data_writers))

    def may(action: str, resource: str) -> bool:
        return reaches(statements, action, resource, userName="alice")

    assert may("s3:GetObject", WHEEL)
    assert may("s3:GetObject", TABLE)
    assert may("s3:PutObject", WHEEL) is (packages == "any")
    assert may("s3:PutObject", TABLE) is (data_writers == "analysts")
    assert may("s3:DeleteObject", TABLE) is (data_writers == "analysts")
    # Data come in parts where they are large; a wheel is written whole.
    assert may("s3:AbortMultipartUpload", TABLE) is (data_writers == "analysts")
    assert not may("s3:AbortMultipartUpload", WHEEL)
    # Versions stay as long as the bucket keeps them, and a wheel until a steward takes it away.
    for action, resource in (
        ("s3:DeleteObjectVersion", TABLE),
        ("s3:DeleteObject", WHEEL),
        ("s3:DeleteObjectVersion", WHEEL),
        ("s3:ListMultipartUploadParts", TABLE),
        ("s3:PutObjectTagging", TABLE),
    ):
        assert not may(action, resource)


@pytest.mark.parametrize("action", KEEPS)
def test_a_home_is_its_users_alone(
    analyst: Callable[..., Statements], reaches: Callable[..., bool], action: str
) -> None:
    statements = plainly(analyst("any", "analysts", home_links=True))
    assert reaches(statements, action, NOTE, userName="alice")
    for key in ("genomics/bob/note.txt", "markets/alice/note.txt", "genomics/note.txt", "alice/x"):
        assert not reaches(statements, action, f"{BUCKET}/home/{key}", userName="alice"), key
    assert not reaches(statements, action, f"{BUCKET}/data/markets/x", userName="alice")
    assert not reaches(statements, action, f"{BUCKET}/packages/markets/x", userName="alice")


def test_names_are_listed_of_the_workspace_and_of_the_own_home(
    analyst: Callable[..., Statements],
) -> None:
    home = "home/genomics/${aws:PrincipalTag/userName}/*"
    found = {
        str(one["Action"]): one["Condition"]["StringLike"]["s3:prefix"]
        for one in analyst()
        if "s3:prefix" in json.dumps(one)
    }
    assert found == {
        "s3:ListBucket": ["packages/genomics/*", "data/genomics/*", home],
        "s3:ListBucketVersions": home,
    }


def test_a_signed_address_opens_a_home_where_links_are_allowed_and_only_to_read(
    analyst: Callable[..., Statements],
) -> None:
    condition = {"StringEquals": {"s3:authType": ["POST", "REST-QUERY-STRING"]}}
    never, reading = links(analyst()), links(analyst(home_links=True))
    for deny in (never, reading):
        assert deny["Condition"] == condition
        assert deny["Resource"] == f"{BUCKET}/home/*"
    [home] = [one for one in analyst() if one["Sid"] == "KeepAHome"]
    assert never["Action"] == home["Action"]
    assert {*home["Action"]} - {*reading["Action"]} == {"s3:GetObject"}


def test_workers_get_packages_and_data_and_list_data(
    documents: Callable[..., Statements], reaches: Callable[..., bool]
) -> None:
    statements = documents(worker_area_statements("genomics", bucket_arn=BUCKET))
    for resource in (WHEEL, TABLE):
        assert reaches(statements, "s3:GetObject", resource)
        for action in ("s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion", "s3:ListBucket"):
            assert not reaches(statements, action, resource)
    for key in (
        "packages/markets/0",
        "data/markets/0",
        "home/genomics/alice/x",
        "data/genomics2/x",
    ):
        assert not reaches(statements, "s3:GetObject", f"{BUCKET}/{key}")
    [listing] = [one for one in statements if one["Action"] == "s3:ListBucket"]
    assert listing["Resource"] == BUCKET
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "data/genomics/*"}}


def test_the_longest_names_and_the_most_networks_fit_into_a_policy(
    documents: Callable[..., Statements],
) -> None:
    place: dict[str, Any] = {
        "placement": Placement(account="222233334444", region="ap-southeast-1"),
        "bucket_arn": f"arn:aws:s3:::{'c' * 63}",
        "key_arn": f"arn:aws:kms:ap-southeast-1:222233334444:key/{'d' * 36}",
        "trusted_cidrs": tuple(f"203.100.{number}.0/24" for number in range(50)),
        "trusted_vpcs": tuple(f"vpc-{number:017x}" for number in range(50)),
    }
    names = "a" * 12, "b" * 32
    for statements in (
        analyst_statements(*names, **place),
        steward_statements(*names, **place, packages="any"),
    ):
        document = {"Version": "2012-10-17", "Statement": documents(statements)}
        assert len(json.dumps(document, separators=(",", ":"))) < MOST_IN_A_POLICY
