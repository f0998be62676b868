"""What the function makes of an account: nothing goes that is in use, unknown, young or in need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from starburst_assurance.proofs.theorems.roles.tables import DUTIES, ENDPOINT_OPENING
from tests.addons.access_review.conftest import Waits
from tests.addons.access_review.world import NOW, FakeIam, FakeRole, reference
from tests.some import some

Reviewed = Callable[..., Any]
ACCOUNT = "222233334444"
OURS = {"starburst:environment": "prod", "starburst:role": "worker"}


def role(*actions: str, name: str = "worker-genomics", **given: Any) -> FakeRole:
    statement = {"Sid": "Work", "Effect": "Allow", "Action": list(actions), "Resource": ["*"]}
    return FakeRole(
        **{
            "arn": f"arn:aws:iam::{ACCOUNT}:role/starburst-prod-{name}",
            "tags": OURS,
            "managed": {
                f"arn:aws:iam::{ACCOUNT}:policy/starburst-prod-{name}-Work": {
                    "Version": "2012-10-17",
                    "Statement": [statement],
                }
            },
            **given,
        }
    )


def only(record: Any) -> tuple[str, list[str], Any]:
    """Return the verdict on the one role, what is dropped of it, and what would be left."""
    [one] = record["roles"]
    dropped = [each for policy in one["policies"] for each in policy["dropped"]]
    left = [policy["proposed"] for policy in one["policies"]]
    return one["verdict"], dropped, left


def test_what_was_attempted_stays_and_what_never_was_goes(reviewed: Reviewed) -> None:
    worker = role("sqs:SendMessage", "sqs:PurgeQueue", used={"sqs:SendMessage"})
    verdict, dropped, [left] = only(reviewed(FakeIam(worker), reference()))
    assert (verdict, dropped) == ("narrower", ["sqs:PurgeQueue"])
    assert left["Statement"][0]["Action"] == ["sqs:SendMessage"]
    unused = role("sqs:SendMessage", "sqs:PurgeQueue", used={"sqs:PurgeQueue", "sqs:SendMessage"})
    assert only(reviewed(FakeIam(unused), reference()))[0] == "nothing to drop"


def test_what_iam_does_not_track_never_goes(reviewed: Reviewed) -> None:
    worker = role("s3:GetObject", "s3:PutBucketPolicy", "iam:PassRole")
    fetch = reference(untracked=["s3:GetObject", "iam:PassRole"])
    record = reviewed(FakeIam(worker), fetch)
    assert only(record)[1] == ["s3:PutBucketPolicy"]
    [policy] = record["roles"][0]["policies"]
    assert policy["kept"] == {"tracked by nobody": ["s3:GetObject", "iam:PassRole"]}


def test_what_was_used_by_a_name_that_the_reference_lacks_keeps_its_service(
    reviewed: Reviewed,
) -> None:
    """AWS renames actions; which one of today was meant, nobody can tell."""
    used = {"sqs:PurgeAll", "sns:Publish"}
    worker = role("sqs:SendMessage", "sqs:PurgeQueue", "sns:Publish", "sns:Subscribe", used=used)
    record = reviewed(FakeIam(worker), reference())
    assert only(record)[1] == ["sns:Subscribe"]
    [policy] = record["roles"][0]["policies"]
    assert policy["kept"] == {"used by another name": ["sqs:SendMessage", "sqs:PurgeQueue"]}


def test_a_service_without_tracked_actions_keeps_all(reviewed: Reviewed) -> None:
    worker = role("sqs:SendMessage", "sqs:PurgeQueue")
    names = ("sqs:SendMessage", "sqs:PurgeQueue")
    assert only(reviewed(FakeIam(worker), reference(untracked=names)))[1] == []


def test_a_wildcard_becomes_what_was_used_and_what_nobody_tracks(reviewed: Reviewed) -> None:
    used = {"dynamodb:DescribeTable", "dynamodb:DescribeKinesisStreamingDestination"}
    items = {"dynamodb:GetItem", "dynamodb:PutItem"}
    fetch = reference(untracked=items)
    record = reviewed(FakeIam(role("dynamodb:*", used=used)), fetch)
    _, dropped, [left] = only(record)
    assert set(left["Statement"][0]["Action"]) == used | items
    assert "dynamodb:DeleteTable" in dropped
    assert (
        "names single actions instead of dynamodb:*"
        in record["roles"][0]["policies"][0]["notes"][0]
    )
    every = role("dynamodb:*", used=set(some(dropped)) | used)
    assert only(reviewed(FakeIam(every), fetch))[2][0]["Statement"][0]["Action"] == ["dynamodb:*"]


def test_what_nobody_can_expand_stays_as_it_is_and_is_told(reviewed: Reviewed) -> None:
    worker = role("*", "sqs:PurgeQueue")
    worker.managed[next(iter(worker.managed))]["Statement"] += [
        {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": ["*"]},
        {"Effect": "Deny", "Action": ["sqs:DeleteQueue"], "Resource": ["*"]},
    ]
    record = reviewed(FakeIam(worker), reference())
    _, dropped, [left] = only(record)
    assert dropped == ["sqs:PurgeQueue"]
    assert [one.get("Action") for one in left["Statement"]] == [["*"], None, ["sqs:DeleteQueue"]]
    assert len(record["roles"][0]["policies"][0]["notes"]) == 2


def test_where_nothing_is_left_nothing_is_proposed_in_its_place(reviewed: Reviewed) -> None:
    verdict, dropped, left = only(reviewed(FakeIam(role("sqs:PurgeQueue")), reference()))
    assert (verdict, dropped, left) == ("narrower", ["sqs:PurgeQueue"], [None])


@pytest.mark.parametrize(
    ("given", "verdict", "said"),
    [
        ({"created": NOW - timedelta(days=399)}, "young", "younger than 400 days"),
        ({"written": NOW - timedelta(days=399)}, "kept", "written less than 400 days ago"),
        ({"shared": 2}, "kept", "2 have it together"),
        ({"tags": {"starburst:environment": "prod"}}, "kept", "an AWS service takes it"),
    ],
)
def test_what_is_not_known_for_long_enough_is_told_and_kept(
    given: dict[str, Any], verdict: str, said: str, reviewed: Reviewed
) -> None:
    record = reviewed(FakeIam(role("sqs:PurgeQueue", **given)), reference())
    assert only(record)[:2] == (verdict, [])
    assert said in record["roles"][0]["why"]
    assert record["roles"][0]["policies"][0]["unused"] == ["sqs:PurgeQueue"]


def test_a_younger_role_is_narrowed_where_settings_say_so(reviewed: Reviewed) -> None:
    young = role("sqs:PurgeQueue", created=NOW - timedelta(days=100))
    assert only(reviewed(FakeIam(young), reference(), after_days=90))[0] == "narrower"


def test_what_waits_for_an_emergency_is_kept_whatever_its_use(reviewed: Reviewed) -> None:
    tags = {"starburst:environment": "prod", "starburst:role": "platform"}
    platform = role("logs:FilterLogEvents", "logs:CreateLogGroup", tags=tags)
    record = reviewed(FakeIam(platform), reference())
    assert only(record)[1] == ["logs:CreateLogGroup"]
    assert record["roles"][0]["policies"][0]["kept"] == {"emergency": ["logs:FilterLogEvents"]}


def test_what_waits_for_an_emergency_is_of_the_roles_duty(
    modules: Mapping[str, ModuleType],
) -> None:
    for purpose, names in some(modules["emergency"].EMERGENCY.items()):
        duties = (*DUTIES.get(purpose, ()), *ENDPOINT_OPENING.get(purpose, ()))
        known = {action.lower() for actions, _ in duties for action in actions}
        assert names <= known, purpose


@pytest.mark.parametrize(
    ("answers", "refuses", "said"),
    [
        (["FAILED"], [], "failed (InternalError: try later)"),
        (["IN_PROGRESS"], [], "still in progress"),
        (["COMPLETED"], ["generate starburst-prod-worker-genomics"], "made no report"),
        (["COMPLETED"], ["get_role starburst-prod-worker-genomics"], "IAM did not answer"),
        (["COMPLETED"], ["list_role_policies"], "IAM did not answer"),
    ],
)
def test_what_could_not_be_asked_is_not_reviewed_and_never_unused(
    answers: list[str], refuses: list[str], said: str, reviewed: Reviewed
) -> None:
    other = role("sqs:PurgeQueue", name="worker-markets")
    iam = FakeIam(role("sqs:PurgeQueue", answers=answers), other, refuses=refuses)
    record = reviewed(iam, reference())
    verdicts = {one["arn"].rpartition("-")[2]: one for one in record["roles"]}
    assert verdicts["genomics"]["verdict"] == "not reviewed"
    assert said in verdicts["genomics"]["why"]
    assert verdicts["genomics"]["policies"] == []
    if "list_role_policies" not in refuses:
        assert verdicts["markets"]["verdict"] == "narrower"


def test_a_report_that_takes_its_time_is_waited_for(reviewed: Reviewed, waits: Waits) -> None:
    slow = role("sqs:PurgeQueue", answers=["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"])
    assert only(reviewed(FakeIam(slow), reference()))[0] == "narrower"
    assert waits.seconds == 590


def test_without_the_service_reference_nothing_goes_and_it_is_told(reviewed: Reviewed) -> None:
    record = reviewed(FakeIam(role("sqs:PurgeQueue", "sns:Publish")), reference(gone=["sqs"]))
    assert only(record)[1] == ["sns:Publish"]
    assert "no way there" in record["untold"]["sqs"]


@pytest.mark.parametrize("said", [b"", b"[]", b'{"Name": "s3", "Actions": []}', b'{"Name": "sqs"}'])
def test_a_reference_that_is_none_tracks_nothing(said: bytes, reviewed: Reviewed) -> None:
    record = reviewed(FakeIam(role("sqs:PurgeQueue")), lambda _: said)
    assert only(record)[1] == []
    assert record["untold"]["sqs"]


def test_an_account_without_roles_says_so(reviewed: Reviewed) -> None:
    assert reviewed(FakeIam(), reference())["unread"] == [
        "IAM has no role of prod: nothing is reviewed."
    ]
    refusing = FakeIam(role("sqs:PurgeQueue"), refuses=["list_roles"])
    [sentence] = reviewed(refusing, reference())["unread"]
    assert "none is reviewed" in sentence


def test_the_roles_of_an_environment_whose_name_begins_alike_are_not_its_own(
    reviewed: Reviewed,
) -> None:
    other = role("sqs:PurgeQueue", name="two-worker", tags={"starburst:environment": "prod-two"})
    record = reviewed(FakeIam(other, role("sqs:PurgeQueue")), reference())
    assert [one["arn"].rpartition("/")[2] for one in record["roles"]] == [
        "starburst-prod-worker-genomics"
    ]


def test_hundreds_of_roles_and_thousands_of_actions_are_read_to_the_last_page(
    reviewed: Reviewed,
) -> None:
    patterns = ("ec2:*", "iam:*", "s3:*", "rds:*", "sagemaker:*")
    big = role(*patterns, used={"ec2:RunInstances", "sagemaker:UpdateTrial"})
    many = [role("sqs:PurgeQueue", name=f"worker-{number}") for number in range(200)]
    record = reviewed(FakeIam(big, *many), reference())
    verdicts = {one["arn"].rpartition("/")[2]: one for one in record["roles"]}
    assert len(verdicts) == 201
    [policy] = verdicts["starburst-prod-worker-genomics"]["policies"]
    assert len(policy["dropped"]) > 1500
    assert policy["proposed"]["Statement"][0]["Action"] == [
        "ec2:RunInstances",
        "sagemaker:UpdateTrial",
    ]


def test_a_policy_of_which_nobody_knows_the_age_is_told_and_left(reviewed: Reviewed) -> None:
    """What was put into a role yesterday is unused today, however old the role is."""
    [document] = role("sqs:PurgeQueue").managed.values()
    record = reviewed(FakeIam(role(managed={}, inline={"Hand": document})), reference())
    verdict, dropped, left = only(record)
    assert (verdict, dropped, left) == ("kept", [], [document])
    [policy] = record["roles"][0]["policies"]
    assert policy["unused"] == ["sqs:PurgeQueue"]
    assert "since when" in policy["why"]


def test_a_policy_that_is_not_ours_is_told_and_left(reviewed: Reviewed) -> None:
    worker = role("sqs:PurgeQueue")
    worker.managed["arn:aws:iam::aws:policy/ReadOnlyAccess"] = {}
    worker.services = {"sqs"}
    record = reviewed(FakeIam(worker), reference())
    assert record["roles"][0]["notes"] == [
        "arn:aws:iam::aws:policy/ReadOnlyAccess is none of Starburst's policies: look at it "
        "yourself."
    ]


def test_the_reference_is_read_from_aws_or_from_loopback_alone(
    modules: Mapping[str, ModuleType],
) -> None:
    assert modules["reference"].HOST.startswith("https://servicereference.us-east-1.amazonaws.com/")
    for address in ("http://example.com", "file:///etc", "ftp://127.0.0.1:1"):
        with pytest.raises(ValueError, match="no address of the service reference"):
            modules["reference"].fetch_from(address)
