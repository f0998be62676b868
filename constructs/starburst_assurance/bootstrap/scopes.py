"""On which resources each action is given: by the environment's names where AWS has names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from starburst_assurance.bootstrap.deployer import Deployer
from starburst_constructs.naming import BACKUPS, HOLDING_TAG

__all__ = ["SCOPES", "Scope", "scope_of"]

_NAMED: Final = "starburst-{environment}-*"
_GROUPS: Final = (
    _NAMED,
    "/aws/ecs/containerinsights/starburst-{environment}/*",
    "/aws/ecs/starburst/{environment}/*",
    "/aws/events/starburst/{environment}/*",
    "/aws/lambda/starburst-{environment}-*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Actions that are given on the same resources, under the same conditions.

    Attributes:
        sid: of the statement.
        actions: patterns; the first scope with one that fits an action is its own.
        resources: ARNs; in braces stand the deployer's fields.
        conditions: of the statement, with the same fields.
        whole: why it is every resource of the account, where it is.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    whole: str = ""

    def statement(self, actions: Sequence[str], deployer: Deployer) -> dict[str, Any]:
        """Return the statement that gives actions of this scope to a deployer."""
        block = {
            operator: {key: deployer.filled(value) for key, value in keys.items()}
            for operator, keys in self.conditions.items()
        }
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": [deployer.filled(one) for one in self.resources],
            **({"Condition": block} if block else {}),
        }


def _local(service: str, *resources: str) -> tuple[str, ...]:
    return tuple(f"arn:aws:{service}:{{region}}:{{account}}:{one}" for one in resources)


_REGION: Final = {"StringEquals": {"aws:RequestedRegion": "{region}"}}
_ROLES: Final = ("arn:aws:iam::{account}:role/starburst-{environment}-*",)

SCOPES: Final = (
    Scope(
        sid="ReadCode",
        actions=("s3:GetObject", "s3:GetObjectVersion"),
        resources=("arn:aws:s3:::cdk-{qualifier}-assets-{account}-{region}/*",),
    ),
    Scope(sid="Buckets", actions=("s3:*",), resources=("arn:aws:s3:::starburst-{environment}-*",)),
    Scope(
        sid="RolesUnderTheBoundary",
        actions=(
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
        ),
        resources=_ROLES,
        conditions={"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
    ),
    Scope(
        sid="PassRoles",
        actions=("iam:PassRole",),
        resources=_ROLES,
        conditions={"StringEquals": {"iam:PassedToService": "{services}"}},
    ),
    Scope(
        sid="ServiceLinkedRoles",
        actions=("iam:CreateServiceLinkedRole",),
        resources=("arn:aws:iam::{account}:role/aws-service-role/*",),
        conditions={"StringEquals": {"iam:AWSServiceName": "{linked}"}},
    ),
    Scope(
        sid="InstanceProfiles",
        actions=("iam:*InstanceProfile",),
        resources=("arn:aws:iam::{account}:instance-profile/starburst-{environment}-*",),
    ),
    Scope(
        sid="Policies",
        actions=(
            "iam:*PolicyVersion",
            "iam:CreatePolicy",
            "iam:DeletePolicy",
            "iam:GetPolicy",
            "iam:ListEntitiesForPolicy",
            "iam:ListPolicyVersions",
            "iam:TagPolicy",
            "iam:UntagPolicy",
        ),
        resources=("arn:aws:iam::{account}:policy/starburst-{environment}-*",),
    ),
    Scope(
        sid="LoginProviders",
        actions=("iam:*OpenIDConnectProvider*",),
        resources=("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com",),
    ),
    Scope(sid="Roles", actions=("iam:*",), resources=_ROLES),
    Scope(
        sid="LogsOfTheAccount",
        actions=(
            "logs:*LogDelivery",
            "logs:*QueryDefinition*",
            "logs:*ResourcePolic*",
            "logs:DescribeIndexPolicies",
            "logs:DescribeLogGroups",
        ),
        conditions=_REGION,
        whole="deliveries, saved queries and lists of log groups have no names in ARNs",
    ),
    Scope(
        sid="LogGroups",
        actions=("logs:*",),
        resources=_local("logs", *(f"log-group:{one}" for one in _GROUPS)),
    ),
    Scope(
        sid="WakesOfTheController",
        actions=("lambda:CreateEventSourceMapping",),
        conditions={
            "ArnLike": {
                "lambda:FunctionArn": "arn:aws:lambda:{region}:{account}:function:"
                "starburst-{environment}-*"
            }
        },
        whole="a mapping has no ARN before it is made; it is of the environment's functions alone",
    ),
    Scope(
        sid="Functions",
        actions=("lambda:*",),
        resources=_local("lambda", f"function:{_NAMED}", "event-source-mapping:*"),
    ),
    Scope(sid="Queues", actions=("sqs:*",), resources=_local("sqs", _NAMED)),
    Scope(
        sid="Subscriptions",
        actions=(
            "sns:GetSubscriptionAttributes",
            "sns:SetSubscriptionAttributes",
            "sns:Unsubscribe",
        ),
        conditions=_REGION,
        whole="IAM takes no subscription as a resource",
    ),
    Scope(sid="Topics", actions=("sns:*",), resources=_local("sns", _NAMED)),
    Scope(
        sid="Events",
        actions=("events:*",),
        resources=_local("events", f"rule/{_NAMED}", f"event-bus/{_NAMED}"),
    ),
    Scope(
        sid="ReadAlarms",
        actions=("cloudwatch:Describe*",),
        conditions=_REGION,
        whole="lists of alarms and rules are of the account",
    ),
    Scope(
        sid="Dashboards",
        actions=("cloudwatch:*Dashboard*",),
        resources=("arn:aws:cloudwatch::{account}:dashboard/starburst-{environment}-*",),
    ),
    Scope(
        sid="Alarms",
        actions=("cloudwatch:*",),
        resources=_local("cloudwatch", f"alarm:{_NAMED}", f"insight-rule/{_NAMED}"),
    ),
    Scope(
        sid="Registry",
        actions=("ecr:*Registry*", "inspector2:*"),
        conditions=_REGION,
        whole="scanning is one setting of the account and Region",
    ),
    Scope(sid="Repositories", actions=("ecr:*",), resources=_local("ecr", f"repository/{_NAMED}")),
    Scope(
        sid="TasksOfTheAccount",
        actions=(
            "ecs:DeregisterTaskDefinition",
            "ecs:DescribeTaskDefinition",
            "ecs:PutAccountSetting*",
        ),
        conditions=_REGION,
        whole="IAM takes no resource for these",
    ),
    Scope(
        sid="Clusters",
        actions=("ecs:*",),
        resources=_local(
            "ecs",
            "cluster/starburst-{environment}",
            f"cluster/{_NAMED}",
            f"task-definition/{_NAMED}",
            f"capacity-provider/{_NAMED}",
        ),
    ),
    Scope(
        sid="ReadParameters",
        actions=("ssm:GetParameters",),
        resources=(
            *_local(
                "ssm",
                "parameter/starburst/{environment}/*",
                "parameter/cdk-bootstrap/{qualifier}/version",
            ),
            # What AWS says of its own images.
            "arn:aws:ssm:{region}::parameter/aws/service/*",
        ),
    ),
    Scope(
        sid="Parameters",
        actions=("ssm:DeleteParameter", "ssm:PutParameter"),
        resources=_local("ssm", "parameter/starburst/{environment}/*"),
    ),
    Scope(
        sid="Labels",
        actions=(
            "ssm:AddTagsToResource",
            "ssm:ListTagsForResource",
            "ssm:RemoveTagsFromResource",
        ),
        resources=_local("ssm", "parameter/starburst/{environment}/*", "association/*"),
    ),
    Scope(
        sid="Associations",
        actions=("ssm:*",),
        conditions=_REGION,
        whole="an association is named by an id that AWS gives, and runs a document of AWS's",
    ),
    Scope(
        sid="ReadTrails",
        actions=("cloudtrail:DescribeTrails",),
        conditions=_REGION,
        whole="the list of trails is of the account",
    ),
    Scope(
        sid="Trail",
        actions=("cloudtrail:*",),
        resources=_local("cloudtrail", "trail/starburst-{environment}"),
    ),
    Scope(sid="Tables", actions=("dynamodb:*",), resources=_local("dynamodb", f"table/{_NAMED}")),
    Scope(
        sid="Budgets",
        actions=("budgets:*",),
        resources=("arn:aws:budgets::{account}:budget/starburst-{environment}-*",),
    ),
    Scope(
        sid="Builds",
        actions=("codebuild:*",),
        resources=_local("codebuild", f"project/{_NAMED}", f"report-group/{_NAMED}"),
    ),
    Scope(
        sid="Pipelines",
        actions=("codepipeline:*",),
        resources=_local("codepipeline", "starburst-{environment}-*"),
    ),
    Scope(
        sid="Connections",
        actions=("codeconnections:*", "codestar-connections:*"),
        resources=(
            *_local("codeconnections", "connection/*"),
            *_local("codestar-connections", "connection/*"),
        ),
    ),
    Scope(
        sid="GrantsToServices",
        actions=("kms:CreateGrant", "kms:RetireGrant"),
        resources=_local("kms", "key/*"),
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    ),
    Scope(
        sid="NewKeys",
        actions=("kms:CreateKey",),
        conditions=_REGION,
        whole="a key has no ARN before it is made",
    ),
    # Who makes a backup vault shows AWS Backup that it may use the vault's key.
    Scope(
        sid="KeysOfVaults",
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        resources=_local("kms", "key/*"),
        conditions={
            "StringEquals": {
                f"aws:ResourceTag/{HOLDING_TAG}": BACKUPS,
                "kms:ViaService": "backup.{region}.amazonaws.com",
            }
        },
    ),
    Scope(sid="Keys", actions=("kms:*",), resources=_local("kms", "key/*")),
    Scope(
        sid="ReadInstances",
        actions=("autoscaling:Describe*",),
        conditions=_REGION,
        whole="lists of groups are of the account",
    ),
    Scope(
        sid="Instances",
        actions=("autoscaling:*",),
        resources=_local("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{_NAMED}"),
    ),
    Scope(
        sid="Network",
        actions=("ec2:*",),
        conditions=_REGION,
        whole="networks are named by ids that AWS gives, and what is made has none yet",
    ),
    Scope(
        sid="OfNoRegion",
        actions=("billing:*", "organizations:*", "route53:*"),
        whole="these are asked in no Region, and take no resource that the kit could name",
    ),
    Scope(
        sid="Others",
        actions=("*",),
        conditions=_REGION,
        whole="services that add-ons bring, or that are read alone; no rule of ours names them",
    ),
)
"""In the order in which they are tried."""


@lru_cache(maxsize=4096)
def scope_of(action: str) -> Scope:
    """Return the scope in which an action is given."""
    folded = action.lower()
    return next(
        scope
        for scope in SCOPES
        if any(fnmatchcase(folded, pattern.lower()) for pattern in scope.actions)
    )
