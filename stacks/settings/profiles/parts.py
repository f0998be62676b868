"""What rules of several profiles ask in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.settings.profiles.rule import Refusal
from stacks.settings.validation import KEPT_A_YEAR_DAYS

if TYPE_CHECKING:
    from stacks.settings.environment import Environment
    from stacks.settings.risk import RiskName

__all__ = ["has_addon", "isolated", "kept_a_year", "reads_recorded", "restricted", "told", "took"]


def restricted(environment: Environment) -> Refusal | None:
    """Refuse a class of data for which the kit asks less; it implies production."""
    if environment.data_class == "restricted":
        return None
    return Refusal("data_class", environment.data_class, "'restricted', in production")


def isolated(environment: Environment) -> Refusal | None:
    """Refuse a way out of the workers' network."""
    egress = environment.network.egress
    return None if egress == "isolated" else Refusal("network.egress", egress, "'isolated'")


def reads_recorded(environment: Environment) -> Refusal | None:
    """Refuse a trail that does not say who read which object, and somebody else's unnamed one."""
    if not environment.audit.data_events:
        return Refusal("audit.data_events", False, "True")
    risk = "record-of-others"
    if environment.audit.trail or took(environment, risk):
        return None
    allowed = f"True, or AcceptedRisk(risk='{risk}', reason=…) that names whose trail has them"
    return Refusal("audit.trail", False, allowed)


def told(environment: Environment) -> Refusal | None:
    """Refuse alarms of theft that reach nobody but who deploys."""
    if environment.security_emails:
        return None
    return Refusal("security_emails", (), "addresses of the security team")


def kept_a_year(environment: Environment) -> Refusal | None:
    """Refuse logs that end within a year."""
    days = {
        "log_retention_days": environment.log_retention_days,
        "audit.log_days": environment.audit.log_days,
        "storage.access_log_days": environment.storage.access_log_days,
    }
    for field, kept in days.items():
        if kept < KEPT_A_YEAR_DAYS:
            return Refusal(field, kept, f"{KEPT_A_YEAR_DAYS} or more")
    return None


def has_addon(environment: Environment, name: str, written: str) -> Refusal | None:
    """Refuse an environment without an add-on.

    Args:
        environment: that must have it.
        name: of the add-on.
        written: how settings write it.
    """
    there = tuple(addon.name for addon in environment.addons)
    return None if name in there else Refusal("addons", there, f"also {written}")


def took(environment: Environment, risk: RiskName) -> bool:
    """Return whether the environment gives a reason for a risk."""
    return any(each.risk == risk for each in environment.accepted_risks)
