"""What an analyst may do: their own folder, their workspace's queues, and asking the controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from starburst.contract import USER_TAG, ControllerDoor, queue_prefix, runtime_parameter
from starburst.contract.areas import SESSIONS
from starburst_constructs.naming import controller_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import only_from_networks
from starburst_constructs.policies.wildcards import Allow, Wildcard, patterns

__all__ = ["SESSION", "analyst_statements", "session_queues"]

SESSION = "?" * 20
"""A session id in a resource pattern. ``*`` would also match a deeper folder, such as results/."""

_USER: Final = f"${{aws:PrincipalTag/{USER_TAG}}}"


def session_queues(environment: str, workspace: str, *, placement: Placement) -> Wildcard:
    """Return the queues of a workspace's sessions, as a resource."""
    return Wildcard(
        resource=placement.arn("sqs", f"{queue_prefix(environment, workspace)}*"),
        reason="Session queues are made at run time under the workspace's own name prefix.",
    )


def analyst_statements(
    environment: str,
    workspace: str,
    *,
    placement: Placement,
    bucket_arn: str,
    key_arn: str,
    trusted_cidrs: Sequence[str] = (),
    trusted_vpcs: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return the statements of a workspace's analyst role (P10, S5).

    Listing and object actions are apart because ``s3:prefix`` exists for listing only: on any
    other action that condition denies everything.

    Args:
        environment: its name.
        workspace: its name.
        placement: of the environment.
        bucket_arn: the data bucket's.
        key_arn: the data key's.
        trusted_cidrs: public addresses from which alone the role works; none for any (G6).
        trusted_vpcs: VPCs through whose endpoints it works as well.
    """
    folder = SESSIONS.prefix(workspace, _USER)
    session = f"{bucket_arn}/{SESSIONS.prefix(workspace, _USER, SESSION)}"
    return [
        iam.PolicyStatement(
            sid="ListOwnFolder",
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{folder}*"}},
        ),
        Allow(
            sid="ReadAndEraseOwnFolder",
            actions=[
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
            ],
            resources=patterns(
                "An analyst's own folder; the trust admits no slash in the tag that names it.",
                f"{bucket_arn}/{folder}*",
            ),
        ),
        # Neither status.json (the controller's word) nor results/ (the workers').
        Allow(
            sid="WriteWhatAClientWrites",
            actions=["s3:PutObject"],
            resources=[
                f"{session}manifest.json",
                *patterns(
                    "What a client writes in its own sessions; their ids are made at run time.",
                    f"{session}functions/*",
                    f"{session}inputs/*",
                    f"{session}requests/*",
                ),
            ],
        ),
        Allow(
            sid="UseSessionQueues",
            actions=[
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ],
            resources=[session_queues(environment, workspace, placement=placement)],
        ),
        iam.PolicyStatement(
            sid="AskTheController",
            actions=["lambda:InvokeFunction"],
            resources=[
                placement.arn(
                    "lambda", f"function:{controller_name(environment)}:{ControllerDoor.ANALYSTS}"
                )
            ],
        ),
        iam.PolicyStatement(
            sid="DiscoverTheEnvironment",
            actions=["ssm:GetParameter"],
            resources=[placement.arn("ssm", f"parameter{runtime_parameter(environment)}")],
        ),
        iam.PolicyStatement(
            sid="SealOwnSessions",
            actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={
                "StringEquals": {
                    "kms:EncryptionContext:workspace": workspace,
                    "kms:EncryptionContext:user": _USER,
                }
            },
        ),
        iam.PolicyStatement(
            sid="EncryptionAtRest",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"s3.{placement.region}.amazonaws.com",
                        f"sqs.{placement.region}.amazonaws.com",
                    ]
                }
            },
        ),
        iam.PolicyStatement(
            sid="NothingWithoutAName",
            effect=iam.Effect.DENY,
            actions=["*"],
            resources=["*"],
            conditions={"Null": {f"aws:PrincipalTag/{USER_TAG}": "true"}},
        ),
        *([only_from_networks(trusted_cidrs, trusted_vpcs)] if trusted_cidrs else []),
    ]
