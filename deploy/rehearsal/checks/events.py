"""Whether lost workers were told: EventBridge's and Lambda's own counts, and what was lost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject, stack_prefix
from deploy.rehearsal.checks.worker import stopped_tasks
from starburst_constructs.naming import controller_log_name, controller_name, failures_name

__all__ = ["EVENTS"]

_HOUR: Final = timedelta(hours=1)
_RULE: Final = ("MatchedEvents", "Invocations", "FailedInvocations", "ThrottledRules")
_FUNCTION: Final = ("Invocations", "Errors", "Throttles", "AsyncEventsDropped")
_BAD: Final = frozenset({"FailedInvocations", "AsyncEventsDropped", "Errors"})
_REFUSED: Final = '?"ThrottlingException" ?"Rate exceeded" ?"TooManyRequests"'


def _look(subject: Subject) -> Answer:
    name, facts = subject.environment.name, {}
    sums: dict[str, float] = {}
    for rule in _rules(subject):
        counts = _sums(subject, "AWS/Events", _RULE, RuleName=rule)
        facts[rule] = counts
        sums = {key: sums.get(key, 0) + counts.get(key, 0) for key in _RULE}
    function = _sums(subject, "AWS/Lambda", _FUNCTION, FunctionName=controller_name(name))
    facts["controller"] = function
    stopped = stopped_tasks(subject)
    stops, told = len(stopped), sum(map(_is_told, stopped))
    lost = _lost(subject)
    throttled = _throttled(subject)
    facts |= {"stopped workers seen": stops, "of them lost": told}
    facts |= {"lost events": lost, "throttled calls": len(throttled)}
    facts["controller's words"] = throttled[:3]
    held, failed, pending = [], [], []
    for key, number in {**sums, **function}.items():
        if key in _BAD and number:
            failed.append(f"{key}: {number:.0f}")
    if lost:
        failed.append(f"{lost} events wait in the failure queue")
    matched = sums.get("MatchedEvents", 0)
    counted = f"{matched:.0f} events matched our rules in the last hour"
    if matched < told:
        words = f"{told} workers were lost: EventBridge's numbers come minutes later"
        pending.append(f"{counted}, and {words}")
    elif stops:
        held.append(f"{counted}; of {stops} workers that stopped, {told} were lost")
    if not function.get("Invocations"):
        pending.append("Lambda counts no invocation yet")
    elif not failed:
        busy = f"{function.get('Throttles', 0):.0f} throttles"
        held.append(f"the controller ran {function['Invocations']:.0f} times, with {busy}")
    return Answer(held=tuple(held), failed=tuple(failed), pending=tuple(pending), facts=facts)


def _is_told(task: Mapping[str, Any]) -> bool:
    """Return whether our rule lets the stop through: we stopped the worker neither, nor it itself.

    The rule's own pattern is ``starburst_constructs.compute.waking.LOST``.
    """
    code = task.get("stopCode")
    if code != "EssentialContainerExited":
        return code not in (None, "UserInitiated")
    return any(each.get("exitCode") != 0 for each in task.get("containers", []))


def _rules(subject: Subject) -> list[str]:
    """Return our rules about ECS, whatever they send to."""
    pages = (
        subject.clients("events")
        .get_paginator("list_rules")
        .paginate(NamePrefix=stack_prefix(subject.environment.name))
    )
    return [
        rule["Name"]
        for page in pages
        for rule in page["Rules"]
        if "aws.ecs" in json.loads(rule.get("EventPattern", "{}")).get("source", [])
    ]


def _sums(
    subject: Subject, namespace: str, metrics: Sequence[str], **dimension: str
) -> dict[str, float]:
    now = datetime.fromtimestamp(subject.clock.wall(), UTC)
    named = [{"Name": key, "Value": value} for key, value in dimension.items()]
    answer = subject.clients("cloudwatch").get_metric_data(
        StartTime=now - _HOUR,
        EndTime=now,
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, metric in enumerate(metrics)
        ],
    )["MetricDataResults"]
    by_id: dict[str, Any] = {each["Id"]: each.get("Values", []) for each in answer}
    return {metric: sum(by_id.get(f"m{number}", [])) for number, metric in enumerate(metrics)}


def _lost(subject: Subject) -> int:
    sqs = subject.clients("sqs")
    url = sqs.get_queue_url(QueueName=failures_name(subject.environment.name))["QueueUrl"]
    wanted = "ApproximateNumberOfMessages"
    return int(
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])["Attributes"][wanted]
    )


def _throttled(subject: Subject) -> list[str]:
    """Return lines of the controller's log that tell of a throttled call."""
    answer = subject.clients("logs").filter_log_events(
        logGroupName=controller_log_name(subject.environment.name), filterPattern=_REFUSED
    )
    return [event["message"] for event in answer.get("events", [])]


EVENTS: Final = Check(
    name="events of stops",
    asks="Was each lost worker told to the controller, and was no event dropped?",
    why="Stops of our own and workers that finished send nothing; what is dropped of the rest is "
    "told by counts alone.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html",
        "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
    ),
    look=_look,
    within=600,
    worker=True,
    local=False,
)
