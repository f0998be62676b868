"""A quarter's record is written once, told once, finished if it was cut short, safe to open."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.addons.access_review.conftest import Waits
from tests.addons.access_review.test_review import role
from tests.addons.access_review.world import NOW, FakeAnalyzer, FakeIam, reference
from tests.quick_moto import quick_aws, quick_client

BUCKET = "records"
BY = "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-accessreview"
SETTINGS = {
    "REVIEW_ENVIRONMENT": "prod",
    "REVIEW_BUCKET": BUCKET,
    "REVIEW_ANALYZERS": json.dumps({"unused": "arn:aws:access-analyzer:eu-west-1:1:analyzer/a"}),
    "REVIEW_AFTER_DAYS": "400",
}


class Log:
    """What the function prints, by which an alarm rings; or it is cut short there."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.there = True

    def say(self, line: str) -> None:
        if not self.there:
            raise TimeoutError("the function's time is over")
        self.told.append(json.loads(line))


class Account:
    """Where the function runs: what of it is asked, and how often."""

    def __init__(self, handler: ModuleType, s3: Any) -> None:
        self.handler, self.s3, self.log = handler, s3, Log()
        self.iam = FakeIam(role("sqs:PurgeQueue", "sqs:SendMessage", used={"sqs:SendMessage"}))
        self.analyzer = FakeAnalyzer(3)
        self.now = NOW

    def run(self, event: Mapping[str, Any] | None = None) -> Any:
        clients = {
            "iam": self.iam,
            "s3": self.s3,
            "accessanalyzer": self.analyzer,
        }
        waits = Waits()
        return self.handler.run(
            event or {},
            clients=clients.__getitem__,
            settings=SETTINGS,
            now=self.now,
            waiting=self.handler.Waiting(left=waits.left, pause=waits.pause),
            by=BY,
            say=self.log.say,
        )

    def stored(self) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {
            each["Key"]: self.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
            for each in listed
        }


@pytest.fixture
def account(
    modules: Mapping[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Account]:
    fetch = reference()
    monkeypatch.setattr(modules["handler"], "fetch_from", lambda _: fetch)
    with quick_aws():
        s3 = quick_client("s3", "eu-west-1")
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield Account(modules["handler"], s3)


def test_a_quarter_is_reviewed_once_and_told_once(account: Account) -> None:
    first = account.run()
    assert first == {
        "bucket": BUCKET,
        "key": "reviews/2026-Q4/1/review.json",
        "made": True,
        "told": True,
    }
    stored, asked = account.stored(), len(account.iam.asked)
    assert set(stored) == {f"reviews/2026-Q4/1/review.{kind}" for kind in ("csv", "json")}
    again = account.run()
    assert (again["made"], again["told"]) == (False, False)
    assert account.stored() == stored
    assert len(account.iam.asked) == asked
    [line] = account.log.told
    assert line["event"] == "access review"
    assert line["roles"] == {"narrower": 1}
    assert line["record"] == f"s3://{BUCKET}/reviews/2026-Q4/1/"


def test_the_record_says_who_when_and_what(account: Account) -> None:
    account.run()
    record = json.loads(account.stored()["reviews/2026-Q4/1/review.json"])
    assert (record["by"], record["at"], record["quarter"]) == (BY, NOW.isoformat(), "2026-Q4")
    assert record["tracking_days"] == 400
    [one] = record["roles"]
    assert one["used"] == {"sqs:SendMessage": "2024-03-05T06:00:00+00:00"}
    [policy] = one["policies"]
    assert '-        "sqs:PurgeQueue",' in policy["diff"].splitlines()
    assert len(record["findings"]) == 3


def test_what_was_cut_short_is_finished_by_the_next_call(account: Account) -> None:
    account.log.there = False
    with pytest.raises(TimeoutError, match="time is over"):
        account.run()
    assert set(account.stored()) == {"reviews/2026-Q4/1/review.json"}
    account.log.there = True
    assert (made := account.run())["told"]
    assert not made["made"]
    assert len(account.log.told) == 1
    assert len(account.stored()) == 2


def test_a_quarter_begins_a_day_late_and_one_that_was_missed_is_made_up_for(
    account: Account,
) -> None:
    """It is called twice a day, so that no day of the year must be the one on which it works."""
    account.now = datetime(2027, 1, 1, 23, tzinfo=UTC)
    assert "2026-Q4" in account.run()["key"], "what IAM has on record may lag by hours"
    made = {}
    for day in (2, 3, 40):
        account.now = datetime(2027, 1, 1, 6, tzinfo=UTC) + timedelta(days=day - 1)
        said = account.run()
        made[day] = (said["key"].split("/")[1], said["made"])
    assert made == {2: ("2027-Q1", True), 3: ("2027-Q1", False), 40: ("2027-Q1", False)}
    # Every call failed for a month: the first that does not makes up for them.
    real, account.iam = account.iam, FakeIam()
    account.iam.get_paginator = None  # type: ignore[assignment,method-assign]
    account.now = datetime(2027, 4, 2, 6, tzinfo=UTC)
    with pytest.raises(TypeError):
        account.run()
    account.iam, account.now = real, datetime(2027, 5, 9, 18, tzinfo=UTC)
    said = account.run()
    assert (said["made"], said["key"].split("/")[1]) == (True, "2027-Q2")


def test_another_round_is_another_record(account: Account) -> None:
    account.run()
    assert account.run({"round": 2})["key"] == "reviews/2026-Q4/2/review.json"
    assert len(account.stored()) == 4


@pytest.mark.parametrize("wrong", [0, 10, "2", True, None])
def test_a_round_that_is_none_is_refused(wrong: object, account: Account) -> None:
    with pytest.raises(ValueError, match="give a number from 1 to 9"):
        account.run({"round": wrong})
    assert account.stored() == {}


def test_no_cell_of_the_table_is_a_formula(account: Account) -> None:
    account.run()
    stored = account.stored()["reviews/2026-Q4/1/review.csv"]
    assert stored.startswith(b"\xef\xbb\xbf")  # by which a spreadsheet knows UTF-8
    rows = list(csv.DictReader(io.StringIO(stored.decode("utf-8-sig"), newline="")))
    assert [row["about"] for row in rows] == ["role", "finding", "finding", "finding"]
    assert rows[0]["actions"] == "sqs:PurgeQueue"
    assert rows[1]["subject"] == "'=cmd|'/c calc'!A1"
    assert not any(
        cell.startswith(("=", "+", "-", "@", "\t", "\r")) for r in rows for cell in r.values()
    )


def test_an_analyzer_that_does_not_answer_is_told_not_passed_over(account: Account) -> None:
    account.analyzer = FakeAnalyzer(there=False)
    account.run()
    account.analyzer = FakeAnalyzer(status="FAILED")
    account.run({"round": 2})
    said = [
        json.loads(account.stored()[f"reviews/2026-Q4/{number}/review.json"])["unread"]
        for number in (1, 2)
    ]
    assert "did not answer" in said[0][0]
    assert said[1] == ["The analyzer of unused access is FAILED: its findings are not all."]
    assert "did not answer" in account.log.told[0]["not read"][0]


def test_where_no_role_answers_the_record_is_written_and_says_so(account: Account) -> None:
    account.iam = FakeIam(role("sqs:PurgeQueue", answers=["FAILED"]))
    account.run()
    assert account.log.told[0]["roles"] == {"not reviewed": 1}
    table = account.stored()["reviews/2026-Q4/1/review.csv"].decode("utf-8-sig")
    assert "not reviewed,IAM's report of its use failed" in table
