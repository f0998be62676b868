"""A test environment in a small account, with something of everything that its end takes away."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from deploy.lifecycle.account import Account
from deploy.tools.cdk import CdkFailed
from environments import DEV
from tests.small_aws.account import Call, SmallAws
from tests.small_aws.belongings import (
    GroupScaling,
    KeyKms,
    LogGroups,
    NoParameters,
    OneFunction,
    QueueSqs,
    TrailLogging,
)
from tests.small_aws.ecs import TaskEcs
from tests.small_aws.order import Order
from tests.small_aws.s3 import VersionedS3
from tests.small_aws.stacks import Stack, StackFormation

__all__ = ["ORDERS", "account", "assembly", "delete_stacks", "environment", "left"]

NAMES = ("audit", "compute", "storage")


def environment(name: str = "dev", **more: Any) -> SmallAws:
    """Return an account in which an environment runs, holds and protects; more services by name."""
    s3 = VersionedS3("dev-data", "dev-logs")
    for number in range(5):
        s3.store("dev-data", f"sessions/{number}", b"x")
        s3.store("dev-logs", f"logs/{number}", b"x")
    sessions = [f"starburst-{name}-sandbox-{letter * 20}" for letter in "abc"]
    ecs = TaskEcs(f"starburst-{name}")
    for _ in range(3):
        ecs.start()
    stacks = {
        f"starburst-{name}-storage": Stack(
            resources={"dev-data": "AWS::S3::Bucket", "key-1": "AWS::KMS::Key"}, protected=True
        ),
        f"starburst-{name}-audit": Stack(
            resources={"dev-logs": "AWS::S3::Bucket", "trail": "AWS::CloudTrail::Trail"},
            protected=True,
        ),
        f"starburst-{name}-compute": Stack(
            resources={"hosts": "AWS::AutoScaling::AutoScalingGroup"}
        ),
        f"starburst-{name}2-storage": Stack(resources={"other-data": "AWS::S3::Bucket"}),
    }
    services: Mapping[str, Any] = {
        "s3": s3,
        "ecs": ecs,
        "cloudformation": StackFormation(stacks),
        "lambda": OneFunction(f"starburst-{name}-controller"),
        "sqs": QueueSqs([*sessions, f"starburst-{name}-failures"]),
        "cloudtrail": TrailLogging("trail"),
        "autoscaling": GroupScaling({"hosts": [f"i-{number}" for number in range(60)]}),
        "kms": KeyKms(),
        "ssm": NoParameters(),
        **more,
        "logs": LogGroups(
            {
                f"/aws/ecs/containerinsights/starburst-{name}/performance": None,
                f"/aws/ecs/starburst/{name}/sandbox": None,
                f"/aws/lambda/starburst-{name}-controller": None,
                f"starburst-{name}-kept": "key-1",
            }
        ),
    }
    return SmallAws(services=services)


def assembly(folder: Path, name: str = "dev") -> Path:
    """Write what synthesis would have written."""
    artifacts = {
        part: {
            "type": "aws:cloudformation:stack",
            "properties": {"stackName": f"starburst-{name}-{part}", "terminationProtection": True},
        }
        for part in NAMES
    }
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


def account(aws: SmallAws, *, cdk: Any = None) -> Account:
    """Return the environment's account, whose clock stands still but for pauses."""
    now = [0.0]
    return Account(
        environment=DEV,
        client=aws,
        cdk=cdk or (lambda arguments: delete_stacks(aws, arguments)),
        clock=lambda: now[0],
        pause=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )


def delete_stacks(aws: SmallAws, arguments: Sequence[str], name: str = "dev") -> None:
    """Destroy as the CDK CLI does: no protected stack, and no bucket that holds anything."""
    aws.calls.append(Call(service="cdk", operation="DeleteStacks", words={"arguments": arguments}))
    formation, s3 = aws.services["cloudformation"], cast("VersionedS3", aws.services["s3"])
    stacks = cast("StackFormation", formation).stacks
    for stack in [one for one in stacks if one.startswith(f"starburst-{name}-")]:
        if stacks[stack].protected:
            raise CdkFailed(f"{stack} cannot be deleted while TerminationProtection is enabled")
        buckets = [one for one, kind in stacks[stack].resources.items() if kind.endswith("Bucket")]
        for bucket in buckets:
            if s3.buckets.get(bucket):
                raise CdkFailed(f"The bucket {bucket} is not empty")
            s3.buckets.pop(bucket, None)
        del stacks[stack]


def left(aws: SmallAws) -> Any:
    """Return what is still there."""
    services: Mapping[str, Any] = aws.services
    instances = services["autoscaling"].instances
    return {
        "stacks": [*services["cloudformation"].stacks],
        "buckets": {name: [*found] for name, found in services["s3"].buckets.items()},
        "running": services["ecs"].running,
        "queues": services["sqs"].names,
        "groups": services["logs"].groups,
        "instances": [one for ids in instances.values() for one, held in ids.items() if held],
    }


def _stage(*names: str) -> Any:
    return lambda call: call.name in names


_STAGES = (
    ("the controller is silenced", _stage("lambda:PutFunctionConcurrency")),
    ("workers stop", _stage("ecs:StopTask")),
    ("queues go", _stage("sqs:DeleteQueue")),
    ("what writes is ended", _stage("cloudtrail:StopLogging", "s3:PutBucketLogging")),
    ("buckets are emptied", _stage("s3:DeleteObjects")),
    ("protection is lifted", _stage("cloudformation:UpdateTerminationProtection")),
    ("stacks are destroyed", _stage("cdk:DeleteStacks")),
)
ORDERS = [
    Order(rule=f"{before} before {after}", first=first, then=then)
    for (before, first), (after, then) in itertools.pairwise(_STAGES)
]
