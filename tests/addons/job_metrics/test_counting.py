"""Each stopped worker counts once, at the price that a hand would work out, and none is lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from environments import PROD
from stacks.addons.job_metrics.rates import prices_of
from stacks.settings import Ec2Capacity
from starburst.contract import Instance
from starburst.pricing.prices import load
from starburst.pricing.tariff import worker_usd
from tests.addons.job_metrics.conftest import Cloud, messages, stopped, told

HOUR = "2026-11-28T12"
X86, ARM = (0.04048, 0.004445), (0.03238, 0.00356)
"""vCPU and GB an hour in eu-west-1 on 2026-11: written down here apart from the price list."""


def rows(cloud: Cloud, hour: str = HOUR) -> list[dict[str, Any]]:
    return list(cloud.ledger.rows("job_workers", hour))


def failures(answer: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.mark.parametrize(
    ("changed", "usd"),
    [
        # An hour of 4 vCPU and 8 GB, from the pull of its image on.
        ({}, 4 * X86[0] + 8 * X86[1]),
        # Spot at half.
        ({"capacityProviderName": "FARGATE_SPOT"}, (4 * X86[0] + 8 * X86[1]) / 2),
        # Part of an hour: 40 minutes and 30 seconds.
        ({"stoppedAt": "2026-11-28T12:39:30Z"}, (4 * X86[0] + 8 * X86[1]) * 2430 / 3600),
        # Ten seconds are billed as a minute.
        ({"stoppedAt": "2026-11-28T11:59:10Z"}, (4 * X86[0] + 8 * X86[1]) / 60),
        # ARM, and 30 GB of disk above the free 20.
        (
            {"attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}]},
            4 * ARM[0] + 8 * ARM[1],
        ),
        # It never pulled its image: nothing is billed.
        ({"pullStartedAt": None, "startedAt": None}, 0.0),
    ],
)
def test_a_worker_costs_what_a_hand_works_out(
    changed: dict[str, Any], usd: float, functions: SimpleNamespace, prices: Any
) -> None:
    found = functions.worker_rows.worker_row(stopped(**changed), prices)
    assert found.row["usd"] == pytest.approx(usd, abs=1e-12)


@pytest.mark.parametrize("architecture", ["X86_64", "ARM64"])
@pytest.mark.parametrize("spot", [False, True])
@pytest.mark.parametrize("scratch", [0, 50])
def test_its_sums_are_the_controllers(
    architecture: str, spot: bool, scratch: int, prices: Any
) -> None:
    listed = load(PROD.region)
    document: Any = SimpleNamespace(hosts=None, architecture="X86_64")
    for vcpu, gigabytes in ((0.25, 0.5), (4, 30), (16, 120)):
        ours = prices.usd_an_hour(
            vcpu=vcpu, memory_gb=gigabytes, scratch_gb=scratch, architecture=architecture, spot=spot
        )
        theirs = worker_usd(
            document,
            cpu=vcpu,
            memory_gb=gigabytes,
            scratch_gb=max(scratch, 20),
            architecture=architecture,
            spot=spot,
            prices=listed,
        )
        assert ours == pytest.approx(theirs)


def test_on_an_instance_it_costs_its_share(functions: SimpleNamespace) -> None:
    c7g = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.29)
    hosted = replace(PROD, architecture="ARM64", capacity=Ec2Capacity(instance_types=(c7g,)))
    prices = functions.pricing.Prices.parse(prices_of(hosted))
    event = stopped(cpu="2048", memory="3072", launchType="EC2")
    found = functions.worker_rows.worker_row(event, prices).row
    assert (found["bought"], found["usd"]) == ("instance", pytest.approx(0.29 / 4))


def test_a_rate_that_nobody_knows_is_told_and_is_not_nothing(
    functions: SimpleNamespace, prices: Any, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = replace(prices, rates={})
    functions.counting.count(messages(stopped()), cloud.ledger, unknown)
    [row] = rows(cloud)
    assert row["usd"] is None
    assert json.loads(capsys.readouterr().out)["unpriced_workers"] == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"platformFamily": "Windows_Server_2022_Core"},
        {"attributes": [{"name": "ecs.cpu-architecture", "value": "riscv64"}]},
    ],
    ids=["windows", "another processor"],
)
def test_what_has_no_price_here_is_not_counted_at_anothers(
    odd: dict[str, Any], functions: SimpleNamespace, prices: Any
) -> None:
    """Windows costs a licence more; somebody started it past the controller."""
    row = functions.worker_rows.worker_row(stopped("1", **odd), prices).row
    assert (row["usd"], row["billed_seconds"]) == (None, 3600)
    linux = stopped("1", platformFamily="Linux")
    assert functions.worker_rows.worker_row(linux, prices).row["usd"] is not None


def test_a_worker_of_nobody_is_counted_and_told(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    event = stopped(prefix="", startedBy="by-hand")
    assert failures(functions.counting.count(messages(event), cloud.ledger, prices)) == []
    [row] = rows(cloud)
    assert (row["analyst"], row["workspace"], row["tagged"]) == ("untagged", "untagged", False)
    assert (row["session"], row["usd"] > 0) == ("by-hand", True)


def test_repeated_and_late_events_count_once(
    functions: SimpleNamespace,
    prices: Any,
    cloud: Cloud,
    capsys: pytest.CaptureFixture[str],
) -> None:
    newest = stopped(version=9, containers=[{"name": "worker", "exitCode": 3}])
    late = stopped(version=8)
    for batch in ([newest, newest], [late], [newest]):
        assert not failures(functions.counting.count(messages(*batch), cloud.ledger, prices))
    [row] = rows(cloud)
    assert (row["exit_code"], row["lost"]) == (3, True)
    # The other way round a newer event corrects the row, and is not measured a second time.
    functions.counting.count(messages(stopped("2", version=1)), cloud.ledger, prices)
    functions.counting.count(
        messages(stopped("2", version=2, stopCode="UserInitiated")), cloud.ledger, prices
    )
    assert {one["stop_code"] for one in rows(cloud)} == {
        "EssentialContainerExited",
        "UserInitiated",
    }
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["workers"] for line in lines] == [1, 1]


def test_what_is_no_stopped_task_comes_back(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    bad = [
        "no json",
        "[1]",
        stopped(lastStatus="RUNNING"),
        stopped(stoppedAt="yesterday"),
        stopped(cpu="-4"),
        stopped(memory="nan"),
        {"detail": None},
    ]
    answer = functions.counting.count(messages(*bad, stopped()), cloud.ledger, prices)
    assert failures(answer) == [str(number) for number in range(len(bad))]
    assert len(rows(cloud)) == 1


class Throttled:
    """DynamoDB, which refuses so many of one kind of call."""

    def __init__(self, client: Any, *, refuse: Callable[[dict[str, Any]], bool]) -> None:
        self.client, self.refuse = client, refuse

    def put_item(self, **call: Any) -> Any:
        if self.refuse(call):
            code = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}
            raise ClientError(code, "PutItem")  # type: ignore[arg-type]
        return self.client.put_item(**call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


@pytest.mark.parametrize("what", ["job_workers", "hours to write"])
def test_a_throttled_ledger_loses_nothing_and_counts_nothing_twice(
    what: str, functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    busy = True

    def refuse(call: dict[str, Any]) -> bool:
        return busy and call["Item"]["pk"]["S"].startswith(what)

    client = Throttled(cloud.dynamodb, refuse=refuse)
    ledger = functions.ledger.Ledger(client, "jobs-ledger", days=90)
    batch = messages(stopped("1"), stopped("2"))
    assert failures(functions.counting.count(batch, ledger, prices)) == ["0", "1"]
    busy = False
    assert failures(functions.counting.count(batch, ledger, prices)) == []
    assert len(rows(cloud)) == 2
    assert [one.hour for one in cloud.ledger.marks()] == [HOUR]


def test_a_mark_that_was_set_again_stays(cloud: Cloud) -> None:
    cloud.ledger.mark("job_workers", HOUR)
    [before] = cloud.ledger.marks()
    cloud.ledger.mark("job_workers", HOUR)
    cloud.ledger.settle(before)
    [after] = cloud.ledger.marks()
    assert after.stamp != before.stamp
    cloud.ledger.settle(after)
    assert list(cloud.ledger.marks()) == []


def test_sessions_are_taken_page_by_page_and_go_on_where_time_ended(
    functions: SimpleNamespace, cloud: Cloud
) -> None:
    pages = {
        "": ([told(session="a" * 20)], "a" * 20),
        "a" * 20: ([told(session="b" * 20)], "b" * 20),
        "b" * 20: ([told(session="c" * 20, started=1764334700.0)], ""),
    }
    asked: list[Any] = []

    def ask(terms: Any) -> Any:
        asked.append((terms["since"], terms["after"]))
        sessions, following = pages[terms["after"]]
        return {"ok": True, "sessions": sessions, "unread": [], "next": following}

    times = iter([True, True, False])
    take = functions.session_rows.take_sessions
    assert take(cloud.ledger, ask, going=lambda: next(times)) == []
    assert take(cloud.ledger, ask, going=lambda: True) == []
    assert [after for _, after in asked] == ["", "a" * 20, "b" * 20]
    assert {since for since, _ in asked} == {0.0}
    found = [
        one["session"][0]
        for hour in ("2025-11-28T11", "2025-11-28T12")
        for one in cloud.ledger.rows("job_sessions", hour)
    ]
    assert sorted(found) == ["a", "b", "c"]
    # The next hour asks from the beginning of the last round on, with what may overlap.
    take(cloud.ledger, ask, going=lambda: True)
    assert asked[-1][0] > 1764335000.0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"ok": False, "error": {"message": "no"}}, "told no sessions"),
        ({"ok": True, "sessions": [{}], "unread": []}, "is none"),
        ({"ok": True, "sessions": 3, "unread": []}, "is none"),
    ],
)
def test_an_odd_answer_is_said_and_nothing_is_skipped(
    answer: dict[str, Any], said: str, functions: SimpleNamespace, cloud: Cloud
) -> None:
    with pytest.raises(functions.session_rows.DoorClosed, match=said):
        functions.session_rows.take_sessions(cloud.ledger, lambda _: answer, going=lambda: True)
    assert cloud.ledger.recall("job_sessions").get("since", 0.0) == 0.0


def test_the_door_is_asked_by_its_alias_and_a_failure_is_none_of_its_answers(
    functions: SimpleNamespace,
) -> None:
    said: dict[str, Any] = {"Payload": io.BytesIO(b'{"ok": true}')}
    asked: list[dict[str, Any]] = []

    def invoke(**call: Any) -> dict[str, Any]:
        asked.append(call)
        return said

    ask = functions.session_rows.door(invoke, "arn:door:records", 1)
    assert ask({"folder": "ended"}) == {"ok": True}
    assert json.loads(asked[0]["Payload"]) == {
        "protocol": 1,
        "action": "sessions",
        "folder": "ended",
    }
    said = {"Payload": io.BytesIO(b"boom"), "FunctionError": "Unhandled"}
    with pytest.raises(functions.session_rows.DoorClosed, match="boom"):
        ask({})
