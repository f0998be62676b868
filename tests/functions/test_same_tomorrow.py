"""What is sent of equal work is the same in every process: a named map goes on with it by that."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

from starburst._functions.payload import dump_function, load
from starburst._functions.showing.sources import without_places

PROGRAM = """
import collections, dataclasses, enum, functools, hashlib

@dataclasses.dataclass(frozen=True)
class Terms:
    depth: int = 3
    def deeper(self): return Terms(self.depth + 1)

class Kind(enum.Enum):
    TREE = "tree"

Pair = collections.namedtuple("Pair", "left right")

class Model:
    def __init__(self): self.terms = Terms(2)
    def fit(self, x): return x
    def __call__(self, x): return x in {"a", "b", "c", "d", "e"}

DEFAULTS = Terms()

def of_class(x): return Terms(x).deeper()
def of_value(x): return DEFAULTS.depth + x
def of_others(x): return Pair(Kind.TREE, {"a": x in {"x", "y", "z"}})
def maker(n):
    class Inner(Terms): own = n
    return lambda x: (Inner(x), n)

if __name__ == "__main__":
    from starburst._functions.payload import dump_function, dump_input
    from starburst._functions.showing.sources import without_places

    functions = (
        of_class, of_value, of_others, maker(3), Model(), Model().fit, functools.partial(of_class)
    )
    for each in functions:
        with without_places():
            print(hashlib.sha256(dump_function(each)).hexdigest())
    for each in (Terms(5), Pair(1, Kind.TREE), {"terms": [Terms(1)]}, Model()):
        print(hashlib.sha256(dump_input(((each,), {}))).hexdigest())
"""


def said(script: Path, seed: int) -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_functions_and_inputs_with_classes_of_a_script_are_the_same_in_every_process(
    tmp_path: Path,
) -> None:
    script, moved = tmp_path / "fit.py", tmp_path / "moved" / "fit.py"
    script.write_text(PROGRAM)
    moved.parent.mkdir()
    moved.write_text(f"# A comment.\n{PROGRAM}")
    first = said(script, 1)
    assert len(set(first)) == 11
    assert said(script, 2) == first
    assert said(moved, 3)[:7] == first[:7], "a function that was moved is the same"


def made(source: str) -> Any:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(source, scope)  # noqa: S102 - as a cell of a notebook is run
    vars(sys.modules["__main__"])["Own"] = scope["Own"]
    return scope["Own"]


def test_a_class_that_changed_is_another_and_equal_ones_of_a_function_stay_two() -> None:
    try:
        for value in (1, 2, 1):
            cls = made(f"class Own:\n    value = {value}\n    def ask(self): return self.value")
            assert load(dump_function(cls))().ask() == value
    finally:
        del vars(sys.modules["__main__"])["Own"]

    def missing() -> type:
        class Missing:
            pass

        return Missing

    one, other = missing(), missing()
    a, b = load(dump_function(lambda: (one, other)))()
    assert a is not b
    assert load(dump_function(one)) is one, "what comes back is of the class that there is"


def test_sets_among_the_constants_of_a_function_arrive_as_sets() -> None:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec("def f(x): return x in {'a', 1, None}, x in {2, 3}", scope)  # noqa: S102
    arrived = load(dump_function(scope["f"]))
    assert arrived("a") == (True, False)
    assert arrived(2) == (False, True)
    assert frozenset({2, 3}) in arrived.__code__.co_consts
    with without_places():
        assert isinstance(load(dump_function(scope["f"])).__code__, types.CodeType)
