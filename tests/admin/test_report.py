"""The monthly report counts each session once, whole, and as rows, CSV, JSON and page alike."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from starburst import admin
from starburst.admin import MonthlyReport, ReportRow
from starburst.cli import main
from starburst.errors import ConfigurationError
from tests.controller.totals.people import begin, keys_of, named
from tests.controller.world import World

pytestmark = pytest.mark.usefixtures("office")

JANUARY = "2027-01"


def end(world: World, number: int, *, user: str = "alice") -> None:
    world.request(keys_of(number, user=user), "stop")
    world.deliver(rounds=5)


@pytest.fixture
def lived(world: World) -> World:
    """A month: two of alice's, one of them in February too; one of bobby's that runs."""
    begin(world, 0)
    world.later(3600)
    end(world, 0)
    begin(world, 1, workers=1, user="bobby", workspace="imaging", timeout_seconds=86_400)
    world.later(3600)
    world.sweep()
    return world


def test_each_analyst_is_a_row_with_hours_and_cost(lived: World) -> None:
    found = admin.report(JANUARY)
    alice, bobby = found.rows
    assert (alice.workspace, alice.analyst, alice.sessions) == ("genomics", "alice", 1)
    assert (alice.worker_hours, alice.still_running, alice.failed) == (3, 0, 0)
    assert (bobby.workspace, bobby.analyst, bobby.still_running) == ("imaging", "bobby", 1)
    assert bobby.worker_hours == 1
    assert alice.usd_at_list_price == pytest.approx(3 * bobby.usd_at_list_price, abs=1e-3)
    assert found.usd == alice.usd_at_list_price + bobby.usd_at_list_price > 0
    assert (found.over, found.unread) == (False, {})


def test_a_session_counts_for_the_month_in_which_it_began(world: World) -> None:
    world.later(16.6 * 86_400)  # the last evening of January
    begin(world, 0, timeout_seconds=86_400)
    world.later(12 * 3600)
    end(world, 0)
    begin(world, 1)
    january, february = admin.report(JANUARY), admin.report("2027-02")
    assert [row.sessions for row in january.rows] == [1]
    assert january.rows[0].worker_hours == 36
    assert january.over
    assert [row.sessions for row in february.rows] == [1]
    assert february.rows[0].still_running == 1


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("2027-13", "is no month"),
        ("2027-1", "is no month"),
        ("January", "is no month"),
        ("0000-01", "is no month"),
        ("9999-12", "is no month"),
        ("2027-02", "has not begun"),
        ("2025-12", "is not whole any more"),
    ],
)
def test_what_is_no_month_of_ours_is_refused(lived: World, month: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        admin.report(month)


def test_who_waits_for_room_has_used_nothing(lived: World) -> None:
    from starburst.contract import Totals  # noqa: PLC0415 - of this test alone
    from tests.controller.totals.people import deploy  # noqa: PLC0415 - likewise

    few = Totals(sessions=1000, workers=1, usd_per_hour=1e6, usd_per_day=1e6, usd_per_month=1e6)
    deploy(lived, workspace=few)
    begin(lived, 5, workers=1, workspace="imaging", user="carol", wait=600)
    assert {row.analyst for row in admin.report(JANUARY).rows} == {"alice", "bobby"}


def test_csv_and_json_say_the_same(lived: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = admin.report(JANUARY)
    rows = [*csv.DictReader(io.StringIO(found.to_csv()))]
    assert [(row["month"], row["workspace"], row["analyst"]) for row in rows] == [
        (JANUARY, "genomics", "alice"),
        (JANUARY, "imaging", "bobby"),
    ]
    told = json.loads(found.to_json())
    assert [float(row["usd_at_list_price"]) for row in rows] == [
        row["usd_at_list_price"] for row in told["rows"]
    ]
    assert main(["admin", "report", JANUARY, "--csv"]) == 0
    assert capsys.readouterr().out == found.to_csv()
    assert main(["admin", "report", JANUARY, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told


HOSTILE = ReportRow(
    workspace="=cmd|' /C calc'!C3",
    analyst="<script>alert(1)</script>",
    sessions=1,
    still_running=0,
    failed=1,
    worker_hours=2,
    usd_at_list_price=3,
)


def hostile() -> MonthlyReport:
    """Names that no controller gives, as if it did."""
    return MonthlyReport(
        environment="prod",
        month=JANUARY,
        rows=(HOSTILE, replace(HOSTILE, analyst="@SUM(1)", usd_at_list_price=1)),
        at=1_800_000_000,
        over=True,
        unread={"<b>": "broken"},
    )


def test_no_cell_is_a_formula() -> None:
    rows = [*csv.reader(io.StringIO(hostile().to_csv()))]
    assert rows[1][1] == "'=cmd|' /C calc'!C3"
    assert rows[2][2] == "'@SUM(1)"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.outside += [f"{name}={value}" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_shows_what_is_hostile_and_runs_none_of_it() -> None:
    seen = _Tags()
    seen.feed(hostile().to_html())
    assert not seen.tags & {"script", "b", "img", "link", "iframe"}
    assert seen.outside == []
    assert "<script>alert(1)</script>" in seen.text
    assert "1 record cannot be read and is in no row:" in seen.text
    assert "4.00" in seen.text


def test_the_page_is_written(
    lived: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "january.html"
    assert main(["admin", "report", JANUARY, "--html", str(file)]) == 0
    assert "shows 2027-01 of prod" in " ".join(capsys.readouterr().out.split())
    page = file.read_text()
    assert "alice" in page
    assert "default-src 'none'" in page
    assert main(["admin", "report", JANUARY, "--html", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_table_and_a_month_without_any(
    lived: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["admin", "report", JANUARY]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:3] for line in out.splitlines()[1:3]] == [
        ["genomics", "alice", "1"],
        ["imaging", "bobby", "1"],
    ]
    assert "The month is not over." in " ".join(out.split())
    assert main(["admin", "report", "2026-12"]) == 0
    assert "No session began in 2026-12." in capsys.readouterr().out
    assert "No session began" in admin.report("2026-12").to_html()


def test_a_record_that_cannot_be_read_is_in_no_row_and_told(
    lived: World, capsys: pytest.CaptureFixture[str]
) -> None:
    lived.put(keys_of(0).ended_record, b"{}")
    found = admin.report(JANUARY)
    assert [row.analyst for row in found.rows] == ["bobby"]
    assert set(found.unread) == {named(0)}
    assert main(["admin", "report", JANUARY, "--csv"]) == 1
    assert named(0) in capsys.readouterr().err
