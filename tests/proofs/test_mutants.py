"""Theorems notice mistakes: a sample of mutants here, all of them by ``make mutants``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from starburst_assurance.proofs import command, entry
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.mutation import testing
from starburst_assurance.proofs.mutation.accepted import ACCEPTED, reason_for
from starburst_assurance.proofs.mutation.equivalence import changes_nothing
from starburst_assurance.proofs.mutation.mutants import Mutant, mutants
from starburst_assurance.proofs.mutation.record import load, record, write
from starburst_assurance.proofs.mutation.testing import End, Fate, Log, run_mutants
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.theorems import ALL

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
THEOREMS = [item for item in ALL if item.name in QUICK]


@pytest.fixture(scope="module")
def sample(policy_sets: Mapping[str, PolicySet]) -> list[Mutant]:
    """One mutant of each of some policies, each of its own kind."""
    return [one for one in mutants(policy_sets["prod"]) if SAMPLE.get(one.policy.name) == one.what]


def test_a_sample_of_mutants_is_noticed(
    policy_sets: Mapping[str, PolicySet], sample: list[Mutant], tmp_path: Path
) -> None:
    assert len(sample) == len(SAMPLE)
    log = tmp_path / "log.jsonl"
    fates = list(run_mutants(policy_sets["prod"], THEOREMS, sample, log=Log(log)))
    assert {fate.end for fate in fates} == {"killed", "refused"}
    assert len(log.read_text().splitlines()) == len(sample)


def test_what_was_found_is_not_tried_again(
    policy_sets: Mapping[str, PolicySet],
    sample: list[Mutant],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy_set, log = policy_sets["prod"], tmp_path / "log.jsonl"
    world = testing.world_digest(policy_set, THEOREMS)
    for one in sample[:2]:
        Log(log).add(
            Fate(
                policy=one.policy.name,
                what=one.what,
                digest=one.digest,
                end="killed",
                by="own_names_only",
                world=world,
            )
        )
    tried: list[tuple[str, str]] = []

    class Watched:
        def __init__(self, *_: object) -> None: ...

        def fate(self, mutant: Mutant, *, suspect: str = "") -> Fate:
            tried.append((mutant.what, suspect))
            return testing._fate(mutant, "alive")

    monkeypatch.setattr(testing, "MutationRun", Watched)
    found = list(run_mutants(policy_set, THEOREMS, sample[:3], log=Log(log)))
    assert [fate.end for fate in found] == ["killed", "killed", "alive"]
    assert tried == [(sample[2].what, "")]
    # Another policy_set: what killed a mutant there is asked first here, and is asked.
    tried.clear()
    moved = replace(policy_set, regions=("eu-central-1",))
    list(run_mutants(moved, THEOREMS, sample[:1], log=Log(log)))
    assert tried == [(sample[0].what, "own_names_only")]


def test_mutants_are_many_and_different(policy_sets: Mapping[str, PolicySet]) -> None:
    found = list(mutants(policy_sets["prod"]))
    assert len(found) > 1000
    assert len({one.digest for one in found}) == len(found)
    names = {one.policy.name for one in found}
    assert names == set(policy_sets["prod"].policies), "every policy has its mutants"


def test_each_accepted_mutant_is_one_and_says_why(policy_sets: Mapping[str, PolicySet]) -> None:
    found = list(mutants(policy_sets["prod"]))
    spared = {reason for one in found if (reason := reason_for(one.policy.name, one.what))}
    assert spared == {accepted.reason for accepted in ACCEPTED}
    assert len([one for one in found if reason_for(one.policy.name, one.what)]) < len(found) / 20


@pytest.mark.parametrize(
    ("policy", "what", "same"),
    [
        # No role of ours may do this by its own policies, so the boundary need not let it.
        ("foundation/Boundary", "OwnKeys: kms:DescribeKey dropped", True),
        ("foundation/Boundary", "OwnKeys: kms:Decrypt dropped", False),
        ("access/AnalystgenomicsAnalysis", "ListOwnFolder: dropped", False),
        # A second lock: theorems notice its loss, no request does while the first one holds.
        ("storage/DataPolicy", "DenyOtherUsersNames: dropped", True),
    ],
)
def test_what_changes_nothing_is_proved_to(
    policy_sets: Mapping[str, PolicySet], policy: str, what: str, same: bool
) -> None:
    policy_set = policy_sets["prod"]
    changed = next(
        one.policy for one in mutants(policy_set) if (one.policy.name, one.what) == (policy, what)
    )
    assert changes_nothing(policy_set, changed, logic=Logic()) is same


def test_a_record_says_what_is_missing(
    policy_sets: Mapping[str, PolicySet], tmp_path: Path
) -> None:
    policy_set = policy_sets["prod"]
    policy = next(iter(policy_set.policies))
    ends: list[tuple[End, int]] = [
        ("killed", 1),
        ("killed", 2),
        ("refused", 1),
        ("same", 1),
        ("alive", 1),
    ]
    fates = [
        Fate(policy=policy, what=f"{end} {count}", digest=f"{end}{count}", end=end, by="one")
        for end, count in ends
    ]
    found = record(policy_set, fates, theorems=3)
    assert found.rate == 0.75
    assert found.unexplained == (f"{policy}: alive 1",)
    assert set(found.unused) == {one.reason for one in ACCEPTED}
    assert not found.holds
    write(found, tmp_path / "m.json")
    assert load(tmp_path / "m.json") == found
    assert "no reason known" in (tmp_path / "m.md").read_text()
    assert found.changed_since(policy_set) == ()
    assert found.changed_since(
        policy_set.with_policy(replace(policy_set.policies[policy], statements=()))
    )


def test_the_command_tries_the_mutants_of_a_policy(
    policy_sets: Mapping[str, PolicySet],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        command, "_policy_sets", lambda options, folder: [(policy_sets["prod"], [])]
    )
    log = tmp_path / "log.jsonl"
    arguments = ["--mutants", "--processes", "1", "--only", "only_worker_roles", "--log", str(log)]
    assert entry.main([*arguments, "--policy", "ControllerPassing"]) >= 0
    assert "killed by theorems" in capsys.readouterr().out
    ends = {json.loads(line)["end"] for line in log.read_text().splitlines()}
    assert "killed" in ends
