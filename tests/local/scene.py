"""What the probes set up: roles, buckets, queues and tasks with names of their own."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from starburst.local import LocalEnvironment
from starburst.local.emulator import ACCOUNT, REGION
from starburst.local.roles import session

Statement = Mapping[str, Any]

EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENIALS = ("AccessDenied", "AccessDeniedException", "AccessDeniedException:", "403")


PLAIN_STACK = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
ALLOW = {"Effect": "Allow"}
DENY = {"Effect": "Deny"}


def document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def code_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def denied(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether IAM refuses a call; any other error is raised."""
    try:
        call(**arguments)
    except ClientError as error:
        code = code_of(error)
        if code in DENIALS or code.endswith("AccessDenied"):
            return True
        raise
    return False


@dataclass
class Scene:
    """What the probes make in one emulator.

    Attributes:
        local: the emulator.
        patience: seconds that a probe waits for what only a patched one does.
    """

    local: LocalEnvironment
    patience: float = 20
    number: int = 0
    clients: dict[str, Any] = field(default_factory=dict)
    newest_stack: str = ""
    prefix: str = field(default_factory=lambda: secrets.token_hex(4))

    def name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}-{self.prefix}-{self.number}"

    def root(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = self.local.client(self.local.root_session(), service)
        return self.clients[service]

    def role(self, *statements: Statement, service: str | None = None) -> str:
        """Create a role that any principal may assume, and return its ARN."""
        name = self.name("role")
        principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"]}
        trust["Action"].append("sts:TagSession")
        iam = self.root("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"][
            "Arn"
        ]
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="all", PolicyDocument=document(*statements)
            )
        return arn

    def become(self, role: str, **tags: str) -> boto3.Session:
        keys = self.root("sts").assume_role(
            RoleArn=role,
            RoleSessionName=tags.get("userName", "probe"),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )["Credentials"]
        return session(
            keys["AccessKeyId"], keys["SecretAccessKey"], token=keys["SessionToken"], region=REGION
        )

    def client(self, service: str, *statements: Statement, **tags: str) -> Any:
        """Return a client of a fresh role with these statements."""
        return self.local.client(self.become(self.role(*statements), **tags), service)

    def bucket(self) -> str:
        name = self.name("bucket")
        self.root("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        return name

    def queue(self) -> tuple[str, str]:
        """Return a queue's URL and ARN."""
        name = self.name("queue")
        url = self.root("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def let_send(self, rule: str, queue: tuple[str, str]) -> None:
        """Let a rule of EventBridge send to a queue."""
        url, arn = queue
        statement = {
            **ALLOW,
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = {"Policy": document(statement)}
        self.root("sqs").set_queue_attributes(QueueUrl=url, Attributes=policy)

    def key(self) -> str:
        return self.root("kms").create_key()["KeyMetadata"]["Arn"]

    def cluster(self) -> str:
        name = self.name("cluster")
        return self.root("ecs").create_cluster(clusterName=name)["cluster"]["clusterArn"]

    def task_definition(self, command: Sequence[str], **more: Any) -> dict[str, Any]:
        container = {"name": "worker", "image": "none", "command": list(command), **more}
        family = self.name("family")
        return self.root("ecs").register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            taskRoleArn=self.role(EVERYTHING, service="ecs-tasks.amazonaws.com"),
            executionRoleArn=self.role(EVERYTHING, service="ecs-tasks.amazonaws.com"),
            containerDefinitions=[container],
        )["taskDefinition"]

    def run(self, definition: Mapping[str, Any], cluster: str, **more: Any) -> list[dict[str, Any]]:
        return self.root("ecs").run_task(**self.run_request(definition, cluster), **more)["tasks"]

    def run_request(self, definition: Mapping[str, Any], cluster: str) -> dict[str, Any]:
        return {
            "cluster": cluster,
            "taskDefinition": definition["taskDefinitionArn"],
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        }

    def task_when(self, task: str, cluster: str, status: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.root_ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][0]
            return found if found["lastStatus"] in (status, "STOPPED") else None

        return eventually(look)

    @property
    def root_ecs(self) -> Any:
        return self.root("ecs")

    def unstack(self) -> set[str]:
        """Delete the newest stack; return the logical ids of what stayed."""
        formation, name = self.root("cloudformation"), self.newest_stack

        def look() -> dict[str, Any] | None:
            stack = formation.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        formation.delete_stack(StackName=name)
        if eventually(look)["StackStatus"] == "DELETE_COMPLETE":
            return set()
        found = formation.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return {
            one["LogicalResourceId"] for one in found if one["ResourceStatus"] == "DELETE_FAILED"
        }

    def stack(self, resources: Mapping[str, Any]) -> dict[str, str]:
        """Create a stack and return its physical ids; raise ClientError or ValueError."""
        name = self.name("stack")
        formation = self.root("cloudformation")
        self.newest_stack = formation.create_stack(
            StackName=name,
            TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_IAM"],
        )["StackId"]
        status = eventually(
            lambda: (
                None
                if (
                    state := formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
                ).endswith("IN_PROGRESS")
                else state
            )
        )
        if status != "CREATE_COMPLETE":
            events = formation.describe_stack_events(StackName=name)["StackEvents"]
            raise ValueError([event.get("ResourceStatusReason") for event in events])
        found = formation.describe_stack_resources(StackName=name)["StackResources"]
        return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in found}


def invoked_by(rule: str, function: str) -> dict[str, Any]:
    """Return the resource that lets a rule of the same template invoke a function or an alias."""
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": function},
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def eventually(look: Callable[[], Any], seconds: float = 90) -> Any:
    """Return what ``look`` finds as soon as it finds something."""
    give_up = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > give_up:
            raise TimeoutError(f"nothing found within {seconds:g} s")
        time.sleep(0.05)
    return found


def outputs_of(scene: Scene, resources: dict[str, Any]) -> dict[str, str] | None:
    try:
        return scene.stack(resources)
    except (ClientError, ValueError):
        return None


def error_code(call: Any, **arguments: Any) -> str:
    try:
        call(**arguments)
    except ClientError as error:
        return code_of(error)
    return ""
