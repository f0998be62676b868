"""What wakes the controller: the schedule, CloudFormation, and one queue for all the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from starburst_constructs.compute.controller import FUNCTION_SECONDS
from starburst_constructs.compute.private_queue import PrivateQueue
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant

__all__ = ["LOST", "Wake", "WakeQueue"]

SETTLED: Final = ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
"""States in which an update of a stack has come to an end."""

SWEEP_EVENT: Final = {"starburst": "sweep"}

LOST: Final[tuple[dict[str, Any], ...]] = (
    {"stopCode": [{"anything-but": ["EssentialContainerExited", "UserInitiated"]}]},
    {
        "stopCode": ["EssentialContainerExited"],
        "containers": {"exitCode": [{"anything-but": [0]}, {"exists": False}]},
    },
)
"""Of the tasks that stopped, those that may need another in their place: neither the ones that we
stopped nor those that finished. A fleet of 500 that is done sends nothing.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html, stopCode, and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
"""

BATCH: Final = 100
WINDOW: Final = cdk.Duration.seconds(1)
"""Events of one second are one invocation; more than ten messages a batch need a second."""

CONCURRENCY: Final = 2
"""The fewest that Lambda takes; whatever happens to workers, the rest of the function's concurrency
is for people.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html.
"""

_TRIES: Final = 5
_VISIBLE: Final = 6 * FUNCTION_SECONDS
"""As AWS recommends for a queue that Lambda polls, both of them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html.
"""


class WakeQueue(PrivateQueue):
    """Keeps what the controller is to see to at once, an hour at most: sweeps see to it anyway.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name: the controller's role names it before it exists.
        key: encrypts it; messages name sessions and workers, and hold no data.
        failures: where a message goes that was tried five times.
        placement: of the environment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.Key,
        failures: sqs.Queue,
        placement: Placement,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=name,
            key=key,
            placement=placement,
            visibility_timeout=cdk.Duration.seconds(_VISIBLE),
            retention_period=cdk.Duration.hours(1),
            dead_letter_queue=sqs.DeadLetterQueue(
                max_receive_count=_TRIES, queue=cast(sqs.IQueue, failures)
            ),
        )
        self._account = placement.account
        self._arn = placement.arn("sqs", name)

    def admit(self, rule: events.Rule) -> None:
        """Let EventBridge send what one rule lets through."""
        self.add_to_resource_policy(
            service_grant(
                "EventsWake",
                "events.amazonaws.com",
                actions=["sqs:SendMessage"],
                resources=[self.queue_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": self._account},
                    "ArnEquals": {"aws:SourceArn": rule.rule_arn},
                },
            )
        )

    def target(self) -> events.IRuleTarget:
        """Return this queue as a rule's target; ``admit`` and the key's policy let it in."""
        # The queue itself would have EventBridge admitted to all its rules, and to its key.
        # By its name: of a queue that a token names, the CDK cannot tell the account.
        named = sqs.Queue.from_queue_arn(self, "Named", self._arn)
        target = targets.SqsQueue(named, max_event_age=cdk.Duration.minutes(15), retry_attempts=3)
        return cast(events.IRuleTarget, target)


class Wake(Construct):
    """Wakes the controller each minute, and soon after a worker of our clusters was lost.

    Events that EventBridge cannot deliver are dropped within minutes: the next sweep sees all
    that they would have told.

    Args:
        scope: parent construct.
        construct_id: its id there.
        function: the controller's alias for the service.
        wakes: the queue by which it hears of workers, and of what it owes to sessions.
        cluster_arns: tasks of other clusters are not ours to watch.
        endpoints_stack: pattern of the endpoints' stack ARN, where the controller opens it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.Alias,
        wakes: WakeQueue,
        cluster_arns: Sequence[str],
        endpoints_stack: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "EachMinute",
            description="Starburst: sweep sessions",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[
                _target(
                    function,
                    event=events.RuleTargetInput.from_object(dict(SWEEP_EVENT)),
                    max_event_age=cdk.Duration.minutes(1),
                    retry_attempts=0,
                )
            ],
        )
        lost = events.Rule(
            self,
            "WorkerLost",
            description="Starburst: a worker was lost",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={
                    "clusterArn": list(cluster_arns),
                    "lastStatus": ["STOPPED"],
                    "$or": list(LOST),
                },
            ),
        )
        lost.add_target(wakes.target())
        wakes.admit(lost)
        lambda_.EventSourceMapping(
            self,
            "Poll",
            target=cast(lambda_.IFunction, function),
            event_source_arn=wakes.queue_arn,
            batch_size=BATCH,
            max_batching_window=WINDOW,
            max_concurrency=CONCURRENCY,
            report_batch_item_failures=True,
        )
        if endpoints_stack is not None:
            # Workers then start at once, and not with the next sweep.
            events.Rule(
                self,
                "EndpointsMoved",
                description="Starburst: the private endpoints opened, closed or failed to",
                event_pattern=events.EventPattern(
                    source=["aws.cloudformation"],
                    detail_type=["CloudFormation Stack Status Change"],
                    detail={
                        "stack-id": [{"prefix": endpoints_stack}],
                        "status-details": {"status": list(SETTLED)},
                    },
                ),
                targets=[
                    _target(function, max_event_age=cdk.Duration.minutes(1), retry_attempts=0)
                ],
            )


def _target(
    function: lambda_.Alias,
    *,
    max_event_age: cdk.Duration,
    retry_attempts: int,
    event: events.RuleTargetInput | None = None,
) -> events.IRuleTarget:
    target = targets.LambdaFunction(
        cast(lambda_.IFunction, function),
        event=event,
        max_event_age=max_event_age,
        retry_attempts=retry_attempts,
    )
    return cast(events.IRuleTarget, target)
