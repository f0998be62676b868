"""The page says what the command takes and asks, and where each question was tried."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deploy.rehearsal import day
from deploy.rehearsal.asking.check import Check
from deploy.rehearsal.checks import ALL
from deploy.rehearsal.day import Day
from deploy.rehearsal.first_day import main
from deploy.rehearsal.unfinished import Unfinished
from tests.first_day.stubs import ACCOUNT, NAME, REGION

PAGE = (Path(__file__).parents[2] / "docs/how-to/first-day-on-aws.md").read_text()
COMMAND = "$ .venv/bin/python -m deploy.first_day "


def test_its_table_has_every_question_in_order_and_where_it_was_tried() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (`local`|stubs) \|$", PAGE, re.MULTILINE)
    assert rows == [(each.name, each.asks, "`local`" if each.local else "stubs") for each in ALL]


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_each_question_says_why_and_rests_on_a_page(each: Check) -> None:
    assert each.asks.endswith("?")
    assert each.why.endswith(".")
    assert each.sources
    assert all(source.startswith("https://") for source in each.sources)


def test_its_exit_codes_are_the_commands() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d) \| ", PAGE, re.MULTILINE)}
    assert codes == {day.HELD, day.GONE, 2, day.STAYS}


@pytest.mark.parametrize(
    "command", [line.removeprefix(COMMAND) for line in PAGE.splitlines() if line.startswith("$")]
)
def test_its_commands_are_understood(command: str, at_hand: list[Day], tmp_path: Path) -> None:
    """The parser would raise SystemExit."""
    if "--destroy-only" in command:
        Unfinished(environment="dev", name=NAME, account=ACCOUNT, region=REGION, workers=4).write(
            tmp_path
        )
    words = [*shlex.split(command), "--folder", str(tmp_path)]
    assert main(words, ask=lambda _: ACCOUNT) == 0
    assert bool(at_hand) != ("--plan" in command)
