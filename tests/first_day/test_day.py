"""The day as a whole: every question is asked, every end is told, and nothing stays unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.rehearsal.asking.ask_all import ask_all
from deploy.rehearsal.asking.check import Answer, Check, Finding
from deploy.rehearsal.cost import Cost
from deploy.rehearsal.day import Day
from deploy.rehearsal.report import masked
from deploy.rehearsal.unfinished import Unfinished
from environments import DEV
from tests.first_day.stubs import ACCOUNT, NAME, REGION, TRIAL, Stubs, Time, subject

GOOD = Answer(held=("it holds",))
BAD = Answer(failed=(f"{ACCOUNT} told ada@example.com and ASIA{'A' * 16}",), facts={"usd": 0.25})
LATE = Answer(pending=("not yet",))


def check(name: str, *answers: Answer | BaseException, **fields: Any) -> Check:
    """Return a question with these answers, the last one for ever."""
    left = list(answers)

    def look(_: object) -> Answer:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return Check(name=name, asks="Is it so?", why="It matters.", sources=(), look=look, **fields)


def test_what_breaks_stops_no_other_and_what_is_late_is_asked_last() -> None:
    time, order = Time(), []
    refused = Stubs().refuses("kms", "list_keys", "AccessDeniedException", "no")
    questions = [
        check("late", LATE, LATE, GOOD, within=60),
        check("never", LATE, within=15),
        replace(check("refused", GOOD), look=lambda _: refused("kms").list_keys()),
        check("broken", KeyError("x")),
        check("good", GOOD),
        check("without", GOOD, feature="source-vpce"),
        check("idle", GOOD, worker=True),
    ]
    about = replace(subject(Stubs(), time=time, has_workers=False))
    about = replace(about, environment=replace(TRIAL, without=("source-vpce",)))
    found = ask_all(questions, about, tells=lambda finding: order.append(finding.name))
    assert {each.name: each.verdict for each in found} == {
        "late": "held",
        "never": "not settled",
        "refused": "could not be asked",
        "broken": "could not be asked",
        "good": "held",
        "without": "not asked",
        "idle": "not asked",
    }
    assert [each.name for each in found] == [each.name for each in questions]
    assert order == ["refused", "broken", "good", "without", "idle", "late", "never"]
    assert found[2].answer.failed == ("AccessDeniedException: no",)
    assert found[3].answer.failed == ("KeyError: 'x'",)


class Deployment:
    """A deployment that says what it is told to."""

    environment = TRIAL

    def __init__(self, *, ends: Answer | BaseException = GOOD, begins: Answer = GOOD) -> None:
        self.ends, self.begins = ends, begins
        self.deployed = self.destroyed = False

    def deploy(self, *, workers: bool) -> Finding:
        self.deployed = True
        return self._finding("deployment", self.begins)

    def destroy(self) -> Finding:
        if isinstance(self.ends, BaseException):
            raise self.ends
        self.destroyed = not self.ends.failed
        return self._finding("destruction", self.ends)

    def _finding(self, name: str, answer: Answer) -> Finding:
        return Finding.of(check(name, GOOD), answer, seconds=1)


RECORD = Unfinished(environment="dev", name=NAME, account=ACCOUNT, region=REGION, workers=4)


def silent(question: str) -> str:
    raise AssertionError(f"nothing is to be asked: {question}")


def day(
    folder: Path,
    *checks: Check,
    deployment: Deployment,
    ask: Callable[[str], str] = silent,
    accounts: bool = False,
) -> Day:
    time = Time()
    return Day(
        chosen=DEV,
        deployment=deployment,  # type: ignore[arg-type]
        subject=lambda _: subject(Stubs(), time=time),
        checks=checks,
        cost=Cost(hour=0.2, once=0.2, by_use=(), prices="List prices of eu-west-1."),
        record=RECORD,
        folder=folder,
        accounts=accounts,
        ask=ask,
        clock=time.clock,
    )


def reports(folder: Path) -> tuple[dict[str, Any], str]:
    [document], [text] = folder.glob("dev-2*.json"), folder.glob("dev-2*.txt")
    assert document.stat().st_mode & 0o077 == 0
    return json.loads(document.read_text()), text.read_text()


@pytest.mark.parametrize(("answer", "code"), [(GOOD, 0), (BAD, 1), (LATE, 1)])
def test_a_day_ends_with_everything_gone_and_two_files(
    answer: Answer, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = Deployment()
    assert day(tmp_path, check("one", answer), deployment=deployment).run(workers=True) == code
    assert deployment.destroyed
    assert Unfinished.read(tmp_path, "dev") is None
    document, text = reports(tmp_path)
    assert [each["name"] for each in document["findings"]] == ["deployment", "one", "destruction"]
    assert document["findings"][1]["verdict"] == answer.verdict
    assert ("To look at:" in text) == bool(code)
    said = capsys.readouterr().out
    assert "[  0:00, 0.20 USD] one: Is it so?" in said
    assert "Send back: " in said


def test_what_is_not_asked_does_not_count_as_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = day(
        tmp_path,
        check("one", GOOD),
        check("two", GOOD, feature="source-vpce"),
        deployment=Deployment(),
    )
    run.subject = lambda _: replace(
        subject(Stubs(), time=Time()), environment=replace(TRIAL, without=("source-vpce",))
    )
    assert run.run(workers=True) == 0
    assert "3 of 4 held, 1 not asked; to look at: nothing" in capsys.readouterr().out


def test_nothing_sensitive_is_in_the_files(tmp_path: Path) -> None:
    run = day(tmp_path, check("one", BAD), deployment=Deployment(), accounts=True)
    run.run(workers=True)
    document, text = reports(tmp_path)
    for content in (json.dumps(document), text):
        assert "<account 1> told <address> and <key id>" in content
        assert ACCOUNT not in content
    assert document["usd"] == 0.45


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(held=("a",), pending=("b",)), "not settled"),
        (Answer(held=("a",), failed=("b",)), "did not hold"),
        (Answer(held=("a",), failed=("b",), pending=("c",)), "did not hold"),
        (Answer(), "held"),
    ],
)
def test_one_line_that_does_not_hold_decides(answer: Answer, verdict: str) -> None:
    assert answer.verdict == verdict


def test_a_started_hour_costs_a_whole_one() -> None:
    cost = Cost(hour=2, once=1, by_use=(), prices="List prices of eu-west-1.")
    assert [cost.standing(s) for s in (0, 1, 3600, 3601, 7200, 7201)] == [2, 2, 2, 4, 4, 6]
    assert cost.most(3601) == 5


@pytest.mark.parametrize("kind", ["AKIA", "ASIA"])
def test_no_kind_of_key_id_is_sent(kind: str) -> None:
    assert masked(f"{kind}{'A' * 16} is refused", accounts=False) == "<key id> is refused"


def test_account_numbers_stay_unless_they_are_to_be_hidden() -> None:
    assert masked(f"{ACCOUNT} ada@example.com", accounts=False) == f"{ACCOUNT} <address>"


def test_a_deployment_that_failed_is_not_asked_but_destroyed(tmp_path: Path) -> None:
    deployment = Deployment(begins=BAD)
    run = day(tmp_path, check("one", GOOD), deployment=deployment)
    assert run.run(workers=True) == 1
    assert deployment.destroyed
    document, _ = reports(tmp_path)
    assert [each["name"] for each in document["findings"]] == ["deployment", "destruction"]


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt(), MemoryError("no room")], ids=["ctrl-c", "crash"]
)
@pytest.mark.parametrize(("typed", "gone"), [("", True), ("y", True), ("n", False)])
def test_an_early_end_offers_to_destroy(
    *,
    end: BaseException,
    typed: str,
    gone: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return typed

    deployment = Deployment()
    run = day(tmp_path, check("one", GOOD), check("two", GOOD), deployment=deployment, ask=ask)
    if isinstance(end, KeyboardInterrupt):
        run.checks = (*run.checks[:1], check("two", end))
    else:
        monkeypatch.setattr(run, "subject", lambda _: (_ for _ in ()).throw(end))
    assert run.run(workers=True) == (1 if gone else 3)
    assert asked == [f"Destroy {NAME} now? [Y/n] "]
    assert deployment.destroyed == gone
    assert (Unfinished.read(tmp_path, "dev") is None) == gone
    document, _ = reports(tmp_path)
    names = [each["name"] for each in document["findings"]]
    # What was found before the end is told.
    assert ("one" in names) == isinstance(end, KeyboardInterrupt)
    assert document["interrupted"]
    assert ("--destroy-only" in capsys.readouterr().out) == (not gone)


def test_where_nobody_can_answer_it_is_destroyed(tmp_path: Path) -> None:
    def nobody(_: str) -> str:
        raise EOFError

    deployment = Deployment()
    run = day(tmp_path, check("one", KeyboardInterrupt()), deployment=deployment, ask=nobody)
    assert run.run(workers=True) == 1
    assert deployment.destroyed


@pytest.mark.parametrize("ends", [BAD, KeyboardInterrupt()], ids=["failed", "interrupted"])
def test_what_does_not_go_is_told_and_can_be_finished(
    ends: Answer | BaseException, tmp_path: Path
) -> None:
    assert day(tmp_path, deployment=Deployment(ends=ends)).run(workers=True) == 3
    assert Unfinished.read(tmp_path, "dev") == RECORD
    for path in tmp_path.glob("dev-2*"):
        path.unlink()
    assert day(tmp_path, deployment=Deployment()).finish() == 0
    assert Unfinished.read(tmp_path, "dev") is None
