"""EC2 instances for the workers of one workspace: none at rest, hardened, filled by ECS."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from constructs import Construct

__all__ = ["AGENT_SETTINGS", "HostGroup", "HostTemplate"]

AGENT_SETTINGS: Final[Mapping[str, str]] = {
    # Tasks get the credentials of their own role only, never the instance's.
    "ECS_AWSVPC_BLOCK_IMDS": "true",
    "ECS_DISABLE_PRIVILEGED": "true",
    # The launch role pulls images and writes logs, so that the instance's role need not.
    "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true",
    "ECS_ENABLE_SPOT_INSTANCE_DRAINING": "true",
    # What a task wrote to the shared disk goes soon after the task, not three hours later.
    "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION": "5m",
    "ECS_IMAGE_PULL_BEHAVIOR": "once",
    "ECS_RESERVED_MEMORY": "256",
    "ECS_WARM_POOLS_CHECK": "true",
}
"""What ``/etc/ecs/ecs.config`` says besides the cluster's name."""

_ARM: Final = "ARM64"


class HostTemplate(ec2.CfnLaunchTemplate):
    """How an instance begins: no way in, no public address, an encrypted disk, IMDSv2 only.

    Args:
        scope: parent construct.
        construct_id: its id there.
        cluster: that the agent joins.
        architecture: ``X86_64`` or ``ARM64``.
        instance_type: of the instances, where a group does not choose among several.
        profile_arn: of the instance profile.
        group: security group: the workers' own, which nothing can reach.
        key: encrypts the disk.
        disk_gb: its size.
        tags: of the instances and disks.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: str,
        architecture: str,
        instance_type: str,
        profile_arn: str,
        group: ec2.ISecurityGroup,
        key: kms.Key,
        disk_gb: int,
        tags: Mapping[str, str],
    ) -> None:
        hardware = ecs.AmiHardwareType.ARM if architecture == _ARM else ecs.AmiHardwareType.STANDARD
        # The ECS-optimized image of the day of the deployment, from AWS's public parameter.
        image = ecs.EcsOptimizedImage.amazon_linux2023(hardware).get_image(scope)
        super().__init__(
            scope,
            construct_id,
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                image_id=image.image_id,
                instance_type=instance_type,
                ebs_optimized=True,
                iam_instance_profile=ec2.CfnLaunchTemplate.IamInstanceProfileProperty(
                    arn=profile_arn
                ),
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_endpoint="enabled",
                    http_tokens="required",
                    # A container on a bridge is one hop further away: out of reach.
                    http_put_response_hop_limit=1,
                    instance_metadata_tags="disabled",
                ),
                monitoring=ec2.CfnLaunchTemplate.MonitoringProperty(enabled=True),
                network_interfaces=[
                    ec2.CfnLaunchTemplate.NetworkInterfaceProperty(
                        device_index=0,
                        associate_public_ip_address=False,
                        delete_on_termination=True,
                        groups=[group.security_group_id],
                    )
                ],
                block_device_mappings=[
                    ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                        device_name="/dev/xvda",
                        ebs=ec2.CfnLaunchTemplate.EbsProperty(
                            volume_type="gp3",
                            volume_size=disk_gb,
                            encrypted=True,
                            kms_key_id=key.key_arn,
                            delete_on_termination=True,
                        ),
                    )
                ],
                tag_specifications=[
                    ec2.CfnLaunchTemplate.TagSpecificationProperty(
                        resource_type=kind,
                        tags=[{"key": key, "value": value} for key, value in tags.items()],
                    )
                    for kind in ("instance", "volume")
                ],
                user_data=_user_data(cluster),
            ),
        )


class HostGroup(Construct):
    """A group of instances that ECS fills and drains, bought on demand or on Spot.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: of the capacity provider; the controller names it.
        template: how an instance begins.
        instance_types: names; Spot, and a choice of several, make a mixed group of them.
        subnets: ids of where instances are.
        spot: buy Spot instances, wherever there is most room for the price.
        most: instances at once.
        warm: stopped instances kept ready.

    Attributes:
        provider: the capacity provider.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        template: HostTemplate,
        instance_types: Sequence[str],
        subnets: Sequence[str],
        spot: bool,
        most: int,
        warm: int,
    ) -> None:
        super().__init__(scope, construct_id)
        group = autoscaling.CfnAutoScalingGroup(
            self,
            "Group",
            # No desired capacity: a deployment must not take instances from running sessions.
            min_size="0",
            max_size=str(most),
            vpc_zone_identifier=list(subnets),
            new_instances_protected_from_scale_in=True,
            capacity_rebalance=spot,
            health_check_type="EC2",
            health_check_grace_period=60,
            metrics_collection=[
                autoscaling.CfnAutoScalingGroup.MetricsCollectionProperty(granularity="1Minute")
            ],
            tags=[
                autoscaling.CfnAutoScalingGroup.TagPropertyProperty(
                    key="AmazonECSManaged", value="true", propagate_at_launch=True
                )
            ],
            **_instances(template, instance_types, spot=spot),
        )
        if warm:
            autoscaling.CfnWarmPool(
                self,
                "Warm",
                auto_scaling_group_name=group.ref,
                min_size=warm,
                max_group_prepared_capacity=most,
                pool_state="Stopped",
            )
        self.provider = ecs.CfnCapacityProvider(
            self,
            "Provider",
            name=name,
            auto_scaling_group_provider=ecs.CfnCapacityProvider.AutoScalingGroupProviderProperty(
                auto_scaling_group_arn=group.ref,
                managed_draining="ENABLED",
                managed_termination_protection="ENABLED",
                managed_scaling=ecs.CfnCapacityProvider.ManagedScalingProperty(
                    status="ENABLED",
                    target_capacity=100,
                    minimum_scaling_step_size=1,
                    maximum_scaling_step_size=100,
                    instance_warmup_period=60,
                ),
            ),
        )


def _instances(
    template: HostTemplate, instance_types: Sequence[str], *, spot: bool
) -> dict[str, Any]:
    of_group = autoscaling.CfnAutoScalingGroup
    launched = of_group.LaunchTemplateSpecificationProperty(
        launch_template_id=template.ref, version=template.attr_latest_version_number
    )
    if not spot and len(instance_types) == 1:
        return {"launch_template": launched}
    return {
        "mixed_instances_policy": of_group.MixedInstancesPolicyProperty(
            launch_template=of_group.LaunchTemplateProperty(
                launch_template_specification=launched,
                overrides=[
                    of_group.LaunchTemplateOverridesProperty(instance_type=name)
                    for name in instance_types
                ],
            ),
            instances_distribution=of_group.InstancesDistributionProperty(
                on_demand_base_capacity=0,
                on_demand_percentage_above_base_capacity=0 if spot else 100,
                on_demand_allocation_strategy="lowest-price",
                spot_allocation_strategy="price-capacity-optimized",
            ),
        )
    }


def _user_data(cluster: str) -> str:
    lines = [f"ECS_CLUSTER={cluster}", *(f"{k}={v}" for k, v in AGENT_SETTINGS.items())]
    script = "\n".join(["#!/bin/bash", "cat >> /etc/ecs/ecs.config <<'EOF'", *lines, "EOF", ""])
    return base64.b64encode(script.encode()).decode()
