"""Theorems notice mistakes: a sample of mutants here, all of them by ``starburst-prove``."""

from __future__ import annotations

from collections.abc import Mapping

from starburst_constructs.proofs.estate import Estate
from starburst_constructs.proofs.mutants import hunt, mutants
from starburst_constructs.proofs.survivors import SURVIVORS, reason_for
from starburst_constructs.proofs.theorems import ALL

SAMPLE = {
    "storage/DataPolicy": "DenyOtherUsersNames: dropped",
    "access/AnalystgenomicsAnalysis": "NothingWithoutAName: dropped",
    "access/ControllerPassing": "PassOnlyTheseRoles: dropped",
    "access/LaunchgenomicsLaunch": "PullImage: ecr:BatchGetImage widened",
    "foundation/Boundary": "OwnRoles: StringEquals iam:PassedToService dropped",
    "control/AlertsPolicy": "BudgetsPublishes: ArnLike aws:SourceArn key misspelled",
}
QUICK = {
    "every_role_keeps_to_its_duty",
    "nothing_in_other_accounts",
    "nothing_without_a_name",
    "own_names_only",
    "the_boundary_is_a_ceiling",
    "the_controller_can_work",
}


def test_a_sample_of_mutants_is_noticed(estates: Mapping[str, Estate]) -> None:
    estate = estates["prod"]
    quick = [item for item in ALL if item.name in QUICK]
    chosen = [one for one in mutants(estate) if SAMPLE.get(one.policy.name) == one.what]
    assert len(chosen) == len(SAMPLE)
    fates = list(hunt(estate, quick, chosen))
    assert not [str(fate.mutant) for fate in fates if fate.end == "alive"]
    assert {fate.end for fate in fates} == {"killed", "refused"}


def test_mutants_are_many_and_different(estates: Mapping[str, Estate]) -> None:
    found = list(mutants(estates["prod"]))
    assert len(found) > 1000
    assert len({(one.policy.name, one.policy.statements) for one in found}) == len(found)
    names = {one.policy.name for one in found}
    assert names == set(estates["prod"].policies), "every policy has its mutants"


def test_each_survivor_names_a_mutant_and_says_why(estates: Mapping[str, Estate]) -> None:
    found = list(mutants(estates["prod"]))
    spared = {reason for one in found if (reason := reason_for(one))}
    assert spared == {survivor.reason for survivor in SURVIVORS}
    assert len([one for one in found if reason_for(one)]) < len(found) / 20
