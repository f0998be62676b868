"""What an environment is: frozen, typed values that fail before synthesis when they are wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from starburst.contract import Limits

__all__ = [
    "Architecture",
    "Audit",
    "BrokerRole",
    "DataClass",
    "Egress",
    "Environment",
    "ExistingVpc",
    "Feature",
    "IdentityProvider",
    "Network",
    "Pack",
    "Purpose",
    "SamlProvider",
    "Storage",
    "Workspace",
]

Architecture = Literal["X86_64", "ARM64"]
DataClass = Literal["public", "internal", "restricted"]
Egress = Literal["isolated", "nat"]
Pack = Literal["AwsSolutions", "HIPAA.Security", "NIST.800-53.R5", "PCI.DSS.321"]
Purpose = Literal["test", "production"]
Feature = Literal["source-vpce"]
"""What an emulator may lack; an environment that names one goes without it and says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExistingVpc:
    """A VPC that the organization owns; the kit adds its endpoints and security groups only.

    Attributes:
        vpc_id: ``vpc-…``.
        subnet_ids: isolated (or NAT) subnets for workers, one per availability zone.
        route_table_ids: of those subnets, in the same order; the S3 gateway endpoint goes there.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    route_table_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Where workers run (S12 to S18).

    Attributes:
        cidr: of our own VPC, /16 to /24.
        zones: availability zones, 2 to 6.
        egress: ``isolated`` (no internet gateway at all) or ``nat``, the one explicit way out.
        existing: an existing VPC instead of our own; ``cidr`` is then that VPC's.
        peers: CIDRs that this VPC will be routed to and must not overlap.
    """

    cidr: str = "10.64.0.0/20"
    zones: int = 2
    egress: Egress = "isolated"
    existing: ExistingVpc | None = None
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """How long objects live, and under which encryption (S6 to S10, S26).

    Attributes:
        encryption: ``kms`` (CMK with a bucket key) or ``kms:dsse`` (two layers, no bucket key).
        session_days: sessions' objects expire after so many days.
        noncurrent_days: deleted or overwritten versions are kept so many days.
        access_log_days: S3 server access logs are kept so many days.
    """

    encryption: Literal["kms", "kms:dsse"] = "kms"
    session_days: int = 30
    noncurrent_days: int = 7
    access_log_days: int = 365


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """The trail (S24).

    Attributes:
        trail: create a multi-Region trail; False where an organization trail exists.
        data_events: record S3 object reads and writes of the data bucket.
        log_days: how long the trail's bucket keeps its files.
    """

    trail: bool = True
    data_events: bool = True
    log_days: int = 2192


@dataclass(frozen=True, kw_only=True, slots=True)
class SamlProvider:
    """Analysts come through a SAML identity provider that sets the ``userName`` session tag."""

    arn: str
    audience: str = "https://signin.aws.amazon.com/saml"


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerRole:
    """Analysts come through one role (a login broker) that tags their session with ``userName``."""

    arn: str


IdentityProvider = SamlProvider | BrokerRole


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A study or a team: the trust boundary. Its own prefix, roles, task, log group, limits.

    Attributes:
        name: ``[a-z0-9]{3,32}``.
        limits: what one session may use.
        cpu, memory_gb: default size of a worker; a session may choose another that Fargate sells.
        scratch_gb: ephemeral storage of a worker, 20 to 200.
        monthly_budget_usd: alerts at 50, 80 and 100 % of it (S19).
        budget_emails: who is told, 1 to 10.
    """

    name: str
    limits: Limits = field(default_factory=Limits)
    cpu: float = 1
    memory_gb: float = 4
    scratch_gb: int = 21
    monthly_budget_usd: float = 500
    budget_emails: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Everything that a platform team varies; one value is one deployment.

    Attributes:
        name: ``[a-z][a-z0-9]{1,11}``; in every physical name.
        account: twelve digits.
        region: must be one of ``allowed_regions``.
        allowed_regions: where data of this environment may be (S35).
        purpose: ``test`` or ``production``; restricted data in ``test`` is refused (G5).
        data_class: the most sensitive data that may enter.
        workspaces: one or more.
        identity: who may become an analyst, and who sets their ``userName``.
        network, storage, audit: their parts.
        log_retention_days: of every log group; one of CloudWatch's values (S25).
        architecture: of the workers.
        python: ``major.minor`` of the worker image.
        image_digest: ``sha256:…`` of the worker image in this environment's repository.
        packs: cdk-nag packs that judge every synthesis.
        permissions_boundary: ARN of an organization's boundary to use instead of the kit's own.
        organization_id: ``o-…``; widens the data perimeter from the account to the organization.
        without: features that this environment goes without (the local emulator's gaps).
        tags: on every resource.
    """

    name: str
    account: str
    region: str
    allowed_regions: tuple[str, ...]
    purpose: Purpose
    data_class: DataClass
    workspaces: tuple[Workspace, ...]
    identity: IdentityProvider
    network: Network = field(default_factory=Network)
    storage: Storage = field(default_factory=Storage)
    audit: Audit = field(default_factory=Audit)
    log_retention_days: int = 365
    architecture: Architecture = "X86_64"
    python: str = "3.11"
    image_digest: str = "sha256:" + "0" * 64
    packs: tuple[Pack, ...] = ("AwsSolutions", "HIPAA.Security", "NIST.800-53.R5", "PCI.DSS.321")
    permissions_boundary: str | None = None
    organization_id: str | None = None
    without: tuple[Feature, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def production(self) -> bool:
        """Whether stateful stacks are protected from deletion and retained."""
        return self.purpose == "production"
