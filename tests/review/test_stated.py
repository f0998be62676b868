"""Theorems are compared as their source states them: lost, gained, weakened, or said otherwise."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from deploy.review.stated import read_stated, theorems_between
from starburst_assurance.proofs.theorems import ALL

ROOT = Path(__file__).parents[2]
FOLDER = "constructs/starburst_assurance/proofs/theorems"
TABLES = 'DUTIES = {"analyst": ("s3:GetObject",)}\nSID = 4\n'
THEOREM = '''
from starburst_assurance.proofs.theorems.roles.tables import DUTIES

def _rightful(world):
    return DUTIES

@theorem("Analysts")
def own_names_only(world):
    """Nobody uses another's name.

    More of it.
    """
    yield never("x", _rightful(world))
'''


def written(root: Path, text: str = THEOREM, *, folder: str = FOLDER, tables: str = TABLES) -> Path:
    (root / folder).mkdir(parents=True)
    (root / folder / "analysts.py").write_text(textwrap.dedent(text))
    (root / folder / "tables.py").write_text(tables)
    return root


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A checkout with one theorem."""
    return written(tmp_path / "before")


def said(before: Path, after: Path) -> list[str]:
    return [one.sentence for one in theorems_between(read_stated(before), read_stated(after))]


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("never(", "always(", "Changed: own_names_only: it claims something else"),
        ("Nobody uses", "Few use", "Changed: own_names_only: it says now: Few use another's name."),
        (
            '@theorem("Analysts")',
            '@theorem("Analysts", unless="own-trail")',
            "Weakened: own_names_only: it is left out without 'own-trail'",
        ),
        (
            "return DUTIES",
            "return {}",
            "analysts._rightful changed, from which the claims come of own_names_only",
        ),
        ("@theorem", "@other", "Lost: own_names_only. Nobody proves any more: Nobody uses"),
    ],
)
def test_what_a_theorem_says_otherwise_is_told(
    before: Path, tmp_path: Path, old: str, new: str, word: str
) -> None:
    after = written(tmp_path / "after", THEOREM.replace(old, new))
    assert any(word in sentence for sentence in said(before, after))


def test_a_new_theorem_is_told(before: Path, tmp_path: Path) -> None:
    more = THEOREM + '\n@theorem("A")\ndef second(world):\n    """Nor that."""\n    yield 1\n'
    assert said(before, written(tmp_path / "after", more)) == ["Gained: second. Nor that."]


def test_a_table_that_lists_more_allows_more(before: Path, tmp_path: Path) -> None:
    wide = TABLES.replace('"s3:GetObject",', '"s3:GetObject", "s3:PutObjectAcl"')
    after = written(tmp_path / "after", tables=wide)
    assert said(before, after) == [
        "The table DUTIES['analyst'] lists 's3:PutObjectAcl': theorems that rest on it allow more."
    ]


def in_rooms(root: Path, *, tables: str = TABLES) -> Path:
    """Write the same, with a room for each subject."""
    text = THEOREM.replace("theorems.tables", "theorems.roles.tables")
    for room, name, said in (("data", "analysts.py", text), ("roles", "tables.py", tables)):
        (root / FOLDER / room).mkdir(parents=True)
        (root / FOLDER / room / name).write_text(textwrap.dedent(said))
    return root


def test_rooms_of_theorems_are_read_like_one(before: Path, tmp_path: Path) -> None:
    assert said(before, in_rooms(tmp_path / "moved")) == []
    wide = TABLES.replace('"s3:GetObject",', '"s3:GetObject", "s3:PutObjectAcl"')
    [sentence] = said(before, in_rooms(tmp_path / "wider", tables=wide))
    assert sentence.startswith("The table DUTIES['analyst'] lists 's3:PutObjectAcl'")


GATE = "constructs/starburst_assurance/gate"
PROVER = "constructs/starburst_assurance/proofs/encoding"
LOCK = '[[package]]\nname = "policy-sentry"\nversion = "{}"\n'


@pytest.mark.parametrize(
    ("file", "texts", "word"),
    [
        (f"{PROVER}/vocabulary.py", ("A = 1", "A = 2"), "The prover itself changed, so proofs may"),
        (f"{GATE}/theorems.py", ("A = 1", "A = 2"), "The gate itself changed, so it may refuse"),
        (
            "uv.lock",
            (LOCK.format("1.0"), LOCK.format("1.1")),
            "policy-sentry, which says what actions, keys and operators IAM knows, is 1.1 instead",
        ),
        ("uv.lock", (LOCK.format("1.0"), ""), "is not locked any more instead of 1.0."),
    ],
)
def test_what_proofs_rest_on_is_told(
    before: Path, tmp_path: Path, file: str, texts: tuple[str, str], word: str
) -> None:
    after = written(tmp_path / "after")
    for root, text in zip((before, after), texts, strict=True):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    [sentence] = said(before, after)
    assert word in sentence
    assert said(before, before) == []


def test_other_layout_comments_and_folders_are_silent(before: Path, tmp_path: Path) -> None:
    moved = THEOREM.replace("yield never(", "# why\n    yield never(\n        ")
    moved = moved.replace("More of it.", "Explained in other words.")
    assert said(before, written(tmp_path / "after", moved)) == []
    elsewhere = written(tmp_path / "moved", moved, folder="judges/proofs/theorems")
    assert said(before, elsewhere) == []


def test_every_theorem_of_ours_is_read_from_its_source() -> None:
    found = read_stated(ROOT).theorems
    assert {(one.name, one.sentence) for one in ALL} <= {
        (name, sentence) for name, (sentence, _, _) in found.items()
    }
