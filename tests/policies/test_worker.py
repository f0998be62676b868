"""A worker reads its workspace's sessions and writes results; ECS starts it with even less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from starburst._protocol.sealed.log_lines import log_name
from starburst._protocol.sealed.result_nodes import attempt_name, node_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.worker import launch_statements, worker_statements

RESULT = node_name("p000001-00000", 0, 1)
ATTEMPT = attempt_name("p000001-00000", 0, 1, number=99)
LINES = log_name("0123456789abcdef" * 2, 999_999)
SID = "a1" * 10
BUCKET = "arn:aws:s3:::data"
OWN = f"{BUCKET}/sessions/genomics/alice/{SID}"
PLACEMENT = Placement(account="222233334444", region="eu-west-1")
QUEUE = "arn:aws:sqs:eu-west-1:222233334444:starburst-prod"


@pytest.fixture(scope="module")
def statements(documents: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return documents(
        worker_statements("prod", "genomics", placement=PLACEMENT, bucket_arn=BUCKET, key_arn="key")
    )


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{OWN}/manifest.json"),
        ("s3:GetObject", f"{OWN}/functions/f"),
        ("s3:GetObject", f"{OWN}/inputs/0"),
        ("s3:GetObject", f"{OWN}/results/0"),
        ("s3:GetObject", f"{OWN}/status.json"),
        ("s3:PutObject", f"{OWN}/results/{RESULT}"),
        ("s3:PutObject", f"{OWN}/results/{ATTEMPT}"),
        ("s3:PutObject", f"{OWN}/results/{node_name('p999999-99999', 65_535, 65_536)}"),
        ("s3:PutObject", f"{OWN}/logs/{LINES}"),
        ("s3:PutObject", f"{OWN}/logs/{log_name('a worker of any name', 0)}"),
        ("sqs:ReceiveMessage", f"{QUEUE}-genomics-{SID}"),
        ("sqs:SendMessage", f"{QUEUE}-genomics-{SID}"),
    ],
)
def test_a_worker_can_do_its_work(
    statements: list[Any], reaches: Callable[..., bool], action: str, resource: str
) -> None:
    assert reaches(statements, action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        # Names that no result has: longer, shorter, deeper, or with something else for the dashes.
        ("s3:PutObject", f"{OWN}/results/p\x1b[31mX"),
        ("s3:PutObject", f"{OWN}/results/{RESULT}\x1b[31m"),
        ("s3:PutObject", f"{OWN}/results/{RESULT}/x"),
        ("s3:PutObject", f"{OWN}/results/{ATTEMPT}0"),
        ("s3:PutObject", f"{OWN}/results/{ATTEMPT.replace('.', chr(27))}"),
        ("s3:PutObject", f"{OWN}/results/{RESULT[:-1]}"),
        ("s3:PutObject", f"{OWN}/results/x/{RESULT}"),
        ("s3:PutObject", f"{OWN}/results/{RESULT.replace('-', chr(27))}"),
        ("s3:PutObject", f"{OWN}/results/{RESULT.replace('p', chr(27))}"),
        # A worker writes each object whole, so no upload in parts is its to end.
        ("s3:AbortMultipartUpload", f"{OWN}/results/{RESULT}"),
        ("s3:AbortMultipartUpload", f"{OWN}/logs/{LINES}"),
        ("s3:PutObject", f"{OWN}/results/\x1b[31m/{SID}/results/{RESULT}"),
        ("s3:PutObject", f"{OWN}/results/{SID}/results/{RESULT}"),
        ("s3:PutObject", f"{BUCKET}/sessions/genomics/alice/\x1b[31m/{SID}/results/{RESULT}"),
        ("s3:GetObject", f"{OWN}/logs/{LINES}"),
        ("s3:DeleteObject", f"{OWN}/logs/{LINES}"),
        ("s3:PutObject", f"{OWN}/logs/x"),
        ("s3:PutObject", f"{OWN}/logs/{LINES}0"),
        ("s3:PutObject", f"{OWN}/logs/{LINES[:-1]}"),
        ("s3:PutObject", f"{OWN}/logs/{LINES}/x"),
        ("s3:PutObject", f"{OWN}/logs/x/{LINES}"),
        ("s3:PutObject", f"{OWN}/logs/{LINES.replace('/', chr(27))}"),
        ("s3:PutObject", f"{OWN}/logs/x/{SID}/logs/{LINES}"),
        ("s3:PutObject", f"{OWN}/inputs/x/{SID}/logs/{LINES}"),
        ("s3:PutObject", f"{BUCKET}/sessions/genomics/alice/x/{SID}/logs/{LINES}"),
        ("s3:PutObject", f"{BUCKET}/sessions/markets/alice/{SID}/logs/{LINES}"),
        ("s3:PutObject", f"{OWN}/inputs/0"),
        ("s3:PutObject", f"{OWN}/manifest.json"),
        ("s3:PutObject", f"{OWN}/status.json"),
        ("s3:PutObject", f"{OWN}/requests/0.json"),
        ("s3:PutObject", f"{OWN}/requests/x/{SID}/results/{RESULT}"),
        ("s3:PutObject", f"{OWN}/inputs/x/{SID}/results/{RESULT}"),
        ("s3:PutObject", f"{BUCKET}/sessions/markets/alice/{SID}/results/{RESULT}"),
        ("s3:GetObject", f"{BUCKET}/sessions/markets/alice/{SID}/inputs/0"),
        ("s3:GetObject", f"{OWN}/requests/0.json"),
        ("s3:DeleteObject", f"{OWN}/results/0"),
        ("s3:ListBucket", BUCKET),
        ("s3:GetObject", f"{BUCKET}/_control/active/{SID}.json"),
        *(
            (action, f"{BUCKET}/{area}genomics/alice/{SID}/results/{RESULT}")
            for action in ("s3:GetObject", "s3:PutObject")
            for area in ("", "packages/", "data/", "home/", "_control/")
        ),
        ("sqs:ReceiveMessage", f"{QUEUE}-markets-{SID}"),
        ("sqs:CreateQueue", f"{QUEUE}-genomics-{SID}"),
        ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:222233334444:function:x"),
        ("ecs:RunTask", "arn:aws:ecs:eu-west-1:222233334444:task-definition/starburst-prod-x:1"),
    ],
)
def test_a_worker_cannot(
    statements: list[Any], reaches: Callable[..., bool], action: str, resource: str
) -> None:
    assert not reaches(statements, action, resource)


def test_a_worker_opens_data_keys_of_its_workspace_and_never_signing_keys(
    statements: list[Any],
) -> None:
    direct, via = (one for one in statements if "kms:Decrypt" in one["Action"])
    assert direct["Action"] == "kms:Decrypt"
    assert direct["Condition"] == {
        "StringEquals": {
            "kms:EncryptionContext:workspace": "genomics",
            "kms:EncryptionContext:purpose": "data",
        }
    }
    assert set(via["Condition"]["StringEquals"]) == {"kms:ViaService"}


def test_outside_the_vpc_nothing_is_left_of_it(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    inside = documents(
        worker_statements(
            "prod",
            "genomics",
            placement=PLACEMENT,
            bucket_arn=BUCKET,
            key_arn="key",
            vpc_id="vpc-1",
        )
    )
    assert {key: inside[-1][key] for key in ("Effect", "Action", "Resource", "Condition")} == {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:SourceVpc": "vpc-1"},
            "BoolIfExists": {"aws:ViaAWSService": "false"},
        },
    }


def test_starting_a_worker_takes_no_data_access(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    statements = documents(
        launch_statements("prod", "genomics", placement=PLACEMENT, repository_arn="arn:repo")
    )
    services = {
        action.split(":")[0]
        for statement in statements
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert services == {"ecr", "logs"}
