"""What is said of wildcards without a solver is what all texts say, and what the solver says."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from starburst_assurance.proofs.encoding.logic import Kind, Logic
from starburst_assurance.proofs.encoding.patterns import glob
from starburst_assurance.proofs.encoding.relations import canonical, covers, meet, remainders
from starburst_assurance.proofs.solving.prove import decide

PATTERNS = st.text("ab*?", max_size=5)
# "c" stands in no pattern; six characters are one more than what tells two such patterns apart.
TEXTS = ["".join(text) for length in range(7) for text in product("abc", repeat=length)]


def taken(pattern: str) -> set[str]:
    return {text for text in TEXTS if glob(pattern).fullmatch(text)}


@settings(max_examples=150, deadline=None)
@given(PATTERNS)
def test_a_pattern_is_the_same_in_its_one_way_to_write_it(pattern: str) -> None:
    assert taken(canonical(pattern)) == taken(pattern)
    assert canonical(canonical(pattern)) == canonical(pattern)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, PATTERNS)
def test_patterns_cover_and_meet_as_their_texts_do(one: str, other: str) -> None:
    assert covers(one, other) is (taken(other) <= taken(one))
    # Two of up to five characters may first meet in ten.
    if taken(one) & taken(other):
        assert meet(one, other)
    if not meet(one, other):
        assert not taken(one) & taken(other)
    assert meet(one, other) is meet(other, one) is meet(one[::-1], other[::-1])


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.text("abc*?", max_size=4), st.text("abc", max_size=4))
def test_what_remains_of_a_pattern(pattern: str, known: str, rest: str) -> None:
    whole = glob(pattern).fullmatch(known + rest) is not None
    assert whole is any(glob(one).fullmatch(rest) for one in remainders(pattern, known))


@settings(max_examples=60, deadline=None)
@given(PATTERNS, PATTERNS, st.text("ab", max_size=3), st.text("ab", max_size=3), st.booleans())
def test_the_solver_agrees(one: str, other: str, start: str, end: str, both: bool) -> None:
    """With what it is told of two patterns it answers as it does of the plain ones without."""
    logic, plain = Logic(), Logic()
    text = logic.text("text")
    asked = [logic.like(logic.join(start, text, end), pattern) for pattern in (one, other)]
    told = decide(logic, logic.every((asked[0], asked[1] if both else logic.no(asked[1]))), 60.0)
    unknown = plain.text("text")
    whole = plain.term(plain.join(start, unknown, end))
    said = [
        plain.terms.mkTerm(Kind.STRING_IN_REGEXP, whole, plain._glob(pattern))
        if pattern
        else plain.same(whole, "")
        for pattern in (one, other)
    ]
    assert told == decide(plain, plain.every((said[0], said[1] if both else plain.no(said[1]))), 60)
