"""What an environment's own stacks offer to its add-ons, all of them built before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

from stacks.access import AccessStack
from stacks.audit import AuditStack
from stacks.compute import ComputeStack
from stacks.control import ControlStack
from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.publishing import PublishingStack
from stacks.registry import RegistryStack
from stacks.settings import Environment
from stacks.settings.addon import AddonError
from stacks.storage import StorageStack

__all__ = ["Core", "stack_options"]


def stack_options(
    environment: Environment, part: str, *, protected: bool = False
) -> dict[str, Any]:
    """Return name, description and protection of a stack.

    Args:
        environment: whose stack it is.
        part: the stack's id.
        protected: keep it from being deleted by accident.
    """
    return {
        "stack_name": f"starburst-{environment.name}-{part}",
        "description": f"Starburst {environment.name}: {part}",
        "termination_protection": protected,
    }


@dataclass(frozen=True, kw_only=True)
class Core:
    """The stacks of one environment that add-ons may refer to.

    Attributes:
        environment: its settings.
        foundation: keys and boundary.
        network: subnets, groups and the S3 gateway.
        storage: buckets.
        registry: images.
        access: roles.
        compute: cluster and workers.
        control: the session controller.
        publishing: the runtime document.
        audit: the trail; None where it is not the kit's own.
    """

    environment: Environment
    foundation: FoundationStack
    network: NetworkStack
    storage: StorageStack
    registry: RegistryStack
    access: AccessStack
    compute: ComputeStack
    control: ControlStack
    publishing: PublishingStack
    audit: AuditStack | None

    @classmethod
    def of(cls, stage: cdk.Stage) -> Core:
        """Return the core of an environment's stage, as ``Stack.of`` returns a construct's stack.

        Raises:
            AddonError: the stage is no environment's.
        """
        core = getattr(stage, "core", None)
        if not isinstance(core, cls):
            raise AddonError(f"{stage.node.path} is no environment's stage; add-ons build in one")
        return core

    def stack_options(self, part: str) -> dict[str, Any]:
        """Return name and description of an add-on's stack; ``part`` is its id."""
        return stack_options(self.environment, part)
