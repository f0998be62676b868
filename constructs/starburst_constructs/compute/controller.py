"""The controller's function, and where events go that it could not handle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from starburst.contract import ControllerDoor
from starburst.controller import CODE, HANDLER, LEFT_OUT
from starburst_constructs.compute.private_queue import PrivateQueue
from starburst_constructs.placement import Placement

__all__ = ["FUNCTION_SECONDS", "ControllerFunction", "FailureQueue"]

_ALL_BUT_CODE: Final = (
    "**",
    *(f"!starburst/{name}" for name in CODE),
    *(f"starburst/{name}" for name in LEFT_OUT),
    "**/__pycache__",
)

_CONCURRENCY: Final = 10
FUNCTION_SECONDS: Final = 60
"""An invocation lives for so long at most."""


class FailureQueue(PrivateQueue):
    """Keeps the events that the controller could not handle, for people to read.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name: the controller's role names it before it exists.
        key: encrypts it.
        placement: of the environment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.Key,
        placement: Placement,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=name,
            key=key,
            placement=placement,
            retention_period=cdk.Duration.days(14),
        )


class ControllerFunction(lambda_.Function):
    """The session controller, in the environment's own subnets or outside of any VPC.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name: analysts' policies name it before it exists.
        source: the folder that holds the ``starburst`` package.
        role: complete as it is; nothing is added to it here.
        vpc: where it runs; None where the endpoints come and go, without which it would be mute.
        subnets: those without a way to the internet.
        security_group: that reaches the VPC endpoints only.
        log: its log group.
        failures: where events go that it failed three times.
        variables: its environment; never a secret.

    Attributes:
        analysts: the alias by which analysts ask; only their roles may invoke it.
        service: the alias for our schedule and rules; nobody else may invoke it, and nobody the
            function itself.
        officers: the alias by which the security team freezes, thaws and asks for totals; no role
            of the kit may invoke it (A1).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        source: Path,
        role: iam.IRole,
        vpc: ec2.IVpc | None,
        subnets: ec2.SubnetSelection | None,
        security_group: ec2.ISecurityGroup | None,
        log: logs.ILogGroup,
        failures: sqs.Queue,
        variables: Mapping[str, str],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            function_name=name,
            description="Starts, heals and ends sessions within limits and totals",
            code=lambda_.Code.from_asset(
                str(source), ignore_mode=cdk.IgnoreMode.DOCKER, exclude=list(_ALL_BUT_CODE)
            ),
            handler=HANDLER,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=512,
            timeout=cdk.Duration.seconds(FUNCTION_SECONDS),
            reserved_concurrent_executions=_CONCURRENCY,
            role=role,
            vpc=vpc,
            vpc_subnets=subnets,
            security_groups=None if security_group is None else [security_group],
            log_group=log,
            dead_letter_queue=failures,
            environment=dict(variables),
        )
        self.configure_async_invoke(retry_attempts=2, max_event_age=cdk.Duration.minutes(15))
        self.analysts = self._door("Analysts", ControllerDoor.ANALYSTS)
        self.service = self._door("Service", ControllerDoor.SERVICE)
        self.officers = self._door("Officers", ControllerDoor.OFFICERS)
        # AWS keeps an alias' retries apart from the function's own.
        self.service.configure_async_invoke(
            retry_attempts=2, max_event_age=cdk.Duration.minutes(15)
        )

    def _door(self, construct_id: str, name: str) -> lambda_.Alias:
        # Of the latest code: versions would be one more with each deployment, kept for ever.
        return lambda_.Alias(self, construct_id, alias_name=name, version=self.latest_version)
