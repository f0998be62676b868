"""A word that IAM does not know is an error before any proof."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from starburst_assurance.proofs.encoding.vocabulary import (
    actions,
    check,
    complaints,
    representatives,
    source,
)
from starburst_assurance.proofs.reading.errors import VocabularyError
from starburst_assurance.proofs.reading.policies import Policy, PolicySet

ROOT = Path(__file__).parents[2]

GOOD: dict[str, Any] = {
    "Effect": "Deny",
    "Action": ["s3:PutObject", "kms:GenerateDataKey*", "s3:ListBucket", "ec2:CreateTags"],
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:PrincipalTag/userName": "a"},
        "Null": {"s3:if-none-match": "true"},
        "StringNotEqualsIfExists": {"s3:if-none-match": "*"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["a"]},
    },
}


def said(**change: Any) -> list[str]:
    document = {"Version": "2012-10-17", "Statement": {**GOOD, **change}}
    return list(complaints(Policy.parse("p", document)))


def test_what_iam_knows_is_accepted() -> None:
    assert said() == []
    assert said(Resource="arn:aws:s3:::b/${aws:PrincipalTag/a-b}/${*}") == []


def test_variables_need_the_version_that_has_them() -> None:
    statement = {**GOOD, "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/a-b}"}
    [what] = complaints(Policy.parse("p", {"Statement": statement}))
    assert "variables are text in a policy without Version 2012-10-17" in what


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"Action": "s3:GetObjects"}, "s3:GetObjects"),
        ({"Action": "s4:GetObject"}, "s4:GetObject"),
        ({"Action": "s3:Gott*"}, "s3:Gott*"),
        ({"Condition": {"StringEqual": {"aws:SourceArn": "a"}}}, "StringEqual"),
        ({"Condition": {"ForAllValue:StringEquals": {"aws:TagKeys": "a"}}}, "ForAllValue"),
        ({"Condition": {"StringEquals": {"aws:SourceVpceId": "a"}}}, "aws:SourceVpceId"),
        ({"Condition": {"StringEquals": {"s3:prefixes": "a"}}}, "s3:prefixes"),
        ({"Condition": {"StringEquals": {"aws:PrincipalTag/": "a"}}}, "aws:PrincipalTag/"),
        ({"Condition": {"Null": {"s3:prefix": "yes"}}}, "Null"),
        ({"Condition": {"Bool": {"aws:SecureTransport": "no"}}}, "aws:SecureTransport"),
        ({"Condition": {"StringEquals": {"aws:TagKeys": "a"}}}, "aws:TagKeys"),
        ({"Condition": {"ForAllValues:StringEquals": {"s3:prefix": "a"}}}, "s3:prefix"),
        ({"Condition": {"StringEquals": {"s3:prefix": "a/*"}}}, "literally"),
        # A header may be a star; what only looks like one is a mistake for StringLike.
        ({"Condition": {"StringNotEquals": {"s3:if-none-match": "a*"}}}, "literally"),
        ({"Condition": {"NumericEquals": {"s3:TlsVersion": "${s3:prefix}"}}}, "no variable"),
        ({"Resource": "my-bucket/*"}, "my-bucket"),
        # A wildcard hides no misspelling, of a service or of an action.
        ({"Action": "s3:PutObjekt*"}, "s3:PutObjekt*"),
        ({"Action": "s3s:*"}, "s3s:*"),
        ({"Action": "*:PutObject"}, "*:PutObject"),
        ({"Condition": {"StringLikeIfExist": {"s3:prefix": "a"}}}, "StringLikeIfExist"),
        ({"Condition": {"stringlike": {"s3:prefix": "a"}}}, "stringlike"),
        ({"Condition": {"NullIfExists": {"s3:prefix": "true"}}}, "Null"),
        # A key of another service, or of another action of this one, is never in the request.
        ({"Condition": {"StringEquals": {"sns:Protocol": "https"}}}, "sns:Protocol"),
        ({"Action": "s3:GetObject", "Condition": {"StringLike": {"s3:prefix": "a"}}}, "s3:prefix"),
        (
            {"Action": "ecs:RunTask", "Condition": {"NumericLessThan": {"ecs:task-cpu": "1"}}},
            "ecs:task-cpu",
        ),
        # An operator that cannot compare such a key, and a value that it cannot read.
        ({"Condition": {"NumericEquals": {"aws:SourceAccount": "1"}}}, "aws:SourceAccount"),
        ({"Condition": {"StringEquals": {"s3:TlsVersion": "1.2"}}}, "s3:TlsVersion"),
        ({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2.3"}}}, "1.2.3"),
        ({"Condition": {"DateLessThan": {"aws:TokenIssueTime": "yesterday"}}}, "yesterday"),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "the office"}}}, "the office"),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "my-topic"}}}, "my-topic"),
        # A variable without a value: the key does not exist, or AWS shows none like it.
        ({"Resource": "arn:aws:s3:::b/${aws:PrincipalTags/a}"}, "aws:PrincipalTags/a"),
        ({"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/a:b}"}, "aws:PrincipalTag/a:b"),
        ({"Condition": {"StringLike": {"s3:prefix": "${aws:RequestTag/a:b}"}}}, "RequestTag/a:b"),
    ],
)
def test_what_iam_does_not_know_is_named(change: dict[str, Any], word: str) -> None:
    found = said(**change)
    assert len(found) == 1
    assert word in found[0]


def test_every_policy_of_every_environment_is_understood(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    for policy_set in policy_sets.values():
        check(policy_set)


def test_keys_that_come_with_credentials_go_with_every_action() -> None:
    source_arn = {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f"}
    assert said(Action="ec2:DescribeSubnets", Condition={"ArnEquals": source_arn}) == []


def test_the_source_of_the_words_has_a_name_and_an_age() -> None:
    """A new version needs its date beside it: uv.lock has both."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    package = next(one for one in locked if one["name"] == "policy-sentry")
    released = dt.date.fromisoformat(package["wheels"][0]["upload-time"][:10])
    text = source(released + dt.timedelta(days=10))
    assert text.endswith(f"policy-sentry {package['version']} of {released}, 10 days old")


def test_an_estate_with_a_wrong_word_is_refused(policy_sets: Mapping[str, PolicySet]) -> None:
    wrong = Policy.parse("storage/DataPolicy", {"Statement": {**GOOD, "Action": "s3:Nothing"}})
    with pytest.raises(VocabularyError, match=r"storage/DataPolicy.*s3:Nothing"):
        check(policy_sets["prod"].with_policy(wrong))


def test_representatives_stand_for_every_action() -> None:
    policies = [Policy.parse("p", {"Statement": GOOD})]
    chosen = representatives(policies)
    assert len(chosen) == 5, "three exact actions, those of the pattern, and all others"
    assert "s3:PutObject" in chosen
    assert len(actions()) > 10_000
