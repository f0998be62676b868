"""What is heard of an environment: its trail or another's, what rings, and saved queries."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Environment
from stacks.settings.identity import vouching
from stacks.storage import StorageStack
from starburst.contract import log_group_name
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.noticed.forwarding import (
    ForwardedEvents,
    elsewhere_patterns,
    trail_patterns,
)
from starburst_constructs.monitoring.noticed.listening import Watched, count_events, trail_metric
from starburst_constructs.monitoring.noticed.patterns import pattern, some_name
from starburst_constructs.monitoring.noticed.volume import PersonalReads
from starburst_constructs.monitoring.queries import (
    FAILED_VERIFICATION,
    OF_AN_ACTOR,
    REFUSED_CALLS,
    WORKER_ERRORS,
    in_detail,
)
from starburst_constructs.monitoring.trail import AccountTrail, saved_query, trail_arn
from starburst_constructs.naming import controller_log_name, forwarded_log_name, trail_name
from starburst_constructs.storage.trail_bucket import TrailBucket

__all__ = ["AuditStack", "forward", "hears_elsewhere", "told_by_trail", "unnoticed"]


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
        about = watched(self, environment, foundation=foundation, storage=storage, network=network)
        count_events(self, about=about, events=self.events)
        if environment.audit.measures_people:
            PersonalReads(
                self,
                "PersonalReads",
                environment=environment.name,
                events=self.events,
                wrapped=False,
                measures=tuple(environment.audit.bounds),
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
            save_trail_queries(
                self, folder=folder, log_group=self.events.log_group_name, wrapped=False
            )


def watched(
    scope: Construct,
    environment: Environment,
    *,
    foundation: FoundationStack,
    storage: StorageStack,
    network: NetworkStack,
) -> Watched:
    """Return what of an environment is watched, as the stack of ``scope`` knows it."""
    return Watched(
        environment=environment.name,
        placement=environment.placement,
        group_id=network.worker_security_group.security_group_id,
        own_groups=NetworkStack.own_groups(scope, environment),
        subnet_ids=[subnet.subnet_id for subnet in network.subnets],
        key_ids={
            "LogsKey": foundation.logs_key.key_id,
            "DataKey": foundation.data_key.key_id,
        },
        deployer=foundation.deployer_arn,
        break_glass=environment.break_glass_role_arn,
        trusted=[
            arn
            for arn in (*environment.data_role_arns, *vouching(environment.identity))
            if f":{environment.account}:" in arn
        ],
        bucket=storage.data.bucket_name if environment.audit.data_events else None,
    )


def told_by_trail(environment: Environment) -> tuple[str, ...]:
    """Return the alarms that count events of a trail, the kit's own or another."""
    recorded = environment.audit.data_events
    return (
        *("Trespasses", "Weakenings", "Openings", "Deployments", "FailedLogins"),
        *(("Strangers",) if recorded else ()),
        *(("Outsiders",) if hears_elsewhere(environment) else ()),
    )


def hears_elsewhere(environment: Environment) -> bool:
    """Return whether it is heard of people outside the networks that are trusted."""
    return environment.audit.data_events and bool(environment.trusted_cidrs)


def unnoticed(environment: Environment) -> tuple[str, ...]:
    """Return what nobody hears of by the settings of an environment, in a sentence each."""
    me, audit = f"environment {environment.name}:", environment.audit
    free = ", ".join(one.name for one in environment.workspaces if one.monthly_budget_usd is None)
    spent = (
        (f"{me} nobody hears of what {free} spends: monthly_budget_usd is None",) if free else ()
    )
    if not audit.data_events:
        return (
            *spent,
            f"{me} nobody hears of strangers who read data, nor of large downloads: "
            "audit=Audit(data_events=True) would tell, for what CloudTrail takes for data events",
        )
    off = [
        name
        for name in ("person_gb_per_hour", "person_objects_per_hour")
        if getattr(audit, name) is None
    ]
    told = f"{me} nobody hears of large downloads by {' and '.join(off)}, which are None"
    return (*spent, told) if off and not environment.without else spent


def save_trail_queries(scope: Construct, *, folder: str, log_group: str, wrapped: bool) -> None:
    """Save the queries that an investigation asks of the trail.

    Args:
        scope: parent construct.
        folder: of the queries, in the console.
        log_group: of the trail's events, or of those that EventBridge passes on.
        wrapped: whether each event stands in ``detail``.
    """
    for name, query in OF_AN_ACTOR.items():
        saved_query(
            scope,
            "".join(word.capitalize() for word in name.replace(",", "").split()),
            name=f"{folder}/{name}",
            query=in_detail(query) if wrapped else query,
            log_groups=[log_group],
        )


def forward(
    scope: Construct,
    environment: Environment,
    *,
    foundation: FoundationStack,
    storage: StorageStack,
    network: NetworkStack,
) -> None:
    """Take from EventBridge what the kit's own trail does not tell.

    Without a trail of its own that is all. With one it is what people do outside the networks that
    are trusted: a filter of a log cannot tell an address outside a block.
    """
    about = watched(scope, environment, foundation=foundation, storage=storage, network=network)
    if not environment.audit.trail:
        events = ForwardedEvents(
            scope,
            "Forwarded",
            name=forwarded_log_name(environment.name),
            key=foundation.logs_key,
            days=environment.log_retention_days,
            placement=environment.placement,
            patterns=trail_patterns(
                environment.name,
                placement=environment.placement,
                bucket=about.bucket,
                break_glass=about.break_glass,
            ),
        )
        count_events(events, about=about, events=events.log, wrapped=True)
        if "query-definitions" not in environment.without:
            save_trail_queries(
                events,
                folder=f"starburst/{environment.name}",
                log_group=events.log.log_group_name,
                wrapped=True,
            )
        if environment.audit.measures_people:
            PersonalReads(
                events,
                "PersonalReads",
                environment=environment.name,
                events=events.log,
                wrapped=True,
                measures=tuple(environment.audit.bounds),
            )
    if about.bucket is not None and hears_elsewhere(environment):
        elsewhere = ForwardedEvents(
            scope,
            "Elsewhere",
            name=f"/aws/events/starburst/{environment.name}/elsewhere",
            key=foundation.logs_key,
            days=environment.log_retention_days,
            placement=environment.placement,
            patterns=elsewhere_patterns(
                environment.name, bucket=about.bucket, trusted=environment.trusted_cidrs
            ),
        )
        CountingFilter(
            elsewhere,
            "Outsiders",
            log=elsewhere.log,
            pattern=pattern(some_name("detail.eventName")),
            metric=trail_metric(environment.name, "Outsiders"),
        )
