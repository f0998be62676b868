"""An analyst reaches their own folder and writes there what a client writes; nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import SESSION, analyst_statements
from tests.some import some

SID = "a1" * 10
BUCKET = "arn:aws:s3:::data"
OWN = f"{BUCKET}/sessions/genomics/alice/{SID}"
PARAMETERS = "arn:aws:ssm:eu-west-1:222233334444:parameter/starburst/prod"


@pytest.fixture(scope="module")
def statements(documents: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    found = documents(
        analyst_statements(
            "prod",
            "genomics",
            placement=Placement(account="222233334444", region="eu-west-1"),
            bucket_arn=BUCKET,
            key_arn="arn:aws:kms:eu-west-1:222233334444:key/k",
        )
    )
    # Its condition holds only for a session without a name.
    return [statement for statement in found if statement["Sid"] != "NothingWithoutAName"]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{OWN}/results/0"),
        ("s3:GetObject", f"{OWN}/status.json"),
        ("s3:GetObjectVersion", f"{OWN}/results/0"),
        ("s3:DeleteObjectVersion", f"{OWN}/status.json"),
        ("s3:PutObject", f"{OWN}/manifest.json"),
        ("s3:PutObject", f"{OWN}/functions/f"),
        ("s3:PutObject", f"{OWN}/inputs/0"),
        ("s3:PutObject", f"{OWN}/requests/0f.json"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:222233334444:starburst-prod-genomics-x"),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller:analysts",
        ),
        ("ssm:GetParameter", f"{PARAMETERS}/runtime"),
        ("ssm:GetParameter", f"{PARAMETERS}/packages/genomics"),
    ],
)
def test_a_client_can_do_its_work(
    statements: list[Any], reaches: Callable[..., bool], action: str, resource: str
) -> None:
    assert reaches(statements, action, resource, userName="alice")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{OWN}/status.json"),
        ("s3:PutObject", f"{OWN}/results/0"),
        ("s3:PutObject", f"{OWN}/results/manifest.json"),
        ("s3:PutObject", f"{OWN}/results/inputs/0"),
        ("s3:PutObject", f"{BUCKET}/sessions/genomics/alice/notes.txt"),
        ("s3:GetObject", f"{BUCKET}/sessions/genomics/bob/{SID}/results/0"),
        ("s3:GetObject", f"{BUCKET}/sessions/genomics/alice2/{SID}/results/0"),
        ("s3:GetObject", f"{BUCKET}/sessions/markets/alice/{SID}/results/0"),
        ("s3:GetObject", f"{BUCKET}/_control/active/{SID}.json"),
        *(
            (action, f"{BUCKET}/{area}genomics/alice/{SID}/inputs/0")
            for action in ("s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject")
            for area in ("", "packages/", "data/", "home/", "_control/")
        ),
        ("ssm:GetParameter", f"{PARAMETERS}/packages/markets"),
        ("s3:PutObjectAcl", f"{OWN}/manifest.json"),
        ("s3:BypassGovernanceRetention", f"{OWN}/manifest.json"),
        ("s3:DeleteBucket", BUCKET),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:222233334444:starburst-prod-markets-x"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:222233334444:starburst-prod-failures"),
        ("sqs:CreateQueue", "arn:aws:sqs:eu-west-1:222233334444:starburst-prod-genomics-x"),
        ("sqs:DeleteQueue", "arn:aws:sqs:eu-west-1:222233334444:starburst-prod-genomics-x"),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller",
        ),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller:service",
        ),
        (
            "lambda:UpdateFunctionCode",
            "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller",
        ),
        ("ecs:RunTask", "arn:aws:ecs:eu-west-1:222233334444:task-definition/starburst-prod-x:1"),
        ("iam:PassRole", "arn:aws:iam::222233334444:role/starburst-prod-worker-genomics"),
        ("sts:AssumeRole", "arn:aws:iam::222233334444:role/starburst-prod-worker-genomics"),
    ],
)
def test_an_analyst_cannot(
    statements: list[Any], reaches: Callable[..., bool], action: str, resource: str
) -> None:
    assert not reaches(statements, action, resource, userName="alice")


def test_a_star_for_the_session_would_open_the_results(
    statements: list[Any], reaches: Callable[..., bool]
) -> None:
    loose = [
        {**statement, "Resource": [one.replace(SESSION, "*") for one in statement["Resource"]]}
        for statement in statements
        if statement["Sid"] == "WriteWhatAClientWrites"
    ]
    assert reaches(loose, "s3:PutObject", f"{OWN}/results/manifest.json", userName="alice")


def test_every_action_is_written_out(statements: list[Any]) -> None:
    for statement in some(statements):
        actions = statement["Action"]
        assert not any("*" in one for one in ([actions] if isinstance(actions, str) else actions))


def test_a_listing_is_held_to_the_folder_and_the_prefix_is_on_listings_only(
    statements: list[Any],
) -> None:
    assert any("s3:ListBucket" in each["Action"] for each in statements)
    for statement in statements:
        prefixed = "s3:prefix" in str(statement.get("Condition", {}))
        lists = "s3:ListBucket" in statement["Action"]
        assert prefixed == lists
        if lists:
            assert statement["Resource"] == BUCKET
            assert statement["Condition"] == {
                "StringLike": {"s3:prefix": "sessions/genomics/${aws:PrincipalTag/userName}/*"}
            }


def test_keys_open_only_with_the_analysts_own_context_or_through_a_service(
    statements: list[Any],
) -> None:
    conditions = [
        statement["Condition"]["StringEquals"]
        for statement in statements
        if "kms:Decrypt" in statement["Action"]
    ]
    assert conditions == [
        {
            "kms:EncryptionContext:workspace": "genomics",
            "kms:EncryptionContext:user": "${aws:PrincipalTag/userName}",
        },
        {"kms:ViaService": ["s3.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"]},
    ]


def test_a_session_without_a_name_can_do_nothing(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    last = documents(
        analyst_statements(
            "prod",
            "genomics",
            placement=Placement(account="1", region="r"),
            bucket_arn=BUCKET,
            key_arn="k",
        )
    )[-1]
    assert last == {
        "Sid": "NothingWithoutAName",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"Null": {"aws:PrincipalTag/userName": "true"}},
    }
