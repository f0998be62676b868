"""A word that IAM does not know is an error before any proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from starburst_constructs.proofs.errors import VocabularyError
from starburst_constructs.proofs.estate import Estate, Policy
from starburst_constructs.proofs.vocabulary import actions, check, complaints, representatives

GOOD: dict[str, Any] = {
    "Effect": "Deny",
    "Action": ["s3:GetObject", "kms:GenerateDataKey*"],
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:PrincipalTag/userName": "a"},
        "Null": {"s3:if-none-match": "true"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["a"]},
    },
}


def said(**change: Any) -> list[str]:
    return list(complaints(Policy.parse("p", {"Statement": {**GOOD, **change}})))


def test_what_iam_knows_is_accepted() -> None:
    assert said() == []


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
        ({"Resource": "my-bucket/*"}, "my-bucket"),
    ],
)
def test_what_iam_does_not_know_is_named(change: dict[str, Any], word: str) -> None:
    found = said(**change)
    assert len(found) == 1
    assert word in found[0]


def test_every_policy_of_every_environment_is_understood(estates: Mapping[str, Estate]) -> None:
    for estate in estates.values():
        check(estate)


def test_an_estate_with_a_wrong_word_is_refused(estates: Mapping[str, Estate]) -> None:
    wrong = Policy.parse("storage/DataPolicy", {"Statement": {**GOOD, "Action": "s3:Nothing"}})
    with pytest.raises(VocabularyError, match=r"storage/DataPolicy.*s3:Nothing"):
        check(estates["prod"].with_policy(wrong))


def test_representatives_stand_for_every_action() -> None:
    policies = [Policy.parse("p", {"Statement": GOOD})]
    chosen = representatives(policies)
    assert len(chosen) == 3, "the exact action, those of the pattern, and all others"
    assert "s3:GetObject" in chosen
    assert len(actions()) > 10_000
