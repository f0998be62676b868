"""What a workspace may use: a session's limits, totals, worker size, budget, packages, data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, get_args

from packaging.requirements import InvalidRequirement, Requirement

from stacks.settings.annotations import typed
from stacks.settings.named.reads import Reads, check_reads
from stacks.settings.named.secrets import Secret, check_secrets
from stacks.settings.storage import MOST_DAYS
from stacks.settings.totals import check_session_fits, check_totals
from stacks.settings.validation import (
    between,
    distinct,
    emails,
    matches,
    one_of,
    positive,
    require,
)
from starburst.contract import (
    MAX_WORKERS,
    PRINCIPAL_NAME,
    DataWriters,
    Limits,
    PackagePolicy,
    Totals,
)
from starburst.pricing.fargate import MEMORY_GB, SCRATCH_GB, describe_memory, is_size
from starburst_constructs.named_secrets import NamedSecret

__all__ = ["Workspace"]

IMAGE_DIGEST: Final = r"sha256:(?!0{64})[0-9a-f]{64}"

LONGEST_SESSION_SECONDS: Final = 14 * 86_400
"""SQS keeps no message for longer, so no session may last longer."""

_WHEEL: Final = r"sha256:[0-9a-f]{64}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A study or a team: the trust boundary. Its own prefix, roles, task, log group, limits.

    Attributes:
        name: ``[a-z0-9]{3,32}``.
        limits: what one session may use.
        totals: what all sessions may use together; None for what follows from the limits: 50
            sessions, the fleets of five at their limits, three times their USD per hour, and the
            money of 30 hours at that limit a day, of 300 a month (A1).
        cpu, memory_gb: default size of a worker; a session may choose another that Fargate sells.
        scratch_gb: ephemeral storage of a worker, 20 to 200, where a session asks for no other.
        monthly_budget_usd: alerts at 50, 80 and 100 % of it (S19); None for no budget, as in
            Regions whose CloudFormation makes none.
        budget_emails: who is told, 1 to 10; () without a budget.
        packages: which packages workers may have: ``image``, those of their image alone;
            ``allowed``, also those of ``allowed_packages`` that a steward put there; ``any``, what
            an analyst sends (A8).
        allowed_packages: with ``allowed``: names, names with a version specifier such as
            ``numpy>=2,<3``, or ``sha256:`` and the hash of a wheel.
        data_writers: who writes below ``data/``: ``analysts`` too, or a ``steward`` alone.
        data_days, home_days: how long objects there live; None until they are erased.
        home_links: whether analysts may make links (presigned addresses) to what is in their homes.
        reads: other buckets whose objects workers may read; see :class:`Reads`. A text is the ARN
            of objects of the environment's own account.
        secrets: of AWS Secrets Manager, by ARN, that workers start with as environment variables;
            see :class:`Secret`.
        image_digest: of the workers' image; None for the environment's.
        own_cluster: whether its workers run apart: in an ECS cluster and a security group that no
            other workspace's workers are in.
        draining: whether it takes no new session. What runs goes on under its limits, and its
            people read what is there. ``python -m deploy.retire`` asks for it.
    """

    name: str
    limits: Limits = field(default_factory=Limits)
    totals: Totals | None = None
    cpu: float = 1
    memory_gb: float = 4
    scratch_gb: int = 21
    monthly_budget_usd: float | None = 500
    budget_emails: tuple[str, ...] = ()
    packages: PackagePolicy = "image"
    allowed_packages: tuple[str, ...] = ()
    data_writers: DataWriters = "steward"
    data_days: int | None = None
    home_days: int | None = None
    home_links: bool = False
    reads: tuple[str | Reads, ...] = ()
    secrets: tuple[Secret, ...] = ()
    image_digest: str | None = None
    own_cluster: bool = False
    draining: bool = False

    def __post_init__(self) -> None:
        """Refuse a size that Fargate lacks, limits above caps or totals, a budget unheard of."""
        matches("workspace name", self.name, PRINCIPAL_NAME, PRINCIPAL_NAME.pattern)
        me = f"workspace {self.name}:"
        typed(f"{me} ", self)
        one_of(f"{me} cpu", self.cpu, tuple(MEMORY_GB))
        fits = is_size(self.cpu, self.memory_gb)
        allowed = f"what Fargate sells with {self.cpu:g} vCPU, {describe_memory(self.cpu)}"
        require(fits, f"{me} memory_gb", self.memory_gb, allowed)
        between(f"{me} limits.scratch_gb", self.limits.scratch_gb, *SCRATCH_GB)
        between(f"{me} scratch_gb", self.scratch_gb, 20, self.limits.scratch_gb)
        self._check_limits(me)
        if self.totals is not None:
            check_totals(f"{me} totals", self.totals)
            check_session_fits(f"{me} totals", self.totals, self.limits)
        self._check_budget(me)
        self._check_areas(me)
        check_reads(me, self.reads)
        check_secrets(me, self.secrets)
        if self.image_digest is not None:
            matches(f"{me} image_digest", self.image_digest, IMAGE_DIGEST, "sha256:<64 hex>, not 0")

    @property
    def named_reads(self) -> tuple[Reads, ...]:
        """What ``reads`` says, a text as objects of the environment's own account."""
        return check_reads(f"workspace {self.name}:", self.reads)

    @property
    def named_secrets(self) -> tuple[NamedSecret, ...]:
        """What ``secrets`` says, as policies and task definitions take it."""
        return tuple(each.named for each in self.secrets)

    def _check_limits(self, me: str) -> None:
        limits = self.limits
        most_cpu, most_memory = max(MEMORY_GB), max(max(sizes) for sizes in MEMORY_GB.values())
        between(f"{me} limits.workers", limits.workers, 1, MAX_WORKERS)
        positive(f"{me} limits.vcpu", limits.vcpu, most=MAX_WORKERS * most_cpu)
        positive(f"{me} limits.memory_gb", limits.memory_gb, most=MAX_WORKERS * most_memory)
        between(f"{me} limits.timeout_seconds", limits.timeout_seconds, 60, LONGEST_SESSION_SECONDS)
        positive(f"{me} limits.usd_per_hour", limits.usd_per_hour, most=1000)
        enough = "at least the {:g} of one default worker"
        require(limits.vcpu >= self.cpu, f"{me} limits.vcpu", limits.vcpu, enough.format(self.cpu))
        require(
            limits.memory_gb >= self.memory_gb,
            f"{me} limits.memory_gb",
            limits.memory_gb,
            enough.format(self.memory_gb),
        )

    def _check_budget(self, me: str) -> None:
        told = self.budget_emails
        if self.monthly_budget_usd is None:
            allowed = "() with monthly_budget_usd=None: nobody would be told of anything"
            require(not told, f"{me} budget_emails", told, allowed)
            return
        positive(f"{me} monthly_budget_usd", self.monthly_budget_usd, most=10_000_000)
        between(f"number of budget_emails of workspace {self.name}", len(told), 1, 10)
        emails(f"{me} budget_emails", told)

    def _check_areas(self, me: str) -> None:
        one_of(f"{me} packages", self.packages, get_args(PackagePolicy))
        one_of(f"{me} data_writers", self.data_writers, get_args(DataWriters))
        field = f"{me} allowed_packages"
        listed = self.packages == "allowed"
        allowed = "one package or more with packages='allowed'"
        require(self.allowed_packages or not listed, field, (), allowed)
        allowed = f"() with packages={self.packages!r}, which asks no list; or packages='allowed'"
        require(listed or not self.allowed_packages, field, self.allowed_packages, allowed)
        distinct(field, self.allowed_packages)
        for each in self.allowed_packages:
            allowed = "a name, a name with versions such as numpy>=2,<3, or sha256:<64 hex>"
            require(_is_package(each), field, each, allowed)
        for name, days in (("data_days", self.data_days), ("home_days", self.home_days)):
            if days is not None:
                between(f"{me} {name}", days, 1, MOST_DAYS)


def _is_package(text: str) -> bool:
    """Return whether an entry names wheels: by a hash, or by name and versions and nothing else."""
    if text.startswith("sha256:"):
        return re.fullmatch(_WHEEL, text) is not None
    try:
        named = Requirement(text)
    except InvalidRequirement:
        return False
    return not (named.extras or named.marker or named.url)
