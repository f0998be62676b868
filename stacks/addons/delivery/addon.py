"""The add-on: which repository is delivered, by what, and to which environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.delivery.settings import GitHub, Target
from stacks.addons.delivery.stack import DeliveryStack
from stacks.addons.delivery.tables import ceiling_table, duty_table, taker_table
from stacks.addons.delivery.theorems import theorems_for
from stacks.addons.delivery.waived import delivery_waivers
from stacks.settings.addon import FREE, Addon, Price
from stacks.settings.validation import between, distinct, matches, require

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.identities.reaching import Taker
    from starburst_assurance.proofs.theorems.roles.tables import Duty
    from starburst_assurance.waivers import Waiver

__all__ = ["Delivery"]

_MOST_TARGETS = 8


@dataclass(frozen=True, kw_only=True)
class Delivery(Addon):
    """Judges pull requests and deploys what was merged, from the account of the environment.

    Attributes:
        github: the repository.
        targets: environments that may be deployed, in this order; 1 to 8.
        connection_arn: of a connection of CodeConnections to GitHub, in this account and Region,
            by which CodeBuild and CodePipeline fetch; None for no pipeline: GitHub's own workflows
            do the work, and need the roles alone.
        logins: make a role for each target that GitHub's jobs take by OpenID Connect.
        makes_provider: make GitHub's provider as well; False where the account has it already,
            for it can have one only.
        image_base: ``name@sha256:…`` of what the worker image of this environment is built on;
            None for no project that builds it.
        lambda_tests: run the quick tests on CodeBuild's Lambda compute; False in a Region that
            does not have it, where they run in a container.
    """

    name: ClassVar[str] = "delivery"
    summary: ClassVar[str] = "Pull requests are judged, and what was merged is deployed."
    page: ClassVar[str] = "docs/addons/delivery.md"

    github: GitHub
    targets: tuple[Target, ...]
    connection_arn: str | None = None
    logins: bool = True
    makes_provider: bool = True
    image_base: str | None = None
    lambda_tests: bool = True

    def __post_init__(self) -> None:
        """Refuse what could not be deployed, or would do nothing."""
        between("number of delivery.targets", len(self.targets), 1, _MOST_TARGETS)
        distinct("delivery.targets", (target.name for target in self.targets))
        does = self.logins or self.connection_arn is not None
        allowed = "True, or connection_arn named: without both nothing would deploy"
        require(does, "delivery.logins", self.logins, allowed)
        if self.image_base is not None:
            digest = r"[^@\s]+@sha256:[0-9a-f]{64}"
            matches("delivery.image_base", self.image_base, digest, "<name>@sha256:<64 hex>")
            built = self.connection_arn is not None
            allowed = "None where connection_arn is: CodeBuild builds it"
            require(built, "delivery.image_base", self.image_base, allowed)

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        DeliveryStack(stage, self.name, core=core, delivery=self, **core.stack_options(self.name))

    def check(self, environment: Environment) -> None:
        """Refuse a connection of another place, and a target that is this environment elsewhere."""
        me = f"environment {environment.name}: delivery"
        if self.connection_arn is not None:
            begins = environment.placement.arn("codeconnections", "connection/")
            allowed = f"{begins}<uuid>"
            matches(f"{me}.connection_arn", self.connection_arn, begins + "[0-9a-f-]{36}", allowed)
        here = (environment.account, environment.region)
        for target in self.targets:
            same = target.name != environment.name or (target.account, target.region) == here
            where = f"account {here[0]} and Region {here[1]}, which are its own"
            require(same, f"{me} target {target.name}", (target.account, target.region), where)

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return the exceptions for a pipeline's bucket and a build that runs Docker."""
        if self.connection_arn is None:
            return ()
        names = [target.name for target in self.targets]
        return tuple(delivery_waivers(environment, names, image=self.image_base is not None))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what each build, the pipeline and each of GitHub's roles is for."""
        return duty_table(
            self.targets,
            connection=self.connection_arn,
            logins=self.logins,
            image=self.image_base is not None,
        )

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that the boundary of its own roles allows beyond the core's."""
        return ceiling_table(self.targets, pipeline=self.connection_arn is not None)

    def takers(self) -> Mapping[str, Sequence[Taker]]:
        """Return that GitHub's tokens take the roles that are for them."""
        return taker_table(self.github, self.targets) if self.logins else {}

    def theorems(self) -> Sequence[Theorem]:
        """Return who takes the roles, and what a pull request reaches."""
        return theorems_for(self.github, self.targets)

    def prices(self) -> Mapping[str, Price]:
        """Return that all of its types are billed by use; its key is priced with the core's."""
        return dict.fromkeys(
            (
                "AWS::CodeBuild::Project",
                "AWS::CodeBuild::ReportGroup",
                "AWS::CodePipeline::Pipeline",
                "AWS::IAM::OIDCProvider",
            ),
            FREE,
        )

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "no build runs and no pipeline moves: buildspecs are run by make delivery-check",
            "it knows no AWS::CodePipeline::Pipeline, AWS::CodeBuild::ReportGroup and "
            "AWS::IAM::OIDCProvider, so that the stack does not deploy there as a whole",
        )
