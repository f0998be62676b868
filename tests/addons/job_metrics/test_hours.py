"""Hours become Parquet that others' readers read: empty, huge, changed, late, and in trouble."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.addons.job_metrics.conftest import BUCKET, TABLE, Cloud, messages, stopped, told

HOUR = "2026-11-28T12"
KEY = "job_workers/day=2026-11-28/hour=12/rows.parquet"
NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def written(functions: SimpleNamespace, cloud: Cloud, *, now: datetime = NOW, **more: Any) -> int:
    terms = {"bucket": BUCKET, "days": 90, "now": now, "going": lambda: True, **more}
    return functions.exporting.export(cloud.ledger, cloud.s3.put_object, **terms)


def test_others_read_what_is_written(functions: SimpleNamespace, tmp_path: Any) -> None:
    columns = {"a": "string", "b": "bigint", "c": "double", "d": "boolean"}
    rows = [
        {"a": "Zoë\n=1", "b": -(2**62), "c": 0.1, "d": True},
        {"a": None, "b": None, "c": None, "d": None},
        *({"a": str(n), "b": n, "c": n / 3, "d": n % 3 == 0} for n in range(40)),
    ]
    out = io.BytesIO()
    file = functions.parquet.ParquetFile(out, columns)
    for group in (rows[:2], [], rows[2:19], rows[19:]):
        file.write(group)
    file.close()
    assert pq.read_table(io.BytesIO(out.getvalue())).to_pylist() == rows
    path = tmp_path / "file.parquet"
    path.write_bytes(out.getvalue())
    answer = duckdb.connect().execute(f"SELECT a, b, c, d FROM '{path}'").fetchall()  # noqa: S608
    assert answer == [tuple(row.values()) for row in rows]
    # A file that lost its end is refused, not read as fewer rows.
    with pytest.raises(Exception, match=r"(?i)parquet"):
        pq.read_table(io.BytesIO(out.getvalue()[:-20]))


def test_half_a_character_stops_no_hour(functions: SimpleNamespace) -> None:
    """As a reason's text in JSON may have it: Parquet has none, and all hours wait for this one."""
    out = io.BytesIO()
    file = functions.parquet.ParquetFile(out, {"reason": "string"})
    file.write([{"reason": json.loads('"\\ud83d cut"')}])
    file.close()
    assert pq.read_table(io.BytesIO(out.getvalue())).to_pylist() == [{"reason": "? cut"}]


def test_an_hour_is_written_and_an_empty_one_is_not(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    assert written(functions, cloud) == 0
    functions.counting.count(messages(stopped("1"), stopped("2")), cloud.ledger, prices)
    cloud.ledger.mark("job_workers", "2026-11-28T13")
    assert written(functions, cloud) == 2
    assert cloud.files() == [KEY]
    found = pq.read_table(io.BytesIO(cloud.body(KEY)))
    assert found.num_rows == 2
    assert found.column_names == list(functions.exporting.COLUMNS["job_workers"])
    assert list(cloud.ledger.marks()) == []


def test_an_hour_that_changes_is_replaced_whole(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    for task in ("1", "2", "3"):
        functions.counting.count(messages(stopped(task)), cloud.ledger, prices)
        written(functions, cloud)
    assert cloud.files() == [KEY]
    assert pq.read_table(io.BytesIO(cloud.body(KEY))).num_rows == 3


def test_an_hour_whose_rows_may_have_left_is_added_to(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    functions.counting.count(messages(stopped("1")), cloud.ledger, prices)
    written(functions, cloud)
    functions.counting.count(messages(stopped("2")), cloud.ledger, prices)
    written(functions, cloud, now=datetime(2027, 3, 1, tzinfo=UTC))
    assert KEY in cloud.files()
    [late] = [key for key in cloud.files() if key != KEY]
    assert late.startswith("job_workers/day=2026-11-28/hour=12/late-")


def test_what_there_is_no_time_for_stays_marked(functions: SimpleNamespace, cloud: Cloud) -> None:
    for hour in ("2026-11-28T11", "2026-11-28T12"):
        cloud.ledger.mark("job_workers", hour)
    times = iter([True, False])
    assert written(functions, cloud, going=lambda: next(times)) == 1
    assert [one.hour for one in cloud.ledger.marks()] == ["2026-11-28T12"]


def test_a_file_that_cannot_be_put_leaves_its_mark(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    functions.counting.count(messages(stopped("1")), cloud.ledger, prices)

    def refuse(**call: Any) -> None:
        raise OSError("S3 is away")

    with pytest.raises(OSError, match="away"):
        functions.exporting.export(
            cloud.ledger, refuse, bucket=BUCKET, days=90, now=NOW, going=lambda: True
        )
    assert len(list(cloud.ledger.marks())) == 1


class Held(dict[str, Any]):
    """A row that knows how many of its kind there are."""

    now = most = 0

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        Held.now += 1
        Held.most = max(Held.most, Held.now)

    def __del__(self) -> None:
        Held.now -= 1


def test_a_huge_hour_takes_the_memory_of_a_small_one(
    functions: SimpleNamespace, prices: Any, cloud: Cloud
) -> None:
    row = functions.worker_rows.worker_row(stopped(), prices).row

    class Huge:
        """A ledger with one hour of 100,000 workers."""

        def __init__(self) -> None:
            self.settled: list[Any] = []

        def marks(self) -> Iterator[Any]:
            yield functions.ledger.Mark(table="job_workers", hour=HOUR, stamp="1")

        def rows(self, table: str, hour: str) -> Iterator[Mapping[str, Any]]:
            for number in range(100_000):
                yield Held({**row, "task": f"task/{number}"})

        def settle(self, mark: Any) -> None:
            self.settled.append(mark)

    huge = Huge()
    functions.exporting.export(
        huge, cloud.s3.put_object, bucket=BUCKET, days=90, now=NOW, going=lambda: True
    )
    assert Held.most <= functions.exporting.GROUP_ROWS + 1
    found = pq.ParquetFile(io.BytesIO(cloud.body(KEY)))
    assert found.metadata.num_rows == 100_000
    tasks = found.read(["task"])["task"]
    assert len(set(tasks.to_pylist())) == 100_000
    assert len(huge.settled) == 1


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def lambdas(
    functions: SimpleNamespace, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What the hour's function asks of the controller, and what that says."""
    says: dict[str, Any] = {"ok": True, "sessions": [told()], "unread": [], "next": ""}
    for name, value in {
        "JOBS_TABLE": TABLE,
        "JOBS_DAYS": "90",
        "JOBS_BUCKET": BUCKET,
        "JOBS_DOOR": "arn:aws:lambda:eu-west-1:222233334444:function:controller:records",
        "JOBS_PROTOCOL": "1",
    }.items():
        monkeypatch.setenv(name, value)

    class Lambda:
        def invoke(self, **call: Any) -> dict[str, Any]:
            return {"Payload": io.BytesIO(json.dumps(says).encode())}

    def client(service: str, **more: Any) -> Any:
        return {"dynamodb": cloud.dynamodb, "s3": cloud.s3, "lambda": Lambda()}[service]

    monkeypatch.setattr(functions.handler.boto3, "client", client)
    return says


def test_an_hours_work_is_both_tables(
    functions: SimpleNamespace, lambdas: dict[str, Any], prices: Any, cloud: Cloud
) -> None:
    now = time.time()
    lambdas["sessions"] = [told(started=now - 4000, ended=now)]
    functions.counting.count(messages(stopped()), cloud.ledger, prices)
    assert functions.handler.handle({"jobs": "hour"}, Context()) == {"hours": 2}
    assert len(cloud.files()) == 2
    # What overlaps is told again, and changes nothing.
    functions.handler.handle({"jobs": "hour"}, Context())
    [key] = [one for one in cloud.files() if one.startswith("job_sessions/")]
    [row] = pq.read_table(io.BytesIO(cloud.body(key))).to_pylist()
    assert (row["analyst"], row["usd"], row["worker_seconds"]) == ("alice", 0.2, 3600.0)


def test_time_that_was_up_is_heard_of(
    functions: SimpleNamespace, lambdas: dict[str, Any], prices: Any, cloud: Cloud
) -> None:
    """Or a backlog would grow, and the function end well each time."""
    functions.counting.count(messages(stopped()), cloud.ledger, prices)

    class Short(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 59_000

    with pytest.raises(functions.handler.HourFailed, match="no time for all of it"):
        functions.handler.handle({"jobs": "hour"}, Short())
    assert lambdas
    assert cloud.files() == []
    functions.handler.handle({"jobs": "hour"}, Context())
    assert cloud.files() != []


@pytest.mark.parametrize(
    "change",
    [
        {"ok": False, "error": {"message": "frozen"}},
        {"unread": [{"session": "x" * 20, "why": "damaged"}]},
    ],
)
def test_trouble_with_the_controller_is_raised_after_the_rest_is_done(
    change: dict[str, Any],
    functions: SimpleNamespace,
    lambdas: dict[str, Any],
    prices: Any,
    cloud: Cloud,
) -> None:
    lambdas.update(change)
    functions.counting.count(messages(stopped()), cloud.ledger, prices)
    with pytest.raises(functions.handler.HourFailed):
        functions.handler.handle({"jobs": "hour"}, Context())
    assert any(key.startswith("job_workers/") for key in cloud.files())
