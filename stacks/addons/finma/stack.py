"""The one stack: a vault, a plan, the roles of AWS Backup, a bucket to restore into, alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.finma.alarms import BackupAlarms
from stacks.addons.finma.permissions import (
    Backups,
    backup_ceilings,
    backup_statements,
    drill_statements,
    restore_statements,
    vault_statements,
)
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import BACKUPS, HOLDING_TAG, role_arn, role_name
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.storage.keys import VaultKey
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

if TYPE_CHECKING:
    from stacks.addons.finma.addon import Finma

__all__ = ["SCRATCH_DAYS", "FinmaStack", "lock_of"]

SCRATCH_DAYS: Final = 1
"""How long what was restored is kept, if the drill did not take it away."""

_START_MINUTES: Final = 60
_COMPLETE_MINUTES: Final = 720
_CHANGEABLE_DAYS: Final = 3
"""The fewest: so long a lock for compliance can be taken off, and then by nobody."""


def lock_of(settings: Finma) -> backup.CfnBackupVault.LockConfigurationTypeProperty | None:
    """Return what keeps a backup from being taken away early; None where nothing does."""
    if settings.lock == "none":
        return None
    return backup.CfnBackupVault.LockConfigurationTypeProperty(
        min_retention_days=settings.keep_days,
        changeable_for_days=_CHANGEABLE_DAYS if settings.lock == "compliance" else None,
    )


class FinmaStack(BoundedStack):
    """The backups of one environment's data.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        settings: of the add-on.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, core: Core, settings: Finma, **kwargs: Any
    ) -> None:
        environment, storage = core.environment, core.storage
        name = f"starburst-{environment.name}-finma"
        backups = Backups(
            environment=environment.name,
            placement=environment.placement,
            data_arn=storage.data.bucket_arn,
            data_key_arn=core.foundation.data_key.key_arn,
            scratch_arn=f"arn:aws:s3:::{settings.scratch_name(environment)}",
            key_arn=environment.placement.arn("kms", "key/*"),
            vault=name,
            restore_arn=role_arn(environment.name, "finma-restore", account=environment.account),
        )
        super().__init__(
            scope, construct_id, core=core, ceilings=backup_ceilings(backups), **kwargs
        )
        self._core, self._settings, self._name = core, settings, name
        broken = [*filter(None, [environment.break_glass_role_arn])]
        making = role_arn(environment.name, "finma-backup", account=environment.account)
        key = VaultKey(
            self,
            "Key",
            placement=environment.placement,
            # Who makes a vault shows that it may use its key.
            principals=[
                *(making, backups.restore_arn, *settings.drillers, core.foundation.deployer_arn),
                *broken,
            ],
            keepers=core.foundation.keepers,
        )
        # By this alone does the bootstrap let who deploys show the key to AWS Backup.
        cdk.Tags.of(key).add(HOLDING_TAG, BACKUPS)
        scratch = self._scratch(key, [backups.restore_arn, *settings.drillers, *broken])
        self._backups = Backups(
            environment=backups.environment,
            placement=backups.placement,
            data_arn=backups.data_arn,
            data_key_arn=backups.data_key_arn,
            scratch_arn=scratch.bucket_arn,
            key_arn=key.key_arn,
            vault=name,
            restore_arn=backups.restore_arn,
        )
        DeclaredPolicy(
            self,
            "Drilling",
            managed_policy_name=f"{name}-driller",
            # Without a description: to change one replaces a policy, whose name is taken.
            statements=drill_statements(self._backups),
        )
        vault = self._vault(key)
        self._plan(vault)
        BackupAlarms(
            self,
            "Watch",
            environment=environment.name,
            placement=environment.placement,
            vault=name,
            rpo_hours=settings.rpo_hours,
            key=core.foundation.logs_key,
            days=environment.log_retention_days,
            topic=cast(sns.ITopic, core.control.alerts),
        )
        for holding in (storage.data, core.foundation.data_key, key, scratch, vault):
            for tag, level in settings.classification.tags.items():
                cdk.Tags.of(holding).add(tag, level)
        self.order_roles()

    def _scratch(self, key: kms.Key, principals: list[str]) -> PrivateBucket:
        placement = self._core.environment.placement
        scratch = PrivateBucket(
            self,
            "Scratch",
            placement=placement,
            bucket_name=self._settings.scratch_name(self._core.environment),
            encryption=s3.BucketEncryption.KMS,
            encryption_key=cast(kms.IKey, key),
            bucket_key_enabled=True,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="tried",
                    expiration=cdk.Duration.days(SCRATCH_DAYS),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                )
            ],
        )
        scratch.log_access(self._core.storage.access_logs, prefix="finma/", sid="FinmaBucketLogs")
        scratch.deny(
            "OtherPrincipals",
            # A test environment is destroyed by whoever does it.
            actions=["s3:*"] if placement.retain else (),
            not_actions=() if placement.retain else ERASING,
            resources=[scratch.arn_for_objects("*")],
            conditions=others(principals),
        )
        return scratch

    def _vault(self, key: kms.Key) -> backup.CfnBackupVault:
        environment, settings = self._core.environment, self._settings
        vault = backup.CfnBackupVault(
            self,
            "Vault",
            backup_vault_name=self._name,
            encryption_key_arn=key.key_arn,
            access_policy=iam.PolicyDocument(
                statements=vault_statements(
                    drillers=settings.drillers,
                    deployer=self._core.foundation.deployer_arn,
                    break_glass=environment.break_glass_role_arn,
                )
            ),
            lock_configuration=lock_of(settings),
        )
        vault.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            if environment.placement.retain
            else cdk.RemovalPolicy.DESTROY
        )
        return vault

    def _plan(self, vault: backup.CfnBackupVault) -> None:
        environment, settings = self._core.environment, self._settings
        trust = iam.PrincipalWithConditions(
            cast(iam.IPrincipal, iam.ServicePrincipal("backup.amazonaws.com")),
            {"StringEquals": {"aws:SourceAccount": environment.account}},
        )
        roles = {
            part: KitRole(
                self,
                part.capitalize(),
                name=role_name(environment.name, f"finma-{part}"),
                purpose=f"finma-{part}",
                trust=trust,
                boundary=self.boundary,
                description=f"AWS Backup, to {part} the data bucket",
                policies={"Work": statements},
            )
            for part, statements in (
                ("backup", backup_statements(self._backups)),
                ("restore", restore_statements(self._backups)),
            )
        }
        plan = backup.CfnBackupPlan
        made = plan(
            self,
            "Plan",
            backup_plan=plan.BackupPlanResourceTypeProperty(
                backup_plan_name=self._name,
                backup_plan_rule=[
                    plan.BackupRuleResourceTypeProperty(
                        rule_name="daily",
                        target_backup_vault=vault.ref,
                        schedule_expression=settings.schedule,
                        start_window_minutes=_START_MINUTES,
                        completion_window_minutes=_COMPLETE_MINUTES,
                        lifecycle=plan.LifecycleResourceTypeProperty(
                            delete_after_days=settings.keep_days
                        ),
                    )
                ],
            ),
        )
        selection = backup.CfnBackupSelection
        selection(
            self,
            "Data",
            backup_plan_id=made.attr_backup_plan_id,
            backup_selection=selection.BackupSelectionResourceTypeProperty(
                selection_name="data",
                iam_role_arn=roles["backup"].role_arn,
                resources=[self._backups.data_arn],
            ),
        )
        for each in self.node.find_all():
            if isinstance(each, (plan, selection)):
                each.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
