"""What a rule of a profile is: one setting, one sentence, one number of who asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["Refusal", "Rule"]


class Refusal(NamedTuple):
    """What contradicts a rule.

    Attributes:
        field: the setting, such as ``log_retention_days``.
        value: what it is.
        allowed: the value that ends it.
    """

    field: str
    value: object
    allowed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: in words with dashes, once among all profiles.
        asked_by: the number of who asks for it, such as ``PCI DSS 4.0.1, 10.5.1``.
        why: what is asked, in words that follow "for".
        broken: what contradicts it in an environment; None where nothing does.
    """

    name: str
    asked_by: str
    why: str
    broken: Callable[[Environment], Refusal | None]
