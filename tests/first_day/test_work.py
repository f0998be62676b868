"""Workers, stops and their events: what ECS, EventBridge and Lambda say, and what went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deploy.rehearsal.asking.check import Finding
from deploy.rehearsal.checks import on_a_worker
from deploy.rehearsal.checks.account_wide import QUOTA
from deploy.rehearsal.checks.events import EVENTS
from deploy.rehearsal.checks.stops import STOPS
from deploy.rehearsal.checks.worker import ONE_WORKER
from starburst.errors import SessionEnded
from tests.first_day.stubs import NAME, THEN, Fleet, Stubs, Time, ask, subject

SEEN = on_a_worker.look_around(0)
ARNS = [f"arn:aws:ecs:eu-west-1:444455556666:task/starburst-{NAME}/{n}" for n in range(4)]
STOPPED = {"lastStatus": "STOPPED", "stopCode": "UserInitiated", "stoppingAt": THEN}


def test_one_task_that_came_back_holds() -> None:
    fleet = Fleet(results=[{**SEEN, "getpass.getuser()": "worker"}])
    finding = ask(ONE_WORKER, subject(Stubs(), opens=fleet.opens))
    assert finding.verdict == "held"
    assert fleet.opened == [(1, 600)]
    assert fleet.ended


def test_a_user_without_a_name_is_told() -> None:
    fleet = Fleet(results=[{**SEEN, "getpass.getuser()": "raises KeyError"}])
    finding = ask(ONE_WORKER, subject(Stubs(), opens=fleet.opens))
    assert finding.answer.failed == ("getpass.getuser() raises KeyError on the worker",)


def test_a_worker_that_did_not_start_is_told_in_ecs_words() -> None:
    fleet = Fleet(fails=SessionEnded("no worker could start"))
    stubs = Stubs().answers("ecs", "list_tasks", {"taskArns": ARNS[:1]})
    stubs.answers(
        "ecs",
        "describe_tasks",
        {
            "tasks": [
                {
                    "stopCode": "TaskFailedToStart",
                    "stoppedReason": "CannotPullContainerError: i/o timeout",
                    "containers": [{"reason": "CannotPullContainerError"}],
                }
            ]
        },
    )
    stubs.answers("logs", "filter_log_events", {"events": [{"message": "a line"}]})
    finding = ask(ONE_WORKER, subject(stubs, opens=fleet.opens))
    assert finding.answer.failed == ("SessionEnded: no worker could start",)
    assert "CannotPullContainerError: i/o timeout" in str(finding.answer.facts)
    assert fleet.ended
    stubs.all_were_asked()


def listed(stubs: Stubs, *arns: str) -> Stubs:
    return stubs.answers("ecs", "list_tasks", {"taskArns": list(arns)})


def described(stubs: Stubs, *tasks: dict[str, Any]) -> Stubs:
    return stubs.answers("ecs", "describe_tasks", {"tasks": list(tasks)})


def stopped(*, run: int, left: int = 0) -> tuple[Finding, Fleet]:
    """Let so many of four workers run, and so many go on after the stop."""
    stubs, fleet = Stubs(), Fleet()
    running = [{"lastStatus": "RUNNING"}] * run
    for _ in range(1 if run == len(ARNS) else 61):
        described(listed(stubs, *ARNS[:run]), *running)
    listed(stubs, *ARNS[:run])
    for _ in range(49 if left else 1):
        listed(stubs, *ARNS[:left])
    ends = {**STOPPED, "stoppedAt": THEN + timedelta(seconds=31)}
    described(stubs, *[ends] * run)
    finding = ask(STOPS, subject(stubs, opens=fleet.opens, time=Time()))
    stubs.all_were_asked()
    return finding, fleet


def test_workers_that_start_and_stop_hold_with_their_times() -> None:
    finding, fleet = stopped(run=4)
    assert finding.verdict == "held"
    assert (fleet.opened, fleet.ended) == ([(4, 600)], True)
    assert finding.answer.facts["stop codes"] == {"UserInitiated": 4}
    assert finding.answer.facts["seconds from asked to stopped, ECS's clock"] == {
        "shortest": 31.0,
        "longest": 31.0,
    }


def test_workers_that_never_came_and_workers_that_stay_are_told() -> None:
    finding, _ = stopped(run=3, left=1)
    assert finding.answer.failed == (
        "3 of 4 workers ran, after 300 s",
        "workers still run 240 s after the session was stopped",
    )


RULE = f"starburst-{NAME}-control-Stopped"
PATTERN = '{"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}'


INTERRUPTED = {"lastStatus": "STOPPED", "stopCode": "SpotInterruption", "stoppingAt": THEN}
CRASHED = {"stopCode": "EssentialContainerExited", "containers": [{"exitCode": 137}]}
FINISHED = {"stopCode": "EssentialContainerExited", "containers": [{"exitCode": 0}]}


def events(
    *,
    matched: float = 4,
    failed: float = 0,
    throttles: float = 0,
    ran: float = 9,
    lost: int = 0,
    stops: tuple[dict[str, Any], ...] = (INTERRUPTED,) * 4,
) -> Finding:
    stubs = Stubs().answers(
        "events",
        "list_rules",
        {
            "Rules": [
                {"Name": RULE, "EventPattern": PATTERN},
                {"Name": f"starburst-{NAME}-control-EachMinute"},
            ]
        },
        NamePrefix=f"starburst-{NAME}-",
    )
    for numbers in ((matched, matched, failed, 0), (ran, 0, throttles, 0)):
        stubs.answers(
            "cloudwatch",
            "get_metric_data",
            {
                "MetricDataResults": [
                    {"Id": f"m{number}", "Values": [value] if value else []}
                    for number, value in enumerate(numbers)
                ]
            },
        )
    described(listed(stubs, *ARNS), *stops)
    url = "https://sqs.eu-west-1.amazonaws.com/444455556666/failures"
    stubs.answers("sqs", "get_queue_url", {"QueueUrl": url})
    attributes = {"Attributes": {"ApproximateNumberOfMessages": str(lost)}}
    stubs.answers("sqs", "get_queue_attributes", attributes)
    stubs.answers("logs", "filter_log_events", {"events": []})
    finding = ask(EVENTS, subject(stubs))
    stubs.all_were_asked()
    return finding


def test_events_that_all_arrived_hold_and_throttles_are_numbers() -> None:
    finding = events(throttles=3)
    assert finding.verdict == "held"
    assert finding.answer.held[1] == "the controller ran 9 times, with 3 throttles"


@pytest.mark.parametrize(
    ("numbers", "verdict", "words"),
    [
        ({"failed": 2}, "did not hold", "FailedInvocations: 2"),
        ({"lost": 1}, "did not hold", "1 events wait in the failure queue"),
        ({"matched": 0}, "not settled", "0 events matched our rules"),
        ({"matched": 3}, "not settled", "3 events matched our rules"),
        ({"matched": 1, "stops": (CRASHED, CRASHED)}, "not settled", "2 workers were lost"),
    ],
)
def test_lost_events_and_late_numbers_are_told(
    numbers: dict[str, Any], verdict: str, words: str
) -> None:
    finding = events(**numbers)
    assert finding.verdict == verdict
    assert words in " ".join((*finding.answer.failed, *finding.answer.pending))


def test_stops_of_which_our_rule_lets_none_through_are_not_waited_for() -> None:
    finding = events(matched=0, stops=(STOPPED, STOPPED, FINISHED))
    assert finding.verdict == "held"
    assert "of 3 workers that stopped, 0 were lost" in finding.answer.held[0]


@pytest.mark.parametrize(("vcpu", "verdict"), [(6.0, "held"), (0.5, "did not hold")])
def test_the_quota_is_held_against_what_the_stops_take(vcpu: float, verdict: str) -> None:
    quotas = {"Fargate On-Demand vCPU resource count": vcpu, "Fargate Spot vCPU": 100.0}
    stubs = Stubs().answers(
        "service-quotas",
        "list_service_quotas",
        {"Quotas": [{"QuotaName": name, "Value": value} for name, value in quotas.items()]},
        ServiceCode="fargate",
    )
    assert ask(QUOTA, subject(stubs)).verdict == verdict
