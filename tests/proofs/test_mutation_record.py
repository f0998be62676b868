"""A run over mutants holds by all that is asked of it, and its exit code says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from starburst_assurance.proofs import command, entry
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.mutation.record import Record, digest_of
from starburst_assurance.proofs.mutation.testing import Fate
from starburst_assurance.proofs.reading.policies import Policy, PolicySet

SMALL = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
GOOD = Record(
    environment="test",
    theorems=1,
    killed=95,
    refused=0,
    same=[],
    alive=[{"policy": "p", "what": f"w{n}", "reason": "it refuses more"} for n in range(5)],
    unused=[],
    kills={"one": 95},
    policies={},
)


def test_it_holds_where_enough_was_noticed_and_the_rest_has_a_reason() -> None:
    assert GOOD.holds
    assert GOOD.unexplained == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"killed": 94},
        {"killed": 200, "alive": [*GOOD.alive, {"policy": "p", "what": "w", "reason": ""}]},
        {"unused": ["a reason that nothing needs"]},
        {"untried": 1},
        {"killed": 0, "alive": []},
    ],
    ids=["too few noticed", "one without a reason", "a reason too many", "one untried", "nothing"],
)
def test_each_thing_that_lacks_keeps_it_from_holding(wrong: dict[str, Any]) -> None:
    assert not replace(GOOD, **wrong).holds


@pytest.fixture
def policies(world: Callable[..., World]) -> PolicySet:
    return world(identity=SMALL).policy_set


def test_a_policy_that_is_new_changed_or_gone_has_changed_since(policies: PolicySet) -> None:
    then = replace(
        GOOD, policies={name: digest_of(policy) for name, policy in policies.policies.items()}
    )
    assert then.changed_since(policies) == ()
    new = Policy.parse("new", SMALL)
    assert then.changed_since(policies.with_policy(new)) == ("new",)
    other = replace(policies.policies["identity"], statements=())
    assert then.changed_since(policies.with_policy(other)) == ("identity",)
    gone = replace(then, policies={**then.policies, "gone": "0" * 16})
    assert gone.changed_since(policies) == ("gone",)


@pytest.mark.parametrize(
    ("ends", "more", "code"),
    [
        (["killed"] * 20, [], 0),
        ([], [], 1),
        (["killed"] * 20 + ["alive"], [], 1),
        (["killed"] * 20 + ["alive"], ["--policy", "identity"], 1),
        (["killed"] * 20, ["--policy", "identity"], 0),
    ],
)
def test_the_exit_code_says_whether_a_mutant_lives_without_a_reason(
    *,
    policies: PolicySet,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ends: list[Any],
    more: list[str],
    code: int,
) -> None:
    def fates(*_: object, **__: object) -> Iterator[Fate]:
        for number, end in enumerate(ends):
            yield Fate(policy="identity", what=f"w{number}", digest=f"{number}", end=end, by="one")

    monkeypatch.setattr("starburst_assurance.proofs.mutation.record.ACCEPTED", ())
    monkeypatch.setattr(command, "run_mutants", fates)
    monkeypatch.setattr(command, "_policy_sets", lambda options, folder: [(policies, [])])
    words = ["--mutants", "--only", "only_worker_roles", "--log", str(tmp_path / "log"), *more]
    assert entry.main(words) == code
