"""Network blocks: groups that are closed by default, and a record of every flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from starburst_constructs.network.s3_addresses import HTTPS
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.service_access import ServiceRole
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, patterns

__all__ = [
    "FLOW_FIELDS",
    "ClosedDefaultGroup",
    "EndpointOnlyGroup",
    "FlowLog",
    "closing_ceiling",
]

FLOW_FIELDS: Final = (
    ec2.LogFormat.VERSION,
    ec2.LogFormat.ACCOUNT_ID,
    ec2.LogFormat.VPC_ID,
    ec2.LogFormat.SUBNET_ID,
    ec2.LogFormat.INTERFACE_ID,
    ec2.LogFormat.SRC_ADDR,
    ec2.LogFormat.SRC_PORT,
    ec2.LogFormat.DST_ADDR,
    ec2.LogFormat.DST_PORT,
    ec2.LogFormat.PROTOCOL,
    ec2.LogFormat.PACKETS,
    ec2.LogFormat.BYTES,
    ec2.LogFormat.START_TIMESTAMP,
    ec2.LogFormat.END_TIMESTAMP,
    ec2.LogFormat.ACTION,
    ec2.LogFormat.LOG_STATUS,
    ec2.LogFormat.TCP_FLAGS,
    ec2.LogFormat.TRAFFIC_TYPE,
    ec2.LogFormat.PKT_SRC_ADDR,
    ec2.LogFormat.PKT_DST_ADDR,
    ec2.LogFormat.FLOW_DIRECTION,
    ec2.LogFormat.TRAFFIC_PATH,
    ec2.LogFormat.PKT_SRC_AWS_SERVICE,
    ec2.LogFormat.PKT_DST_AWS_SERVICE,
)
"""The default fields and those of versions 3 to 5 that tell where a packet really went (P18)."""


class EndpointOnlyGroup(Construct):
    """A security group that nothing can reach and that reaches AWS endpoints only.

    Its egress is written inline: a group without any inline rule gets EC2's allow-all.

    Args:
        scope: parent construct.
        construct_id: its id there.
        vpc: where it is.
        description: of the group.
        endpoints: the endpoints' group.
        s3_prefix_list: AWS's prefix list of S3 in this Region.
        internet: also allow 443 to anywhere, for the one explicit way out (NAT).

    Attributes:
        group: the group, for others to attach; its rules cannot be changed through it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        description: str,
        endpoints: ec2.ISecurityGroup,
        s3_prefix_list: str,
        internet: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        rules = [
            _https(
                "interface endpoints", destination_security_group_id=endpoints.security_group_id
            ),
            _https("S3 through its gateway endpoint", destination_prefix_list_id=s3_prefix_list),
        ]
        if internet:
            rules.append(_https("internet through the NAT gateway", cidr_ip="0.0.0.0/0"))
        resource = ec2.CfnSecurityGroup(
            self,
            "Resource",
            vpc_id=vpc.vpc_id,
            group_description=description,
            security_group_egress=rules,
        )
        self.group = ec2.SecurityGroup.from_security_group_id(
            self,
            "Group",
            resource.attr_group_id,
            mutable=False,
            allow_all_outbound=False,
            allow_all_ipv6_outbound=False,
        )


def _https(description: str, **target: Any) -> ec2.CfnSecurityGroup.EgressProperty:
    return ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="tcp",
        from_port=HTTPS,
        to_port=HTTPS,
        description=f"HTTPS to {description}",
        **target,
    )


class FlowLog(Construct):
    """Every flow of a VPC, accepted or rejected, to a log group.

    Args:
        scope: parent construct.
        construct_id: its id there.
        vpc: whose flows.
        log_group: where the flows go.
        placement: of the environment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        log_group: logs.ILogGroup,
        placement: Placement,
    ) -> None:
        super().__init__(scope, construct_id)
        role = ServiceRole(
            self,
            "Role",
            service="vpc-flow-logs.amazonaws.com",
            description="Delivers VPC flow logs to their log group",
            conditions={
                "StringEquals": {"aws:SourceAccount": placement.account},
                "ArnLike": {"aws:SourceArn": placement.arn("ec2", "vpc-flow-log/*")},
            },
            statements=[
                iam.PolicyStatement(
                    sid="OwnLogGroup",
                    actions=[
                        "logs:CreateLogStream",
                        "logs:DescribeLogStreams",
                        "logs:PutLogEvents",
                    ],
                    resources=[log_group.log_group_arn],
                )
            ],
        )
        ec2.CfnFlowLog(
            self,
            "Resource",
            resource_id=vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            max_aggregation_interval=60,
            log_destination_type="cloud-watch-logs",
            # By name: a group's ARN ends in ":*" here, which EC2 takes and then delivers nothing to
            # (https://github.com/awsdocs/aws-cloudformation-user-guide/pull/306).
            log_group_name=log_group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
            log_format=" ".join(field.value for field in FLOW_FIELDS),
        )


RUNBOOK: Final = "AWSConfigRemediation-RemoveVPCDefaultSecurityGroupRules"


class ClosedDefaultGroup(Construct):
    """Keeps a VPC's default security group without any rule.

    CloudFormation cannot remove rules that it did not make. CDK's own answer is a custom resource,
    which runs a function once. This is AWS's remediation runbook on a State Manager schedule: no
    code of ours, and a rule that is added later is gone within a day. What the role may do is what
    the runbook's page lists: https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-aws-remove-default-secg-rules.html

    Args:
        scope: parent construct.
        construct_id: its id there.
        vpc: whose default group is emptied.
        placement: of the environment.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.Vpc, placement: Placement
    ) -> None:
        super().__init__(scope, construct_id)
        group = vpc.vpc_default_security_group
        role = ServiceRole(
            self,
            "Role",
            service="ssm.amazonaws.com",
            description="Empties the default security group",
            conditions={
                "StringEquals": {"aws:SourceAccount": placement.account},
                "ArnLike": {"aws:SourceArn": placement.arn("ssm", "automation-execution/*")},
            },
            statements=[
                iam.PolicyStatement(
                    sid="RevokeRules",
                    actions=["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
                    resources=[placement.arn("ec2", f"security-group/{group}")],
                ),
                Allow(
                    sid="RunTheRunbook",
                    actions=["ssm:StartAutomationExecution"],
                    resources=patterns(
                        "AWS owns the runbook, in no account or its own, and numbers its versions; "
                        "an execution has no name before it begins.",
                        *_runbook(placement),
                    ),
                ),
                Allow(
                    sid="FollowTheRunbook",
                    actions=["ssm:GetAutomationExecution"],
                    resources=patterns(
                        "An execution has no name before it begins.", _executions(placement)
                    ),
                ),
                Allow(
                    sid="ReadRules",
                    actions=["ec2:DescribeSecurityGroups"],
                    resources=patterns(
                        f"{NO_RESOURCE}it reads security groups, and changes nothing.", "*"
                    ),
                ),
            ],
        )
        ssm.CfnAssociation(
            self,
            "Resource",
            name=RUNBOOK,
            association_name=f"starburst-{group}",
            parameters={"AutomationAssumeRole": [role.role_arn]},
            automation_target_parameter_name="GroupId",
            targets=[ssm.CfnAssociation.TargetProperty(key="ParameterValues", values=[group])],
            max_concurrency="1",
            max_errors="1",
            schedule_expression="rate(1 day)",
        )


def _executions(placement: Placement) -> str:
    return placement.arn("ssm", "automation-execution/*")


def _runbook(placement: Placement) -> tuple[str, ...]:
    """Return what starting the runbook is a call on: its document, by both names, and the run."""
    owner = f"arn:aws:ssm:{placement.region}:*"
    return (
        f"{owner}:automation-definition/{RUNBOOK}:*",
        f"{owner}:document/{RUNBOOK}",
        _executions(placement),
    )


def closing_ceiling(placement: Placement) -> Sequence[iam.PolicyStatement]:
    """Return what the permissions boundary must allow for ``ClosedDefaultGroup``."""
    return [
        ceiling(
            "OwnSecurityGroupsShut",
            ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
            resources=[f"arn:aws:ec2:*:{placement.account}:security-group/*"],
        ),
        ceiling("RunbooksRun", ["ssm:StartAutomationExecution"], resources=_runbook(placement)),
        ceiling(
            "RunbooksFollowed",
            ["ssm:GetAutomationExecution"],
            resources=[_executions(placement)],
        ),
        ceiling("SecurityGroupsRead", ["ec2:DescribeSecurityGroups"], resources=["*"]),
    ]
