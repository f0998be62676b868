"""The policies of the execution role and its boundary, each within what IAM takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from starburst_assurance.bootstrap.deployer import Deployer
from starburst_assurance.bootstrap.needed import needed
from starburst_assurance.bootstrap.reasons import LINKED
from starburst_assurance.bootstrap.scopes import SCOPES, scope_of
from starburst_assurance.bootstrap.usage import Usage
from starburst_constructs.naming import BACKUPS, HOLDING_TAG, boundary_arn

__all__ = ["MOST", "boundary_document", "deployer_of", "execution_documents", "size"]

MOST: Final = 6144
"""Characters of a managed policy, spaces aside: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_OBJECTS: Final = (
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject*",
    "s3:GetObject*",
    "s3:InitiateReplication",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:PutObject*",
    "s3:Replicate*",
    "s3:RestoreObject",
    "s3:UpdateObjectEncryption",
)
_ROWS: Final = (
    "dynamodb:*Backup",
    "dynamodb:*Item",
    "dynamodb:ExportTable*",
    "dynamodb:GetRecords",
    "dynamodb:PartiQL*",
    "dynamodb:Query",
    "dynamodb:RestoreTable*",
    "dynamodb:Scan",
)
_OPENING: Final = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


def deployer_of(
    usage: Usage, *, environment: str, account: str, region: str, qualifier: str, boundary: str
) -> Deployer:
    """Return the execution role of an environment, with the services that its stacks serve.

    Args:
        usage: what the stacks are made of.
        environment: its name.
        account: twelve digits.
        region: of the stacks.
        qualifier: under which CDK is bootstrapped.
        boundary: ARN of the boundary that the stacks' roles carry.
    """
    return Deployer(
        environment=environment,
        account=account,
        region=region,
        qualifier=qualifier,
        boundary=boundary,
        others=tuple(boundary_arn(environment, one, account=account) for one in usage.boundaries),
        services=usage.services,
        linked=tuple(sorted({LINKED[kind] for kind in usage.properties if kind in LINKED})),
    )


def execution_documents(usage: Usage, deployer: Deployer) -> tuple[dict[str, Any], ...]:
    """Return the policies that the execution role needs, and nothing beside.

    Args:
        usage: what the stacks are made of.
        deployer: whose policies these are.

    Raises:
        SchemaError: the registry does not say what a type needs.
    """
    return tuple(_packed(_statements(needed(usage, region=deployer.region), deployer)))


def boundary_document(usage: Usage, deployer: Deployer) -> dict[str, Any]:
    """Return the boundary of the execution role: it holds whatever policies that has.

    Args:
        usage: what the stacks are made of.
        deployer: whose boundary this is.
    """
    place = f"{deployer.region}:{deployer.account}"
    roles = f"arn:aws:iam::{deployer.account}:role"
    vaults = "AWS::Backup::BackupVault" in usage.properties
    shown = {"kms:ViaService": f"backup.{deployer.region}.amazonaws.com"}
    tables = "AWS::DynamoDB::Table" in usage.properties
    services = sorted({one.partition(":")[0] for one in needed(usage, region=deployer.region)})
    return _document(
        [
            {
                "Sid": "ServicesOfTheStacks",
                "Effect": "Allow",
                "Action": [f"{service}:*" for service in services],
                "Resource": "*",
            },
            {
                "Sid": "NoRoleWithoutTheBoundary",
                "Effect": "Deny",
                "Action": ["iam:CreateRole", "iam:PutRolePermissionsBoundary"],
                "Resource": "*",
                "Condition": {
                    "StringNotEquals": {"iam:PermissionsBoundary": deployer.filled("{boundary}")}
                },
            },
            {
                "Sid": "NoPeopleAndNoWayOut",
                "Effect": "Deny",
                "Action": [
                    "iam:*AccessKey*",
                    "iam:*Group*",
                    "iam:*LoginProfile*",
                    "iam:*MFADevice*",
                    "iam:*User*",
                    "iam:DeleteRolePermissionsBoundary",
                ],
                "Resource": "*",
            },
            {
                "Sid": "NotItsOwnPower",
                "Effect": "Deny",
                "Action": "iam:*",
                "Resource": [
                    f"arn:aws:iam::{deployer.account}:policy/deployer-of-starburst-*",
                    f"{roles}/cdk-*",
                ],
            },
            {
                "Sid": "NeverObjects",
                "Effect": "Deny",
                "Action": list(_OBJECTS),
                "NotResource": [
                    f"arn:aws:s3:::cdk-{deployer.qualifier}-assets-{deployer.account}-"
                    f"{deployer.region}/*"
                ],
            },
            {
                # The staging bucket's objects are opened by AWS's own key, which has no such tag.
                "Sid": "NeverOpenKeys",
                "Effect": "Deny",
                "Action": list(_OPENING),
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:ResourceTag/starburst:environment": deployer.environment},
                    **({"StringNotEquals": shown} if vaults else {}),
                },
            },
            # Who makes a vault shows AWS Backup that its key works: that key, and no other.
            *(
                [
                    {
                        "Sid": "NeverShowOtherKeys",
                        "Effect": "Deny",
                        "Action": list(_OPENING),
                        "Resource": "*",
                        "Condition": {
                            "StringEquals": shown,
                            "StringNotEquals": {f"aws:ResourceTag/{HOLDING_TAG}": BACKUPS},
                        },
                    }
                ]
                if vaults
                else []
            ),
            *(
                [{"Sid": "NeverRows", "Effect": "Deny", "Action": list(_ROWS), "Resource": "*"}]
                if tables
                else []
            ),
            {
                "Sid": "NeverMessagesNorLines",
                "Effect": "Deny",
                "Action": [
                    "logs:DeleteLogStream",
                    "logs:FilterLogEvents",
                    "logs:GetLog*",
                    "logs:GetQueryResults",
                    "logs:PutLogEvents",
                    "logs:StartLiveTail",
                    "logs:StartQuery",
                    "logs:Unmask",
                    "sqs:DeleteMessage*",
                    "sqs:PurgeQueue",
                    "sqs:ReceiveMessage",
                    "sqs:SendMessage",
                ],
                "Resource": "*",
            },
            {
                "Sid": "NeverStopTrails",
                "Effect": "Deny",
                "Action": ["cloudtrail:StopLogging"],
                "Resource": "*",
            },
            {
                "Sid": "NotTrailsOfOthers",
                "Effect": "Deny",
                "Action": [
                    "cloudtrail:DeleteTrail",
                    "cloudtrail:Put*",
                    "cloudtrail:UpdateTrail",
                ],
                "NotResource": [
                    f"arn:aws:cloudtrail:{place}:trail/starburst-{deployer.environment}"
                ],
            },
        ]
    )


def size(document: Mapping[str, Any]) -> int:
    """Return how many characters of a document IAM counts."""
    return len(json.dumps(document, separators=(",", ":")))


def _document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statements(actions: Mapping[str, Any], deployer: Deployer) -> Iterator[dict[str, Any]]:
    for scope in SCOPES:
        own = [one for one in actions if scope_of(one) is scope]
        # A statement that alone is more than IAM takes is split; half of it is spare for the rest.
        for start in range(0, len(own), 60):
            part = scope.statement(own[start : start + 60], deployer)
            yield part | {"Sid": scope.sid + (str(start // 60 + 1) if start else "")}


def _packed(statements: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield documents that hold the statements in order, each as full as IAM allows."""
    held: list[dict[str, Any]] = []
    for statement in statements:
        if held and size(_document([*held, statement])) > MOST:
            yield _document(held)
            held = []
        held.append(statement)
    if held:
        yield _document(held)
