"""The profiles that there are, and how an environment is held to those that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from stacks.settings.profiles.finma import FINMA
from stacks.settings.profiles.gdpr import GDPR
from stacks.settings.profiles.pci import PCI
from stacks.settings.profiles.rule import Rule
from stacks.settings.validation import distinct, one_of, require

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["PROFILES", "Profile", "ProfileName", "ProfileNames", "check_profiles", "profiles_of"]

ProfileName = Literal["finma", "gdpr", "pci"]
ProfileNames = tuple[ProfileName, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One profile.

    Attributes:
        title: what it is about, as its page calls it.
        rules: in the order in which they are asked.
    """

    title: str
    rules: tuple[Rule, ...]


PROFILES: Final[Mapping[ProfileName, Profile]] = MappingProxyType(
    {
        "pci": Profile(title="PCI DSS 4.0.1", rules=PCI),
        "finma": Profile(title="FINMA circular 2023/1", rules=FINMA),
        "gdpr": Profile(title="General Data Protection Regulation", rules=GDPR),
    }
)
"""By name."""


def profiles_of(environment: Environment) -> ProfileNames:
    """Return the profiles of an environment, whether it names one, several or none."""
    named = environment.profile
    if named is None:
        return ()
    return (named,) if isinstance(named, str) else tuple(named)


def check_profiles(environment: Environment) -> None:
    """Refuse the first setting that contradicts a profile of the environment.

    The rules of several profiles hold together: what one refuses, no other allows.

    Raises:
        SettingsError: with the setting, what it may be, why, and who asks for it.
    """
    me, said = f"environment {environment.name}:", environment.profile
    several = said is None or isinstance(said, str | tuple | list)
    require(several, f"{me} profile", said, "a name, a tuple of names, or None")
    names = profiles_of(environment)
    for name in names:
        one_of(f"{me} profile", name, get_args(ProfileName))
    distinct(f"{me} profile", names)
    for name in names:
        for rule in PROFILES[name].rules:
            refusal = rule.broken(environment)
            if refusal is not None:
                allowed = (
                    f"{refusal.allowed} with profile '{name}', for {rule.why} ({rule.asked_by})"
                )
                require(False, f"{me} {refusal.field}", refusal.value, allowed)
