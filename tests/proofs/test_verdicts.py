"""A theorem is proved only where every claim of it was decided, and the exit code says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from starburst_assurance.proofs import command, entry
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula, Logic
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving import prove as prove_module
from starburst_assurance.proofs.solving.prove import prove, prove_all
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never

SMALL = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}

HARD, ENDLESS = "hard to say", "takes all memory"
"""Truth values of which the solver below decides nothing."""


class Undecided:
    """cvc5's answer where it has none."""

    def isSat(self) -> bool:
        return False

    def isUnsat(self) -> bool:
        return False


class Puzzled(prove_module.cvc5.Solver):
    """The solver, but for questions that name a truth value which is too hard for it."""

    def __init__(self, terms: Any) -> None:
        del terms  # taken when the object is made, as a compiled class does
        super().__init__()
        self.asked = ""

    def assertFormula(self, term: Any) -> None:
        self.asked += str(term)
        super().assertFormula(term)

    def checkSat(self) -> Any:
        if ENDLESS in self.asked:
            raise MemoryError("std::bad_alloc")
        return Undecided() if HARD in self.asked else super().checkSat()


@pytest.fixture(autouse=True)
def puzzled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_module.cvc5, "Solver", Puzzled)


@pytest.fixture
def policies(world: Callable[..., World]) -> PolicySet:
    policy_set = world(identity=SMALL).policy_set
    assert isinstance(policy_set, PolicySet)
    return policy_set


def claim(world: World, kind: str) -> Claim:
    """A claim of which it is known what becomes of it."""
    logic = world.logic
    context = world.context()
    request = Request(context=context, action="s3:GetObject", resource="arn:aws:s3:::b/k")
    two = [context.is_("aws:SourceVpce", one) for one in ("a", "b")]
    violations: Mapping[str, Sequence[Formula]] = {
        "holds": [logic.every(two)],
        "broken": [logic.flag("anything")],
        "broken by the second": [logic.every(two), logic.flag("anything")],
        "undecided": [logic.flag(HARD)],
        "out of memory": [logic.flag(ENDLESS)],
        "of nothing": [],
        "of nobody": [False],
        "after a hard premise": [False],
    }
    premises = {"of nobody": two, "after a hard premise": [logic.flag(HARD)]}
    return never(kind, [(request, one) for one in violations[kind]], given=premises.get(kind, []))


def stating(*kinds: str) -> Theorem:
    def claims(world: World) -> Iterator[Claim]:
        for kind in kinds:
            if kind == "raises":
                raise RuntimeError("a slip in the theorem")
            yield claim(world, kind)

    return Theorem(name="stated", group="test", sentence="Stated.", claims=claims)


@pytest.mark.parametrize(
    ("kinds", "answer"),
    [
        (("holds", "holds"), "proved"),
        ((), "vacuous"),
        (("undecided",), "unknown"),
        (("undecided", "holds"), "unknown"),
        (("holds", "undecided"), "unknown"),
        (("out of memory", "holds"), "unknown"),
        (("after a hard premise",), "unknown"),
        (("after a hard premise", "holds"), "unknown"),
        (("broken", "holds"), "refuted"),
        (("holds", "broken"), "refuted"),
        (("broken by the second",), "refuted"),
        (("undecided", "broken"), "refuted"),
        (("broken", "undecided"), "refuted"),
        (("of nothing", "holds"), "vacuous"),
        (("holds", "of nothing"), "vacuous"),
        (("of nobody", "holds"), "vacuous"),
    ],
)
def test_one_claim_that_is_not_proved_decides(
    policies: PolicySet, kinds: tuple[str, ...], answer: str
) -> None:
    verdict = prove(stating(*kinds), policies)
    assert (verdict.answer, verdict.holds) == (answer, answer == "proved")
    assert bool(verdict.why) == (answer != "proved")


def test_a_claim_that_cannot_be_made_ends_the_run_and_is_not_passed_over(
    policies: PolicySet,
) -> None:
    verdicts = prove_all([stating("holds"), stating("holds", "raises")], policies)
    assert next(verdicts).answer == "proved"
    with pytest.raises(RuntimeError, match="a slip in the theorem"):
        next(verdicts)


def test_what_was_undecided_is_asked_again(
    policies: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The solver's memory of what it refused holds what it refused, and nothing else."""
    shared = Logic()
    assert prove(stating("undecided"), policies, logic=shared).answer == "unknown"
    monkeypatch.undo()
    assert prove(stating("undecided"), policies, logic=shared).answer == "refuted"


@pytest.mark.parametrize("first", [True, False])
def test_what_held_under_one_premise_is_asked_again_under_another(
    policies: PolicySet, first: bool
) -> None:
    def claims(world: World) -> Iterator[Claim]:
        same = world.logic.flag("the same")
        request = Request(context=world.context(), action="s3:GetObject", resource="*")
        for premise in (world.logic.no(same), same) if first else (same, world.logic.no(same)):
            yield never("it", [(request, same)], given=[premise])

    item = Theorem(name="stated", group="test", sentence="Stated.", claims=claims)
    assert prove(item, policies).answer == "refuted"


@pytest.mark.parametrize(
    ("contrary", "answers", "asked"),
    [(False, ["proved", "proved"], [2, 0]), (True, ["vacuous", "vacuous"], [1, 1])],
    ids=["can be met", "cannot be met"],
)
def test_a_premise_that_can_be_met_is_asked_about_once(
    policies: PolicySet,
    monkeypatch: pytest.MonkeyPatch,
    contrary: bool,
    answers: list[str],
    asked: list[int],
) -> None:
    count = 0

    class Counting(Puzzled):
        def checkSat(self) -> Any:
            nonlocal count
            count += 1
            return super().checkSat()

    def claims(world: World) -> Iterator[Claim]:
        flag = world.logic.flag("a flag")
        request = Request(context=world.context(), action="s3:GetObject", resource="*")
        given = [flag, world.logic.no(flag)] if contrary else [flag]
        yield never("it", [(request, world.logic.no(flag))], given=given)

    monkeypatch.setattr(prove_module.cvc5, "Solver", Counting)
    item = Theorem(name="stated", group="test", sentence="Stated.", claims=claims)
    shared, found, made = Logic(), [], []
    for _ in range(2):
        found.append(prove(item, policies, logic=shared).answer)
        made.append(count - sum(made))
    assert (found, made) == (answers, asked)


@pytest.mark.parametrize("within", [True, False], ids=["asked of", "only shown"])
def test_a_name_in_a_counterexample_is_one(policies: PolicySet, within: bool) -> None:
    def claims(world: World) -> Iterator[Claim]:
        world.logic.name("of nobody who is asked about")
        user = world.logic.name("user", characters="xyz", low=5, high=7)
        context = world.context()
        context.put("aws:PrincipalTag/userName", user)
        request = Request(context=context, action="s3:GetObject", resource="*")
        long = world.logic.like(user, "????*")
        yield never("it", [(request, long if within else world.logic.flag("a flag"))])

    item = Theorem(name="stated", group="test", sentence="Stated.", claims=claims)
    verdict = prove(item, policies)
    assert verdict.counterexample is not None
    [user] = verdict.counterexample.context["aws:PrincipalTag/userName"]
    assert re.fullmatch("[xyz]{5,7}", user)


def test_what_no_name_can_be_needs_no_other_name(policies: PolicySet) -> None:
    def claims(world: World) -> Iterator[Claim]:
        world.logic.name("of nobody who is asked about")
        user = world.logic.name("user", characters="xyz", low=5, high=7)
        request = Request(context=world.context(), action="s3:GetObject", resource="*")
        short = world.logic.no(world.logic.like(user, "?????*"))
        yield never("it", [(request, short)])

    item = Theorem(name="stated", group="test", sentence="Stated.", claims=claims)
    assert prove(item, policies).answer == "proved"


@pytest.mark.parametrize("seconds", [60.0, 0.5])
def test_the_solver_is_given_the_time_that_is_said(
    policies: PolicySet, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    given: list[tuple[str, str]] = []

    class Timed(Puzzled):
        def setOption(self, option: str, value: str) -> None:
            given.append((option, value))
            super().setOption(option, value)

    monkeypatch.setattr(prove_module.cvc5, "Solver", Timed)
    prove(stating("holds"), policies, seconds=seconds)
    assert ("tlimit-per", f"{seconds * 1000:.0f}") in given


def proves(monkeypatch: pytest.MonkeyPatch, *synthesized: tuple[PolicySet, list[Theorem]]) -> int:
    """The command's exit code, where these are the environments and there is no other theorem."""
    monkeypatch.setattr(command, "_policy_sets", lambda options, folder: list(synthesized))
    monkeypatch.setattr(command, "theorems_in", lambda files: (stating("holds"),))
    return entry.main([])


@pytest.mark.parametrize(
    "kind", ["undecided", "out of memory", "of nothing", "of nobody", "broken"]
)
def test_the_exit_code_counts_whatever_is_not_proved_in_any_environment(
    policies: PolicySet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    """The theorem is an add-on's, of the first of two environments."""
    wrong = replace(stating("holds", kind), name="an_addons")
    other = replace(policies, name="other")
    assert proves(monkeypatch, (policies, [wrong]), (other, [])) == 1
    out = capsys.readouterr().out
    assert "1 of 2 theorems proved" in out
    assert "1 of 1 theorems proved" in out
    assert "an_addons" in out


def test_the_exit_code_is_zero_where_all_is_proved(
    policies: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert proves(monkeypatch, (policies, [stating("holds")])) == 0


def test_an_app_without_an_environment_proves_nothing_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert proves(monkeypatch) == 2
    assert "no environment" in capsys.readouterr().err
