"""What synthesis says of LOCAL, with the names that the emulator has given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from environments import LOCAL
from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.reading.resolve import Physical
from starburst_assurance.proofs.reading.sharing import Sharing

__all__ = ["expected_of"]


def expected_of(assembly: Path) -> Callable[[Physical], PolicySet]:
    def expect(physical: Physical) -> PolicySet:
        return read_policy_set(
            assembly,
            "local",
            regions=LOCAL.allowed_regions,
            without=LOCAL.without,
            sharing={one.name: Sharing.of(one) for one in LOCAL.workspaces},
            data_roles=LOCAL.data_role_arns,
            physical=physical,
        )

    return expect
