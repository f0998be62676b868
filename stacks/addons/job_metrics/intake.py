"""Where stopped workers are kept: a queue that EventBridge fills, one for failures, a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from starburst_constructs.compute.private_queue import PrivateQueue
from starburst_constructs.naming import cluster_names
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant

__all__ = ["COUNTING", "TRIES", "ledger", "queues"]

COUNTING: Final = cdk.Duration.minutes(1)
"""For a batch of messages."""

TRIES: Final = 10
"""After so many a message is kept apart; DynamoDB throttles for minutes at most."""

_KEPT: Final = cdk.Duration.days(14)
"""The longest that SQS keeps a message."""


def ledger(scope: Construct, *, placement: Placement, key: kms.Key) -> dynamodb.Table:
    """Return the table of rows, which forgets, and can be restored to any second of 35 days."""
    return dynamodb.Table(
        scope,
        "Ledger",
        partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        time_to_live_attribute="expires",
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
        encryption_key=cast(kms.IKey, key),
        deletion_protection=placement.retain,
        removal_policy=cdk.RemovalPolicy.RETAIN if placement.retain else cdk.RemovalPolicy.DESTROY,
    )


def queues(
    scope: Construct,
    *,
    environment: str,
    placement: Placement,
    key: kms.Key,
    apart: Sequence[str] = (),
) -> tuple[sqs.Queue, sqs.Queue]:
    """Return the queue for failures, and the one into which EventBridge puts stopped workers."""
    name = f"starburst-{environment}-jobs"
    failures = PrivateQueue(
        scope,
        "Failures",
        name=f"{name}-failures",
        key=key,
        placement=placement,
        retention_period=_KEPT,
    )
    queue = PrivateQueue(
        scope,
        "Stopped",
        name=name,
        key=key,
        placement=placement,
        # Six times the function's, as AWS recommends.
        visibility_timeout=cdk.Duration.seconds(6 * COUNTING.to_seconds()),
        retention_period=_KEPT,
        dead_letter_queue=sqs.DeadLetterQueue(
            max_receive_count=TRIES, queue=cast(sqs.IQueue, failures)
        ),
    )
    clusters = [
        placement.arn("ecs", f"cluster/{each}") for each in cluster_names(environment, apart)
    ]
    rule = events.CfnRule(
        scope,
        "Stops",
        description="Starburst: workers that stopped, to be counted",
        event_pattern={
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {"clusterArn": clusters, "lastStatus": ["STOPPED"]},
        },
        targets=[
            events.CfnRule.TargetProperty(
                id="Queue",
                arn=queue.queue_arn,
                dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=failures.queue_arn),
            )
        ],
    )
    for each in (queue, failures):
        each.add_to_resource_policy(
            service_grant(
                "EventsSend",
                "events.amazonaws.com",
                actions=["sqs:SendMessage"],
                resources=[each.queue_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": placement.account},
                    "ArnEquals": {"aws:SourceArn": rule.attr_arn},
                },
            )
        )
    return failures, queue
