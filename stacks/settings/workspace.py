"""What a workspace may use: a session's limits, totals, worker size, budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stacks.settings.annotations import typed
from stacks.settings.totals import check_session_fits, check_totals
from stacks.settings.validation import between, emails, matches, one_of, positive, require
from starburst.contract import MAX_WORKERS, PRINCIPAL_NAME, Limits, Totals
from starburst.pricing.fargate import MEMORY_GB, SCRATCH_GB, describe_memory, is_size

__all__ = ["Workspace"]

LONGEST_SESSION_SECONDS: Final = 14 * 86_400
"""SQS keeps no message for longer, so no session may last longer."""


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
        monthly_budget_usd: alerts at 50, 80 and 100 % of it (S19).
        budget_emails: who is told, 1 to 10.
    """

    name: str
    limits: Limits = field(default_factory=Limits)
    totals: Totals | None = None
    cpu: float = 1
    memory_gb: float = 4
    scratch_gb: int = 21
    monthly_budget_usd: float = 500
    budget_emails: tuple[str, ...] = ()

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
        positive(f"{me} monthly_budget_usd", self.monthly_budget_usd, most=10_000_000)
        self._check_limits(me)
        if self.totals is not None:
            check_totals(f"{me} totals", self.totals)
            check_session_fits(f"{me} totals", self.totals, self.limits)
        between(f"number of budget_emails of workspace {self.name}", len(self.budget_emails), 1, 10)
        emails(f"{me} budget_emails", self.budget_emails)

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
