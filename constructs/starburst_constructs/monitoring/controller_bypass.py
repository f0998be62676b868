"""Alarm on what starts or changes workers past the controller, told from the trail (S12, P18).

IAM has no key for the subnet, the group or the public address of a task, so it cannot refuse what
an administrator of the account might start in our cluster. The trail knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.naming import cluster_name, role_arn
from starburst_constructs.placement import Placement

__all__ = ["ControllerBypass", "bypass_filters", "metric_name"]

_ECS: Final = '($.eventSource = "ecs.amazonaws.com")'
_NETWORK: Final = "$.requestParameters.networkConfiguration.awsvpcConfiguration"
_ISSUER: Final = "$.userIdentity.sessionContext.sessionIssuer.arn"


def metric_name(environment: str) -> str:
    """Return the metric that counts calls past the controller of an environment.

    Example:
        >>> metric_name("prod")
        'prod-past-the-controller'
    """
    return f"{environment}-past-the-controller"


def bypass_filters(environment: str, *, placement: Placement, group_id: str) -> Mapping[str, str]:
    """Return filters of the trail by what they find.

    Args:
        environment: its name.
        placement: of the environment.
        group_id: of the workers' security group; a group exists in one VPC only.
    """
    controller = role_arn(environment, "controller", account=placement.account)
    ours = f'($.requestParameters.cluster = "*{cluster_name(environment)}")'
    family = f"starburst-{environment}-*"
    scheduled = f'ecsParameters.taskDefinitionArn = "*{family}"'
    return {
        "Started": f"{{ {_ECS} && {ours} && ({_any('ExecuteCommand', *_OTHER_STARTS)} || "
        f'(($.eventName = "RunTask") && (({_ISSUER} != "{controller}") || '
        f"({_ISSUER} NOT EXISTS)))) }}",
        "Elsewhere": f'{{ {_ECS} && {ours} && ($.eventName = "RunTask") && '
        f'(({_NETWORK}.assignPublicIp = "ENABLED") || '
        f'({_NETWORK}.securityGroups[0] != "{group_id}") || '
        f"({_NETWORK}.securityGroups[0] NOT EXISTS) || "
        f'({_NETWORK}.securityGroups[1] = "*")) }}',
        "Changed": f'{{ {_ECS} && ($.eventName = "RegisterTaskDefinition") && '
        f'($.requestParameters.family = "{family}") && '
        '($.sourceIPAddress != "cloudformation.amazonaws.com") }',
        "Scheduled": '{ (($.eventSource = "events.amazonaws.com") && '
        f'($.eventName = "PutTargets") && ($.requestParameters.targets[0].{scheduled})) || '
        '(($.eventSource = "scheduler.amazonaws.com") && '
        f"{_any('CreateSchedule', 'UpdateSchedule')} && ($.requestParameters.target.{scheduled}))"
        " }",
        "Root": '{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS) && '
        '($.eventType != "AwsServiceEvent") }',
    }


_OTHER_STARTS: Final = ("CreateService", "CreateTaskSet", "StartTask", "UpdateService")


def _any(*names: str) -> str:
    return "(" + " || ".join(f'($.eventName = "{name}")' for name in names) + ")"


class ControllerBypass(Construct):
    """Counts, in one metric, what the trail says of workers that the controller did not start.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        placement: of the environment.
        group_id: of the workers' security group.
        events: the trail's log group.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        placement: Placement,
        group_id: str,
        events: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        found = bypass_filters(environment, placement=placement, group_id=group_id)
        for name, pattern in found.items():
            CountingFilter(self, name, log=events, pattern=pattern, metric=metric_name(environment))
