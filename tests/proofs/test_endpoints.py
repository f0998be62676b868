"""Who opens endpoints is proved where they come and go, and mistakes in it are noticed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.mutation.testing import run_mutants
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
OURS = [item for item in ALL if item.group == "Opening endpoints"]
WIDENED = [
    item for item in ALL if item.name in ("only_worker_roles_to_ecs", "only_allowed_regions")
]
MISTAKES = (
    "InThisVpc: ",
    "ToTheseServices: StringEquals",
    "TaggedAtOnce: ",
    "DeleteWhatIsTagged: ",
    "PrivateNames: ForAllValues:StringEquals route53:VPCs dropped",
    "OpenAndCloseEndpoints: ",
    "PassOnlyTheEndpointRole: ",
    "statement 0: ",
)
HARMLESS = ("with IfExists",)
"""Beside a duty that a role keeps anyhow; ``make mutants`` tries all."""


@pytest.mark.parametrize("name", ["local", "dev"])
@pytest.mark.parametrize("item", [*OURS, *WIDENED], ids=lambda item: item.name)
def test_opening_is_proved_where_endpoints_come_and_go(
    policy_sets: Mapping[str, PolicySet], name: str, item: Theorem
) -> None:
    assert [role.name for role in policy_sets[name].roles_for("endpoints")] == [
        f"starburst-{name}-endpoints"
    ]
    verdict = prove(item, policy_sets[name], logic=LOGIC)
    assert verdict.holds, verdict.counterexample or verdict.why


def test_there_is_no_such_role_where_they_stay(policy_sets: Mapping[str, PolicySet]) -> None:
    for name in ("prod", "regulated"):
        assert not policy_sets[name].roles_for("endpoints")


def test_every_mistake_in_who_opens_them_is_noticed(policy_sets: Mapping[str, PolicySet]) -> None:
    dev = policy_sets["dev"]
    chosen = [
        one
        for one in mutants(dev)
        if one.policy.name.startswith(("network/OpeningRole", "access/ControllerEndpoints"))
        and one.what.startswith(MISTAKES)
        and not one.what.endswith(HARMLESS)
    ]
    assert len(chosen) > 60
    alive = [
        str(fate) for fate in run_mutants(dev, [*OURS, *WIDENED], chosen) if fate.end == "alive"
    ]
    assert not alive
