"""Risks that an environment takes, each with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from stacks.settings.validation import one_of, require

__all__ = ["AcceptedRisk", "RiskName"]

RiskName = Literal[
    "analysts-anywhere",
    "broker-names-anybody",
    "data-outside-switzerland",
    "endpoints-of-others",
    "long-lived-keys",
    "no-security-contact",
    "pickled-results",
    "reads-of-others",
    "record-can-be-erased",
    "record-of-others",
    "second-factor-elsewhere",
    "way-out",
]
"""What synthesis warns of, nearly all of it where data are restricted; its warning says what each
means."""

_ENOUGH: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedRisk:
    """A risk that synthesis no longer warns of; the evidence shows it with the reason.

    Attributes:
        risk: its name.
        reason: why it is taken, in a sentence, and who decided.

    Example:
        >>> AcceptedRisk(risk="way-out", reason="The registry of trials is abroad; M. Roe").risk
        'way-out'
    """

    risk: RiskName
    reason: str

    def __post_init__(self) -> None:
        """Refuse a risk that is none, and a reason that says nothing."""
        one_of("accepted_risks", self.risk, get_args(RiskName))
        said = isinstance(self.reason, str) and len(self.reason.strip()) >= _ENOUGH
        allowed = f"{_ENOUGH} characters or more that say why, and who decided"
        require(said, f"reason of accepted risk {self.risk}", self.reason, allowed)
