"""The controller passes exactly the roles it is given, and starts workers of ours only."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from starburst_constructs.placement import Placement
from starburst_constructs.policies.controller import (
    fleet_statements,
    function_statements,
    passing_statements,
    session_statements,
)
from tests.some import some

PLACEMENT = Placement(account="222233334444", region="eu-west-1")
ECS = "arn:aws:ecs:eu-west-1:222233334444"
SID = "a1" * 10


WORKSPACES = ["genomics", "markets"]


@pytest.fixture(scope="module")
def fleet(documents: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return documents(fleet_statements("prod", WORKSPACES, placement=PLACEMENT))


@pytest.fixture(scope="module")
def sessions(documents: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return documents(
        session_statements(
            "prod",
            WORKSPACES,
            placement=PLACEMENT,
            bucket_arn="arn:aws:s3:::data",
            key_arn="key",
            logs_key_arn="logs-key",
        )
    )


def test_only_the_given_roles_are_passed_and_only_to_tasks(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    assert documents(passing_statements(["arn:worker", "arn:launch"])) == [
        {
            "Sid": "PassOnlyTheseRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": ["arn:worker", "arn:launch"],
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        }
    ]


def test_workers_start_in_our_cluster_from_our_definitions(fleet: list[Any]) -> None:
    start = next(one for one in fleet if one.get("Sid") == "StartWorkers")
    assert start["Resource"] == [
        f"{ECS}:task-definition/starburst-prod-genomics",
        f"{ECS}:task-definition/starburst-prod-genomics:*",
        f"{ECS}:task-definition/starburst-prod-markets",
        f"{ECS}:task-definition/starburst-prod-markets:*",
    ]
    assert start["Condition"] == {"ArnEquals": {"ecs:cluster": f"{ECS}:cluster/starburst-prod"}}


def test_nobody_gets_a_shell(fleet: list[Any]) -> None:
    denied = {one["Sid"]: one for one in fleet if one["Effect"] == "Deny" and "Sid" in one}
    assert denied["NoShell"]["Action"] == "ecs:ExecuteCommand"
    assert "ecs:RunTask" in denied["NoShellLater"]["Action"]
    assert denied["NoShellLater"]["Condition"] == {
        "StringEquals": {"ecs:enable-execute-command": "true"}
    }


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", f"sessions/genomics/alice/{SID}/manifest.json", True),
        ("s3:GetObject", f"sessions/genomics/alice/{SID}/requests/0.json", True),
        ("s3:PutObject", f"sessions/genomics/alice/{SID}/status.json", True),
        ("s3:PutObject", f"_control/active/{SID}.json", True),
        ("s3:DeleteObject", f"_control/active/{SID}.json", True),
        ("s3:GetObject", f"sessions/genomics/alice/{SID}/results/0", False),
        ("s3:GetObject", f"sessions/genomics/alice/{SID}/inputs/0", False),
        ("s3:PutObject", f"sessions/genomics/alice/{SID}/results/0", False),
        ("s3:PutObject", f"sessions/genomics/alice/{SID}/manifest.json", False),
        ("s3:DeleteObject", f"sessions/genomics/alice/{SID}/status.json", False),
        *(
            (action, f"{area}genomics/alice/{SID}/{name}", False)
            for action, name in (
                ("s3:GetObject", "requests/0.json"),
                ("s3:PutObject", "status.json"),
            )
            for area in ("", "packages/", "data/", "home/")
        ),
    ],
)
def test_the_controller_sees_requests_and_not_data(
    sessions: list[Any],
    reaches: Callable[..., bool],
    action: str,
    resource: str,
    allowed: bool,
) -> None:
    assert reaches(sessions, action, f"arn:aws:s3:::data/{resource}") is allowed


def test_the_controller_cannot_read_queues_nor_unmake_its_own_failures(
    sessions: list[Any], reaches: Callable[..., bool]
) -> None:
    queue = "arn:aws:sqs:eu-west-1:222233334444:starburst-prod"
    assert reaches(sessions, "sqs:CreateQueue", f"{queue}-genomics-{SID}")
    assert not reaches(sessions, "sqs:ReceiveMessage", f"{queue}-genomics-{SID}")
    assert not reaches(sessions, "sqs:DeleteQueue", f"{queue}-failures")
    assert not reaches(sessions, "sqs:DeleteQueue", f"{queue}-wakes")


def test_the_controller_ends_queues_of_workspaces_that_were_removed_and_uses_none(
    sessions: list[Any], reaches: Callable[..., bool]
) -> None:
    queue = f"arn:aws:sqs:eu-west-1:222233334444:starburst-prod-removed-{SID}"
    assert reaches(sessions, "sqs:DeleteQueue", queue)
    assert not reaches(sessions, "sqs:DeleteQueue", queue.replace("-prod-", "-other-"))
    assert not reaches(sessions, "sqs:DeleteQueue", queue[:-1])
    for action in ("CreateQueue", "SendMessage", "GetQueueAttributes"):
        assert not reaches(sessions, f"sqs:{action}", queue)


def test_the_controller_lists_its_own_records_only(sessions: list[Any]) -> None:
    (listing,) = (one for one in sessions if "s3:ListBucket" in one["Action"])
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "_control/*"}}


def test_keys_open_through_services_only(sessions: list[Any]) -> None:
    of_keys = [
        statement
        for statement in sessions
        if any(action.startswith("kms:") for action in statement["Action"])
    ]
    for statement in some(of_keys):
        assert set(statement["Condition"]["StringEquals"]) == {"kms:ViaService"}


def test_code_cannot_use_what_lambda_needs_for_the_vpc(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    inside = function_statements("prod", placement=PLACEMENT, in_vpc=True)
    by_sid = {one["Sid"]: one for one in documents(inside)}
    assert by_sid["ButNotFromCode"]["Action"] == by_sid["JoinTheVpc"]["Action"]
    assert by_sid["ButNotFromCode"]["Effect"] == "Deny"


def test_outside_the_vpc_it_needs_no_interfaces_and_is_kept_off_them(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    outside = function_statements("prod", placement=PLACEMENT, in_vpc=False)
    by_sid = {one["Sid"]: one for one in documents(outside)}
    assert "JoinTheVpc" not in by_sid
    assert by_sid["ButNotFromCode"]["Effect"] == "Deny"


def test_policies_of_as_many_workspaces_as_a_runtime_document_holds_fit(
    documents: Callable[..., list[dict[str, Any]]],
) -> None:
    names = [f"{number:02}".rjust(32, "w") for number in range(16)]
    placement = Placement(account="222233334444", region="ap-southeast-2")
    environment = "e" * 12
    roles = [f"arn:aws:iam::222233334444:role/starburst-{environment}-worker-{n}" for n in names]
    bucket = {"bucket_arn": f"arn:aws:s3:::{'b' * 63}", "key_arn": "k" * 90}
    for statements in (
        session_statements(
            environment, names, placement=placement, **bucket, logs_key_arn="k" * 90
        ),
        fleet_statements(environment, names, placement=placement),
        passing_statements(roles * 2),
    ):
        assert len(json.dumps(documents(statements), separators=(",", ":"))) < 6000
