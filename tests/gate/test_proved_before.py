"""What was proved before is believed where it says the same, of the same, from the same hands."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

from starburst_assurance.gate import resting
from starburst_assurance.gate.proved_before import ProvedBefore, users_folder
from starburst_assurance.gate.proving import prove_environment
from starburst_assurance.gate.resting import DISTRIBUTIONS, PROVER, key_of, modules_below, plain
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import requests
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Role
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.theorems import ALL
from tests.repository.imports import ROOT, imports, modules, needs
from tests.some import some

SMALL = PolicySet(
    name="small",
    account="111122223333",
    region="eu-west-1",
    regions=("eu-west-1",),
    policies={
        "p": Policy.parse("p", {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    },
    roles=(
        Role(
            arn="arn:aws:iam::111122223333:role/r",
            tags={},
            trust="p",
            policies=("p",),
            boundary=None,
        ),
    ),
    guarded=(),
    endpoints=(),
)
ASKED: list[str] = []


@theorem("test")
def holds(world: World) -> Iterator[Claim]:
    """Nothing happens that is false, which is easily proved."""
    ASKED.append(world.policy_set.name)
    [asked] = requests(world.context(), ["s3:GetObject"], "arn:aws:s3:::b/k")
    yield never("nothing", [(asked, world.logic.same("a", "b"))])


@theorem("test")
def is_refuted(world: World) -> Iterator[Claim]:
    """Nothing true happens, which is wrong."""
    [asked] = requests(world.context(), ["s3:GetObject"], "arn:aws:s3:::b/k")
    yield never("anything", [(asked, True)])


@theorem("test")
def is_about_nothing(world: World) -> Iterator[Claim]:
    """A theorem that claims nothing is no theorem."""
    del world
    yield from ()


@theorem("test")
def stops(world: World) -> Iterator[Claim]:
    """A theorem that cannot be asked proves nothing either."""
    raise LookupError("it has 0 roles")
    yield from holds.claims(world)


@theorem("test", unless="something")
def is_left_out(world: World) -> Iterator[Claim]:
    """Whoever does without something is not asked about it."""
    yield from holds.claims(world)


@pytest.fixture
def before(tmp_path: Path) -> ProvedBefore:
    return ProvedBefore(tmp_path / "proved")


def test_what_was_proved_is_not_asked_again(before: ProvedBefore) -> None:
    without = replace(SMALL, without=("something",))
    first = prove_environment(without, [holds, is_left_out], before=before)
    assert (first.unproved, first.before, first.claimed) == ((), False, 1)
    assert str(first).startswith("proved now: small (1 theorems, 1 left out) in ")
    ASKED.clear()
    again = prove_environment(without, [holds, is_left_out], before=before)
    assert ASKED == []
    assert str(again) == f"proved before: small (1 theorems, 1 left out), key {first.key[:16]}"
    assert before.folder.stat().st_mode & 0o777 == 0o700
    [kept] = before.folder.glob("*.json")
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (is_refuted, "theorem-is_refuted"),
        (is_about_nothing, "theorem-is_about_nothing"),
        (stops, "theorem-not-asked"),
    ],
)
def test_nothing_but_proved_is_kept(before: ProvedBefore, wrong: Theorem, rule: str) -> None:
    for _ in range(2):
        proof = prove_environment(SMALL, [holds, wrong], before=before)
        assert [each.rule for each in proof.unproved] == [rule]
        assert not proof.before
    assert not list(before.folder.glob("*.json"))


def _entry(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _elsewhere(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "poison",
    [
        lambda path: path.write_text("proved"),
        lambda path: path.write_text("{}"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("9" * (2 << 20)),
        lambda path: _entry(path, key="0" * 64),
        lambda path: _entry(path, proved=[]),
        lambda path: _entry(path, proved=["another"]),
        lambda path: path.chmod(0o620),
        lambda path: path.parent.chmod(0o755),
        _elsewhere,
    ],
    ids=[
        *("words", "empty object", "nothing", "too much", "another key", "fewer theorems"),
        *("other theorems", "a file for others", "a folder for others", "a link"),
    ],
)
def test_a_poisoned_answer_is_not_believed(
    before: ProvedBefore, poison: Callable[[Path], object]
) -> None:
    prove_environment(SMALL, [holds], before=before)
    [kept] = before.folder.glob("*.json")
    poison(kept)
    assert not prove_environment(SMALL, [holds], before=before).before


def test_another_ones_answer_is_not_believed(
    before: ProvedBefore, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove_environment(SMALL, [holds], before=before)
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    assert "belongs to somebody else" in before.distrusted()
    assert not prove_environment(SMALL, [holds], before=before).before


def test_an_answer_to_another_question_is_another(before: ProvedBefore) -> None:
    """Renamed to the key of what is asked, it still says of what it is the answer."""
    other = prove_environment(replace(SMALL, name="other"), [holds], before=before)
    asked = key_of(SMALL, [holds])
    (before.folder / f"{other.key}.json").rename(before.folder / f"{asked}.json")
    assert not prove_environment(SMALL, [holds], before=before).before


def test_where_nothing_can_be_kept_it_is_proved_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = ProvedBefore(tmp_path / "file" / "proved")
    for _ in range(2):
        proof = prove_environment(SMALL, [holds], before=nowhere)
        assert (proof.unproved, proof.before) == ((), False)


@dataclass(frozen=True)
class Settings:
    """Of an add-on whose theorems look at them."""

    word: str
    callback: object = None


def test_settings_of_addons_count_and_what_cannot_be_written_down_is_not_kept(
    before: ProvedBefore,
) -> None:
    keys = {key_of(SMALL, [holds], also=(Settings(word),)) for word in ("a", "b")}
    assert len(keys) == 2
    proof = prove_environment(SMALL, [holds], before=before, also=Settings("a", callback=print))
    assert (proof.unproved, proof.key) == ((), "")
    assert not list(before.folder.glob("*.json"))


def test_everything_in_a_policy_set_counts() -> None:
    key = key_of(SMALL, [holds])
    for one in some(fields(PolicySet)):
        changed = replace(SMALL, **{one.name: ("something else",)})
        assert key_of(changed, [holds]) != key, one.name
    assert key_of(replace(SMALL), [holds]) == key


def test_every_theorem_and_all_that_it_says_counts() -> None:
    key = key_of(SMALL, [holds])
    assert key_of(SMALL, [holds, is_left_out]) != key
    for change in ({"name": "x"}, {"sentence": "x"}, {"unless": "x"}, {"group": "x"}):
        assert key_of(SMALL, [replace(holds, **change)]) != key, change


PROOFS = "starburst_assurance.proofs"
SOURCES = [
    f"{PROOFS}.encoding.encode",
    f"{PROOFS}.encoding.vocabulary",
    f"{PROOFS}.reading.assembly",
    f"{PROOFS}.solving.prove",
    f"{PROOFS}.theorems.data.analysts",
    f"{PROOFS}.theorems.roles.tables",
    "starburst_assurance.gate.proving",
    "starburst_constructs.policies.incident_response",
    "tests.gate.test_proved_before",
]


@pytest.mark.parametrize("name", SOURCES)
def test_changed_source_asks_anew(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prover's own, the tables', the theorems', and that of the module of a team's theorem."""
    key = key_of(SMALL, [holds])
    found = modules_below(frozenset({*PROVER, __name__}))
    changed = tmp_path / "changed.py"
    changed.write_text(f"{found[name].read_text()}\n# another sentence\n")
    monkeypatch.setattr(resting, "modules_below", lambda _: {**found, name: changed})
    assert key_of(SMALL, [holds]) != key


def test_solver_tables_and_python_count(monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(SMALL, [holds])
    assert {"cvc5", "policy-sentry"} < {*DISTRIBUTIONS}
    real = resting.distribution

    class Other:
        def read_text(self, name: str) -> str:
            return f"another {name}"

    for name in DISTRIBUTIONS:
        with monkeypatch.context() as patch:
            patch.setattr(
                resting,
                "distribution",
                lambda one, name=name: Other() if one == name else real(one),
            )
            assert key_of(SMALL, [holds]) != key, name
    monkeypatch.setattr(sys, "version", "4.0")
    assert key_of(SMALL, [holds]) != key


def _below(roots: tuple[str, ...]) -> set[str]:
    """Return what modules need, by the repository's own reading of imports."""
    known: Mapping[str, frozenset[str]] = needs()
    seen, waiting = set(roots), [*roots]
    while waiting:
        for one in known[waiting.pop()] - seen:
            seen.add(one)
            waiting.append(one)
    return seen


def test_the_source_of_all_that_the_prover_imports_counts() -> None:
    found = modules_below(frozenset(PROVER))
    assert _below(PROVER) <= {*found}
    # What add-ons alone claim by counts with the module of their theorem.
    found = {**found, **modules_below(frozenset({*PROVER, "stacks.addons.log_lake.theorems"}))}
    proofs = {name for name in modules() if name.startswith(f"{PROOFS}.")}
    apart = {"command", "comparison", "deployed", "document", "entry", "mutation"}
    apart |= {"organization", "review"}
    assert {one for one in proofs if one.split(".")[2] not in apart} <= {*found}
    assert {str(one.claims.__module__) for one in ALL} <= {*found}


def test_whose_code_else_decides_is_named() -> None:
    ours = {"starburst", "starburst_assurance", "starburst_constructs", ""}
    tops = {
        name.partition(".")[0]
        for path in modules_below(frozenset(PROVER)).values()
        for name in imports(path)
    }
    named = {each.replace("-", "_").replace("aws_cdk_lib", "aws_cdk") for each in DISTRIBUTIONS}
    assert tops - ours - {*sys.stdlib_module_names} <= named


def test_neither_sets_nor_mappings_have_an_order() -> None:
    """They have another one in each process."""
    one, other = {"b": 1, "a": (2, 3.5)}, {"a": [2, 3.5], "b": 1}
    assert json.dumps(plain(one)) == json.dumps(plain(other))
    assert plain(frozenset("ab")) == {"set": ['"a"', '"b"']} == plain(set("ba"))


def test_it_is_kept_outside_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    assert users_folder() == Path.home() / ".local/state/starburst/proved"
    assert ROOT not in users_folder().parents
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert users_folder() == Path("/elsewhere/starburst/proved")


def test_a_question_that_stops_is_told_in_its_own_words(before: ProvedBefore) -> None:
    @theorem("test")
    def misspelled(world: World) -> Iterator[Claim]:
        """Some policies cannot be read, and say so in a sentence."""
        del world
        raise ProofError("p: s3:GetObjekt is no action")
        yield

    [only] = prove_environment(SMALL, [misspelled], before=before).unproved
    assert only.wrong == "the theorems could not be proved: p: s3:GetObjekt is no action"
