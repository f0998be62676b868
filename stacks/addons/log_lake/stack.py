"""The lake's one stack: a bucket and a key of its own, streams, tables, and saved queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_events as events
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.core import Core
from stacks.addons.log_lake.alarms import LakeAlarms
from stacks.addons.log_lake.catalog import Catalog
from stacks.addons.log_lake.deliveries import ERRORS, Delivery
from stacks.addons.log_lake.permissions import (
    RESULTS,
    TABLES,
    Lake,
    delivery_statements,
    feeding_statements,
    reading_statements,
    trail_statements,
)
from stacks.addons.log_lake.questions import questions, title
from stacks.addons.workgroup import save_queries, workgroup
from stacks.audit import AuditStack, watched
from starburst.contract import log_group_name
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.naming import cluster_names, role_arn, role_name
from starburst_constructs.policies.service_access import ServiceRole
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.storage.closed_bucket import ClosedBucket
from starburst_constructs.storage.keys import LakeKey

__all__ = ["LakeStack"]

_STATELESS: Final = (
    athena.CfnNamedQuery,
    athena.CfnWorkGroup,
    glue.CfnDatabase,
    glue.CfnTable,
)

_CALLS: Final = 5
"""Of the function at once, by all streams."""


class LakeStack(cdk.Stack):
    """The lake of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        audit: whose trail files it reads.
        days: its files are kept so long.
        cutoff_gb: a query that reads more is stopped.
        seconds: Firehose gathers records so long.
        readers: ARNs of roles that read all of it.
        regions: whose calls the trail records.
        custodian: account of which roles read through one of ours; None for none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        audit: AuditStack,
        days: int,
        cutoff_gb: int,
        seconds: int,
        readers: Sequence[str],
        regions: Sequence[str],
        custodian: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        environment = core.environment
        self._core, self._audit = core, audit
        self._flows = environment.network.existing is None
        self._delivering = role_arn(environment.name, "lake-delivery", account=environment.account)
        asking = role_arn(environment.name, "lake-custodian", account=environment.account)
        self._principals = [
            self._delivering,
            *readers,
            *([asking] if custodian else []),
            *filter(None, [environment.break_glass_role_arn]),
        ]
        self._key = LakeKey(
            self,
            "Key",
            placement=environment.placement,
            principals=self._principals,
            keepers=core.foundation.keepers,
        )
        self._bucket = ClosedBucket(
            self,
            "Bucket",
            placement=environment.placement,
            key=self._key,
            access_logs=core.storage.access_logs,
            addon="lake",
            principals=self._principals,
            writer=self._delivering,
            days={TABLES: days, ERRORS: days},
            answers=RESULTS,
        )
        self._lake = Lake(
            environment=environment.name,
            placement=environment.placement,
            bucket_arn=self._bucket.bucket_arn,
            key_arn=self._key.key_arn,
        )
        self._catalog = Catalog(
            self,
            "Catalog",
            environment=environment.name,
            account=environment.account,
            region=environment.region,
            regions=regions,
            bucket=self._bucket.bucket_name,
            trail=audit.bucket.bucket_name,
            access_logs=core.storage.access_logs.bucket_name,
            flows=self._flows,
            days=days,
            trail_days=environment.audit.log_days,
        )
        deliveries = self._deliveries(seconds)
        LakeAlarms(
            self,
            "Watch",
            environment=environment.name,
            placement=environment.placement,
            bucket=self._bucket,
            tables=deliveries,
            stopped=self._feed(deliveries),
            key=core.foundation.logs_key,
            days=environment.log_retention_days,
            topic=cast(sns.ITopic, core.control.alerts),
        )
        self._ask(cutoff_gb)
        DeclaredPolicy(
            self,
            "Reading",
            managed_policy_name=f"starburst-{environment.name}-lake-reader",
            # Without a description: to change one replaces a policy, whose name is taken.
            statements=[
                *reading_statements(self._lake),
                *trail_statements(
                    self._lake,
                    trail_arn=audit.bucket.bucket_arn,
                    access_logs_arn=core.storage.access_logs.bucket_arn,
                    logs_key_arn=core.foundation.logs_key.key_arn,
                ),
            ],
        )
        # What holds files says so itself; a table or a query is made again by the next deployment.
        for each in self.node.find_all():
            if isinstance(each, _STATELESS):
                each.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        if custodian:
            KitRole(
                self,
                "Custodian",
                name=role_name(environment.name, "lake-custodian"),
                purpose="lake-custodian",
                trust=iam.PrincipalWithConditions(
                    cast(iam.IPrincipal, iam.AccountPrincipal(custodian)),
                    {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
                ),
                boundary=core.foundation.boundary,
                description="The custodian's account, which reads the lake's own tables",
                policies={"Reading": reading_statements(self._lake)},
            )

    def _deliveries(self, seconds: int) -> dict[str, Delivery]:
        core = self._core
        environment = core.environment
        transform = FolderFunction(
            self,
            "Transform",
            environment=environment.name,
            placement=environment.placement,
            name="lake",
            description="Makes OCSF events of log lines and of stopped tasks",
            source=Path(__file__).with_name("transform"),
            statements=[],
            boundary=core.foundation.boundary,
            key=cast(kms.IKey, core.foundation.logs_key),
            days=environment.log_retention_days,
            timeout=cdk.Duration.minutes(2),
            concurrency=_CALLS,
        )
        function = environment.placement.arn(
            "lambda", f"function:starburst-{environment.name}-lake"
        )
        role = KitRole(
            self,
            "Delivery",
            name=role_name(environment.name, "lake-delivery"),
            purpose="lake-delivery",
            # What AWS documents for Firehose against the confused deputy:
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CreateFirehoseStream.html
            trust=iam.PrincipalWithConditions(
                cast(iam.IPrincipal, iam.ServicePrincipal("firehose.amazonaws.com")),
                {"StringEqualsIfExists": {"sts:ExternalId": environment.account}},
            ),
            boundary=core.foundation.boundary,
            description="Firehose, writing the log lake",
            policies={"Delivery": delivery_statements(self._lake, function_arn=function)},
        )
        made = {}
        for name, table in self._catalog.tables.items():
            made[name] = Delivery(
                self,
                f"To-{name}",
                environment=environment.name,
                account=environment.account,
                region=environment.region,
                table=name,
                database=self._lake.database,
                columns=table,
                bucket_arn=self._bucket.bucket_arn,
                key_arn=self._key.key_arn,
                role_arn=role.role_arn,
                function_arn=f"{transform.function.function_arn}:$LATEST",
                seconds=seconds,
            )
        return made

    def _feed(self, deliveries: dict[str, Delivery]) -> events.CfnRule:
        core, placement = self._core, self._core.environment.placement
        environment = core.environment
        subscribed = {
            f"Lines-{workspace.name}": (log_group_name(environment.name, workspace.name), "lines")
            for workspace in environment.workspaces
        }
        if self._flows:
            flows = core.network.node.find_child("Flows")
            assert isinstance(flows, EncryptedLogGroup)  # noqa: S101 - narrows the type
            subscribed["Flows"] = (flows.log_group_name, "flows")
        sender = ServiceRole(
            self,
            "Sender",
            service="logs.amazonaws.com",
            description="CloudWatch Logs, sending lines to the log lake",
            conditions={
                "StringEquals": {"aws:SourceAccount": placement.account},
                "ArnLike": {"aws:SourceArn": placement.arn("logs", "*")},
            },
            statements=feeding_statements(
                self._lake, *(name for name in deliveries if name != "tasks")
            ),
        )
        for name, (group, table) in subscribed.items():
            logs.CfnSubscriptionFilter(
                self,
                name,
                log_group_name=group,
                filter_pattern="",
                destination_arn=deliveries[table].stream.attr_arn,
                role_arn=sender.role_arn,
            )
        # It names the log groups of workers, which no reference orders.
        self.add_stack_dependency(core.compute)
        rule = f"starburst-{environment.name}-lake-stopped"
        teller = ServiceRole(
            self,
            "Teller",
            service="events.amazonaws.com",
            description="EventBridge, telling the log lake of stopped workers",
            conditions={
                "StringEquals": {"aws:SourceAccount": placement.account},
                "ArnEquals": {"aws:SourceArn": placement.arn("events", f"rule/{rule}")},
            },
            statements=feeding_statements(self._lake, "tasks"),
        )
        return events.CfnRule(
            self,
            "Stopped",
            name=rule,
            description="Workers that stopped, for the log lake",
            event_pattern={
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": {
                    "clusterArn": [
                        placement.arn("ecs", f"cluster/{each}")
                        for each in cluster_names(environment.name, environment.own_clusters)
                    ],
                    "lastStatus": ["STOPPED"],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Lake",
                    arn=deliveries["tasks"].stream.attr_arn,
                    role_arn=teller.role_arn,
                )
            ],
        )

    def _ask(self, cutoff_gb: int) -> None:
        core, environment = self._core, self._core.environment
        workgroup(
            self,
            environment=environment,
            name=self._lake.workgroup,
            description="Queries of the log lake",
            answers=f"s3://{self._bucket.bucket_name}/{RESULTS}",
            key_arn=self._key.key_arn,
            cutoff_gb=cutoff_gb,
        )
        if "query-definitions" in environment.without:
            return
        about = watched(
            self,
            environment,
            foundation=core.foundation,
            storage=core.storage,
            network=core.network,
        )
        saved = questions(
            about,
            bucket=core.storage.data.bucket_name,
            endpoint=core.network.s3_endpoint_id or "",
            trusted=environment.trusted_cidrs,
            bounds=environment.audit.bounds,
            flows=self._flows,
            vpc=environment.network.cidr,
        )
        save_queries(
            self,
            {title(name): (name, text) for name, text in saved.items()},
            database=self._lake.database,
            group=self._lake.workgroup,
        )
