"""The views and saved queries, on files of the function's own, against sums made by hand."""

# ruff: noqa: S608 - names of our own tables, in memory

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.addons.job_metrics.catalog import queries
from tests.addons.job_metrics.conftest import PLACE, SESSION, stopped, told
from tests.addons.job_metrics.tables import GB, HOUR_USD, OTHER, VCPU, Tables
from tests.some import some

ELSEWHERE = PLACE.replace("eu-west-1", "eu-central-1")

NOW = "DATE '2026-12-15'"
CUR: Mapping[str, str] = {
    "bill_billing_period_start_date": "timestamp",
    "line_item_resource_id": "varchar",
    "line_item_line_item_type": "varchar",
    "line_item_usage_type": "varchar",
    "line_item_usage_start_date": "timestamp",
    "line_item_usage_amount": "double",
    "line_item_unblended_cost": "double",
    "line_item_currency_code": "varchar",
    "savings_plan_savings_plan_effective_cost": "double",
    "pricing_public_on_demand_cost": "double",
    "resource_tags": "map(varchar, varchar)",
}
"""Columns of a Cost and Usage Report 2.0, by AWS's table dictionary.

https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html
"""


def moment(text: str) -> float:
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(text).timestamp()


EVENTS = (
    # Two workers of one session, an hour each, one of them on Spot; the first told twice.
    stopped("1"),
    stopped("1"),
    stopped("2", capacityProviderName="FARGATE_SPOT"),
    # Another analyst's, half an hour, lost.
    stopped(
        "3",
        prefix=f"sessions/markets/bob/{OTHER}/",
        startedBy=OTHER,
        stoppedAt="2026-11-28T12:29:00Z",
        stopCode="SpotInterruption",
        containers=[],
    ),
    # Nobody's, a minute.
    stopped("4", prefix="", startedBy="by-hand", stoppedAt="2026-11-28T11:59:30Z"),
)


@pytest.fixture(scope="module")
def tables(
    tmp_path_factory: pytest.TempPathFactory, functions: SimpleNamespace, prices: Any
) -> Iterator[Tables]:
    made = Tables(tmp_path_factory.mktemp("jobs"), functions, prices)
    made.workers(*EVENTS)
    begun = moment("2026-11-28T11:58:00Z")
    made.sessions(
        told(started=begun, ended=begun + 4000, usd=round(1.5 * HOUR_USD, 6), worker_seconds=7200),
        # The same record, filed again later: the later one counts.
        told(started=begun, ended=begun + 5000, usd=round(1.5 * HOUR_USD, 6), worker_seconds=7200),
        told(
            session=OTHER,
            user="bob",
            workspace="markets",
            state="failed",
            started=begun,
            ended=begun + 4000,
            launched=2,
            usd=1.0,
        ),
    )
    made.define()
    yield made
    made.duck.close()


def near(value: float) -> Any:
    return pytest.approx(value, abs=0.006)


def test_costs_are_those_of_a_hand(tables: Tables) -> None:
    saved = queries(cluster="starburst-prod", bill=None)
    found = {one["workspace"]: one for one in tables.ask(saved["what each workspace cost"])}
    assert found["genomics"]["usd"] == near(1.5 * HOUR_USD)
    assert (found["genomics"]["workers"], found["genomics"]["worker_hours"]) == (2, 2.0)
    assert found["markets"]["usd"] == near(0.5 * HOUR_USD)
    assert found["untagged"]["untagged_workers"] == 1
    analysts = {one["analyst"]: one for one in tables.ask(saved["what each analyst cost"])}
    assert {name: one["sessions"] for name, one in analysts.items()} == {
        "alice": 1,
        "bob": 1,
        "untagged": 1,
    }
    total = sum(one["usd"] for one in tables.ask("SELECT usd FROM job_costs"))
    assert total == pytest.approx((1 + 0.5 + 0.5 + 1 / 60) * HOUR_USD)


def test_a_run_has_its_measures(tables: Tables) -> None:
    runs = {one["session"]: one for one in tables.ask("SELECT * FROM job_runs")}
    assert set(runs) == {SESSION, OTHER, "by-hand"}
    mine = runs[SESSION]
    assert (mine["workers"], mine["worker_hours"], mine["spot_hours"]) == (2, 2.0, 1.0)
    assert mine["longest_wait_seconds"] == 120.0
    assert mine["usd"] == pytest.approx(mine["recorded_usd"])
    assert runs[OTHER]["lost_workers"] == 1
    assert runs["by-hand"]["state"] == "no record"
    assert {type(one["started"]).__name__ for one in runs.values()} == {"datetime"}


def test_saved_queries_find_what_they_are_called_after(tables: Tables) -> None:
    saved = queries(cluster="starburst-prod", bill=None)
    recent = {
        name: text.replace("current_timestamp", f"CAST({NOW} AS timestamp)")
        for name, text in saved.items()
    }
    assert [one["session"] for one in tables.ask(recent["the dearest sessions"])] == [
        SESSION,
        OTHER,
        "by-hand",
    ]
    trouble = [one["session"] for one in tables.ask(recent["sessions in trouble"])]
    assert trouble == [OTHER]
    assert [one["session"] for one in tables.ask(recent["workers of nobody"])] == ["by-hand"]
    [differs] = tables.ask(recent["records beside events"])
    assert (differs["session"], differs["why"][:22]) == (OTHER, "events of some workers")
    assert "list price beside the bill" not in saved


def test_list_prices_are_reconciled_with_the_bill(tables: Tables) -> None:
    def bill(task: str, usage: str, amount: float, cost: float, public: float, **more: Any) -> Any:
        return {
            "bill_billing_period_start_date": "2026-11-01 00:00:00",
            "line_item_resource_id": f"{PLACE}:task/starburst-prod/{task}",
            "line_item_line_item_type": "Usage",
            "line_item_usage_type": usage,
            "line_item_usage_start_date": "2026-11-28 12:00:00",
            "line_item_usage_amount": amount,
            "line_item_unblended_cost": cost,
            "line_item_currency_code": "USD",
            "savings_plan_savings_plan_effective_cost": None,
            "pricing_public_on_demand_cost": public,
            "resource_tags": {"user_starburst_cost": "prod/genomics"},
            **more,
        }

    vcpu, memory = "EU-Fargate-vCPU-Hours:perCPU", "EU-Fargate-GB-Hours"
    lines = [
        # The first worker, over two hours of usage, as billed at list price.
        *(bill("1", vcpu, 2, 2 * VCPU, 2 * VCPU) for _ in range(2)),
        *(bill("1", memory, 4, 4 * GB, 4 * GB) for _ in range(2)),
        # Spot, at the price of its hour.
        bill("2", f"EU-Spot-{vcpu}", 4, 0.05, 4 * VCPU),
        # A Savings Plan's: 20 % off. Its usage stands at list price, a second line takes that off.
        bill(
            "3",
            vcpu,
            2,
            0.5 * HOUR_USD,
            0.5 * HOUR_USD,
            line_item_line_item_type="SavingsPlanCoveredUsage",
            savings_plan_savings_plan_effective_cost=0.4 * HOUR_USD,
        ),
        bill(*("3", vcpu, 2, -0.5 * HOUR_USD, 0.0), line_item_line_item_type="SavingsPlanNegation"),
        bill("9", vcpu, 1, 0.3, 0.3),
        # None of these is a worker of ours, of last month, or usage.
        bill("1", vcpu, 1, 99.0, 99.0, line_item_line_item_type="Tax"),
        bill("1", vcpu, 1, 99.0, 99.0, bill_billing_period_start_date="2026-10-01 00:00:00"),
        bill("5", vcpu, 1, 99.0, 99.0, line_item_resource_id="arn:aws:ecs:task/other/5"),
        # An environment of the same name, elsewhere in an organization whose bill is one.
        bill("6", vcpu, 1, 99.0, 99.0, line_item_resource_id=f"{ELSEWHERE}:task/starburst-prod/6"),
    ]
    columns = ", ".join(f'"{name}" {kind}' for name, kind in CUR.items())
    tables.duck.execute(f"CREATE OR REPLACE TABLE cur2 ({columns})")

    def enter(*given: dict[str, Any]) -> None:
        for line in given:
            marks = ", ".join("?" for _ in CUR)
            tables.duck.execute(f"INSERT INTO cur2 VALUES ({marks})", list(line.values()))

    enter(*lines)
    saved = queries(cluster="starburst-prod", bill="cur2", place=PLACE)
    text = saved["list price beside the bill"]
    found = {
        one["task"].rpartition("/")[2]: one
        for one in some(tables.ask(text.replace("current_date", NOW)))
    }
    assert found["1"]["list_usd"] == pytest.approx(HOUR_USD, abs=1e-6)
    assert found["1"]["billed_usd"] == pytest.approx(HOUR_USD, abs=1e-6)
    assert {name: one["why"].partition(":")[0] for name, one in found.items()} == {
        "1": "alike",
        "2": "Spot",
        "3": "a discount, a credit or a Savings Plan",
        "4": "not in the bill",
        "9": "in the bill alone",
    }
    assert found["9"]["workspace"] == "untagged"
    # In a cluster of a workspace's own they are ours as well; in one of a like name they are not.
    for apart, known in ((["prod"], True), (["prod2"], False)):
        asked = queries(cluster="starburst", bill="cur2", apart=apart)["list price beside the bill"]
        rows = tables.ask(asked.replace("current_date", NOW))
        assert any(one["billed_usd"] is not None for one in some(rows)) is known
    assert found["3"]["billed_usd"] == near(0.4 * HOUR_USD)
    # What is given back of a worker is off its bill; in another currency nothing is compared.
    for changed, billed, why in (
        ({"line_item_line_item_type": "Credit"}, 0.4 * HOUR_USD, "a discount"),
        ({"line_item_line_item_type": "Refund"}, 0.4 * HOUR_USD, "a discount"),
        ({"line_item_currency_code": "EUR"}, None, "billed in EUR"),
    ):
        tables.duck.execute("DELETE FROM cur2")
        hour = 0.5 * HOUR_USD
        enter(bill("3", vcpu, 2, hour, hour), bill("3", vcpu, 0, -0.1 * HOUR_USD, 0.0, **changed))
        [row] = [
            one for one in tables.ask(text.replace("current_date", NOW)) if "/3" in one["task"]
        ]
        assert row["billed_usd"] == (None if billed is None else near(billed))
        assert row["why"].startswith(why)
    hosted = "FROM (SELECT * REPLACE ('instance' AS bought) FROM job_workers)"
    on_hosts = text.replace("FROM job_workers", hosted).replace("current_date", NOW)
    why = {one["task"].rpartition("/")[2]: one["why"] for one in tables.ask(on_hosts)}
    assert {why[name].partition(":")[0] for name in ("1", "2", "4")} == {"on an instance"}
    tables.duck.execute("DELETE FROM cur2")
    enter(*lines)
