"""A resource that holds something is never replaced, removed or let go without a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.review.stateful import replaced_between

AT = ("starburst-prod-storage", "Data1234")
BUCKET = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {"BucketName": "one", "ObjectLockEnabled": False},
}


def said(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> list[str]:
    after: dict[tuple[str, str], Mapping[str, Any]] = {} if new is None else {AT: new}
    return [one.sentence for one in replaced_between({AT: old}, after, environment="prod")]


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


def test_what_holds_nothing_is_silent() -> None:
    assert said({"Type": "AWS::IAM::Role", "Properties": {}}, None) == []
