"""What an account has once in a Region, and who has it, as add-ons say (decision 0046)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from stacks.settings.validation import matches, one_of

__all__ = ["Holding", "Owner", "Single"]

Owner = Literal["this", "neighbour", "elsewhere"]
"""Who has it: the add-on that is asked, one of another environment there, or somebody else."""

_OWNERS: Final = ("this", "neighbour", "elsewhere")
_TYPE: Final = r"AWS(::[A-Za-z0-9]+){2}|[a-z0-9-]+:[A-Z][A-Za-z0-9]+"


@dataclass(frozen=True, kw_only=True, slots=True)
class Single:
    """Something of which an account has one in a Region: the same by its type and its kind.

    Attributes:
        type: of CloudFormation; where that has none, the action of AWS that switches it on.
        kind: which of the type, where an account has one of each; empty for the only one.
        called: by people; no part of what it is.

    Raises:
        SettingsError: ``type`` is neither a type nor an action.

    Example:
        >>> print(Single(type="AWS::SecurityHub::Hub"))
        AWS::SecurityHub::Hub
    """

    type: str
    kind: str = ""
    called: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse words that name no type."""
        allowed = "a type such as AWS::SecurityHub::Hub, or an action such as inspector2:Enable"
        matches("type of what an account has once", self.type, _TYPE, allowed)

    def __str__(self) -> str:
        """Return what people call it."""
        return self.called or self.type


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """Who has something that an account has once, as one add-on of one environment says.

    Attributes:
        owner: ``this``: the add-on makes it. ``neighbour``: an add-on of another environment of the
            account and Region answers for it. ``elsewhere``: somebody whom no settings know, such
            as the organization.
        leaving: the setting by which the add-on leaves it to somebody else.
        parts: what is needed of it; who makes it for a neighbour has as much.
    """

    owner: Owner
    leaving: str
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an owner that nobody could ask."""
        one_of("owner of what an account has once", self.owner, _OWNERS)
