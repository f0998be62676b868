"""What a worker may do: read its workspace's sessions and data, write results and logs, take work.

And what ECS may do to start one: pull the image, write its log, read the secrets of its workspace.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aws_cdk import aws_iam as iam

from starburst.contract import log_group_name
from starburst.contract.areas import DATA, PACKAGES, SESSIONS
from starburst_constructs.named_secrets import NamedSecret
from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import SESSION, session_queues
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.service_access import only_from
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, patterns

__all__ = [
    "ATTEMPT",
    "LINES",
    "RESULT",
    "launch_statements",
    "secret_ceilings",
    "secret_statements",
    "worker_area_statements",
    "worker_statements",
]

RESULT: Final = "p??????-?????/??????-??????"
"""The name of a result: chunk, then first and last task of it, in fixed widths.

IAM's patterns can say lengths and literal parts, so no name is longer, shorter or deeper. They
cannot say which characters stand in between, here or in the user's name before it: a worker that
was taken over can still write a name of this shape with control characters in it.
"""

ATTEMPT: Final = f"{RESULT}.??"
"""The name of an attempt at it: what workers write down of a range that they run again."""


LINES: Final = f"{'?' * 12}/??????"
"""The name of what tasks printed on a worker: the worker, then a number, in fixed widths."""


def worker_statements(
    environment: str,
    workspace: str,
    *,
    placement: Placement,
    bucket_arn: str,
    key_arn: str,
    vpc_id: str | None = None,
) -> list[iam.PolicyStatement]:
    """Return the statements of a workspace's worker role (S2, S5, S30) at sessions: no list.

    Args:
        environment: its name.
        workspace: its name.
        placement: of the environment.
        bucket_arn: the data bucket's.
        key_arn: the data key's.
        vpc_id: where workers run and alone may use the role; None in an emulator.
    """
    session = f"{bucket_arn}/{SESSIONS.prefix(workspace, '*', SESSION)}"
    return [
        Allow(
            sid="ReadSessions",
            actions=["s3:GetObject"],
            resources=patterns(
                "A workspace's sessions; user and session are known at run time only.",
                f"{session}manifest.json",
                f"{session}functions/*",
                f"{session}inputs/*",
                f"{session}results/*",
                # The controller's word of the end, which a worker keeps to where nobody ends it.
                f"{session}status.json",
            ),
        ),
        Allow(
            sid="WriteResults",
            actions=["s3:PutObject"],
            resources=patterns(
                "What a worker writes; tasks have numbers, and IAM has no pattern for digits.",
                *(f"{session}results/{name}" for name in (ATTEMPT, RESULT)),
            ),
        ),
        Allow(
            sid="WriteLogs",
            actions=["s3:PutObject"],
            resources=patterns(
                "What a worker's tasks print; workers have names, and IAM no pattern for them.",
                f"{session}logs/{LINES}",
            ),
        ),
        # The user is unknown here, so its * also matches deeper folders; these stay closed. A
        # result has four slashes after the workspace's, and so have lines: one more stands in some
        # wildcard.
        iam.PolicyStatement(
            sid="NeverDeeper",
            effect=iam.Effect.DENY,
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn}/{SESSIONS.prefix(workspace, *'*****')}*"],
        ),
        Allow(
            sid="WorkOffQueues",
            actions=[
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ],
            resources=[session_queues(environment, workspace, placement=placement)],
        ),
        # purpose: the key that signs a session's tasks is the client's alone.
        iam.PolicyStatement(
            sid="OpenSessions",
            actions=["kms:Decrypt"],
            resources=[key_arn],
            conditions={
                "StringEquals": {
                    "kms:EncryptionContext:workspace": workspace,
                    "kms:EncryptionContext:purpose": "data",
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
        *([only_from(vpc_id, actions=["*"])] if vpc_id is not None else []),
    ]


def worker_area_statements(workspace: str, *, bucket_arn: str) -> list[iam.PolicyStatement]:
    """Return the statements of a worker's role beside sessions: it reads wheels and data.

    Wheels it reads by the hashes of a signed list; data it may list as well. It writes neither, so
    nothing that a task leaves there is run or read by another.

    Args:
        workspace: its name.
        bucket_arn: the data bucket's.
    """
    data = DATA.prefix(workspace)
    return [
        Allow(
            sid="ReadPackagesAndData",
            actions=["s3:GetObject"],
            resources=patterns(
                "A workspace's wheels and data; which of them, its analysts' code says.",
                f"{bucket_arn}/{PACKAGES.prefix(workspace)}*",
                f"{bucket_arn}/{data}*",
            ),
        ),
        iam.PolicyStatement(
            sid="ListData",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{data}*"}},
        ),
    ]


def launch_statements(
    environment: str, workspace: str, *, placement: Placement, repository_arn: str
) -> list[iam.PolicyStatement]:
    """Return the statements of the role with which ECS starts a workspace's workers."""
    group = log_group_name(environment, workspace)
    return [
        iam.PolicyStatement(
            sid="PullImage",
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            resources=[repository_arn],
        ),
        Allow(
            sid="LogInToRegistry",
            actions=["ecr:GetAuthorizationToken"],
            resources=patterns(
                f"{NO_RESOURCE}ecr:GetAuthorizationToken opens what PullImage names.", "*"
            ),
        ),
        Allow(
            sid="WriteLog",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=patterns(
                "ECS names a log stream after each task, in the workspace's own group.",
                placement.arn("logs", f"log-group:{group}:log-stream:*"),
            ),
        ),
    ]


def secret_statements(
    named: Iterable[NamedSecret], *, placement: Placement
) -> list[iam.PolicyStatement]:
    """Return what the launch role does with them: read each, and open it by its key.

    Secrets Manager names the secret to KMS, so that the key opens no other for this role:
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

    Args:
        named: what the workspace's workers start with.
        placement: of the environment.
    """
    known = sorted(set(named))
    if not known:
        return []
    found = [
        iam.PolicyStatement(
            sid="ReadNamedSecrets",
            actions=["secretsmanager:GetSecretValue"],
            resources=_arns(known),
        )
    ]
    for number, key in enumerate(sorted({each.key_arn for each in known if each.key_arn})):
        found.append(
            iam.PolicyStatement(
                sid=f"OpenNamedSecrets{number}",
                actions=["kms:Decrypt"],
                resources=[key],
                conditions={
                    "StringEquals": {
                        "kms:EncryptionContext:SecretARN": _arns(
                            each for each in known if each.key_arn == key
                        ),
                        "kms:ViaService": f"secretsmanager.{placement.region}.amazonaws.com",
                    }
                },
            )
        )
    return found


def secret_ceilings(named: Iterable[NamedSecret]) -> list[iam.PolicyStatement]:
    """Return what the boundary must allow for them: these secrets, by name.

    Args:
        named: what all workspaces' workers start with.
    """
    arns = _arns(named)
    return (
        [ceiling("NamedSecrets", ["secretsmanager:GetSecretValue"], resources=arns)] if arns else []
    )


def _arns(named: Iterable[NamedSecret]) -> list[str]:
    return sorted({each.arn for each in named})
