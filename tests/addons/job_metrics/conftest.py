"""The functions of job metrics as Lambda imports them, over DynamoDB and S3 in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from environments import PROD
from stacks.addons.job_metrics import rates
from stacks.addons.job_metrics.rates import prices_of
from tests.addons.lambda_folder import lambda_folder
from tests.quick_moto import quick_aws, quick_client

SOURCE = Path(rates.__file__).with_name("functions")
BUCKET, TABLE = "jobs-files", "jobs-ledger"
SESSION = "0123456789abcdefghij"
PLACE = "arn:aws:ecs:eu-west-1:222233334444"


@pytest.fixture(scope="module")
def functions() -> Iterator[SimpleNamespace]:
    """The folder's modules by name, imported from it as Lambda does."""
    with lambda_folder(SOURCE) as found:
        yield SimpleNamespace(**found)


@dataclass
class Cloud:
    """DynamoDB and S3, with the ledger's table and the bucket in them."""

    dynamodb: Any
    s3: Any
    ledger: Any
    printed: list[dict[str, Any]] = field(default_factory=list)

    def files(self) -> list[str]:
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.fixture
def cloud(functions: SimpleNamespace) -> Iterator[Cloud]:
    with quick_aws():
        dynamodb = quick_client("dynamodb", "eu-west-1")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        s3 = quick_client("s3", "eu-west-1")
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield Cloud(dynamodb, s3, functions.ledger.Ledger(dynamodb, TABLE, days=90))


@pytest.fixture(scope="module")
def prices(functions: SimpleNamespace) -> Any:
    """What the stack would write for production, with ARM as well."""
    from dataclasses import replace  # noqa: PLC0415

    both = replace(PROD, other_architectures=("ARM64",))
    return functions.pricing.Prices.parse(prices_of(both))


def stopped(task: str = "1f9e8d7c", **changed: Any) -> dict[str, Any]:
    """An event of ECS, as its developer guide shows one, for a worker of ours."""
    user = changed.pop("user", "alice")
    prefix = changed.pop("prefix", f"sessions/genomics/{user}/{SESSION}/")
    overrides = [
        {"name": "worker", "environment": [{"name": "STARBURST_SESSION_PREFIX", "value": prefix}]}
    ]
    detail = {
        "taskArn": f"{PLACE}:task/starburst-prod/{task}",
        "clusterArn": f"{PLACE}:cluster/starburst-prod",
        "lastStatus": "STOPPED",
        "cpu": "4096",
        "memory": "8192",
        "launchType": "FARGATE",
        "startedBy": SESSION,
        "createdAt": "2026-11-28T11:58:00.000Z",
        "pullStartedAt": "2026-11-28T11:59:00.000Z",
        "startedAt": "2026-11-28T12:00:00.000Z",
        "stoppedAt": "2026-11-28T12:59:00.000Z",
        "stopCode": "EssentialContainerExited",
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "containers": [{"name": "worker", "exitCode": 0}],
        "overrides": {"containerOverrides": overrides if prefix else []},
        "version": 7,
        **changed,
    }
    return {
        "version": "0",
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "account": "222233334444",
        "detail": detail,
    }


def messages(*events: Mapping[str, Any] | str) -> list[dict[str, str]]:
    """What SQS hands to Lambda."""
    return [
        {
            "messageId": str(number),
            "body": event if isinstance(event, str) else json.dumps(event),
        }
        for number, event in enumerate(events)
    ]


def told(**changed: Any) -> dict[str, Any]:
    """A session, as the controller's door tells of it."""
    return {
        "session": SESSION,
        "workspace": "genomics",
        "user": "alice",
        "state": "ended",
        "reason": "stopped by its user",
        "workers": 2,
        "running": 0,
        "launched": 2,
        "lost": 0,
        "cpu": 4,
        "memory_gb": 8,
        "capacity": "on-demand",
        "started": 1764331000.0,
        "deadline": 1764340000.0,
        "waiting": False,
        "ended": 1764335000.0,
        "worker_seconds": 3600.0,
        "usd": 0.2,
        **changed,
    }
