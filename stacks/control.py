"""The controller, and the alerts that tell when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.audit import forward, told_by_trail
from stacks.compute import ComputeStack
from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.settings import Environment
from stacks.storage import StorageStack
from starburst.contract import runtime_parameter
from starburst_constructs.compute.controller import ControllerFunction, FailureQueue
from starburst_constructs.compute.waking import Wake, WakeQueue
from starburst_constructs.monitoring.alerts import AlertTopic, SecurityTopic
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.monitoring.noticed.refusals import RefusalFilter
from starburst_constructs.monitoring.sweeps import SweepFilters
from starburst_constructs.monitoring.tampering import TamperingFilter, tampering_metric
from starburst_constructs.monitoring.watch import Watch, counted
from starburst_constructs.naming import (
    budgets_topic_arn,
    cluster_name,
    controller_log_name,
    controller_name,
    endpoints_stack_name,
    failures_name,
    role_arn,
    wakes_name,
)

__all__ = ["ControlStack"]

SOURCE: Final = Path(__file__).resolve().parent.parent / "worker" / "src"


class ControlStack(cdk.Stack):
    """The session controller of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose controller this is.
        foundation: for the keys.
        network: for where it and the workers run.
        storage: for the data bucket.
        compute: for the cluster.

    Attributes:
        function: analysts invoke its alias for them.
        alerts: people subscribe to it.
        security: the security team's topic; the same one where it has none of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        network: NetworkStack,
        storage: StorageStack,
        compute: ComputeStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        name = controller_name(environment.name)
        cluster_arn = compute.cluster.cluster_arn
        on_demand = environment.network.while_bursting
        opens = {
            "STARBURST_ENDPOINTS_STACK": endpoints_stack_name(environment.name),
            "STARBURST_ENDPOINTS_ROLE": role_arn(
                environment.name, "endpoints", account=environment.account
            ),
        }
        validated = {"AWS_USE_FIPS_ENDPOINT": "true"}
        if not on_demand:
            # No endpoint in a VPC has ECS's FIPS name, so ECS is called by its plain one there.
            validated["AWS_ENDPOINT_URL_ECS"] = f"https://ecs.{environment.region}.amazonaws.com"
        freezes = {
            "STARBURST_BUDGETS": budgets_topic_arn(
                environment.name, account=environment.account, region=environment.region
            ),
            **({"STARBURST_BUDGETS_END": "true"} if environment.end_at_budget else {}),
        }
        apart = ",".join(
            f"{name}={group}" for name, group in NetworkStack.own_groups(self, environment).items()
        )
        own_role = role_arn(environment.name, "controller", account=environment.account)
        failures = FailureQueue(
            self,
            "Failures",
            name=failures_name(environment.name),
            # Of logs, not of data: the platform team reads what got lost.
            key=foundation.logs_key,
            placement=environment.placement,
        )
        wakes = WakeQueue(
            self,
            "Wakes",
            name=wakes_name(environment.name),
            key=foundation.logs_key,
            failures=failures,
            placement=environment.placement,
        )
        log = EncryptedLogGroup(
            self,
            "Log",
            name=controller_log_name(environment.name),
            key=foundation.logs_key,
            days=environment.log_retention_days,
            placement=environment.placement,
        )
        TamperingFilter(self, "Tampering", environment=environment.name, log=log)
        RefusalFilter(self, "Refusals", environment=environment.name, log=log)
        SweepFilters(self, "Sweeps", environment=environment.name, log=log)
        self.function = ControllerFunction(
            self,
            "Controller",
            name=name,
            source=SOURCE,
            role=iam.Role.from_role_arn(self, "Role", own_role, mutable=False),
            vpc=None if on_demand else network.vpc,
            subnets=None if on_demand else network.subnet_selection,
            security_group=network.controller_security_group,
            log=log,
            failures=failures,
            variables={
                "STARBURST_ENVIRONMENT": environment.name,
                "STARBURST_BUCKET": storage.data.bucket_name,
                "STARBURST_KEY_ARN": foundation.data_key.key_arn,
                "STARBURST_CLUSTER": cluster_arn,
                "STARBURST_SUBNETS": ",".join(subnet.subnet_id for subnet in network.subnets),
                "STARBURST_SECURITY_GROUP": network.worker_security_group.security_group_id,
                "STARBURST_PARAMETER": runtime_parameter(environment.name),
                "STARBURST_WAKES": wakes.queue_url,
                "STARBURST_ROLE": own_role,
                **({"STARBURST_APART": apart} if apart else {}),
                "STARBURST_SESSION_DAYS": str(environment.storage.session_days),
                **(opens if on_demand else {}),
                **(freezes if environment.freeze_at_budget else {}),
                **(validated if environment.fips else {}),
            },
        )
        place = f"{environment.region}:{environment.account}"
        Wake(
            self,
            "Wake",
            function=self.function.service,
            wakes=wakes,
            cluster_arns=[
                cluster_arn,
                *(
                    environment.placement.arn(
                        "ecs", f"cluster/{cluster_name(environment.name, name)}"
                    )
                    for name in environment.own_clusters
                ),
            ],
            endpoints_stack=(
                f"arn:aws:cloudformation:{place}:stack/{endpoints_stack_name(environment.name)}/"
                if on_demand
                else None
            ),
        )
        self.alerts = AlertTopic(
            self,
            "Alerts",
            key=foundation.logs_key,
            placement=environment.placement,
            emails=environment.alert_emails,
        )
        # Also where no budget's stack imports it now: one that is deployed may still.
        self.export_value(self.alerts.topic_arn)
        self.security: sns.Topic = (
            SecurityTopic(
                self,
                "SecurityAlerts",
                key=foundation.logs_key,
                placement=environment.placement,
                emails=environment.security_emails,
            )
            if environment.security_emails
            else self.alerts
        )
        forward(self, environment, foundation=foundation, storage=storage, network=network)
        Watch(
            self,
            "Watch",
            environment=environment.name,
            function=self.function,
            failures=failures,
            wakes=wakes,
            topics={"platform": self.alerts, "security": self.security},
            # Metrics by their names: an import would hold the trail's stack.
            tampering=counted(tampering_metric(environment.name)),
            told_by_trail=told_by_trail(environment),
            bounds=environment.audit.bounds,
            forwarded=not environment.audit.trail,
        )
