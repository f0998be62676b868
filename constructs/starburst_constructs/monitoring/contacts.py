"""Who hears which alarm: the one place that says so (A5).

The runbook's table has the same column, and a test keeps both in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["CONTACTS", "Contact"]

Contact = Literal["platform", "security"]

CONTACTS: Final[Mapping[str, Contact]] = MappingProxyType(
    {
        "NoSweep": "platform",
        "UnfinishedSweeps": "platform",
        "Errors": "platform",
        "Throttles": "platform",
        "LostEvents": "platform",
        "StaleWakes": "platform",
        "Ages": "platform",
        "Tampering": "security",
        "Trespasses": "security",
        "Weakenings": "security",
        "Openings": "security",
        "Deployments": "security",
        "Strangers": "security",
        "Outsiders": "security",
        "Downloads": "security",
        "ManyDownloads": "security",
        "FailedLogins": "security",
        "Refusals": "security",
    }
)
"""By alarm. What security hears goes to the platform's contact where an environment has no other:
no alarm is lost."""
