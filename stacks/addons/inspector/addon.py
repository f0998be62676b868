"""Inspector's settings, and what the kit must know of it: duties, theorems, prices, gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.inspector.settings import FindingWaiver
from stacks.addons.inspector.stack import InspectorStack
from stacks.addons.inspector.theorems import THEOREMS
from stacks.addons.inspector.waived import inspector_waivers
from stacks.settings.addon import Addon
from stacks.settings.annotations import typed
from stacks.settings.once import Holding, Owner, Single
from stacks.settings.validation import distinct, require
from starburst.contract.image_gate import ImageGateDocument
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_constructs.runtime_parameter import STANDARD_BYTES

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty
    from starburst_assurance.waivers import Waiver

__all__ = ["Inspector"]

INSPECTOR: Final = Single(type="inspector2:Enable", called="Inspector")
"""CloudFormation has no type that switches it on."""

_STREAMS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_GROUP: Final = "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-"
_LISTING: Final = ("inspector2:ListCoverage", "inspector2:ListFindings")
_ENABLING: Final = ("inspector2:BatchGetAccountStatus", "inspector2:Enable")
_LONGEST_NAME: Final = "b" * 63
"""Of a bucket, which no setting knows."""


@dataclass(frozen=True, kw_only=True)
class Inspector(Addon):
    """Amazon Inspector for the account, and a gate that keeps sessions off images with findings.

    The environment that has ``shared`` switches Inspector on for its account and Region; another
    one there has a gate alone.

    Attributes:
        accepted: findings that sessions may start with, each with a reason and a last day.
        enables: whether the owner of the account's settings switches Inspector on; False where
            the organization does.
        ec2: scan instances too; they always are where the environment's workers run on hosts.
        lambda_code: scan the code of functions too; False in a Region where Inspector does not.
    """

    name: ClassVar[str] = "inspector"
    summary: ClassVar[str] = (
        "Inspector scans images, functions and hosts; no session starts on an image with a finding."
    )
    page: ClassVar[str] = "docs/addons/inspector.md"

    accepted: tuple[FindingWaiver, ...] = ()
    enables: bool = True
    ec2: bool = False
    lambda_code: bool = True

    def __post_init__(self) -> None:
        """Refuse what could not be deployed."""
        typed("inspector.", self)
        distinct(
            "inspector.accepted",
            (f"{one.finding.upper()} {one.package} {one.image}" for one in self.accepted),
        )
        size = len(self._document().to_json())
        fewer = f"fewer findings: they take {size} of the {STANDARD_BYTES} bytes of a parameter"
        require(size <= STANDARD_BYTES, "inspector.accepted", f"{len(self.accepted)}", fewer)

    def _document(self) -> ImageGateDocument:
        waivers = tuple(one.published() for one in self.accepted)
        return ImageGateDocument(bucket=_LONGEST_NAME, waivers=waivers)

    def scans(self, environment: Environment) -> tuple[str, ...]:
        """Return what Inspector is to scan for an environment, as Inspector calls it."""
        hosts = self.ec2 or environment.capacity is not None
        return (
            "ECR",
            "LAMBDA",
            *(("LAMBDA_CODE",) if self.lambda_code else ()),
            *(("EC2",) if hosts else ()),
        )

    def owns(self, environment: Environment) -> bool:
        """Return whether an environment is the one that switches Inspector on for its account."""
        there = "registry-scanning" not in environment.without
        return environment.shared is not None and self.enables and there

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        InspectorStack(
            stage,
            self.name,
            core=core,
            types=self.scans(core.environment) if self.owns(core.environment) else (),
            waivers=self._document().waivers,
            **core.stack_options(self.name),
        )

    def once(self, environment: Environment) -> Mapping[Single, Holding]:
        """Return who switches Inspector on: a gate without ``shared`` counts on its neighbour's."""
        owner: Owner = "neighbour"
        if environment.shared is not None:
            owner = "this" if self.enables else "elsewhere"
        scans = self.scans(environment)
        return {INSPECTOR: Holding(owner=owner, leaving="Inspector(enables=False)", parts=scans)}

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(inspector_waivers(environment, enables=self.owns(environment)))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what each of its roles is for, and what the controller is beside its own work."""
        return {
            "inspector": (
                (_LISTING, ("*",)),
                (("ecr:BatchGetImage", "ecr:DescribeImages"), ("{repository}",)),
                (
                    ("s3:GetObject", "s3:PutObject"),
                    ("{inspector/Record}/images/*", "{inspector/Record}/others/*"),
                ),
                (("s3:DeleteObject",), ("{inspector/Record}/images/*",)),
                (("s3:PutObject",), ("{inspector/Record}/checked.json",)),
                (("s3:ListBucket",), ("{inspector/Record}",)),
                (_STREAMS, (f"{_GROUP}inspector:log-stream:*",)),
            ),
            "inspector-enabling": (
                (_ENABLING, ("*",)),
                (_STREAMS, (f"{_GROUP}inspector-enabling:log-stream:*",)),
            ),
            "controller": (
                (
                    ("s3:GetObject",),
                    ("{inspector/Record}/images/*", "{inspector/Record}/checked.json"),
                ),
                (("s3:ListBucket",), ("{inspector/Record}",)),
                (
                    ("ssm:GetParameter",),
                    ("arn:aws:ssm:{r}:{a}:parameter/starburst/{env}/image-gate",),
                ),
                (("ecs:DescribeTaskDefinition",), ("*",)),
            ),
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that its roles may ever be given beyond the core's."""
        return (((*_LISTING, *_ENABLING), ("*",)),)

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who calls the gate, for this stack's rules, and who delivers its access logs."""
        rule = "arn:aws:events:{r}:{a}:rule/starburst-{env}-inspector-*"
        job = Job(
            service="events.amazonaws.com",
            actions=("lambda:InvokeFunction",),
            said={"aws:SourceArn": rule},
        )
        delivery = Job(
            service="logging.s3.amazonaws.com",
            actions=("s3:PutObject",),
            where="/inspector/*",
            said={"aws:SourceAccount": "{a}"},
        )
        return {"inspector/GateFunction": (job,), "storage/AccessLogs": (delivery,)}

    def theorems(self) -> Sequence[Theorem]:
        """Return who writes the record, and who lets a finding through."""
        return THEOREMS

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "it has no Inspector: nothing is switched on, scanned or compared, of which sessions "
            "warn; tests send the events that AWS documents",
        )
