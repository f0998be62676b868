"""Alarm on what starts or changes workers past the controller, told from the trail (S12, P18).

IAM has no key for the subnet, the group or the public address of a task, so it cannot refuse what
an administrator of the account might start in our cluster. The trail knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from starburst_constructs.naming import cluster_name, role_arn
from starburst_constructs.placement import Placement

__all__ = ["bypass_filters", "metric_name"]

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


def bypass_filters(
    environment: str,
    *,
    placement: Placement,
    group_id: str,
    subnet_ids: Sequence[str],
    own_groups: Mapping[str, str] | None = None,
) -> Mapping[str, str]:
    """Return filters of the trail by what they find.

    Args:
        environment: its name.
        placement: of the environment.
        group_id: of the workers' security group; a group exists in one VPC only.
        subnet_ids: of the workers' subnets.
        own_groups: those of workspaces with clusters of their own, by workspace.
    """
    controller = role_arn(environment, "controller", account=placement.account)
    own = own_groups or {}
    shared = _in(cluster_name(environment))
    # One pattern for all clusters of workspaces: a filter has no room for their names.
    apart = f"{cluster_name(environment)}-*"
    ours = f"({shared} || {_in(apart)})" if own else shared
    family = f"starburst-{environment}-*"
    scheduled = f'ecsParameters.taskDefinitionArn = "*{family}"'
    return {
        "Started": f"{{ {_ECS} && {ours} && ({_any('ExecuteCommand', *_OTHER_STARTS)} || "
        f'(($.eventName = "RunTask") && (({_ISSUER} != "{controller}") || '
        f"({_ISSUER} NOT EXISTS)))) }}",
        "Elsewhere": _elsewhere(shared, group_id),
        **{
            f"Elsewhere-{workspace}": _elsewhere(_in(cluster_name(environment, workspace)), group)
            for workspace, group in own.items()
        },
        **dict(_foreign_subnets(ours, subnet_ids)),
        "Abroad": f"{{ {_ECS} && {_any('RunTask', *_OTHER_STARTS)} && "
        f'($.requestParameters.taskDefinition = "*{family}") && '
        f"({_not_in(cluster_name(environment), *([apart] if own else []))} || "
        "($.requestParameters.cluster NOT EXISTS)) }",
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


def _in(cluster: str) -> str:
    return f'($.requestParameters.cluster = "*{cluster}")'


def _not_in(*clusters: str) -> str:
    apart = " && ".join(f'($.requestParameters.cluster != "*{one}")' for one in clusters)
    return f"({apart})" if len(clusters) > 1 else apart


def _elsewhere(cluster: str, group_id: str) -> str:
    """Return what finds a start in a cluster with a public address or another group."""
    return (
        f'{{ {_ECS} && {cluster} && ($.eventName = "RunTask") && '
        f'(({_NETWORK}.assignPublicIp = "ENABLED") || '
        f'({_NETWORK}.securityGroups[0] != "{group_id}") || '
        f"({_NETWORK}.securityGroups[0] NOT EXISTS) || "
        f'({_NETWORK}.securityGroups[1] = "*")) }}'
    )


def _foreign_subnets(ours: str, subnet_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a filter for each place in a call's subnets, as none has room for all of them.

    A call that names more subnets than there are has a foreign one among them, or one twice.
    """
    run = f'{_ECS} && {ours} && ($.eventName = "RunTask")'
    for place in range(len(subnet_ids)):
        foreign = " && ".join(f'({_NETWORK}.subnets[{place}] != "{one}")' for one in subnet_ids)
        yield f"Subnet{place}", f"{{ {run} && {foreign} }}"
    yield "Subnets", f'{{ {run} && ({_NETWORK}.subnets[{len(subnet_ids)}] = "*") }}'


_OTHER_STARTS: Final = ("CreateService", "CreateTaskSet", "StartTask", "UpdateService")


def _any(*names: str) -> str:
    return "(" + " || ".join(f'($.eventName = "{name}")' for name in names) + ")"
