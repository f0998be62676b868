"""A worker's process gets its task role and nothing else of the machine."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from starburst.local.emulator import ACCOUNT, REGION
from tests.local.scene import Scene, eventually

SHOW = """
import boto3, json, os
from botocore.exceptions import ClientError
s3 = boto3.client("s3")
def may(key):
    try:
        s3.put_object(Bucket=os.environ["BUCKET"], Key=key)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return True
print(json.dumps({
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "own": may("work/x"),
    "other": may("other/x"),
    "who": boto3.client("sts").get_caller_identity()["Arn"],
}))
"""


@pytest.fixture(scope="session")
def seen(scene: Scene) -> dict[str, Any]:
    """What a worker's process saw, from its log."""
    bucket, group = scene.bucket(), scene.name("/group")
    scene.root("logs").create_log_group(logGroupName=group)
    definition = scene.task_definition(
        ["python", "-c", SHOW],
        environment=[{"name": "BUCKET", "value": bucket}, {"name": "KEPT", "value": "a"}],
        logConfiguration={
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": group,
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "worker",
            },
        },
    )
    role = definition["taskRoleArn"].rpartition("/")[2]
    allow = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/work/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    scene.root("iam").put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=document)
    cluster = scene.cluster()
    overrides = {
        "containerOverrides": [{"name": "worker", "environment": [{"name": "ADDED", "value": "b"}]}]
    }
    task = scene.run(definition, cluster, overrides=overrides)[0]["taskArn"]
    stopped = scene.task_when(task, cluster, "STOPPED")
    stream = f"worker/worker/{task.rpartition('/')[2]}"

    def look() -> str | None:
        logs = scene.root("logs")
        events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
        return events[0]["message"] if events else None

    assert stopped["containers"][0]["exitCode"] == 0, eventually(look)
    return {**json.loads(eventually(look)), "role": role, "task": task.rpartition("/")[2]}


def test_it_holds_the_task_roles_credentials(seen: dict[str, Any]) -> None:
    assert seen["who"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{seen['role']}/{seen['task']}"
    assert (seen["own"], seen["other"]) == (True, "AccessDenied")


def test_it_gets_its_variables_and_overrides(seen: dict[str, Any]) -> None:
    assert (seen["environment"]["KEPT"], seen["environment"]["ADDED"]) == ("a", "b")


def test_it_knows_itself_by_the_name_that_the_controller_knows(seen: dict[str, Any]) -> None:
    """Else the controller's list of live workers would name none that a worker has written down."""
    uri = seen["environment"]["ECS_CONTAINER_METADATA_URI_V4"]
    assert uri.rpartition("/")[2] == seen["task"]


def test_it_sees_nothing_else_of_the_machine(seen: dict[str, Any]) -> None:
    own = {"BUCKET", "KEPT", "ADDED", "LC_CTYPE"}
    assert seen["environment"].keys() - own == {
        "AWS_ACCESS_KEY_ID",
        "AWS_CA_BUNDLE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ECS_CONTAINER_METADATA_URI_V4",
        "HOME",
        "LANG",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "PYTHONUNBUFFERED",
        "SSL_CERT_FILE",
        "TMPDIR",
    }
    assert seen["environment"]["HOME"] == seen["environment"]["TMPDIR"] == seen["cwd"]


def test_its_python_is_this_one(seen: dict[str, Any]) -> None:
    assert seen["environment"]["PATH"].split(":")[0] == sys.executable.rpartition("/")[0]


def test_a_command_that_does_not_exist_fails_the_task(scene: Scene) -> None:
    cluster = scene.cluster()
    task = scene.run(scene.task_definition(["no-such-command"]), cluster)[0]["taskArn"]
    stopped = scene.task_when(task, cluster, "STOPPED")
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert "no-such-command" in stopped["stoppedReason"]
