"""One environment as a whole: its parts fit together, and it fits beside the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from stacks.settings.addon import Addon
from stacks.settings.annotations import typed
from stacks.settings.capacity import Ec2Capacity, Rates, check_prices
from stacks.settings.checks.addons import check_addons
from stacks.settings.checks.budgets import check_budgets
from stacks.settings.checks.clusters import check_clusters
from stacks.settings.checks.instances import check_groups, check_room
from stacks.settings.checks.places import check_region, check_regions, check_zones
from stacks.settings.checks.private import check_private
from stacks.settings.checks.reach import Price, check_reach, fargate_price, host_price
from stacks.settings.checks.tags import check_tags
from stacks.settings.identity import (
    IAM_ARN,
    IdentityProvider,
    check_break_glass,
    check_data_roles,
    check_identity,
)
from stacks.settings.named.reads import check_others
from stacks.settings.named.secrets import check_owned
from stacks.settings.network import Network
from stacks.settings.profiles import Processing, ProfileName, check_processing, check_profiles
from stacks.settings.risk import AcceptedRisk
from stacks.settings.storage import Audit, Shared, Storage
from stacks.settings.totals import EffectiveTotals, Scopes
from stacks.settings.validation import (
    KEPT_A_YEAR_DAYS,
    LOG_RETENTION_DAYS,
    between,
    distinct,
    emails,
    matches,
    one_of,
    require,
    trusted_networks,
)
from stacks.settings.workspace import Workspace
from starburst.contract import ENVIRONMENT_NAME, Hosts, Totals
from starburst.pricing.prices import load
from starburst_constructs.named_objects import NamedObjects
from starburst_constructs.placement import Placement

__all__ = [
    "Architecture",
    "DataClass",
    "Environment",
    "Feature",
    "Pack",
    "Purpose",
    "TaskOutput",
]

Architecture = Literal["X86_64", "ARM64"]
DataClass = Literal["public", "internal", "restricted"]
Pack = Literal["AwsSolutions", "ControlTower", "HIPAA.Security", "NIST.800-53.R5", "PCI.DSS.321"]
Purpose = Literal["test", "production"]
TaskOutput = Literal["session", "session and cloudwatch"]
Feature = Literal["default-security-group", "query-definitions", "registry-scanning", "source-vpce"]
"""What an emulator may lack; an environment that names one goes without it and says so.

* ``default-security-group``: the State Manager association that empties the VPC's default group
  (no ``AWS::SSM::Association``).
* ``query-definitions``: saved Logs Insights queries (no ``AWS::Logs::QueryDefinition``).
* ``registry-scanning``: continuous image scanning (no ``AWS::ECR::RegistryScanningConfiguration``).
* ``source-vpce``: workers reach the data bucket through the VPC endpoint only, and use their
  credentials in the VPC only (the emulator's requests never carry ``aws:SourceVpce`` and
  ``aws:SourceVpc``, so the statements would lock workers out).
"""

NO_IMAGE: Final = "sha256:" + "0" * 64
"""The digest of an environment that waits for its first worker image."""

SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Everything that a platform team varies; one value is one deployment.

    Attributes:
        name: ``[a-z][a-z0-9]{1,11}``; in every physical name.
        account: twelve digits.
        region: must be one of ``allowed_regions``.
        allowed_regions: where data of this environment may be (S35); Regions that AWS has.
        purpose: ``test`` or ``production``; restricted data in ``test`` is refused (G5).
        data_class: the most sensitive data that may enter.
        workspaces: one or more.
        totals: what all sessions may use together; None for the sum of the workspaces' (A1).
        user_totals: what one person's sessions may, in all workspaces together; None for what
            follows from the largest limits of a session: 20 sessions, the fleets of three at their
            limits, twice their USD per hour, the money of 30 hours a day, of 300 a month.
        freeze_at_budget: a workspace whose monthly budget is spent starts no session until it is
            thawed, or the month ends. Billing data lags by hours: totals hold meanwhile.
        end_at_budget: its sessions that run are ended as well.
        identity: who may become an analyst, and who sets their ``userName``.
        trusted_cidrs: public addresses from which analysts' credentials work; () for any. The login
            itself is the identity provider's to restrict.
        trusted_vpcs: VPCs, ``vpc-…``, through whose endpoints they work as well, such as that of
            a team's notebooks.
        alert_emails: who is told when the controller fails, or a budget is spent; up to 10, and
            one or more in production. Each confirms once, by a link that SNS sends.
        security_emails: who is told of theft, change and tampering instead, up to 10; () for
            ``alert_emails``. Restricted data without any is a risk that synthesis warns of (A5).
        network, storage, audit: their parts.
        log_retention_days: of every log group; one of CloudWatch's values (S25).
        task_output: where what tasks print goes. ``session``: sealed, to its analyst; it is erased
            with the session. ``session and cloudwatch``: also to the workspace's log, masked, which
            the platform role reads, and of which nobody can erase a line.
        fips: workers, controller and clients call AWS's FIPS endpoints, in Regions that have them.
        architecture: of the workers, where a session does not ask for one.
        other_architectures: that a session may ask for as well; the image is then built for all.
        capacity: EC2 instances for workers to run on; None for Fargate.
        prices: what the account pays where it is not AWS's list price, or the kit knows none; None
            for list prices. Limits, totals and estimates go by them.
        python: ``major.minor`` of the worker image.
        image_digest: ``sha256:…`` of the worker image in this environment's repository; of its
            index, where there is an image for each of several architectures. A workspace may have
            another.
        packs: packs of cdk-nag and AWS Control Tower that judge every synthesis, beside our rules.
        shared: what the account has once in the Region, which this environment sets for all of it;
            None where another environment of that account and Region does.
        permissions_boundary: ARN of an organization's boundary to use instead of the kit's own.
        break_glass_role_arn: ARN of a role of this account that alone may delete or disable the
            keys of production, or change their policies by hand, and that the data bucket and its
            key let to data. Production names one; no test environment does: its keys go with it.
        data_role_arns: ARNs of roles of this account that the data bucket and its key let to data
            beside the kit's own (A7), such as that of ``deploy.erase``; up to 10.
        organization_id: ``o-…``; widens the data perimeter from the account to the organization.
        accepted_risks: of those that synthesis would warn of, each with the reason; one that these
            settings do not take is refused at synthesis.
        profile: whose rules refuse settings that contradict them: ``pci``, ``finma``, ``gdpr``, or
            a tuple of several, whose rules hold together; None for no more than the kit's own.
        processing: what the record of processing says beside the settings (A9).
        without: features that this environment goes without (the local emulator's gaps).
        addons: optional stacks, such as those of ``stacks/addons/``.
        tags: on every resource; up to 40, none that AWS or access control reads.
    """

    name: str
    account: str
    region: str
    allowed_regions: tuple[str, ...]
    purpose: Purpose
    data_class: DataClass
    workspaces: tuple[Workspace, ...]
    identity: IdentityProvider
    totals: Totals | None = None
    user_totals: Totals | None = None
    freeze_at_budget: bool = False
    end_at_budget: bool = False
    trusted_cidrs: tuple[str, ...] = ()
    trusted_vpcs: tuple[str, ...] = ()
    alert_emails: tuple[str, ...] = ()
    security_emails: tuple[str, ...] = ()
    network: Network = field(default_factory=Network)
    storage: Storage = field(default_factory=Storage)
    audit: Audit = field(default_factory=Audit)
    log_retention_days: int = 365
    task_output: TaskOutput = "session"
    fips: bool = False
    architecture: Architecture = "X86_64"
    other_architectures: tuple[Architecture, ...] = ()
    capacity: Ec2Capacity | None = None
    prices: Rates | None = None
    python: str = "3.11"
    image_digest: str = NO_IMAGE
    packs: tuple[Pack, ...] = get_args(Pack)
    shared: Shared | None = field(default_factory=Shared)
    permissions_boundary: str | None = None
    break_glass_role_arn: str | None = None
    data_role_arns: tuple[str, ...] = ()
    organization_id: str | None = None
    accepted_risks: tuple[AcceptedRisk, ...] = ()
    profile: ProfileName | tuple[ProfileName, ...] | None = None
    processing: Processing | None = None
    without: tuple[Feature, ...] = ()
    addons: tuple[Addon, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse everything that one environment can get wrong by itself."""
        matches("environment name", self.name, ENVIRONMENT_NAME, ENVIRONMENT_NAME.pattern)
        me = f"environment {self.name}:"
        typed(f"{me} ", self)
        self._check_place(me)
        self._check_words(me)
        self._check_trust(me)
        self._check_workspaces(me)
        check_processing(me, self.processing, [each.name for each in self.workspaces])
        check_profiles(self)
        reads = {workspace.name: workspace.named_reads for workspace in self.workspaces}
        taken = any(each.risk == "reads-of-others" for each in self.accepted_risks)
        taken = taken or self.data_class != "restricted"
        check_others(reads, placement=self.placement, taken=taken)
        check_owned({one.name: one.secrets for one in self.workspaces}, placement=self.placement)
        restricted, hosted = self.data_class == "restricted", self.capacity is not None
        check_private(me, self.network, fips=self.fips, restricted=restricted)
        check_clusters(me, self.workspaces, network=self.network, hosted=hosted)
        if self.capacity is not None:
            self._check_capacity(me, self.capacity)
        offered = self.architectures
        check_prices(me, self.prices, region=self.region, architectures=offered, hosted=hosted)
        for workspace in self.workspaces:
            check_reach(workspace, self.worker_price)
        check_budgets(
            me,
            self.workspaces,
            region=self.region,
            freezes=self.freeze_at_budget,
            ends=self.end_at_budget,
        )
        check_addons(self)
        if self.production:
            self._check_production(me)
        else:
            allowed = "public or internal where purpose is 'test', or purpose 'production'"
            require(self.data_class != "restricted", f"{me} data_class", self.data_class, allowed)

    def _check_place(self, me: str) -> None:
        matches(f"{me} account", self.account, r"\d{12}", "twelve digits")
        hosted = self.capacity is not None
        priced = self.prices is not None or hosted
        check_regions(me, self.allowed_regions, priced=self.region if priced else None)
        check_region(me, self.region, self.allowed_regions, fips=self.fips)
        check_zones(me, self.network, region=self.region, hosted=hosted)

    def _check_words(self, me: str) -> None:
        words = {"purpose": Purpose, "data_class": DataClass, "task_output": TaskOutput}
        for name, kind in words.items():
            one_of(f"{me} {name}", getattr(self, name), get_args(kind))
        for architecture in self.architectures:
            one_of(f"{me} architecture", architecture, get_args(Architecture))
        distinct(f"{me} architectures", self.architectures)
        one_of(f"{me} log_retention_days", self.log_retention_days, LOG_RETENTION_DAYS)
        one_of(f"{me} python", self.python, ("3.11", "3.12", "3.13", "3.14"))
        matches(f"{me} image_digest", self.image_digest, "sha256:[0-9a-f]{64}", "sha256:<64 hex>")
        for pack in self.packs:
            one_of(f"{me} packs", pack, get_args(Pack))
        for feature in self.without:
            one_of(f"{me} without", feature, get_args(Feature))
        for name in ("alert_emails", "security_emails"):
            told: tuple[str, ...] = getattr(self, name)
            between(f"number of {name} of environment {self.name}", len(told), 0, 10)
            emails(f"{me} {name}", told)
        distinct(f"{me} accepted_risks", (each.risk for each in self.accepted_risks))
        check_tags(me, self.tags)

    def _check_trust(self, me: str) -> None:
        names = [workspace.name for workspace in self.workspaces]
        check_identity(me, self.identity, account=self.account, workspaces=names)
        if self.permissions_boundary is not None:
            pattern = IAM_ARN + rf"({self.account}|aws):policy/[\w+=,.@/-]{{1,512}}"
            allowed = f"arn:aws:iam::{self.account}:policy/<name>"
            matches(f"{me} permissions_boundary", self.permissions_boundary, pattern, allowed)
        check_break_glass(
            me, self.break_glass_role_arn, account=self.account, production=self.production
        )
        check_data_roles(me, self.data_role_arns, account=self.account)
        if self.organization_id is not None:
            pattern = "o-[a-z0-9]{10,32}"
            matches(f"{me} organization_id", self.organization_id, pattern, pattern)
        trusted_networks(me, self.trusted_cidrs, self.trusted_vpcs)

    def _check_workspaces(self, me: str) -> None:
        require(self.workspaces, f"{me} workspaces", (), "one workspace or more")
        distinct(f"{me} workspaces", (workspace.name for workspace in self.workspaces))
        workers = max(workspace.limits.workers for workspace in self.workspaces)
        fits = self.network.existing is not None or self.network.worker_addresses >= workers
        room = f"a block with {workers} addresses for workers in {self.network.zones} zones"
        require(fits, f"{me} network.cidr", self.network.cidr, room)
        seconds = max(workspace.limits.timeout_seconds for workspace in self.workspaces)
        days = self.storage.session_days
        lasting = f"at least the {seconds / SECONDS_A_DAY:g} days that a session may run"
        require(days * SECONDS_A_DAY >= seconds, f"{me} storage.session_days", days, lasting)
        self._scopes.check(me)

    def _check_capacity(self, me: str, capacity: Ec2Capacity) -> None:
        groups = len(self.workspaces) * (2 if capacity.spot else 1)
        check_groups(
            me,
            capacity.instance_types,
            architecture=self.architecture,
            others=self.other_architectures,
            groups=groups,
        )
        check_room(
            me,
            capacity.instance_types,
            network=self.network,
            workspaces=self.workspaces,
            most=groups * capacity.most,
        )

    def _check_production(self, me: str) -> None:
        a_year = f"{KEPT_A_YEAR_DAYS} or more in production"
        for name, days in (
            ("log_retention_days", self.log_retention_days),
            ("audit.log_days", self.audit.log_days),
            ("storage.access_log_days", self.storage.access_log_days),
        ):
            require(days >= KEPT_A_YEAR_DAYS, f"{me} {name}", days, a_year)
        told = "one address or more in production"
        require(self.alert_emails, f"{me} alert_emails", self.alert_emails, told)
        require(self.packs, f"{me} packs", self.packs, "one pack or more in production")
        require(not self.without, f"{me} without", self.without, "nothing in production")
        recorded = self.audit.data_events or self.data_class != "restricted"
        allowed = "True where data_class is 'restricted'"
        require(recorded, f"{me} audit.data_events", self.audit.data_events, allowed)

    @property
    def worker_price(self) -> Price:
        """What a worker costs an hour, by its size: on instances, or on Fargate."""
        if self.capacity is not None:
            return host_price(Hosts(instances=self.capacity.instance_types))
        return fargate_price(load(self.region, self.prices), self.architectures)

    @property
    def _scopes(self) -> Scopes:
        return Scopes(
            environment=self.totals,
            user=self.user_totals,
            workspaces={one.name: one.totals for one in self.workspaces},
            limits={one.name: one.limits for one in self.workspaces},
        )

    @property
    def effective_totals(self) -> EffectiveTotals:
        """The totals that hold, set or not; the runtime document states them all."""
        return self._scopes.effective()

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """All that workers may have, the default first."""
        return (self.architecture, *self.other_architectures)

    @property
    def scans_registry(self) -> bool:
        """Whether it sets how the account's registry is scanned."""
        set_here = self.shared is not None and self.shared.registry_scanning
        return set_here and "registry-scanning" not in self.without

    @property
    def shuts_gateways(self) -> bool:
        """Whether it shuts every internet gateway of the account in the Region."""
        return self.shared is not None and self.shared.block_public_access

    @property
    def has_budgets(self) -> bool:
        """Whether any workspace has a monthly budget."""
        return any(one.monthly_budget_usd is not None for one in self.workspaces)

    @property
    def lacking_image(self) -> tuple[str, ...]:
        """Workspaces that wait for their first worker image; an emulator's need none."""
        lacking = (one.name for one in self.workspaces if self.image_of(one) == NO_IMAGE)
        return () if self.without else tuple(lacking)

    def named_reads(self, workspace: Workspace) -> tuple[NamedObjects, ...]:
        """Return the objects of other buckets that a workspace's workers read."""
        return tuple(each.named(self.placement) for each in workspace.named_reads)

    @property
    def has_secrets(self) -> bool:
        """Whether any workspace's workers start with secrets, which ECS reads by an endpoint."""
        return any(one.secrets for one in self.workspaces)

    @property
    def own_clusters(self) -> tuple[str, ...]:
        """Workspaces whose workers run in a cluster and a group of their own."""
        return tuple(one.name for one in self.workspaces if one.own_cluster)

    def image_of(self, workspace: Workspace) -> str:
        """Return the digest of the image that a workspace's workers run."""
        return workspace.image_digest or self.image_digest

    @property
    def placement(self) -> Placement:
        """Where it is deployed, as constructs and policies take it."""
        return Placement(
            account=self.account,
            region=self.region,
            organization_id=self.organization_id,
            retain=self.production,
        )

    @property
    def production(self) -> bool:
        """Whether stateful stacks are protected from deletion and retained."""
        return self.purpose == "production"
