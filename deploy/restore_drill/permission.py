"""What a drill takes: the add-on's policy of drillers, and what it reads and writes beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.incident.command import Clients, runtime
from deploy.incident.records import locker
from stacks.addons.finma import Finma
from stacks.addons.finma.permissions import Backups, drill_statements
from starburst_constructs.naming import role_arn
from starburst_constructs.policies.incident_statements import (
    allow,
    document,
    find_the_bucket,
    keep_records,
)

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["permission"]


def permission(environment: Environment, settings: Finma, clients: Clients) -> dict[str, Any]:
    """Return the policy that a driller's role needs, and no more.

    Args:
        environment: that has the add-on.
        settings: of the add-on.
        clients: that may ask for the names of bucket, keys and trail.
    """
    told, placement = runtime(environment, clients), environment.placement
    vault = f"starburst-{environment.name}-finma"
    backups = Backups(
        environment=environment.name,
        placement=placement,
        data_arn=f"arn:aws:s3:::{told.bucket}",
        data_key_arn=told.key_arn,
        scratch_arn=f"arn:aws:s3:::{settings.scratch_name(environment)}",
        key_arn=clients("backup").describe_backup_vault(BackupVaultName=vault)["EncryptionKeyArn"],
        vault=vault,
        restore_arn=role_arn(environment.name, "finma-restore", account=environment.account),
    )
    where = locker(environment, clients)
    return document(
        find_the_bucket(environment.name, placement=placement),
        *(one.to_statement_json() for one in drill_statements(backups)),
        allow("ListWhatWasThere", ["s3:ListBucketVersions"], [backups.data_arn]),
        allow("ReadWhatWasThere", ["s3:GetObjectVersion"], [f"{backups.data_arn}/*"]),
        allow("OpenWhatWasThere", ["kms:Decrypt"], [told.key_arn], backups.through_s3()),
        *keep_records(environment.name, placement=placement, locker=where),
    )
