"""What is accepted has a reason and lives; a record stays until its module is played anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutation.accepted import Accepted
from tests.mutation.log import End, Fate, Log
from tests.mutation.mistakes.mutants import Mutant
from tests.mutation.playing.copies import ROOT
from tests.mutation.record import Record, load, write
from tests.mutation.record import records_of as records_of_all
from tests.mutation.run import Played

ENTRY = """\
[[accepted]]
module = "box.py"
mutants = ['''f: `5` as `10`''', "f: gone"]
reason = "{reason}"
"""


def played(what: str, end: End, *, module: str = "box.py") -> Played:
    mutant = Mutant(module=module, what=what, line=1, lines=(), text="")
    return Played(
        mutant=mutant,
        fate=Fate(digest=what, module=module, what=what, end=end),
        known=False,
    )


def records_of(each: Sequence[Played], accepted: Accepted) -> list[Record]:
    """Return the records of modules that were played whole."""
    names: dict[str, list[str]] = {}
    for one in each:
        names.setdefault(one.fate.module, []).append(one.fate.what)
    return records_of_all(each, accepted, names=names)


@pytest.fixture
def accepted(tmp_path: Path) -> Accepted:
    (tmp_path / "room.toml").write_text(ENTRY.format(reason="Nobody looks."))
    return Accepted.read(tmp_path)


def test_one_that_is_accepted_and_gone_fails_the_run(accepted: Accepted) -> None:
    noticed = [played(f"f: {number}", "killed") for number in range(9)]
    [record] = records_of([*noticed, played("f: `5` as `10`", "alive")], accepted)
    assert record.accepted == {"f: `5` as `10`": "Nobody looks."}
    assert list(record.wrong) == ["box.py: accepted, but killed or gone: f: gone"]


@pytest.mark.parametrize(("alive", "enough"), [(1, True), (2, False)])
def test_nine_of_ten_have_to_be_noticed(alive: int, *, enough: bool) -> None:
    noticed = [*(played(f"f: {number}", "killed") for number in range(8)), played("h", "hung")]
    living = [played(f"g: {number}", "unreached") for number in range(alive)]
    [record] = records_of([*noticed, *living], Accepted({}))
    assert (list(record.wrong) == []) is enough


def test_a_sample_is_told_as_one_and_says_nothing_of_those_that_it_left_out(
    accepted: Accepted, tmp_path: Path
) -> None:
    names = {"box.py": ["f: `5` as `10`", "f: 1", "f: 2", "f: gone"]}
    [record] = records_of_all([played("f: 1", "killed")], accepted, names=names)
    assert (record.played, record.mutants, list(record.wrong)) == (1, 4, [])
    write([record], tmp_path / "mutation.json")
    assert (
        "| `box.py` | 1 of 4 | 1 | 0 | 0 | 0 | 100.0% |" in (tmp_path / "mutation.md").read_text()
    )


def test_acceptance_needs_a_reason_and_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(ENTRY.format(reason=" "))
    with pytest.raises(ValueError, match="without a reason"):
        Accepted.read(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(ENTRY.format(reason="Nobody looks."))
    with pytest.raises(ValueError, match="a second time"):
        Accepted.read(tmp_path)


def test_the_acceptances_of_this_tree_can_be_read() -> None:
    Accepted.read(ROOT / "tests" / "mutation" / "accepted")


def test_a_record_takes_the_place_of_its_modules_older_one(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "mutation.json"
    write(records_of([played("f: a | b", "alive")], Accepted({})), path)
    write(records_of([played("f: 1", "killed", module="other.py")], Accepted({})), path)
    write(records_of([played("f: 2", "alive")], Accepted({})), path)
    assert [(each.module, each.mutants) for each in load(path)] == [("box.py", 1), ("other.py", 1)]
    text = path.with_suffix(".md").read_text()
    assert "| `other.py` | 1 | 1 | 0 | 0 | 0 | 100.0% |" in text
    assert "| `box.py` | f: 2 |" in text
    assert "a \\| b" not in text


def test_a_line_that_was_cut_off_costs_one_fate(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    for name in "ab":
        log.add(Fate(digest=name, module="box.py", what=name, end="killed"))
    path = tmp_path / "log.jsonl"
    path.write_text(path.read_text()[:-10])
    again = Log(path)
    assert again["a"]
    assert not again["b"]


def test_logs_that_are_put_together_know_what_any_of_them_saw_killed(tmp_path: Path) -> None:
    whole = ""
    ends: dict[str, End] = {"mine": "killed", "yours": "alive"}
    for name, end in ends.items():
        path = tmp_path / name
        Log(path).add(Fate(digest="a", module="box.py", what="a", end=end, by=name))
        whole += path.read_text()
    (tmp_path / "both").write_text(whole)
    assert [fate.by for fate in Log(tmp_path / "both")["a"]] == ["mine", "yours"]
