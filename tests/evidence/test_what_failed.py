"""Whatever failed fails the evidence: no judge's word, no test's end and no stop gets lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aws_cdk as cdk
import pytest

from deploy.evidence import gather as gathering
from deploy.evidence.__main__ import main as command
from deploy.evidence.gather import Evidence
from deploy.evidence.matrix import failures
from deploy.evidence.testing import CaseCount, RunError, Running, finish_tests
from tests.evidence.planted import FOREIGN, LINTED, OURS, REFUSED


def test_what_each_judge_says_is_gathered(gathered: Evidence) -> None:
    """Of the synthesis, of cfn-lint, and of the theorems that an add-on states."""
    assert list(gathered.refused) == [REFUSED, LINTED]
    assert [each.theorem.name for each in gathered.verdicts] == [OURS, FOREIGN]
    assert failures(gathered) == 2


def answered(answer: Any) -> Callable[[Evidence], Evidence]:
    return lambda good: replace(
        good, verdicts=[replace(each, answer=answer) for each in good.verdicts]
    )


FAILED: dict[str, Callable[[Evidence], Evidence]] = {
    "a finding": lambda good: replace(good, refused=[REFUSED]),
    **{answer: answered(answer) for answer in ("refuted", "unknown", "vacuous")},
    "a test": lambda good: replace(good, tests={"a.py::test": CaseCount(passed=9, failed=1)}),
}


@pytest.mark.parametrize("what", FAILED)
def test_the_command_fails_by_each_thing_that_failed(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    found = FAILED[what](evidence)
    assert (failures(evidence), failures(found)) == (0, 1)
    monkeypatch.setattr("deploy.evidence.gather.gather", lambda *_, **__: found)
    assert command(["dev", "--into", str(tmp_path)]) == 1


def ended(folder: Path, code: int, cases: str = "") -> Running:
    """A test run that has ended with a code, and with what pytest wrote of its cases."""
    report, output = folder / "junit.xml", folder / "output.txt"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    output.write_text("what pytest said")
    process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])  # noqa: S603
    return Running(process=process, report=report, output=output, names=["tests/a.py::test_it"])


def case(*children: str, name: str = "test_it") -> str:
    inside = "".join(f"<{child}/>" for child in children)
    return f'<testcase classname="tests.a" name="{name}">{inside}</testcase>'


@pytest.mark.parametrize(
    ("cases", "counted", "holds"),
    [
        ([case()], CaseCount(passed=1), True),
        ([case("failure")], CaseCount(failed=1), False),
        ([case("error")], CaseCount(failed=1), False),
        ([case("skipped")], CaseCount(skipped=1), False),
        # Skipped, and its fixture failed when it was taken down.
        ([case("skipped", "error")], CaseCount(failed=1), False),
        (
            [case(name="test_it[1]"), case(name="test_it[2]"), case("failure", name="test_it[3]")],
            CaseCount(passed=2, failed=1),
            False,
        ),
        ([case(name="test_it[1]"), case("skipped")], CaseCount(passed=1, skipped=1), True),
        ([case(), case("failure", name="test_it_not")], CaseCount(passed=1), True),
    ],
)
def test_each_case_counts_as_what_became_of_it(
    tmp_path: Path, cases: list[str], counted: CaseCount, holds: bool
) -> None:
    assert finish_tests(ended(tmp_path, 1, "".join(cases))) == {"tests/a.py::test_it": counted}
    assert counted.holds is holds


@pytest.mark.parametrize("code", [2, 3, 4, 5, 137])
def test_a_run_that_stopped_is_no_result_though_some_tests_passed(
    tmp_path: Path, code: int
) -> None:
    """Interrupted, broken, misused, without a test, killed."""
    with pytest.raises(RunError, match="what pytest said"):
        finish_tests(ended(tmp_path, code, case()))


@pytest.mark.parametrize("said", [False, True])
def test_a_synthesis_that_broke_is_told_and_one_that_was_refused_is_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bool
) -> None:
    def synth() -> None:
        raise RuntimeError("out of memory")

    app = cast("cdk.App", SimpleNamespace(synth=synth, outdir=str(tmp_path)))
    monkeypatch.setattr(gathering, "open_findings", lambda at: [REFUSED] if said else [])
    if said:
        assert gathering._synthesize(app) == [REFUSED]
    else:
        with pytest.raises(RuntimeError, match="out of memory"):
            gathering._synthesize(app)
