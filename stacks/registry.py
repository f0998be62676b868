"""Where worker images are kept and scanned."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.settings import Environment
from starburst_constructs.storage.registry import WorkerRepository, scan_registry

__all__ = ["RegistryStack"]


class RegistryStack(cdk.Stack):
    """The worker's image repository.

    Attributes:
        repository: push ``release-…`` tags to it; tasks pull by digest.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.repository = WorkerRepository(
            self,
            "Worker",
            placement=environment.placement,
            key=foundation.data_key,
        )
        if environment.scans_registry:
            scan_registry(self, "Scanning")
        cdk.CfnOutput(
            self,
            "RepositoryUri",
            value=self.repository.repository_uri,
            description="Push worker images here, tagged release-<version>",
        )
