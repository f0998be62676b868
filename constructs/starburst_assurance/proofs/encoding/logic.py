"""Formulas over strings: folded where everything is known, cvc5 terms where something is not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from starburst_assurance.proofs.encoding.alignment import align
from starburst_assurance.proofs.encoding.parts import Parts, Term, cvc5
from starburst_assurance.proofs.encoding.patterns import (
    fits,
    may_match,
    strip_ends,
    until_wildcard,
    without_word,
)
from starburst_assurance.proofs.encoding.relations import canonical, remainders
from starburst_assurance.proofs.encoding.segments import beginning, cut, decided, one_of
from starburst_assurance.proofs.reading.errors import UnsupportedError

__all__ = ["Formula", "Kind", "Logic", "Number", "Question", "Term", "Text", "cvc5"]

Kind: Any = cvc5.Kind
Formula: TypeAlias = "bool | Term"
Text: TypeAlias = "str | Term"
Number: TypeAlias = "float | int | Term"
Question: TypeAlias = "tuple[frozenset[Term], Term, tuple[Term, ...]]"
"""Axioms, a premise, and what might hold under both."""


class Logic:
    """Builds formulas; what is decided already stays a Python bool and costs no solver time."""

    def __init__(self) -> None:
        self.terms = cvc5.TermManager()
        self._texts: dict[str, Term] = {}
        self._globs: dict[str, Term] = {}
        self._pieces: dict[Term, tuple[Text, ...]] = {}
        self._words: dict[Term, tuple[str, int, int]] = {}
        self._booleans: set[Term] = set()
        self._parts = Parts(self.terms)
        self._unknowns: dict[tuple[str, str, int], Term] = {}
        self._used: Counter[tuple[str, str]] = Counter()
        self.axioms: list[Term] = []
        self.refused: set[Question] = set()
        self.met: set[Question] = set()
        self.about: dict[Any, tuple[Any, tuple[Any, ...]]] = {}
        self.moment = 0
        self._liked: dict[tuple[Term, str], Formula] = {}

    def begin(self) -> None:
        """Begin another proof: nothing is said of any unknown.

        Proofs that ask for the same unknowns in the same order get the same terms, so that a
        question which was answered once need not be asked again.
        """
        self._used.clear()
        self._words.clear()
        self._booleans.clear()
        self.axioms.clear()
        self.moment += 1
        self._liked.clear()

    def text(self, name: str) -> Term:
        """Return an unknown string."""
        return self._unknown("text", name, self.terms.getStringSort())

    def name(self, name: str, *, characters: str = "a-z0-9", low: int = 3, high: int = 32) -> Term:
        """Return an unknown string of letters and digits: ``axioms`` say so in every proof."""
        term = self.text(name)
        self._words[term] = (characters, low, high)
        self.axioms.append(self.word(term, characters, low, high))
        self.moment += 1
        self._liked.clear()
        return term

    def boolean(self, text: Text) -> None:
        """Say in every proof that an unknown string is ``true`` or ``false``."""
        if not isinstance(text, str) and text not in self._booleans:
            self._booleans.add(text)
            self.axioms.append(
                self.term(self.some(self.same(text, one) for one in ("true", "false")))
            )

    def flag(self, name: str) -> Term:
        """Return an unknown truth value."""
        return self._unknown("flag", name, self.terms.getBooleanSort())

    def number(self, name: str) -> Term:
        """Return an unknown number."""
        return self._unknown("number", name, self.terms.getRealSort())

    def unresolved(self, what: str) -> Term:
        """Return a truth value on which AWS is silent: a proof must hold for both.

        Of one pattern AWS will always think the same, whatever that is.
        """
        return self._unknowns.setdefault(
            ("unresolved", what, 0), self.terms.mkConst(self.terms.getBooleanSort(), what)
        )

    def every(self, formulas: Iterable[Formula]) -> Formula:
        """Return the conjunction."""
        return self._gather(Kind.AND, formulas, neutral=True)

    def some(self, formulas: Iterable[Formula]) -> Formula:
        """Return the disjunction."""
        return self._gather(Kind.OR, formulas, neutral=False)

    def no(self, formula: Formula) -> Formula:
        """Return the negation."""
        if isinstance(formula, bool):
            return not formula
        return self.terms.mkTerm(Kind.NOT, formula)

    def term(self, formula: Formula) -> Term:
        """Return a formula as cvc5 takes it."""
        return self.terms.mkBoolean(formula) if isinstance(formula, bool) else formula

    def join(self, *parts: Text) -> Text:
        """Return texts one after the other."""
        merged: list[Text] = []
        for part in (piece for whole in parts for piece in self._known_pieces(whole)):
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            elif not isinstance(part, str) or part:
                merged.append(part)
        if not merged:
            return ""
        if len(merged) == 1:
            return merged[0]
        term = self.terms.mkTerm(Kind.STRING_CONCAT, *map(self._text, merged))
        self._pieces[term] = tuple(merged)
        return term

    def same(self, one: Text, other: Text) -> Formula:
        """Return whether two texts are equal."""
        if isinstance(one, str) and isinstance(other, str):
            return one == other
        return self.terms.mkTerm(Kind.EQUAL, self._text(one), self._text(other))

    def starts(self, text: Text, prefix: Text) -> Formula:
        """Return whether ``text`` begins with ``prefix``."""
        if isinstance(text, str) and isinstance(prefix, str):
            return text.startswith(prefix)
        if isinstance(prefix, str) and not set("*?") & set(prefix):
            return self.like(text, f"{prefix}*")
        aligned = align(self._known_pieces(text), self._known_pieces(prefix), self._words.get)
        if aligned is None:
            return False
        equal = self.every(self.same(*pair) for pair in aligned.equal)
        if not aligned.prefix:
            return equal
        rest, start = self.join(*aligned.text), self.join(*aligned.prefix)
        begins = self.terms.mkTerm(Kind.STRING_PREFIX, self._text(start), self._text(rest))
        # Follows, and is a pattern, of which more is known.
        shape = "".join(
            re.sub(r"[*?]", "?", one) if isinstance(one, str) else "*" for one in aligned.prefix
        )
        return self.every((equal, self.like(rest, f"{shape}*"), begins))

    def has(self, text: Text, part: str) -> Formula:
        """Return whether ``part`` is in ``text``."""
        if isinstance(text, str):
            return part in text
        if not set("*?") & set(part):
            return self.like(text, f"*{part}*")
        return self.terms.mkTerm(Kind.STRING_CONTAINS, text, self._text(part))

    def like(self, text: Text, pattern: str) -> Formula:
        """Return whether ``text`` matches an IAM pattern without variables."""
        if isinstance(text, str):
            return fits(text, pattern)
        if (text, pattern) not in self._liked:
            self._liked[text, pattern] = self._like(text, pattern)
        return self._liked[text, pattern]

    def _like(self, text: Term, pattern: str) -> Formula:  # noqa: PLR0911 - a table of cases
        stripped = strip_ends(self._known_pieces(text), canonical(pattern))
        if stripped is None:
            return False
        pieces, pattern = stripped
        rejoined = self.join(*pieces)
        shape = (one if isinstance(one, str) else self._words.get(one) for one in pieces)
        if not may_match(tuple(shape), pattern):
            return False
        if isinstance(rejoined, str):
            return fits(rejoined, pattern)
        text = rejoined
        first, *rest = self._known_pieces(text)
        if isinstance(first, str):
            return self.some(self.like(self.join(*rest), one) for one in remainders(pattern, first))
        *rest, last = self._known_pieces(text)
        if isinstance(last, str):
            ways = remainders(pattern[::-1], last[::-1])
            return self.some(self.like(self.join(*rest), one[::-1]) for one in ways)
        if pattern == "*":
            return True
        if (left := without_word(self._words.get(first), pattern)) is not None:
            return self.like(self.join(*self._known_pieces(text)[1:]), left)
        literal = until_wildcard(pattern)
        aligned = align(self._known_pieces(text), [literal], self._words.get)
        if aligned is None:
            return False
        if aligned.equal:
            rest = self.like(
                self.join(*aligned.text), "".join(aligned.prefix) + pattern[len(literal) :]
            )
            return self.every((*(self.same(*pair) for pair in aligned.equal), rest))
        return self._matching(text, pattern)

    def axioms_of(self, *terms: Term) -> list[Term]:
        """Return the axioms about unknowns within terms: no other one has to do with them."""
        unknowns = frozenset[Term]().union(*map(self._parts.unknowns, terms))
        return [one for one in self.axioms if not unknowns.isdisjoint(self._parts.unknowns(one))]

    def segmented(self, text: Text, pattern: str) -> Formula:
        """Return whether the segments of an ARN match those of a pattern, each by itself.

        IAM's ARN operators compare what is between the first five colons and after them: no
        wildcard reaches over a colon, but for those in the last segment. ``*`` alone is any ARN.
        """
        if (found := decided(text, pattern)) is not None:
            return found
        before, last = cut(pattern)
        whole = self.terms.mkTerm(
            Kind.REGEXP_CONCAT, beginning(self.terms, before), self._glob(last)
        )
        return self.terms.mkTerm(Kind.STRING_IN_REGEXP, text, whole)

    def unknowns(self, formula: Formula) -> frozenset[Term]:
        """Return the unknowns within a formula; none in one that is decided."""
        return frozenset() if isinstance(formula, bool) else self._parts.unknowns(formula)

    def lemmas(self, formula: Formula) -> list[Term]:
        """Return what is true of the patterns in a formula, which the solver need not find out."""
        return self._parts.lemmas(self.term(formula))

    def matches(self, text: Text, parts: Sequence[Text | None], pattern: Sequence[str]) -> Formula:
        """Return whether ``text`` matches literals and variables, wildcards only after the last.

        Args:
            text: what is matched.
            parts: values of the variables, all resolved.
            pattern: what stands around them, so one longer than ``parts``.

        Raises:
            UnsupportedError: a wildcard stands before a variable whose value is unknown.
        """
        pieces: list[Text] = []
        for literal, value in zip(pattern[:-1], parts, strict=True):
            pieces += [literal, value]
        if all(isinstance(piece, str) for piece in pieces):
            # A value is text, never a pattern: STS allows no wildcard in a tag.
            return self.like(text, "".join([*(str(piece) for piece in pieces), pattern[-1]]))
        if any(until_wildcard(literal) != literal for literal in pattern[:-1]):
            raise UnsupportedError(f"a wildcard before a variable: {'${…}'.join(pattern)}")
        tail = pattern[-1]
        before = self._known_pieces(self.join(*pieces))
        aligned = align(self._known_pieces(text), before, self._words.get)
        if aligned is None:
            return False
        goes_on = self._goes_on(self.join(*aligned.text), aligned.prefix, tail)
        return self.every((*(self.same(*pair) for pair in aligned.equal), goes_on))

    def _goes_on(self, text: Text, pieces: Sequence[Text], tail: str) -> Formula:
        """Return whether a text begins with pieces, and what follows matches a pattern."""
        if not pieces:
            return self.like(text, tail)
        literal = until_wildcard(tail)
        if literal == tail:
            return self.same(text, self.join(*pieces, tail))
        prefix = self._text(self.join(*pieces, literal))
        begins = self.starts(text, prefix)
        wild = tail[len(literal) :]
        if wild == "*" or begins is False:
            return begins
        length = self.terms.mkTerm(Kind.STRING_LENGTH, prefix)
        whole = self._text(text)
        remaining = self.terms.mkTerm(
            Kind.SUB, self.terms.mkTerm(Kind.STRING_LENGTH, whole), length
        )
        after = self.terms.mkTerm(Kind.STRING_SUBSTR, whole, length, remaining)
        return self.every((begins, self.like(after, wild)))

    def word(self, text: Text, characters: str, low: int, high: int) -> Formula:
        """Return whether ``text`` has ``low`` to ``high`` characters, all of these.

        Args:
            text: what is judged.
            characters: ranges and single characters as in a regular expression's brackets.
            low: least length.
            high: greatest length.
        """
        if isinstance(text, str):
            return re.fullmatch(f"[{characters}]{{{low},{high}}}", text) is not None
        make = self.terms.mkTerm
        # A star and a length are much cheaper to decide than a loop with bounds.
        length = make(Kind.STRING_LENGTH, text)
        many = make(Kind.REGEXP_STAR, one_of(self.terms, characters))
        return make(
            Kind.AND,
            make(Kind.STRING_IN_REGEXP, text, many),
            make(Kind.GEQ, length, self.terms.mkInteger(low)),
            make(Kind.LEQ, length, self.terms.mkInteger(high)),
        )

    def compare(self, kind: str, one: Number, other: float | int) -> Formula:
        """Return ``one < other`` and the like; ``kind`` is IAM's ``LessThan`` and so on."""
        if isinstance(one, float | int):
            return {
                "Equals": one == other,
                "NotEquals": one != other,
                "LessThan": one < other,
                "LessThanEquals": one <= other,
                "GreaterThan": one > other,
                "GreaterThanEquals": one >= other,
            }[kind]
        bound = self.terms.mkReal(str(Fraction(str(other))))
        if kind == "NotEquals":
            return self.no(self.terms.mkTerm(Kind.EQUAL, one, bound))
        kinds = {
            "Equals": Kind.EQUAL,
            "LessThan": Kind.LT,
            "LessThanEquals": Kind.LEQ,
            "GreaterThan": Kind.GT,
            "GreaterThanEquals": Kind.GEQ,
        }
        return self.terms.mkTerm(kinds[kind], one, bound)

    def _unknown(self, kind: str, name: str, sort: Any) -> Term:
        self._used[kind, name] += 1
        key = (kind, name, self._used[kind, name])
        if key not in self._unknowns:
            self._unknowns[key] = self.terms.mkConst(sort, name)
        return self._unknowns[key]

    def _known_pieces(self, text: Text) -> tuple[Text, ...]:
        return self._pieces.get(text, (text,)) if not isinstance(text, str) else (text,)

    def _matching(self, text: Term, pattern: str) -> Term:
        """Return whether a text that begins and ends with something unknown matches a pattern."""
        make, inner = self.terms.mkTerm, pattern.strip("*")
        if not set("*?") & set(inner):
            known = self._text(inner)
            if pattern == inner:
                term = self.same(text, inner)
            elif pattern == f"{inner}*":
                term = make(Kind.STRING_PREFIX, known, text)
            elif pattern == f"*{inner}":
                term = make(Kind.STRING_SUFFIX, known, text)
            else:
                term = make(Kind.STRING_CONTAINS, text, known)
        elif not pattern.strip("?*"):
            term = self._long(text, pattern.count("?"), exactly="*" not in pattern)
        else:
            term = make(Kind.STRING_IN_REGEXP, text, self._glob(pattern))
        self._parts.matches[term] = text, pattern
        return term

    def _long(self, text: Text, count: int, *, exactly: bool) -> Formula:
        length = self.terms.mkTerm(Kind.STRING_LENGTH, self._text(text))
        kind = Kind.EQUAL if exactly else Kind.GEQ
        return self.terms.mkTerm(kind, length, self.terms.mkInteger(count))

    def _gather(self, kind: Any, formulas: Iterable[Formula], *, neutral: bool) -> Formula:
        kept: list[Term] = []
        for formula in formulas:
            if isinstance(formula, bool):
                if formula is not neutral:
                    return not neutral
            else:
                kept.append(formula)
        if not kept:
            return neutral
        return kept[0] if len(kept) == 1 else self.terms.mkTerm(kind, *kept)

    def _text(self, value: Text) -> Term:
        if not isinstance(value, str):
            return value
        if value not in self._texts:
            self._texts[value] = self.terms.mkString(value)
        return self._texts[value]

    def _glob(self, pattern: str) -> Term:
        if pattern not in self._globs:
            make, pieces = self.terms.mkTerm, list[Term]()
            for piece in re.findall(r"\*|\?|[^*?]+", pattern):
                if piece == "*":
                    pieces.append(self.terms.mkRegexpAll())
                elif piece == "?":
                    pieces.append(self.terms.mkRegexpAllchar())
                else:
                    pieces.append(make(Kind.STRING_TO_REGEXP, self._text(piece)))
            joined = len(pieces) > 1
            self._globs[pattern] = make(Kind.REGEXP_CONCAT, *pieces) if joined else pieces[0]
        return self._globs[pattern]
