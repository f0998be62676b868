"""Risks that only a profile asks a reason for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stacks.settings.identity import MfaUsers
from stacks.settings.profiles.known import profiles_of
from stacks.settings.profiles.places import SWISS_REGIONS

if TYPE_CHECKING:
    from stacks.settings.environment import Environment
    from stacks.settings.risk import RiskName

__all__ = ["risks_of_profiles"]


def risks_of_profiles(environment: Environment) -> Iterator[tuple[RiskName, str]]:
    """Yield what the environment's profiles let pass for a reason only, with its sentence."""
    named = profiles_of(environment)
    abroad = [each for each in environment.allowed_regions if each not in SWISS_REGIONS]
    if "finma" in named and abroad:
        yield (
            "data-outside-switzerland",
            f"critical data may lie in {', '.join(abroad)}: take them out of allowed_regions",
        )
    if named and not environment.audit.trail:
        yield (
            "record-of-others",
            "no trail of the kit's tells who read what, which a profile asks for: set "
            "audit=Audit(trail=True, …), or make sure that the organization's trail has the "
            "bucket's data events",
        )
    if "pci" in named and not isinstance(environment.identity, MfaUsers):
        yield (
            "second-factor-elsewhere",
            "who asks people for a second factor is not the kit, so no theorem says that it is "
            "asked for: have the identity provider ask always",
        )
