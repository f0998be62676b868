"""What the ECS agent of an EC2 instance may do: join our cluster and report, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from starburst_constructs.naming import cluster_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, patterns

__all__ = ["host_ceiling", "host_statements"]

_MEMBER: Final = ("ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState")
_CLUSTER: Final = (
    "ecs:DeregisterContainerInstance",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
)
_FINDING: Final = ("ecs:DiscoverPollEndpoint",)


def host_statements(environment: str, *, placement: Placement) -> list[iam.PolicyStatement]:
    """Return the statements of the instances' role.

    It reads no image, no log and no data: pulling and logging is what the launch role is for, and
    work is the worker role's. Tasks cannot take it: the agent keeps them from the metadata service.
    """
    cluster = cluster_name(environment)
    place = f"arn:aws:ecs:{placement.region}:{placement.account}"
    return [
        iam.PolicyStatement(
            sid="JoinTheCluster", actions=list(_CLUSTER), resources=[f"{place}:cluster/{cluster}"]
        ),
        Allow(
            sid="HearOfTasks",
            actions=_MEMBER,
            resources=patterns(
                "ECS gives an instance its id when it joins the environment's own cluster.",
                f"{place}:container-instance/{cluster}/*",
            ),
        ),
        Allow(
            sid="FindTheCluster",
            actions=_FINDING,
            resources=patterns(
                f"{NO_RESOURCE}ecs:DiscoverPollEndpoint tells an address of ECS.", "*"
            ),
        ),
    ]


def host_ceiling(environment: str, *, placement: Placement) -> Sequence[iam.PolicyStatement]:
    """Return what the permissions boundary must allow for that role."""
    cluster = cluster_name(environment)
    place = f"arn:aws:ecs:*:{placement.account}"
    return [
        ceiling("JoinTheCluster", _CLUSTER, resources=[f"{place}:cluster/{cluster}"]),
        ceiling("HearOfTasks", _MEMBER, resources=[f"{place}:container-instance/{cluster}/*"]),
        ceiling("FindTheCluster", _FINDING, resources=["*"]),
    ]
