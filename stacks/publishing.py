"""What the environment tells its clients: the runtime document, and each workspace's packages."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.control import ControlStack
from stacks.foundation import FoundationStack
from stacks.images.listing import image_packages
from stacks.settings import Environment, Workspace
from stacks.storage import StorageStack
from starburst.contract import (
    ControllerDoor,
    Hosts,
    PackagesDocument,
    RuntimeDocument,
    WorkspaceDocument,
    task_family,
)
from starburst_constructs.naming import role_arn
from starburst_constructs.packages_parameter import PackagesParameter
from starburst_constructs.runtime_parameter import RuntimeParameter

__all__ = ["PublishingStack"]


class PublishingStack(cdk.Stack):
    """The documents of one environment: deployed last, so that all they name exists.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: that the documents describe.
        foundation: for the data key.
        storage: for the data bucket.
        control: for the controller.

    Attributes:
        parameter: the runtime document's parameter.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        storage: StorageStack,
        control: ControlStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        totals = environment.effective_totals
        self.parameter = RuntimeParameter(
            self,
            "Runtime",
            document=RuntimeDocument(
                environment=environment.name,
                account=environment.account,
                region=environment.region,
                bucket=storage.data.bucket_name,
                key_arn=foundation.data_key.key_arn,
                # Not the alias' own token: what another stack imports must not change its name.
                controller=f"{control.function.function_arn}:{ControllerDoor.ANALYSTS}",
                python=environment.python,
                architecture=environment.architecture,
                workspaces={
                    workspace.name: WorkspaceDocument(
                        analyst_role_arn=role_arn(
                            environment.name,
                            "analyst",
                            workspace.name,
                            account=environment.account,
                        ),
                        task_definition=task_family(environment.name, workspace.name),
                        limits=workspace.limits,
                        worker_role_arn=role_arn(
                            environment.name, "worker", workspace.name, account=environment.account
                        ),
                        scratch_gb=workspace.scratch_gb,
                        totals=totals.workspaces[workspace.name],
                        packages=workspace.packages,
                        data_writers=workspace.data_writers,
                        home_links=workspace.home_links,
                        draining=workspace.draining,
                    )
                    for workspace in environment.workspaces
                },
                other_architectures=environment.other_architectures,
                hosts=environment.capacity
                and Hosts(
                    instances=environment.capacity.instance_types, spot=environment.capacity.spot
                ),
                fips=environment.fips,
                totals=totals.environment,
                user_totals=totals.user,
                prices=environment.prices,
            ),
        )
        for workspace in environment.workspaces:
            PackagesParameter(
                self,
                f"Packages-{workspace.name}",
                environment=environment.name,
                workspace=workspace.name,
                document=_packages(environment, workspace),
            )


def _packages(environment: Environment, workspace: Workspace) -> PackagesDocument:
    digest = environment.image_of(workspace)
    return PackagesDocument(
        policy=workspace.packages,
        allowed=workspace.allowed_packages,
        days=environment.storage.packages_days,
        image_digest=digest,
        image=image_packages(digest),
    )
