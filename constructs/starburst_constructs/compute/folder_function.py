"""A small function of an optional stack: one folder of its own, one role of its own, one log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from starburst_constructs.identity.roles import KitRole
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.naming import role_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = ["FolderFunction"]

_NOT_CODE: Final = ("**/__pycache__", "**/*.pyc", "tests")


class FolderFunction(Construct):
    """A Lambda function whose code is a folder, outside of any VPC.

    The folder is uploaded as it is: what the code imports beyond the runtime's own boto3 lies in
    it, so that a change of the kit does not deploy it anew, and its dependencies are no other's.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        placement: of the environment.
        name: of the function, behind ``starburst-<environment>-``; its role has it as purpose.
        description: what it does.
        source: the folder; ``handler.py`` in it has ``handle(event, context)``.
        statements: what it may do beside writing its log.
        boundary: the most that its role can ever do.
        key: encrypts its log.
        days: that its log is kept.
        variables: its environment; never a secret.
        timeout: after which it is stopped.
        concurrency: how many calls run at once; the rest are refused.

    Attributes:
        function: for schedules and rules to invoke.
        role: that it runs as.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        placement: Placement,
        name: str,
        description: str,
        source: Path,
        statements: Sequence[iam.PolicyStatement],
        boundary: iam.IManagedPolicy,
        key: kms.IKey,
        days: int,
        variables: Mapping[str, str] | None = None,
        timeout: cdk.Duration | None = None,
        concurrency: int = 1,
    ) -> None:
        super().__init__(scope, construct_id)
        full = f"starburst-{environment}-{name}"
        group = f"/aws/lambda/{full}"
        self.role = KitRole(
            self,
            "Role",
            name=role_name(environment, name),
            purpose=name,
            trust=cast(iam.IPrincipal, iam.ServicePrincipal("lambda.amazonaws.com")),
            boundary=boundary,
            description=description,
            policies={
                "Work": [
                    Allow(
                        sid="WriteLog",
                        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                        resources=patterns(
                            "Lambda names log streams itself, in the function's own group.",
                            placement.arn("logs", f"log-group:{group}:log-stream:*"),
                        ),
                    ),
                    *statements,
                ]
            },
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=full,
            description=description,
            code=lambda_.Code.from_asset(
                str(source), ignore_mode=cdk.IgnoreMode.DOCKER, exclude=list(_NOT_CODE)
            ),
            handler="handler.handle",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            timeout=timeout or cdk.Duration.seconds(30),
            reserved_concurrent_executions=concurrency,
            # Complete as it is: CDK's grants would add inline policies.
            role=self.role.without_policy_updates(),
            log_group=EncryptedLogGroup(
                self, "Log", name=group, key=cast(kms.Key, key), days=days, placement=placement
            ),
            environment=dict(variables or {}),
        )
        # The function names its role, which is complete by itself: no dependency says so again.
        made = self.function.node.default_child
        assert isinstance(made, lambda_.CfnFunction)  # noqa: S101 - narrows jsii's type
        made.add_deletion_override("DependsOn")
