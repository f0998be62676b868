"""What the environment tells its clients: the runtime document."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.access import AccessStack
from stacks.compute import ComputeStack
from stacks.control import ControlStack
from stacks.foundation import FoundationStack
from stacks.settings import Environment
from stacks.storage import StorageStack
from starburst.contract import RuntimeDocument, WorkspaceDocument
from starburst_constructs.publishing import RuntimeParameter

__all__ = ["PublishingStack"]


class PublishingStack(cdk.Stack):
    """The runtime document of one environment: deployed last, so that all it names exists.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: that the document describes.
        foundation: for the data key.
        storage: for the data bucket.
        access: for the analysts' roles.
        compute: for the task definitions.
        control: for the controller.

    Attributes:
        parameter: the document's parameter.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        storage: StorageStack,
        access: AccessStack,
        compute: ComputeStack,
        control: ControlStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.parameter = RuntimeParameter(
            self,
            "Runtime",
            document=RuntimeDocument(
                environment=environment.name,
                account=environment.account,
                region=environment.region,
                bucket=storage.data.bucket_name,
                key_arn=foundation.data_key.key_arn,
                controller=control.function.function_arn,
                python=environment.python,
                architecture=environment.architecture,
                workspaces={
                    workspace.name: WorkspaceDocument(
                        analyst_role_arn=access.analyst_roles[workspace.name].role_arn,
                        task_definition_arn=compute.tasks[workspace.name].task_definition_arn,
                        limits=workspace.limits,
                        worker_role_arn=access.worker_roles[workspace.name].role_arn,
                        scratch_gb=workspace.scratch_gb,
                    )
                    for workspace in environment.workspaces
                },
            ),
        )
