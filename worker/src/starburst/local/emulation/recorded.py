"""What the emulator holds as the templates ask for it, and acts on in nothing.

A property that is neither here nor without effect is in force: by the emulator, or by a patch.
Each entry names the sentence of ``GAPS`` that people are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["RECORDED", "Recorded"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Properties of one type that are kept and do nothing.

    Attributes:
        kind: the resource's type.
        gap: which sentence of ``GAPS`` says why.
        properties: paths from the resource; with nothing named, all of it.
    """

    kind: str
    gap: str
    properties: tuple[str, ...] = ("",)


RECORDED: Final = (
    Recorded("AWS::Budgets::Budget", "audit"),
    Recorded("AWS::CloudTrail::Trail", "audit"),
    Recorded("AWS::CloudWatch::Alarm", "metric-filters", ("Metrics",)),
    Recorded("AWS::EC2::FlowLog", "audit"),
    Recorded("AWS::EC2::RouteTable", "network"),
    Recorded("AWS::EC2::SecurityGroup", "network"),
    Recorded("AWS::EC2::SecurityGroupIngress", "network"),
    Recorded("AWS::EC2::Subnet", "network"),
    Recorded("AWS::EC2::SubnetRouteTableAssociation", "network"),
    Recorded("AWS::EC2::VPC", "network"),
    Recorded(
        "AWS::EC2::VPCEndpoint",
        "network",
        ("PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds", "SubnetIds"),
    ),
    Recorded("AWS::ECR::Repository", "retention", ("LifecyclePolicy",)),
    Recorded("AWS::ECR::Repository", "image", ("ImageScanningConfiguration",)),
    Recorded("AWS::ECR::Repository", "encryption", ("EncryptionConfiguration",)),
    Recorded("AWS::ECS::Cluster", "spot", ("CapacityProviders",)),
    Recorded("AWS::ECS::Cluster", "container-insights", ("ClusterSettings",)),
    Recorded("AWS::ECS::Cluster", "image", ("Configuration.ExecuteCommandConfiguration",)),
    Recorded("AWS::ECS::Cluster", "encryption", ("Configuration.ManagedStorageConfiguration",)),
    Recorded("AWS::ECS::TaskDefinition", "network", ("NetworkMode",)),
    Recorded("AWS::ECS::TaskDefinition", "memory", ("Cpu", "EphemeralStorage", "Memory")),
    Recorded("AWS::ECS::TaskDefinition", "architecture", ("RuntimePlatform",)),
    Recorded(
        "AWS::ECS::TaskDefinition",
        "image",
        (
            "ContainerDefinitions.Image",
            "ContainerDefinitions.LinuxParameters",
            "ContainerDefinitions.MountPoints",
            "ContainerDefinitions.Privileged",
            "ContainerDefinitions.ReadonlyRootFilesystem",
            "ContainerDefinitions.User",
            "Volumes",
        ),
    ),
    Recorded("AWS::Events::Rule", "deliveries", ("Targets.RetryPolicy",)),
    Recorded("AWS::KMS::Key", "retention", ("EnableKeyRotation",)),
    Recorded("AWS::Lambda::Function", "lambda-python", ("Architectures", "MemorySize", "Runtime")),
    Recorded("AWS::Logs::LogGroup", "retention", ("RetentionInDays",)),
    Recorded("AWS::Logs::LogGroup", "encryption", ("KmsKeyId",)),
    Recorded("AWS::Logs::LogGroup", "data-protection", ("DataProtectionPolicy",)),
    Recorded("AWS::Logs::MetricFilter", "metric-filters"),
    Recorded("AWS::S3::Bucket", "retention", ("LifecycleConfiguration",)),
    Recorded("AWS::S3::Bucket", "audit", ("LoggingConfiguration",)),
    Recorded(
        "AWS::S3::Bucket",
        "encryption",
        ("BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault",),
    ),
    Recorded("AWS::SNS::Topic", "encryption", ("KmsMasterKeyId",)),
    Recorded("AWS::SQS::Queue", "encryption", ("KmsMasterKeyId",)),
)
