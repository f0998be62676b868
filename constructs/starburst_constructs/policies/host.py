"""What the ECS agent of an EC2 instance may do: join our cluster and report, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from starburst_constructs.naming import cluster_name

__all__ = ["host_ceiling", "host_statements"]

_MEMBER: Final = ("ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState")
_CLUSTER: Final = (
    "ecs:DeregisterContainerInstance",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
)
_NO_RESOURCE: Final = ("ecs:DiscoverPollEndpoint",)


def host_statements(environment: str, *, account: str, region: str) -> list[iam.PolicyStatement]:
    """Return the statements of the instances' role.

    It reads no image, no log and no data: pulling and logging is what the launch role is for, and
    work is the worker role's. Tasks cannot take it: the agent keeps them from the metadata service.
    """
    return _statements(cluster_name(environment), account=account, region=region)


def host_ceiling(environment: str, *, account: str) -> Sequence[iam.PolicyStatement]:
    """Return what the permissions boundary must allow for that role."""
    return _statements(cluster_name(environment), account=account, region="*")


def _statements(cluster: str, *, account: str, region: str) -> list[iam.PolicyStatement]:
    place = f"arn:aws:ecs:{region}:{account}"
    return [
        iam.PolicyStatement(
            sid="JoinTheCluster", actions=list(_CLUSTER), resources=[f"{place}:cluster/{cluster}"]
        ),
        iam.PolicyStatement(
            sid="HearOfTasks",
            actions=list(_MEMBER),
            resources=[f"{place}:container-instance/{cluster}/*"],
        ),
        # It tells where to ask, and has no resource to name.
        iam.PolicyStatement(sid="FindTheCluster", actions=list(_NO_RESOURCE), resources=["*"]),
    ]
