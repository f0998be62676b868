"""Log groups that are encrypted, expire, and outlive their stack in production (S25)."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.placement import Placement

__all__ = ["EncryptedLogGroup"]


class EncryptedLogGroup(logs.LogGroup):
    """A log group with our key and an explicit retention.

    Args:
        scope: parent construct.
        construct_id: its id there.
        key: encrypts it.
        days: retention, one of CloudWatch's values.
        placement: of the environment: whether the log outlives its stack.
        name: physical name, for the groups that people query.
        masks: what it hides from a reader without ``logs:Unmask``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.Key,
        days: int,
        placement: Placement,
        name: str | None = None,
        masks: logs.DataProtectionPolicy | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption_key=key,
            log_group_name=name,
            data_protection_policy=masks,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            if placement.retain
            else cdk.RemovalPolicy.DESTROY,
        )
        # The L2 property is an enumeration; settings hold CloudWatch's own number, checked there.
        resource = self.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - narrows jsii's type
        resource.retention_in_days = days
