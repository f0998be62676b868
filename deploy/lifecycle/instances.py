"""Releasing EC2 instances that ECS protects, which would keep their group's stack for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .account import Account
from .deployed import DeployedStack

__all__ = ["release_instances"]

_AT_ONCE: Final = 50
"""Instances that one call may name."""

_STANDING: Final = frozenset({"EnteringStandby", "InService", "Standby"})
"""States in which an instance may be released; of any other AWS refuses the whole call.

https://github.com/guardian/riff-raff/pull/510
"""


def release_instances(account: Account, stacks: Sequence[DeployedStack]) -> None:
    """Take scale-in protection off every instance, now that no worker runs on it.

    ECS leaves the protection where it set it, and CloudFormation cannot delete a group that has
    protected instances: https://github.com/aws/containers-roadmap/issues/2862.
    """
    names = [n for stack in stacks for n in stack.of_type("AWS::AutoScaling::AutoScalingGroup")]
    if not names:
        return
    scaling = account.client("autoscaling")
    pages = scaling.get_paginator("describe_auto_scaling_groups")
    for page in pages.paginate(AutoScalingGroupNames=names):
        for group in page["AutoScalingGroups"]:
            name = group["AutoScalingGroupName"]
            held = [
                one["InstanceId"]
                for one in group["Instances"]
                if one["ProtectedFromScaleIn"] and one["LifecycleState"] in _STANDING
            ]
            for start in range(0, len(held), _AT_ONCE):
                scaling.set_instance_protection(
                    AutoScalingGroupName=name,
                    InstanceIds=held[start : start + _AT_ONCE],
                    ProtectedFromScaleIn=False,
                )
            scaling.update_auto_scaling_group(
                AutoScalingGroupName=name,
                MinSize=0,
                DesiredCapacity=0,
                NewInstancesProtectedFromScaleIn=False,
            )
            if held:
                account.say(f"{len(held)} instances of {name} are released")
