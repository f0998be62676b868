"""What is within a term: unknowns, and texts that match patterns, of which something is known."""

from __future__ import annotations

from importlib import import_module
from itertools import combinations
from typing import Any, TypeAlias

from starburst_assurance.proofs.encoding.relations import covers, meet

__all__ = ["Parts", "Term", "cvc5"]

cvc5: Any = import_module("cvc5")
"""The solver: a compiled module without types."""

Term: TypeAlias = Any


class Parts:
    """Remembers what is within each term.

    Args:
        terms: makes them.

    Attributes:
        matches: by term that says that a text matches a pattern, both.
    """

    def __init__(self, terms: Any) -> None:
        self.matches: dict[Term, tuple[Term, str]] = {}
        self._terms = terms
        self._within: dict[Term, frozenset[Term]] = {}
        self._unknowns: dict[Term, frozenset[Term]] = {}

    def unknowns(self, term: Term) -> frozenset[Term]:
        """Return the unknowns within a term."""
        if term not in self._unknowns:
            self._unknowns[term] = self._of(term) - self.matches.keys()
        return self._unknowns[term]

    def lemmas(self, formula: Term) -> list[Term]:
        """Return what is always true of the patterns in a formula.

        Of two patterns of one text, one may take all that the other takes, or nothing of it.
        """
        found: dict[Term, dict[str, Term]] = {}
        for term in self._of(formula) & self.matches.keys():
            text, pattern = self.matches[term]
            found.setdefault(text, {})[pattern] = term
        said: list[Term] = []
        make, kind = self._terms.mkTerm, cvc5.Kind
        for patterns in found.values():
            for (one, term), (other, twin) in combinations(sorted(patterns.items()), 2):
                if not meet(one, other):
                    said.append(make(kind.NOT, make(kind.AND, term, twin)))
                    continue
                if covers(one, other):
                    said.append(make(kind.IMPLIES, twin, term))
                if covers(other, one):
                    said.append(make(kind.IMPLIES, term, twin))
        return said

    def _of(self, term: Term) -> frozenset[Term]:
        if term not in self._within:
            mine = term in self.matches or term.getKind() == cvc5.Kind.CONSTANT
            own = {term} if mine else set[Term]()
            self._within[term] = frozenset(own.union(*map(self._of, term)))
        return self._within[term]
