"""Texts with unknown words in them begin and match as the same texts do once all is known."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starburst_assurance.proofs.encoding.logic import Formula, Logic, Text
from starburst_assurance.proofs.solving.prove import decide

NAMES = ("user", "workspace", "session", "rest")
WORDS = st.text("ab", min_size=1, max_size=3)
VALUES = st.fixed_dictionaries(
    {
        "user": WORDS,
        "workspace": WORDS,
        "session": st.text("ab", min_size=2, max_size=2),
        "rest": st.text("ab/", max_size=4),
    }
)
PIECES = st.lists(st.sampled_from((*NAMES, "a", "ab", "/", "/b", "a/", "b/a")), max_size=5)
TAILS = st.text("ab/*?", max_size=4)
slow = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def unknowns(logic: Logic) -> dict[str, Text]:
    words = {name: logic.name(name, characters="ab", low=1, high=3) for name in NAMES[:2]}
    session = logic.name("session", characters="ab", low=2, high=2)
    return {**words, "session": session, "rest": logic.text("rest")}


def agrees(logic: Logic, formula: Formula, values: dict[str, str], *, expected: bool) -> bool:
    """Whether the formula is what is expected of these values."""
    logic.begin()
    known = [logic.same(text, values[name]) for name, text in unknowns(logic).items()]
    return decide(logic, logic.every((*known, formula)), 60.0) == ("sat" if expected else "unsat")


def joined(pieces: Sequence[str], values: dict[str, str]) -> str:
    return "".join(values.get(piece, piece) for piece in pieces)


@slow
@given(PIECES, PIECES, VALUES)
def test_a_text_begins_with_another(
    pieces: list[str], start: list[str], values: dict[str, str]
) -> None:
    logic = Logic()
    known = unknowns(logic)
    text, prefix = (
        logic.join(*(known.get(one, one) for one in found)) for found in (pieces, start)
    )
    expected = joined(pieces, values).startswith(joined(start, values))
    assert agrees(logic, logic.starts(text, prefix), values, expected=expected)


@slow
@given(PIECES, PIECES, TAILS, VALUES)
def test_a_text_matches_a_pattern_with_variables(
    pieces: list[str], start: list[str], tail: str, values: dict[str, str]
) -> None:
    logic = Logic()
    known = unknowns(logic)
    text = logic.join(*(known.get(one, one) for one in pieces))
    parts = [known.get(one, one) for one in start]
    formula = logic.matches(text, parts, ["" for _ in parts] + [tail])
    wild = "".join({"*": ".*", "?": "."}.get(one, one) for one in tail)
    expected = re.fullmatch(re.escape(joined(start, values)) + wild, joined(pieces, values))
    assert agrees(logic, formula, values, expected=expected is not None)


@slow
@given(PIECES, TAILS, VALUES)
def test_a_text_matches_a_pattern(pieces: list[str], pattern: str, values: dict[str, str]) -> None:
    logic = Logic()
    known = unknowns(logic)
    text = logic.join(*(known.get(one, one) for one in pieces))
    wild = "".join({"*": ".*", "?": "."}.get(one, one) for one in pattern)
    expected = re.fullmatch(wild, joined(pieces, values)) is not None
    assert agrees(logic, logic.like(text, pattern), values, expected=expected)
