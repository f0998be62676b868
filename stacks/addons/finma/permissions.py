"""What AWS Backup does in each of its two roles, who restores, and what the vault refuses.

The actions are those of AWS's managed policies AWSBackupServiceRolePolicyForS3Backup, version 4,
and AWSBackupServiceRolePolicyForS3Restore, version 2, on the two buckets alone; left out are what
makes or reconfigures a bucket, changes an access control list, which none of ours has, or lists all
buckets of the account: the plan names its one by ARN.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForS3Backup.html
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForS3Restore.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import aws_iam as iam

from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.service_access import anyone
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, Wildcard, patterns

__all__ = [
    "DESTROYING",
    "RESTORING",
    "Backups",
    "backup_ceilings",
    "backup_statements",
    "drill_statements",
    "restore_statements",
    "vault_statements",
]

_RULES: Final = (
    *("events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule"),
    *("events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"),
)
_SOURCE: Final = (
    *("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification"),
    *("s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:GetInventoryConfiguration"),
    *("s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketNotification"),
    "s3:PutInventoryConfiguration",
)
_READING: Final = (
    *("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion"),
    *("s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"),
)
_TARGET: Final = (
    *("s3:GetBucketLocation", "s3:GetBucketOwnershipControls", "s3:GetBucketVersioning"),
    *("s3:ListBucket", "s3:ListBucketVersions"),
)
_WRITING: Final = (
    *("s3:DeleteObject", "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging"),
    *("s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:ListMultipartUploadParts"),
    *("s3:PutObject", "s3:PutObjectTagging"),
)
_ANYWHERE: Final = ("cloudwatch:GetMetricData", "events:ListRules")

DESTROYING: Final = (
    *("backup:DeleteBackupVault", "backup:DeleteBackupVaultAccessPolicy"),
    *("backup:DeleteBackupVaultLockConfiguration", "backup:DeleteRecoveryPoint"),
    *("backup:DisassociateRecoveryPoint", "backup:PutBackupVaultLockConfiguration"),
    "backup:UpdateRecoveryPointLifecycle",
)
"""By which a backup ends before its time, or what keeps it does."""

RESTORING: Final = (
    *("backup:CopyFromBackupVault", "backup:StartCopyJob", "backup:StartRestoreJob"),
)
"""By which what is in the vault comes out of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backups:
    """The names and ARNs that the policies speak of.

    Attributes:
        environment: its name.
        placement: of the environment.
        data_arn: of the data bucket.
        data_key_arn: opens it.
        scratch_arn: of the bucket into which is restored.
        key_arn: encrypts the vault and that bucket.
        vault: name of the vault.
        restore_arn: of the role in which AWS Backup restores.
    """

    environment: str
    placement: Placement
    data_arn: str
    data_key_arn: str
    scratch_arn: str
    key_arn: str
    vault: str
    restore_arn: str

    @property
    def vault_arn(self) -> str:
        """The vault's ARN."""
        return self.placement.arn("backup", f"backup-vault:{self.vault}")

    @property
    def points_arn(self) -> str:
        """Of every recovery point of the account: one is called as AWS Backup likes."""
        return self.placement.arn("backup", "recovery-point:*")

    def through_s3(self) -> dict[str, dict[str, str]]:
        """Return the condition that S3 asks KMS in a role's name."""
        return {"StringEquals": {"kms:ViaService": f"s3.{self.placement.region}.amazonaws.com"}}


def backup_statements(backups: Backups) -> list[iam.PolicyStatement]:
    """Return what AWS Backup does to back up the data bucket: it reads all of it."""
    return [
        iam.PolicyStatement(
            sid="AskTheBucket", actions=list(_SOURCE), resources=[backups.data_arn]
        ),
        Allow(
            sid="ReadObjects",
            actions=list(_READING),
            resources=patterns("A backup is of every object.", f"{backups.data_arn}/*"),
        ),
        iam.PolicyStatement(
            sid="OpenObjects",
            actions=["kms:Decrypt", "kms:DescribeKey"],
            resources=[backups.data_key_arn],
            conditions=backups.through_s3(),
        ),
        Allow(
            sid="FollowChanges",
            actions=list(_RULES),
            resources=patterns(
                "AWS Backup names its own rules, and gives each an id.",
                backups.placement.arn("events", "rule/AwsBackupManagedRule*"),
            ),
        ),
        Allow(
            sid="TagPoints",
            actions=["backup:TagResource"],
            resources=patterns("AWS Backup names recovery points.", backups.points_arn),
        ),
        Allow(
            sid="LookAround",
            actions=list(_ANYWHERE),
            resources=[Wildcard(resource="*", reason=f"{NO_RESOURCE}none of them reads any data.")],
        ),
    ]


def restore_statements(backups: Backups) -> list[iam.PolicyStatement]:
    """Return what AWS Backup does to restore: it writes into the scratch bucket alone."""
    return [
        iam.PolicyStatement(
            sid="AskTheBucket", actions=list(_TARGET), resources=[backups.scratch_arn]
        ),
        Allow(
            sid="PutObjects",
            actions=list(_WRITING),
            resources=patterns("What is restored has its own keys.", f"{backups.scratch_arn}/*"),
        ),
        iam.PolicyStatement(
            sid="EncryptObjects",
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            resources=[backups.key_arn],
            conditions=backups.through_s3(),
        ),
    ]


def drill_statements(backups: Backups) -> list[iam.PolicyStatement]:
    """Return what whoever tries a restore does beside reading the data bucket."""
    return [
        iam.PolicyStatement(
            sid="FindPoints",
            actions=["backup:DescribeBackupVault", "backup:ListRecoveryPointsByBackupVault"],
            resources=[backups.vault_arn],
        ),
        Allow(
            sid="Restore",
            actions=["backup:StartRestoreJob"],
            resources=patterns("AWS Backup names recovery points.", backups.points_arn),
        ),
        Allow(
            sid="Follow",
            actions=["backup:DescribeRestoreJob", "backup:ListRestoreJobs"],
            resources=[
                Wildcard(resource="*", reason=f"{NO_RESOURCE}a job tells how it is, and no data.")
            ],
        ),
        iam.PolicyStatement(
            sid="LetItRestore",
            actions=["iam:PassRole"],
            resources=[backups.restore_arn],
            conditions={"StringEquals": {"iam:PassedToService": "backup.amazonaws.com"}},
        ),
        iam.PolicyStatement(
            sid="ListWhatCameBack",
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[backups.scratch_arn],
        ),
        Allow(
            sid="ReadWhatCameBack",
            actions=["s3:DeleteObjectVersion", "s3:GetObject"],
            resources=patterns("What is restored has its own keys.", f"{backups.scratch_arn}/*"),
        ),
        iam.PolicyStatement(
            sid="OpenWhatCameBack",
            actions=["kms:Decrypt"],
            resources=[backups.key_arn],
            conditions=backups.through_s3(),
        ),
    ]


def vault_statements(
    *, drillers: Sequence[str], deployer: str, break_glass: str | None
) -> list[iam.PolicyStatement]:
    """Return the vault's own policy, which holds whatever a caller's policies say.

    Args:
        drillers: ARNs of the roles that restore.
        deployer: ARN of the role in which CloudFormation deploys: it may write this policy.
        break_glass: ARN of the role that may do all of it; None for nobody.
    """
    broken = [break_glass] if break_glass is not None else []
    return [
        _refused("DenyDestroying", DESTROYING, broken),
        _refused("DenyRestoring", RESTORING, [*drillers, *broken]),
        _refused("DenyOtherPolicies", ("backup:PutBackupVaultAccessPolicy",), [deployer, *broken]),
    ]


def _refused(sid: str, actions: Sequence[str], spared: Sequence[str]) -> iam.PolicyStatement:
    conditions: dict[str, Any] = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    if spared:
        conditions["ArnNotEquals"] = {"aws:PrincipalArn": list(spared)}
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[anyone()],
        actions=list(actions),
        resources=["*"],
        conditions=conditions,
    )


def backup_ceilings(backups: Backups) -> list[iam.PolicyStatement]:
    """Return the most that the two roles can ever do."""
    ours = {"StringEquals": {"aws:ResourceAccount": backups.placement.account}}
    return [
        ceiling(
            "Source",
            (*_SOURCE, *_READING),
            resources=[backups.data_arn, f"{backups.data_arn}/*"],
            conditions=ours,
        ),
        ceiling(
            "Target",
            sorted({*_TARGET, *_WRITING}),
            resources=[backups.scratch_arn, f"{backups.scratch_arn}/*"],
            conditions=ours,
        ),
        ceiling(
            "Keys",
            ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
            resources=[backups.placement.arn("kms", "key/*")],
        ),
        ceiling(
            "Rules",
            _RULES,
            resources=[backups.placement.arn("events", "rule/AwsBackupManagedRule*")],
        ),
        ceiling("Points", ("backup:TagResource",), resources=[backups.points_arn]),
        ceiling("Anywhere", _ANYWHERE, resources=["*"]),
    ]
