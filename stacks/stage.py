"""One environment: its stacks, in the order in which they stand on each other."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from constructs import Construct

from stacks.access import WORKSPACES_A_STACK, AccessStack
from stacks.addons.core import Core, stack_options
from stacks.addons.enabled import enabled
from stacks.audit import AuditStack, unnoticed
from stacks.compute import ComputeStack
from stacks.control import ControlStack
from stacks.cost import CostStack
from stacks.endpoints import EndpointsStack
from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.publishing import PublishingStack
from stacks.registry import RegistryStack
from stacks.risks import risks
from stacks.settings import Environment
from stacks.settings.addon import Addon, AddonError
from stacks.settings.checks.reach import stopped_early
from stacks.storage import StorageStack

__all__ = ["CORE", "EnvironmentStage"]

CORE: Final = (
    *("access", "audit", "compute", "control", "cost", "endpoints", "foundation", "network"),
    *("publishing", "registry", "storage"),
)
"""Names of the kit's own stacks, of which no environment need have all."""


class EnvironmentStage(cdk.Stage):
    """All stacks of one environment.

    Args:
        scope: the app.
        environment: what to deploy, and where.

    Attributes:
        environment: the same.
        addons: optional parts that it has, hosts among them.
        foundation: keys and boundary.
        network: subnets, groups and the S3 gateway.
        endpoints: the interface endpoints, where the VPC does not have them already.
        storage: buckets.
        registry: images.
        audit: the trail, where the environment has its own.
        access: roles; those of more workspaces than one stack holds are in ``access-2`` and on.
        compute: cluster and workers.
        control: the session controller.
        publishing: the runtime document.
        core: what of these add-ons may refer to.
    """

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(
            scope,
            environment.name,
            env=cdk.Environment(account=environment.account, region=environment.region),
            permissions_boundary=cdk.PermissionsBoundary.from_arn(
                FoundationStack.boundary_arn(environment)
            ),
        )
        self.environment = environment
        self.addons = enabled(environment)
        protected = environment.production
        self.foundation = FoundationStack(
            self,
            "foundation",
            environment=environment,
            addons=self.addons,
            **stack_options(environment, "foundation", protected=protected),
        )
        self.network = NetworkStack(
            self,
            "network",
            environment=environment,
            foundation=self.foundation,
            **stack_options(environment, "network", protected=protected),
        )
        self.endpoints: EndpointsStack | None = None
        existing = environment.network.existing
        if existing is None or existing.endpoints == "create":
            self.endpoints = EndpointsStack(
                self,
                "endpoints",
                environment=environment,
                network=self.network,
                **stack_options(environment, "endpoints"),
            )
        self.storage = StorageStack(
            self,
            "storage",
            environment=environment,
            foundation=self.foundation,
            network=self.network,
            **stack_options(environment, "storage", protected=protected),
        )
        self.registry = RegistryStack(
            self,
            "registry",
            environment=environment,
            foundation=self.foundation,
            **stack_options(environment, "registry", protected=protected),
        )
        self.audit: AuditStack | None = None
        if environment.audit.trail:
            self.audit = AuditStack(
                self,
                "audit",
                environment=environment,
                foundation=self.foundation,
                storage=self.storage,
                network=self.network,
                **stack_options(environment, "audit", protected=protected),
            )
        self._work()
        self.core = Core(
            environment=environment,
            foundation=self.foundation,
            network=self.network,
            storage=self.storage,
            registry=self.registry,
            access=self.access,
            compute=self.compute,
            control=self.control,
            publishing=self.publishing,
            audit=self.audit,
        )
        for addon in self.addons:
            self._add(addon)
        self._finish()

    def _work(self) -> None:
        """Add what runs sessions: all of it can be deleted and deployed again without a loss."""
        environment, foundation = self.environment, self.foundation
        roles = [
            AccessStack(
                self,
                part,
                environment=environment,
                foundation=foundation,
                network=self.network,
                storage=self.storage,
                registry=self.registry,
                first=first,
                **stack_options(environment, part),
            )
            for first in range(0, len(environment.workspaces), WORKSPACES_A_STACK)
            for part in ["access" if not first else f"access-{first // WORKSPACES_A_STACK + 1}"]
        ]
        self.access = roles[0]
        self.compute = ComputeStack(
            self,
            "compute",
            environment=environment,
            foundation=foundation,
            network=self.network,
            storage=self.storage,
            registry=self.registry,
            **stack_options(environment, "compute"),
        )
        self.control = ControlStack(
            self,
            "control",
            environment=environment,
            foundation=foundation,
            network=self.network,
            storage=self.storage,
            compute=self.compute,
            **stack_options(environment, "control"),
        )
        self.publishing = PublishingStack(
            self,
            "publishing",
            environment=environment,
            foundation=foundation,
            storage=self.storage,
            control=self.control,
            **stack_options(environment, "publishing"),
        )
        if environment.has_budgets:
            cost = CostStack(
                self,
                "cost",
                environment=environment,
                foundation=foundation,
                control=self.control,
                **stack_options(environment, "cost"),
            )
            cost.add_stack_dependency(self.control)
        # They name roles and task definitions, which no reference orders.
        for stack in (self.compute, self.control, self.publishing):
            for each in roles:
                stack.add_stack_dependency(each)
        if self.audit is not None and environment.audit.measures_people:
            # Its alarms name the rules that add up what people download.
            self.control.add_stack_dependency(self.audit)
        self.publishing.add_stack_dependency(self.compute)
        if self.endpoints is not None:
            # No worker starts without them, and the controller looks after the stack.
            self.control.add_stack_dependency(self.endpoints)
            if self.environment.has_secrets:
                # A definition with secrets starts no task before their endpoint is there.
                self.compute.add_stack_dependency(self.endpoints)

    def _add(self, addon: Addon) -> None:
        """Let an add-on build, and refuse stacks that do not bear its name."""
        if addon.name in CORE:
            raise AddonError(
                f"an add-on is called {addon.name}, as a stack of the kit is; rename it"
            )
        before = {child.node.id for child in self.node.children}
        addon.build(self)
        for name in (child.node.id for child in self.node.children):
            if name not in before and name != addon.name and not name.startswith(f"{addon.name}-"):
                raise AddonError(
                    f"the add-on {addon.name} builds a stack {name}, a name that another may use; "
                    f"call it {addon.name} or {addon.name}-<part>"
                )

    def _finish(self) -> None:
        """Tag everything, tell risks, and make every role wait for the boundary that it names."""
        for risk in risks(self.environment):
            name = f"starburst:{risk.name}"
            sentence = f"environment {self.environment.name}: {risk.sentence}"
            otherwise = f"accepted_risks takes {risk.name!r} with the reason to leave it"
            cdk.Annotations.of(self.foundation).add_warning_v2(name, f"{sentence}; {otherwise}")
            if risk.accepted:
                cdk.Validations.of(self.foundation).acknowledge(
                    cdk.Acknowledgment(id=f"Annotation::{name}", reason=risk.accepted)
                )
        for note in unnoticed(self.environment):
            cdk.Annotations.of(self.foundation).add_info_v2("starburst:unnoticed", note)
        for workspace in self.environment.workspaces:
            early = stopped_early(workspace, self.environment.worker_price)
            if early:
                said = f"environment {self.environment.name}: {early}"
                cdk.Annotations.of(self.compute).add_info_v2("starburst:limits", said)
        cdk.Tags.of(self).add("starburst:environment", self.environment.name)
        cdk.Tags.of(self).add("starburst:data-class", self.environment.data_class)
        for key, value in self.environment.tags:
            cdk.Tags.of(self).add(key, value)
        for stack in self.node.children:
            if isinstance(stack, cdk.Stack) and stack is not self.foundation:
                stack.add_stack_dependency(self.foundation)
