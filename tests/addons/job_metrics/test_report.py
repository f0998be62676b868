"""``starburst admin report`` reads job metrics where they are on, and says where they differ."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from environments import PROD
from starburst import admin
from starburst._client.admin.office import Office
from starburst.cli import main
from tests.addons.job_metrics.conftest import SESSION, stopped, told
from tests.addons.job_metrics.tables import HOUR_USD, OTHER, Tables

MONTH = f"{datetime.now(UTC):%Y-%m}"
DAY = f"{MONTH}-01"
BEGUN = datetime.fromisoformat(f"{DAY}T00:00:10+00:00").timestamp()
WORKER = {
    "createdAt": f"{DAY}T00:00:10Z",
    "pullStartedAt": f"{DAY}T00:00:20Z",
    "startedAt": f"{DAY}T00:00:30Z",
    "stoppedAt": f"{DAY}T01:00:20Z",
}
OLD = "2020-02"


class Athena:
    """Athena, which asks DuckDB; it may refuse."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.asked = tables, list[str]()
        self.raises: Exception | None = None

    def get_work_group(self, *, WorkGroup: str) -> None:
        assert WorkGroup == "starburst-prod-jobs"
        if self.raises is not None:
            raise self.raises

    def start_query_execution(self, **call: Any) -> dict[str, str]:
        assert call["QueryExecutionContext"] == {"Database": "starburst_prod_lake"}
        self.asked.append(call["QueryString"])
        return {"QueryExecutionId": str(len(self.asked) - 1)}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:
        return {"QueryExecution": {"Status": {"State": "SUCCEEDED"}}}

    def get_query_results(self, *, QueryExecutionId: str, NextToken: str = "") -> dict[str, Any]:
        """Answer a row a page, the first of them the names."""
        found = self.tables.ask(self.asked[int(QueryExecutionId)])
        lines = [[*(found[0] if found else {})], *([*one.values()] for one in found)]
        at = int(NextToken or 0)
        rows = [
            {"Data": [{} if one is None else {"VarCharValue": str(one)} for one in line]}
            for line in lines[at : at + 1]
        ]
        more = {"NextToken": str(at + 1)} if at + 1 < len(lines) else {}
        return {"ResultSet": {"Rows": rows}, **more}


class Controller:
    """The officers' door, which tells of these sessions."""

    def __init__(self) -> None:
        self.sessions = [
            told(started=BEGUN, ended=BEGUN + 4000, usd=1.5 * HOUR_USD, worker_seconds=7200),
        ]

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        ended = json.loads(Payload)["folder"] == "ended"
        sessions = self.sessions if ended else []
        answer = {"ok": True, "at": BEGUN + 9000, "sessions": sessions, "unread": [], "next": ""}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, functions: SimpleNamespace, prices: Any
) -> Iterator[Tables]:
    made = Tables(tmp_path_factory.mktemp("jobs"), functions, prices)
    made.workers(
        stopped("1", **WORKER),
        stopped("2", capacityProviderName="FARGATE_SPOT", **WORKER),
        stopped("3", prefix=f"sessions/markets/=bob/{OTHER}/", startedBy=OTHER, **WORKER),
    )
    # Long ago, and of a month that has none.
    then = {name: text.replace(DAY, f"{OLD}-29") for name, text in WORKER.items()}
    made.workers(stopped("9", **then))
    # Of a session that began in the month before, and of one that has no record yet.
    after = {name: text.replace(DAY, "2020-03-01") for name, text in WORKER.items()}
    over = {"prefix": f"sessions/genomics/alice/{'c' * 20}/", "startedBy": "c" * 20}
    made.workers(stopped("10", **over, **after))
    nobodys = {"prefix": "", "startedBy": ""}
    made.workers(stopped("13", **nobodys, **then), stopped("14", **nobodys, **after))
    made.workers(stopped("15", **nobodys, **{**after, "createdAt": None, "startedAt": None}))
    running = {"prefix": f"sessions/genomics/alice/{'e' * 20}/", "startedBy": "e" * 20}
    made.workers(stopped("11", **running, **then), stopped("12", **running, **after))
    begun = datetime.fromisoformat(f"{OLD}-29T00:00:10+00:00").timestamp()
    made.sessions(
        told(started=BEGUN, ended=BEGUN + 4000, usd=1.5 * HOUR_USD, worker_seconds=7200),
        told(session="c" * 20, started=begun, ended=begun + 9, usd=3.0, state="failed"),
    )
    made.define()
    yield made
    made.duck.close()


@pytest.fixture
def athena(tables: Tables) -> Athena:
    return Athena(tables)


@pytest.fixture
def controller(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> Controller:
    made = Controller()
    office = Office(
        environment="prod",
        account=PROD.account,
        region=PROD.region,
        caller="arn:aws:iam::222233334444:role/ada",
        client={"lambda": made, "athena": athena}.__getitem__,
    )
    monkeypatch.setattr("starburst.admin.open_office", lambda **_: office)
    return made


def test_it_has_the_same_numbers_as_without(controller: Controller, athena: Athena) -> None:
    found = admin.report(MONTH)
    assert found.measured is not None
    athena.raises = ClientError(
        {"Error": {"Code": "InvalidRequestException", "Message": "WorkGroup is not found."}}, "x"
    )
    without = admin.report(MONTH)
    assert (without.measured, without.unmeasured) == (None, "")
    assert without.rows == found.rows
    assert without.to_csv() == found.to_csv()
    [mine] = [one for one in found.measured.rows if one.analyst == "alice"]
    assert (mine.sessions, mine.workers, mine.worker_hours) == (1, 2, 2.0)
    assert mine.usd_at_list_price == pytest.approx(1.5 * HOUR_USD, abs=1e-4)
    assert found.measured.days == (
        admin.DayCost(day=DAY, usd_at_list_price=round(2.5 * HOUR_USD, 4)),
    )
    assert [one.session for one in found.measured.runs] == [SESSION, OTHER]


def test_where_they_differ_is_said_with_the_reason(controller: Controller) -> None:
    [stranger] = admin.report(MONTH).differences
    assert stranger.startswith("markets, =bob: 0.00 USD by the controller's records, 0.20 by")
    assert stranger.endswith("somebody else started these workers")
    controller.sessions = [
        told(started=BEGUN, ended=BEGUN + 4000, usd=9.0),
        told(session="d" * 20, user="carol", started=BEGUN, ended=BEGUN + 4000, usd=5.0),
    ]
    said = admin.report(MONTH).differences
    assert len(said) == 3
    assert "9.00 USD by the controller's records, 0.30" in said[0]
    assert "no event of their workers is there" in said[1]


def test_a_month_that_the_controller_forgot_is_the_tables(controller: Controller) -> None:
    found = admin.report(OLD)
    [row] = found.rows
    assert (row.sessions, row.failed, row.usd_at_list_price) == (1, 1, 3.0)
    assert found.measured is not None
    assert len(found.measured.days) == 1


def test_a_session_is_of_the_month_in_which_it_began_alone(controller: Controller) -> None:
    february, march = admin.report(OLD).measured, admin.report("2020-03").measured
    assert february is not None
    assert march is not None
    assert [(one.analyst, one.sessions, one.workers) for one in february.rows] == [
        ("alice", 3, 4),
        ("untagged", 1, 1),
    ]
    # Who does not say whose they are began nothing: they are of the month in which they stopped.
    assert [(one.analyst, one.sessions, one.workers) for one in march.rows] == [("untagged", 1, 2)]
    assert len(march.runs) == 1
    # What stopped on which day is no matter of sessions.
    [day] = march.days
    assert (day.day, day.usd_at_list_price) == ("2020-03-01", pytest.approx(4 * HOUR_USD, abs=1e-4))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "x"),
            "refused",
        ),
        (EndpointConnectionError(endpoint_url="https://athena"), "did not answer"),
    ],
)
def test_what_cannot_be_asked_leaves_the_report_as_it_was(
    error: Exception, said: str, controller: Controller, athena: Athena
) -> None:
    athena.raises = error
    found = admin.report(MONTH)
    assert found.measured is None
    assert said in found.unmeasured
    assert len(found.rows) == 1


def test_the_command_says_it(controller: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["admin", "report", MONTH, "-e", "prod"]) == 0
    out = capsys.readouterr().out
    assert "0.49 USD by the events of workers that have stopped (job metrics); they differ:" in out
    assert "- markets, =bob: 0.00 USD" in out


class Page(HTMLParser):
    """Notes what a page would load, and how it names what it draws."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.labels: list[str] = []
        self.headers = self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.loads += [tag] if {"src", "href", "data", "srcset"} & named.keys() else []
        self.loads += [tag] if tag in ("script", "iframe", "link", "object", "img") else []
        self.tables += tag == "table"
        self.headers += tag == "thead"
        if named.get("role") == "img":
            self.labels.append(named.get("aria-label") or "")


def test_the_page_is_whole_loads_nothing_and_says_what_it_draws(
    controller: Controller, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    assert main(["admin", "report", MONTH, "-e", "prod", "--html", str(path)]) == 0
    text = path.read_text()
    page = Page()
    page.feed(text)
    assert page.loads == []
    assert "url(" not in text
    assert page.tables == page.headers == 4
    [label] = page.labels
    assert label.startswith("US dollars by day: 1 days with cost, the dearest")
    assert "Where the controller" in text


def test_the_page_shows_what_is_hostile_and_runs_none_of_it(controller: Controller) -> None:
    found = admin.report(MONTH)
    assert found.measured is not None
    evil = "<script>alert(1)</script>"
    runs = tuple(replace(one, analyst=evil, state=evil) for one in found.measured.runs)
    hostile = replace(
        found, measured=replace(found.measured, runs=runs), differences=(f"{evil} differs",)
    )
    assert "<script" not in hostile.to_html()
    assert hostile.to_html().count("&lt;script&gt;") == 5
