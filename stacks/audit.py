"""The trail of one environment, and the queries that an investigation starts with."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Environment
from stacks.storage import StorageStack
from starburst.contract import log_group_name
from starburst_constructs.monitoring.controller_bypass import ControllerBypass
from starburst_constructs.monitoring.evidence_changes import EvidenceChanges
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.monitoring.queries import (
    FAILED_VERIFICATION,
    REFUSED_CALLS,
    WORKER_ERRORS,
)
from starburst_constructs.monitoring.trail import AccountTrail, saved_query, trail_arn
from starburst_constructs.naming import controller_log_name, trail_name
from starburst_constructs.storage.trail_bucket import TrailBucket

__all__ = ["AuditStack"]


class AuditStack(cdk.Stack):
    """CloudTrail for one environment (S24, S27), and what of it rings an alarm (S12, P18).

    Attributes:
        bucket: the trail's files.
        events: log group of the trail's events, for metric filters and alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        storage: StorageStack,
        network: NetworkStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        name = trail_name(environment.name)
        self.bucket = TrailBucket(
            self,
            "Files",
            placement=environment.placement,
            key=foundation.logs_key,
            access_logs=storage.access_logs,
            trail_arn=trail_arn(name, placement=environment.placement),
            days=environment.audit.log_days,
            lock=environment.audit.lock,
        )
        self.events = EncryptedLogGroup(
            self,
            "Events",
            key=foundation.logs_key,
            days=environment.log_retention_days,
            placement=environment.placement,
        )
        AccountTrail(
            self,
            "Trail",
            name=name,
            bucket=self.bucket,
            key=foundation.logs_key,
            log_group=self.events,
            data_bucket=storage.data if environment.audit.data_events else None,
            placement=environment.placement,
        )
        ControllerBypass(
            self,
            "Trespasses",
            environment=environment.name,
            placement=environment.placement,
            group_id=network.worker_security_group.security_group_id,
            events=self.events,
        )
        if foundation.keepers is not None:
            EvidenceChanges(
                self,
                "Weakenings",
                environment=environment.name,
                key_ids={
                    "LogsKey": foundation.logs_key.key_id,
                    "DataKey": foundation.data_key.key_id,
                },
                deployer=foundation.keepers.deployer,
                break_glass=foundation.keepers.break_glass,
                events=self.events,
            )
        if "query-definitions" not in environment.without:
            folder = f"starburst/{environment.name}"
            workers = [
                log_group_name(environment.name, workspace.name)
                for workspace in environment.workspaces
            ]
            saved_query(
                self,
                "FailedVerification",
                name=f"{folder}/what failed verification",
                query=FAILED_VERIFICATION,
                log_groups=[*workers, controller_log_name(environment.name)],
            )
            saved_query(
                self,
                "WorkerErrors",
                name=f"{folder}/errors that workers printed",
                query=WORKER_ERRORS,
                log_groups=workers,
            )
            saved_query(
                self,
                "RefusedCalls",
                name=f"{folder}/calls that AWS refused",
                query=REFUSED_CALLS,
                log_groups=[self.events.log_group_name],
            )
