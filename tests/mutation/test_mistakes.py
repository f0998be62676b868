"""Each kind of mistake is made where it can be, and nowhere else."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.mistakes.mutants import Mutant, mutants_of
from tests.mutation.mistakes.required import required_in
from tests.mutation.playing.copies import ROOT
from tests.mutation.table import TABLE, subjects
from tests.some import some


def mutants(code: str) -> list[Mutant]:
    return list(mutants_of("box.py", code))


def mistakes(body: str) -> set[str]:
    """Return what is done to the body of a function."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return {one.what.removeprefix("f: ") for one in mutants(f"def f(self, a, b):\n{lines}")}


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ("g(a < b)", "`a < b` as `a <= b`"),
        ("g(a == b)", "`a == b` as `a != b`"),
        ("return a is b", "`a is b` as `True`"),
        ("if a:\n    b = 1\n    c = b\nreturn c", "`a` as `False`"),
        ("if a:\n    return b\nreturn a", "`a` as `True`"),
        ("while a:\n    g(b)", "`a` as `False`"),
        ("g(a and b)", "`b` dropped from `a and b`"),
        ("g(a or b)", "`a` dropped from `a or b`"),
        ("g(not a)", "`not a` as `a`"),
        ("g([x for x in a if x])", "`x` as `True`"),
        ("g(a if b else 1)", "`a if b else 1` as `1`"),
        ("return a + b", "`a + b` as `a - b`"),
        ("return min(a, b)", "`min(a, b)` as `max(a, b)`"),
        ("return any(a)", "`any(a)` as `all(a)`"),
        ("g(30)", "`30` as `60`"),
        ("g(0)", "`0` as `1`"),
        ("g(True)", "`True` as `False`"),
        ("g(a=b)", "`g` without `a`"),
        ("return a.get(b, 5)", "`a.get` without `5`"),
        ("with suppress(A, B):\n    g(a)", "`suppress` without `B`"),
        ("return a[:b]", "`a[:b]` as `a[:]`"),
        ("for x in a:\n    g(x)", "`a` cut to its first item"),
        ("self.put(a)", "`self.put(a)` left out"),
        ("self.count = 0", "`self.count = 0` left out"),
        ("a = g(a)\nreturn a", "`a = g(a)` left out"),
        ("b += 1\nreturn b", "`b += 1` left out"),
        ("if a:\n    raise Bad\ng(b)", "`raise Bad` left out"),
        ("for x in a:\n    if x:\n        continue\n    g(x)", "`continue` left out"),
        ("yield a", "`yield a` left out"),
        ("self.put(a)\nself.delete(b)", "`self.delete(b)` before `self.put(a)`"),
        ("self.put(a)\nif a:\n    self.delete(b)", "`if a:` before `self.put(a)`"),
        ("try:\n    g(a)\nexcept A:\n    g(b)", "`except A` handles nothing"),
        ("with self.lock:\n    g(a)", "`with self.lock:` forgotten"),
    ],
)
def test_a_mistake_of_each_kind_is_made(body: str, mistake: str) -> None:
    assert mistake in mistakes(body)


@pytest.mark.parametrize(
    "body",
    [
        '"""Say 5."""',
        'log("sent", count=5)',
        '_LOG.warning("late by %s", 5)',
        'raise Bad(f"{a} of 5", hint=5)',
        "import a as c",
        "assert a < 5",
        "return a",
        "c: Literal[5]",
    ],
)
def test_what_is_said_and_typed_stays_as_it_is(body: str) -> None:
    assert mistakes(body) <= {"`raise Bad(f'{a} of 5', hint=5)` left out"}


def test_arguments_and_words_may_be_told_in_any_order_but_not_before_what_they_tell_of() -> None:
    said = "say(a)\nif b:\n    say(b)\np.add_argument(a, help=b)\np.add_argument(b, metavar=a)"
    assert {one for one in mistakes(said) if "left out" not in one} == {"`b` as `True`"}
    assert "`say(a)` before `g(a)`" in mistakes("g(a)\nsay(a)")


def test_nothing_is_made_that_fails_at_once() -> None:
    code = "def g(*, a, b=1): ...\ndef f(a):\n    g(a=a, b=a)\n    c = g(a=a)\n    g(a=c)\n"
    assert {one.what for one in mutants(code)} == {
        "g: `1` as `2`",
        "f: `g(a=a, b=a)` left out",
        "f: `g` without `b`",
        "f: `g(a=c)` left out",
        "f: `c = g(a=a)` before `g(a=a, b=a)`",
    }


def test_a_name_stays_when_other_code_moves_and_no_two_have_one() -> None:
    code = "def f(a):\n    g(5)\n    g(5)\n"
    names = [one.what for one in mutants(code)]
    assert [one.what for one in mutants(f"# more\n\n{code}")] == names
    assert len(set(names)) == len(names)
    assert {"f: `5` as `10`", "f: `5` as `10` #2"} <= set(names)


def test_only_the_lines_of_the_mistake_have_to_be_run() -> None:
    code = "X = 5\n_Y = 6\ndef f(a):\n    if (\n        a\n    ):\n        g(\n            7)\n"
    code += "    g(_Y)\ndef h(b=_Y):\n    g(b)\n"
    lines = {one.what: one.lines for one in mutants(code)}
    assert lines["module: `5` as `10`"] == ()
    assert lines["module: `6` as `12`"] == (9, 11)
    assert lines["f: `a` as `True`"] == (4, 5, 6)
    assert lines["f: `7` as `14`"] == (7, 8)


def test_text_that_is_no_ascii_is_cut_where_it_is() -> None:
    [mutant] = mutants('A = "…é"; B = 5\n')
    assert mutant.text == 'A = "…é"; B = 10\n'


@pytest.mark.parametrize("module", TABLE)
def test_every_row_of_the_table_has_mutants_and_tests(module: str) -> None:
    [subject] = subjects(module)
    for pattern in some(subject.tests):
        assert list(ROOT.glob(pattern)), pattern
    found = [one.what for one in mutants_of(module, (ROOT / module).read_text())]
    assert len(set(found)) == len(found) > 5


def test_what_a_callable_needs_is_what_all_of_its_name_need() -> None:
    fields = "@dataclass\nclass A:\n    x: int\n    y: int = 0\n"
    method = "class B:\n    def put(self, *, x, y): ...\n"
    required = required_in(map(ast.parse, (fields, method, "def put(x, y=1): ...")))
    assert [required("A", name) for name in "xy"] == [True, False]
    assert [required("put", name) for name in "xy"] == [True, False]
    assert not required("unknown", "x")
