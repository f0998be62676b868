"""A run finds what the tests of a small tree do not notice, and nothing else."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutation import run as running
from tests.mutation.baseline import Baselines
from tests.mutation.log import Log
from tests.mutation.playing.jobs import Jobs
from tests.mutation.run import Played, Run
from tests.mutation.table import Subject
from tests.some import some

BOX = """\
def over(n):
    return n > 10

def down(n):
    while n:
        n -= 1

def unused(n):
    return n + 1
"""
TESTS = """\
from box import over

def test_over():
    assert over(11)
    assert not over(9)
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a module, and tests that leave something out."""
    # Each plugin that is not needed here costs each fork.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = tmp_path / "tree"
    (root / "tests").mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\naddopts = -p pytest_timeout\n")
    (root / "box.py").write_text(BOX)
    (root / "tests" / "test_box.py").write_text(TESTS)
    subprocess.run(["git", "init", "--quiet", root], check=True)  # noqa: S603, S607
    return root


def run(
    tree: Path, *, only: str = "", in_children: bool = False, sample: int = 0, **more: bool
) -> Run:
    kept = tree.parent / "kept"
    return Run(
        tree,
        log=Log(kept / "log.jsonl"),
        baselines=Baselines(kept, tree),
        chosen=[Subject(module="box.py", tests=("tests/test_*.py",), in_children=in_children)],
        budget=60,
        only=only,
        sample=sample,
        **more,
    )


def play(one: Run, tree: Path, *, jobs: int = 1) -> Iterator[Played]:
    with Jobs(tree, jobs) as players:
        list(one.learn(players))
        players.warm(one.imports)
        yield from one.play(players)


def ends(played: Iterator[Played]) -> dict[str, str]:
    return {each.fate.what: each.fate.end for each in played}


def test_what_no_test_notices_is_found_and_all_else_is_noticed(tree: Path) -> None:
    found = ends(play(run(tree), tree, jobs=2))
    assert {what: end for what, end in found.items() if not what.startswith("down")} == {
        "over: `n > 10` as `True`": "killed",
        "over: `n > 10` as `False`": "killed",
        "over: `n > 10` as `n >= 10`": "alive",
        "over: `10` as `20`": "killed",
        "unused: `n + 1` as `n - 1`": "unreached",
        "unused: `1` as `2`": "unreached",
    }
    assert (tree / "box.py").read_text() == BOX, "only copies are changed"


def test_a_sample_is_the_same_however_its_module_changes(tree: Path) -> None:
    def drawn() -> set[str]:
        return {mutant.what for mutant in run(tree, sample=4).mutants["box.py"]}

    before = drawn()
    (tree / "box.py").write_text(f"# A line more.\n{BOX}")
    assert len(before) == 4 < len(run(tree).names["box.py"])
    assert drawn() == before


def test_tests_that_assert_nothing_notice_nothing(tree: Path) -> None:
    tests = "from box import over\n\ndef test_over():\n    over(11)\n"
    (tree / "tests" / "test_box.py").write_text(tests)
    assert set(ends(play(run(tree, only="over"), tree)).values()) == {"alive"}


def test_a_test_that_hangs_has_noticed_and_leaves_nothing_behind(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tree.parent / "pid"
    tests = f"""\
import subprocess
from pathlib import Path
from box import down

def test_down():
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
    Path({str(pid)!r}).write_text(str(sleeper.pid))
    down(3)
    sleeper.kill()
    sleeper.wait()
"""
    (tree / "tests" / "test_box.py").write_text(tests)
    monkeypatch.setattr(running, "_LEAST_SECONDS", 1.0)
    assert ends(play(run(tree, only="`n -= 1` left out"), tree)) == {
        "down: `n -= 1` left out": "hung"
    }
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_mistake_that_ends_its_player_is_noticed_and_stops_no_other(tree: Path) -> None:
    tests = """\
import os, signal
from box import over

def test_over():
    if not over(11):
        os.kill(os.getppid(), signal.SIGKILL)
"""
    (tree / "tests" / "test_box.py").write_text(tests)
    assert ends(play(run(tree, only="over: `n"), tree)) == {
        "over: `n > 10` as `True`": "alive",
        "over: `n > 10` as `False`": "killed",
        "over: `n > 10` as `n >= 10`": "alive",
    }


def test_child_processes_run_the_mistake_too(tree: Path) -> None:
    tests = """\
import subprocess, sys

def test_over():
    subprocess.run([sys.executable, "-c", "import box; assert box.over(11)"], check=True)
"""
    (tree / "tests" / "test_box.py").write_text(tests)
    double = "`10` as `20`"
    assert set(ends(play(run(tree, only=double), tree)).values()) == {"unreached"}
    assert set(ends(play(run(tree, only=double, in_children=True), tree)).values()) == {"killed"}


def test_a_run_goes_on_where_it_was_interrupted_and_plays_what_changed(tree: Path) -> None:
    first = list(itertools.islice(play(run(tree, only="over"), tree), 2))
    again = list(play(run(tree, only="over"), tree))
    assert len(again) > len(first)
    known = {each.fate.what for each in again if each.known}
    assert known == {each.fate.what for each in first}
    assert all(each.known for each in some(play(run(tree, only="over"), tree)))
    [forgotten] = play(run(tree, only="`10`", fresh=True), tree)
    assert not forgotten.known

    more = "from box import over\n\ndef test_the_bound():\n    assert not over(10)\n"
    (tree / "tests" / "test_more.py").write_text(more)
    [survivor] = [each for each in play(run(tree, only="over"), tree) if not each.known]
    assert survivor.fate.end == "killed"
    assert survivor.fate.by == "tests/test_more.py::test_the_bound"
    (tree / "tests" / "test_more.py").write_text(f"{more}    assert over(11)\n")
    [again] = [each for each in play(run(tree, only="over"), tree) if not each.known]
    assert again.mutant == survivor.mutant
