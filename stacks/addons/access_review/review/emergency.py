"""What the kit's roles have for the day that something goes wrong: unused for years, it stays."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["EMERGENCY", "SERVICE_ROLE"]

_ERASING: Final = (
    *("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion"),
    "s3:ListBucketVersions",
)

EMERGENCY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        purpose: frozenset(name.lower() for name in names)
        for purpose, names in {
            # Erases what a person asks to be erased, and every version of it.
            "analyst": _ERASING,
            "steward": _ERASING,
            # Ends what outlives its session, and finds what it lost.
            "controller": (
                *("ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask", "s3:DeleteObject"),
                *("sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:ListQueues", "sqs:SendMessage"),
                *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"),
                "cloudformation:UpdateStack",
            ),
            # Cuts the network.
            "endpoints": ("ec2:DeleteVpcEndpoints", "ec2:DescribeVpcEndpoints"),
            # Reads the logs of an incident, and clears the queue of lost events.
            "platform": (
                *("logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:FilterLogEvents"),
                *("logs:GetLogEvents", "logs:GetQueryResults", "logs:StartQuery"),
                *("logs:StopQuery", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
                *("sqs:GetQueueUrl", "sqs:ReceiveMessage", "kms:Decrypt"),
                *("cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources"),
                *("cloudformation:DescribeStacks", "cloudwatch:DescribeAlarms"),
                *("ecs:DescribeClusters", "ecs:DescribeTasks", "ecs:ListTasks"),
            ),
        }.items()
    }
)
"""Actions in small letters, by the purpose of the role. A test holds them against the duties."""

SERVICE_ROLE: Final = (
    "an AWS service takes it when something happens, which may be rare: it is kept as it is"
)
