"""AWS's own examples: its pages, the encoder and plain Python all give the same answer."""

from __future__ import annotations

import pytest

from tests.proofs.differential.asking import Asking
from tests.proofs.differential.comparing import differences_in
from tests.proofs.differential.decisions import decide
from tests.proofs.differential.documented import DOCUMENTED
from tests.proofs.differential.examples import Documented
from tests.proofs.differential.generator import Case
from tests.proofs.differential.statements import Reading

ASIDE = {
    "a variable in the older version": "the vocabulary refuses a variable there, before any proof",
    "all of ('',)": "a key with nothing but empty values is one that is absent, which is proved of",
}
"""What the encoder is not asked, and why that is no gap."""


@pytest.mark.parametrize("one", DOCUMENTED, ids=lambda one: one.what)
def test_an_example_is_answered_as_its_page_says(one: Documented) -> None:
    assert decide(one.asked, one.policies) == one.answer
    if one.what in ASIDE:
        return
    case = Case(kind=one.kind, policies=one.policies, requests=(one.asked,))
    asking = Asking(case)
    assert asking.answer(asking.folded(one.asked), Reading()) == one.answer
    assert not list(differences_in(case, solved=True))


def test_what_is_left_aside_exists() -> None:
    assert ASIDE.keys() <= {one.what for one in DOCUMENTED}


def test_there_are_enough_from_enough_pages() -> None:
    assert len(DOCUMENTED) >= 60
    assert len({one.page for one in DOCUMENTED}) >= 10
    assert {one.answer for one in DOCUMENTED} == {
        "allowed",
        "explicitly denied",
        "implicitly denied",
    }
