"""The data bucket and the bucket of its access logs."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Environment
from starburst.contract.areas import DATA, HOME
from starburst_constructs.storage.buckets import DataBucket, LogBucket
from starburst_constructs.storage.touching import refused_callers

__all__ = ["StorageStack"]


class StorageStack(cdk.Stack):
    """What must not be lost.

    Attributes:
        data: the data bucket.
        access_logs: the bucket of server access logs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        network: NetworkStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        settings = environment.storage
        self.access_logs = LogBucket(
            self,
            "AccessLogs",
            days=settings.access_log_days,
            placement=environment.placement,
        )
        # Also where no trail reads it: what a former trail's stack still imports must not go.
        self.export_value(self.access_logs.bucket_name)
        through_endpoint = "source-vpce" not in environment.without
        self.data = DataBucket(
            self,
            "Data",
            key=foundation.data_key,
            refused=refused_callers(
                foundation.data_principals,
                environment=environment.name,
                workspaces=[workspace.name for workspace in environment.workspaces],
                account=environment.account,
            ),
            encryption=settings.encryption,
            access_logs=self.access_logs,
            session_days=settings.session_days,
            noncurrent_days=settings.noncurrent_days,
            packages_days=settings.wheel_days,
            kept=_kept(environment),
            worker_endpoint=network.s3_endpoint_id if through_endpoint else None,
            placement=environment.placement,
        )


def _kept(environment: Environment) -> dict[str, int]:
    """Return how many days data and homes live, by prefix, where a workspace says so."""
    return {
        area.prefix(workspace.name): days
        for workspace in environment.workspaces
        for area, days in ((DATA, workspace.data_days), (HOME, workspace.home_days))
        if days is not None
    }
