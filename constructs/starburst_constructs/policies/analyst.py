"""What an analyst may do: their own folders, their workspace's queues, and asking the controller.

And, as the workspace has it, what lies beside sessions: packages, data, homes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from starburst.contract import (
    USER_TAG,
    ControllerDoor,
    DataWriters,
    PackagePolicy,
    packages_parameter,
    queue_prefix,
    runtime_parameter,
)
from starburst.contract.areas import DATA, HOME, PACKAGES, SESSIONS
from starburst_constructs.naming import controller_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import only_from_networks
from starburst_constructs.policies.wildcards import Allow, Wildcard, patterns

__all__ = [
    "SESSION",
    "analyst_area_statements",
    "analyst_statements",
    "discovery",
    "nothing_without_a_name",
    "session_queues",
]

SESSION = "?" * 20
"""A session id in a resource pattern. ``*`` would also match a deeper folder, such as results/."""

_USER: Final = f"${{aws:PrincipalTag/{USER_TAG}}}"


_KEEPING: Final = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)
"""What one does with a home of one's own."""


def session_queues(environment: str, workspace: str, *, placement: Placement) -> Wildcard:
    """Return the queues of a workspace's sessions, as a resource."""
    return Wildcard(
        resource=placement.arn("sqs", f"{queue_prefix(environment, workspace)}*"),
        reason="Session queues are made at run time under the workspace's own name prefix.",
    )


def discovery(environment: str, workspace: str, *, placement: Placement) -> iam.PolicyStatement:
    """Return the right to read what the environment says of itself and of the workspace."""
    names = (runtime_parameter(environment), packages_parameter(environment, workspace))
    return iam.PolicyStatement(
        sid="DiscoverTheEnvironment",
        actions=["ssm:GetParameter"],
        resources=[placement.arn("ssm", f"parameter{name}") for name in names],
    )


def nothing_without_a_name() -> iam.PolicyStatement:
    """Return the Deny of a role for people to a session that does not say whose it is."""
    return iam.PolicyStatement(
        sid="NothingWithoutAName",
        effect=iam.Effect.DENY,
        actions=["*"],
        resources=["*"],
        conditions={"Null": {f"aws:PrincipalTag/{USER_TAG}": "true"}},
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
        discovery(environment, workspace, placement=placement),
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
        nothing_without_a_name(),
        *([only_from_networks(trusted_cidrs, trusted_vpcs)] if trusted_cidrs else []),
    ]


def analyst_area_statements(
    workspace: str,
    *,
    bucket_arn: str,
    packages: PackagePolicy,
    data_writers: DataWriters,
    home_links: bool,
) -> list[iam.PolicyStatement]:
    """Return the statements of an analyst's role beside sessions; keys open as they do there.

    Args:
        workspace: its name.
        bucket_arn: the data bucket's.
        packages: who puts wheels there; an analyst where the policy is ``any``.
        data_writers: who writes data.
        home_links: whether a link, which serves any holder, may read what is in a home.
    """
    wheels, data = PACKAGES.prefix(workspace), DATA.prefix(workspace)
    home = HOME.prefix(workspace, _USER)
    statements: list[iam.PolicyStatement] = [
        iam.PolicyStatement(
            sid="ListWorkspaceAndHome",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{one}*" for one in (wheels, data, home)]}},
        ),
        iam.PolicyStatement(
            sid="ListOwnVersions",
            actions=["s3:ListBucketVersions"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{home}*"}},
        ),
        Allow(
            sid="ReadPackagesAndData",
            actions=["s3:GetObject"],
            resources=patterns(
                "A workspace's wheels and data, which all of its analysts read.",
                f"{bucket_arn}/{wheels}*",
                f"{bucket_arn}/{data}*",
            ),
        ),
        Allow(
            sid="KeepAHome",
            actions=_KEEPING,
            resources=patterns(
                "An analyst's own folder; the trust admits no slash in the tag that names it.",
                f"{bucket_arn}/{home}*",
            ),
        ),
        _links(f"{bucket_arn}/{HOME.prefix()}*", reading=home_links),
    ]
    if packages == "any":
        statements.append(
            Allow(
                sid="PublishPackages",
                actions=["s3:PutObject"],
                resources=patterns(
                    "A wheel's key is its hash, which nobody knows before; each is written once.",
                    f"{bucket_arn}/{wheels}*",
                ),
            )
        )
    if data_writers == "analysts":
        statements.append(
            Allow(
                sid="WriteData",
                actions=[
                    "s3:AbortMultipartUpload",
                    "s3:DeleteObject",
                    "s3:PutObject",
                ],
                resources=patterns(
                    "A workspace's data, where its analysts keep them; old versions stay.",
                    f"{bucket_arn}/{data}*",
                ),
            )
        )
    return statements


def _links(homes: str, *, reading: bool) -> iam.PolicyStatement:
    """Return the Deny of signed addresses into homes: of all, or of all that do more than read."""
    return iam.PolicyStatement(
        sid="NoLinksButToRead" if reading else "NoLinks",
        effect=iam.Effect.DENY,
        actions=[one for one in _KEEPING if not reading or one != "s3:GetObject"],
        resources=[homes],
        conditions={"StringEquals": {"s3:authType": ["POST", "REST-QUERY-STRING"]}},
    )
