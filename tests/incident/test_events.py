"""Questions to logs and trail are the saved ones, wait with a limit, and say what they left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from deploy.incident import command
from deploy.incident.command import Clients, IncidentError, Scope
from deploy.incident.events import Answer, main, security_events
from environments import PROD
from stacks.settings import Audit
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.monitoring.queries import (
    FAILED_VERIFICATION,
    REFUSED_CALLS,
    WORKER_ERRORS,
)

ABOUT = Scope(environment=PROD, workspaces=("genomics",))
GROUP = "starburst-trail-events"
WORKERS = "/aws/ecs/starburst/prod/genomics"
DENIED = [
    {"field": "@timestamp", "value": "2026-01-01 12:00:00.000"},
    {"field": "errorCode", "value": "AccessDenied"},
    {"field": "@ptr", "value": "opaque"},
]


@pytest.fixture
def logs() -> Iterator[tuple[Stubber, Clients]]:
    """CloudWatch Logs that answers what it is told, and a trail with a log group."""
    session = boto3.Session(
        region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client, trail = session.client("logs"), session.client("cloudtrail")
    with Stubber(client) as stub, Stubber(trail) as trails:
        arn = f"arn:aws:logs:eu-west-1:222233334444:log-group:{GROUP}:*"
        trails.add_response(
            "get_trail", {"Trail": {"CloudWatchLogsLogGroupArn": arn}}, {"Name": "starburst-prod"}
        )
        trails.add_response("get_trail_status", {"IsLogging": True}, {"Name": "starburst-prod"})
        yield stub, {"logs": client, "cloudtrail": trail}.__getitem__


def asked(stub: Stubber, query: str, *groups: str) -> None:
    stub.add_response(
        "start_query",
        {"queryId": "q"},
        {"logGroupNames": list(groups), "startTime": ANY, "endTime": ANY, "queryString": query},
    )


def nothing_failed_verification(stub: Stubber) -> None:
    asked(stub, FAILED_VERIFICATION, WORKERS, "/aws/lambda/starburst-prod-controller")
    answered(stub, "Complete")


def answered(
    stub: Stubber, status: str, rows: list[Any] | None = None, matched: float | None = None
) -> None:
    answer: dict[str, Any] = {"status": status, "results": rows or []}
    if matched is not None:
        answer["statistics"] = {"recordsMatched": matched}
    stub.add_response("get_query_results", answer, {"queryId": "q"})


def test_every_saved_query_is_asked_and_waited_for(logs: tuple[Stubber, Clients]) -> None:
    stub, clients = logs
    nothing_failed_verification(stub)
    asked(stub, WORKER_ERRORS, WORKERS)
    answered(stub, "Scheduled")
    answered(stub, "Running")
    answered(stub, "Complete")
    asked(stub, REFUSED_CALLS, GROUP)
    answered(stub, "Complete", [DENIED], matched=5)
    pauses: list[float] = []
    failed, workers, refused = security_events(ABOUT, clients, pause=pauses.append)
    stub.assert_no_pending_responses()
    assert pauses == [0.5, 1.0]
    assert (failed.about, failed.matched) == ("what failed verification", 0)
    assert (workers.events, workers.matched, workers.cut) == ((), 0, False)
    [event] = refused.events
    assert event.at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert event.fields["errorCode"] == "AccessDenied"
    assert "@ptr" not in event.fields
    assert (refused.matched, refused.cut) == (5, True)


def test_a_query_that_takes_too_long_is_stopped(logs: tuple[Stubber, Clients]) -> None:
    stub, clients = logs
    nothing_failed_verification(stub)
    asked(stub, WORKER_ERRORS, WORKERS)
    for _ in range(4):
        answered(stub, "Running")
    stub.add_response("stop_query", {"success": True}, {"queryId": "q"})
    asked(stub, REFUSED_CALLS, GROUP)
    answered(stub, "Complete", [DENIED])
    found: list[Answer] = []
    with pytest.raises(IncidentError, match="no answer in 3 seconds, so the query was stopped"):
        found.extend(security_events(ABOUT, clients, seconds=3, pause=lambda _: None))
    assert [one.about for one in found] == ["what failed verification", "calls that AWS refused"]
    stub.assert_no_pending_responses()


def test_a_query_that_cannot_be_stopped_is_told_with_both_reasons(
    logs: tuple[Stubber, Clients],
) -> None:
    stub, clients = logs
    asked(stub, FAILED_VERIFICATION, WORKERS, "/aws/lambda/starburst-prod-controller")
    for _ in range(4):
        answered(stub, "Running")
    stub.add_client_error("stop_query", "AccessDeniedException", "not you")
    asked(stub, WORKER_ERRORS, WORKERS)
    answered(stub, "Complete")
    asked(stub, REFUSED_CALLS, GROUP)
    answered(stub, "Complete")
    with pytest.raises(IncidentError) as told:
        list(security_events(ABOUT, clients, seconds=3, pause=lambda _: None))
    assert "no answer in 3 seconds" in str(told.value)
    assert "AccessDeniedException" in str(told.value)
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("which", range(3))
def test_a_query_that_is_refused_keeps_no_other_from_being_asked(
    logs: tuple[Stubber, Clients], which: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stub, clients = logs
    for number in range(3):
        if number == which:
            stub.add_client_error("start_query", "AccessDeniedException", "not you")
        else:
            stub.add_response("start_query", {"queryId": "q"})
            answered(stub, "Complete", [DENIED])
    words = ["--environment", "prod", "--workspace", "genomics"]
    assert main(words, clients=clients) == 2
    out, err = capsys.readouterr()
    assert out.count("12:00:00  AccessDenied") == 2
    assert "1 steps were NOT done, all others were" in err
    assert "not you" in err
    stub.assert_no_pending_responses()


def test_a_group_that_is_gone_keeps_no_other_from_answering(
    logs: tuple[Stubber, Clients], capsys: pytest.CaptureFixture[str]
) -> None:
    """Logs Insights answers nothing where one of several groups is gone."""
    stub, clients = logs
    controller = "/aws/lambda/starburst-prod-controller"
    stub.add_client_error("start_query", "ResourceNotFoundException", "no such group")
    stub.add_client_error("start_query", "ResourceNotFoundException", f"Log group {WORKERS}")
    asked(stub, FAILED_VERIFICATION, controller)
    answered(stub, "Complete", [DENIED])
    asked(stub, WORKER_ERRORS, WORKERS)
    answered(stub, "Complete")
    asked(stub, REFUSED_CALLS, GROUP)
    answered(stub, "Complete")
    assert main(["--environment", "prod", "--workspace", "genomics"], clients=clients) == 2
    out, err = capsys.readouterr()
    assert f"what failed verification in {controller}: 1 in 24 hours" in out
    assert f"NOT DONE: what failed verification in {WORKERS}" in out
    assert f"what failed verification in {WORKERS}: 0" not in out
    assert "1 steps were NOT done, all others were" in err
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("gone", ["deleted", "without a log group"])
@pytest.mark.parametrize("more", [[], ["--actor", "alice"]])
def test_a_trail_that_is_not_there_is_no_zero(
    gone: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    session = boto3.Session(
        region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client, trail = session.client("logs"), session.client("cloudtrail")
    with Stubber(client) as stub, Stubber(trail) as trails:
        if gone == "deleted":
            trails.add_client_error("get_trail", "TrailNotFoundException", "unknown trail")
        else:
            trails.add_response("get_trail", {"Trail": {"Name": "starburst-prod"}})
        if not more:
            for _ in range(2):
                stub.add_response("start_query", {"queryId": "q"})
                answered(stub, "Complete")
        words = ["--environment", "prod", "--workspace", "genomics", *more]
        clients = {"logs": client, "cloudtrail": trail}.__getitem__
        assert main(words, clients=clients) == 2
        stub.assert_no_pending_responses()
    out, err = capsys.readouterr()
    said = "there is no trail" if gone == "deleted" else "writes into no log group"
    assert said in err
    assert "calls that AWS refused: 0" not in out
    assert "what is new" not in out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"IsLogging": False, "TimeLoggingStopped": "2026-01-01T12:00:00Z"},
            "the trail starburst-prod does not record since 2026-01-01T12:00:00Z",
        ),
        (
            {"IsLogging": True, "LatestCloudWatchLogsDeliveryError": "AccessDenied"},
            "the trail starburst-prod reaches its log group no more (AccessDenied)",
        ),
    ],
    ids=["stopped", "cut off"],
)
@pytest.mark.parametrize("more", [[], ["--actor", "alice"]])
def test_a_trail_that_records_nothing_is_no_zero(
    status: dict[str, Any], said: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What it recorded before is asked all the same."""
    session = boto3.Session(
        region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client, trail = session.client("logs"), session.client("cloudtrail")
    arn = f"arn:aws:logs:eu-west-1:222233334444:log-group:{GROUP}:*"
    with Stubber(client) as stub, Stubber(trail) as trails:
        trails.add_response("get_trail", {"Trail": {"CloudWatchLogsLogGroupArn": arn}})
        trails.add_response("get_trail_status", status, {"Name": "starburst-prod"})
        for _ in range(4 if more else 3):
            stub.add_response("start_query", {"queryId": "q"})
            answered(stub, "Complete")
        words = ["--environment", "prod", "--workspace", "genomics", *more]
        clients = {"logs": client, "cloudtrail": trail}.__getitem__
        assert main(words, clients=clients) == 2
        stub.assert_no_pending_responses()
    out, err = capsys.readouterr()
    assert said in err
    assert ("what is new: 0" if more else "calls that AWS refused: 0") in out


@pytest.mark.parametrize("more", [[], ["--actor", "alice"]])
def test_where_the_trail_is_anothers_zero_says_what_it_is_of(
    more: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without = replace(PROD, audit=Audit(trail=False))
    monkeypatch.setattr(command, "ALL", (without,))
    session = boto3.Session(
        region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client = session.client("logs")
    with Stubber(client) as stub:
        for _ in range(4 if more else 2):
            stub.add_response("start_query", {"queryId": "q"})
            answered(stub, "Complete")
        words = ["--environment", "prod", "--workspace", "genomics", *more]
        assert main(words, clients={"logs": client}.__getitem__) == 0
    out = capsys.readouterr().out
    assert "no trail of its own" in out
    if more:
        assert "and 0 says nothing" in out
        assert "what is new: 0 in 24 hours, of what another trail passes on" in out
    else:
        assert "calls that AWS refused: NOT ASKED" in out


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_fails_is_said(logs: tuple[Stubber, Clients], status: str) -> None:
    stub, clients = logs
    nothing_failed_verification(stub)
    asked(stub, WORKER_ERRORS, WORKERS)
    answered(stub, status)
    asked(stub, REFUSED_CALLS, GROUP)
    answered(stub, "Complete")
    with pytest.raises(IncidentError, match=f"ended as {status}"):
        list(security_events(ABOUT, clients))
    stub.assert_no_pending_responses()


def test_the_command_tells_by_its_exit_code_whether_there_was_something(
    logs: tuple[Stubber, Clients], capsys: pytest.CaptureFixture[str]
) -> None:
    stub, clients = logs
    nothing_failed_verification(stub)
    asked(stub, WORKER_ERRORS, WORKERS)
    answered(stub, "Complete")
    asked(stub, REFUSED_CALLS, GROUP)
    answered(stub, "Complete", [DENIED], matched=1200)
    words = ["--environment", "prod", "--workspace", "genomics"]
    assert main(words, clients=clients) == 3
    out = capsys.readouterr().out
    assert "errors that workers printed: 0 in 24 hours" in out
    assert "2026-01-01 12:00:00  AccessDenied" in out
    assert "only the newest 1: ask for less" in out


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("hours", ["24", "72"])
def test_what_one_query_finds_counts_and_each_looks_as_far_back_as_is_said(
    logs: tuple[Stubber, Clients], which: int, hours: str
) -> None:
    stub, clients = logs
    spans: list[int] = []
    clients("logs").meta.events.register(
        "provide-client-params.logs.StartQuery",
        lambda params, **_: spans.append(params["endTime"] - params["startTime"]),
    )
    for number in range(3):
        stub.add_response("start_query", {"queryId": "q"})
        answered(stub, "Complete", [DENIED] if number == which else [])
    words = ["--environment", "prod", "--workspace", "genomics", "--hours", hours]
    assert main(words, clients=clients) == 3
    assert spans == [int(hours) * 3600] * 3


def test_iam_knows_every_word_of_it(
    logs: tuple[Stubber, Clients], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--environment", "prod", "--permission"], clients=logs[1]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(complaints(Policy.parse("p", printed))) == []
    assert GROUP in json.dumps(printed)
