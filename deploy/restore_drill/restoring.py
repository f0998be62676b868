"""One restore by AWS Backup: the newest backup of a bucket, into an empty one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from deploy.incident.command import IncidentError

__all__ = ["Backup", "empty", "newest", "quiet", "restored"]

_LOOK_SECONDS: Final = 30.0
_OVER: Final = ("ABORTED", "FAILED")
_GOING: Final = ("PENDING", "RUNNING")

Client = Any
"""Of boto3, whose clients are made at run time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One recovery point.

    Attributes:
        arn: of it.
        begun: when the backup began.
        ended: when it was complete.
        size: bytes.
        key_arn: of the vault's key, with which is encrypted what comes back.
    """

    arn: str
    begun: datetime
    ended: datetime
    size: int
    key_arn: str


def newest(client: Client, *, vault: str, resource: str) -> Backup:
    """Return the newest complete backup of a resource.

    Args:
        client: of AWS Backup.
        vault: its name.
        resource: ARN of what was backed up.

    Raises:
        IncidentError: there is none.
    """
    pages = client.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault, ByResourceArn=resource
    )
    whole = [
        one for page in pages for one in page["RecoveryPoints"] if one["Status"] == "COMPLETED"
    ]
    if not whole:
        raise IncidentError(
            f"the vault {vault} has no complete backup of {resource}, so nothing was restored. "
            "Wait for the plan's next run, or look into the jobs of AWS Backup for why none came"
        )
    point = max(whole, key=lambda one: one["CreationDate"])
    return Backup(
        arn=point["RecoveryPointArn"],
        begun=point["CreationDate"],
        ended=point["CompletionDate"],
        size=point.get("BackupSizeInBytes", 0),
        key_arn=client.describe_backup_vault(BackupVaultName=vault)["EncryptionKeyArn"],
    )


def quiet(client: Client, *, role_arn: str) -> None:
    """Require that no restore of an earlier drill goes on, which would fill the same bucket.

    AWS Backup leaves out what is there: this drill would then take less time than a restore takes.

    Args:
        client: of AWS Backup.
        role_arn: in which AWS Backup restores for drills, and for nobody else.

    Raises:
        IncidentError: names the job.
    """
    pages = client.get_paginator("list_restore_jobs")
    for status in _GOING:
        for page in pages.paginate(ByResourceType="S3", ByStatus=status):
            for one in page["RestoreJobs"]:
                if one.get("IamRoleArn") == role_arn:
                    raise IncidentError(
                        f"restore job {one['RestoreJobId']} of an earlier drill is {status}, so "
                        "nothing was restored: it would fill the scratch bucket beside this drill. "
                        "Try again when `aws backup describe-restore-job` says that it has ended"
                    )


def restored(
    client: Client,
    backup: Backup,
    *,
    scratch: str,
    role_arn: str,
    over: Callable[[], bool],
    wait: Callable[[float], None],
) -> str:
    """Restore a backup into a bucket; return what became of it, in a word or a sentence.

    Args:
        client: of AWS Backup.
        backup: what to restore.
        scratch: an empty bucket: AWS Backup leaves out what is there already.
        role_arn: in which AWS Backup does it.
        over: whether the time for it is over.
        wait: seconds before the job is looked at again.
    """
    job = client.start_restore_job(
        RecoveryPointArn=backup.arn,
        IamRoleArn=role_arn,
        IdempotencyToken=str(uuid.uuid4()),
        ResourceType="S3",
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html
        Metadata={
            "DestinationBucketName": scratch,
            "NewBucket": "false",
            "EncryptionType": "SSE-KMS",
            "KMSKey": backup.key_arn,
        },
    )["RestoreJobId"]
    while True:
        said = client.describe_restore_job(RestoreJobId=job)
        if said["Status"] == "COMPLETED":
            return "COMPLETED"
        if said["Status"] in _OVER:
            return f"{said['Status']}: {said.get('StatusMessage') or 'AWS Backup gives no reason'}"
        if over():
            return f"{said['Status']} when the time was over; job {job} goes on"
        wait(_LOOK_SECONDS)


def empty(s3: Client, bucket: str) -> int:
    """Delete every version of every object of a bucket; return how many."""
    gone = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
            gone += 1
    return gone
