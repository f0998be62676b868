"""That an account of a profile holds no environment without it (A25)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from typing import TYPE_CHECKING

from stacks.settings.profiles.known import profiles_of
from stacks.settings.validation import require

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["check_apart"]


def check_apart(environments: Iterable[Environment]) -> None:
    """Refuse an environment without the profile ``pci`` in an account of one that has it.

    In any Region: an account's users, roles and administrators are the same in all of them. What
    else the account holds is in no settings, and stays yours to keep out.

    Args:
        environments: all of an organization's.

    Raises:
        SettingsError: with both environments and the account.
    """
    for one, other in permutations(environments, 2):
        shared = one.account == other.account and "pci" in profiles_of(one)
        allowed = (
            f"another account than {one.account}: environment {one.name} has profile 'pci', and "
            "whoever reaches a neighbour in its account would come into the scope of its "
            "assessment; or profile='pci' here too"
        )
        apart = not shared or "pci" in profiles_of(other)
        require(apart, f"environment {other.name}: account", other.account, allowed)
