"""Whether alarms ring: each has an action, one is rung, silence rings, and filters find lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject
from starburst.contract.sweep_line import SWEEP, UNFINISHED, sweep_line

__all__ = ["ALARMS", "FILTERS", "SILENCE"]

RING: Final = 90.0
SILENT: Final = 600.0
"""Five minutes of silence, and as much again for AWS to count."""
OVER: Final = 300.0
_EVERY: Final = 5.0
_API: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference"
_LOGS: Final = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference"


def _look(subject: Subject) -> Answer:
    cloudwatch = subject.clients("cloudwatch")
    names = [each.physical for each in subject.resources("AWS::CloudWatch::Alarm")]
    if not names:
        return Answer(failed=("the environment has no alarm",))
    alarms = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    held, failed = [], []
    facts: dict[str, object] = {each["AlarmName"]: each["StateValue"] for each in alarms}
    for alarm in alarms:
        if not alarm.get("AlarmActions") or not alarm.get("ActionsEnabled", True):
            failed.append(f"{alarm['AlarmName']}: it tells nobody")
    missing = len(names) - len(alarms)
    if missing:
        failed.append(f"{missing} of {len(names)} alarms do not exist")
    rung = names[0]
    cloudwatch.set_alarm_state(
        AlarmName=rung, StateValue="ALARM", StateReason="The first day rings it once"
    )
    said: list[str] = []

    def acted() -> bool:
        said[:] = _actions(cloudwatch, rung)
        return bool(said)

    subject.clock.until(acted, within=RING, every=_EVERY)
    facts["what its action said"] = said
    if not said:
        failed.append(f"{rung}: rung, and no action within {RING:.0f} s")
    for words in said:
        into = held if words.startswith("Successfully executed action") else failed
        into.append(f"{rung}: {words}")
    if not failed:
        held.append(f"{len(alarms)} alarms stand, each with an action")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _actions(cloudwatch: Any, alarm: str) -> list[str]:  # noqa: ANN401 - boto3's
    items = cloudwatch.describe_alarm_history(AlarmName=alarm, HistoryItemType="Action")
    return [each["HistorySummary"] for each in items["AlarmHistoryItems"]]


def _silence(subject: Subject) -> Answer:
    cloudwatch, events = subject.clients("cloudwatch"), subject.clients("events")
    rule = _named(subject, "AWS::Events::Rule", "WakeEachMinute")
    alarm = _named(subject, "AWS::CloudWatch::Alarm", "WatchNoSweep")

    def state() -> str:
        [found] = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        return str(found["StateValue"])

    if (before := state()) != "OK":
        return Answer(failed=(f"{alarm}: {before} while sweeps are made",))
    events.disable_rule(Name=rule)
    try:
        rang = subject.clock.until(lambda: state() == "ALARM", within=SILENT, every=_EVERY)
    finally:
        events.enable_rule(Name=rule)
    over = subject.clock.until(lambda: state() == "OK", within=OVER, every=_EVERY)
    facts: dict[str, object] = {"seconds until it rang": rang, "seconds until it was over": over}
    if rang is None:
        return Answer(
            failed=(f"{alarm}: no sweep for {SILENT:.0f} s, and it is quiet",), facts=facts
        )
    if over is None:
        return Answer(
            failed=(f"{alarm}: sweeps for {OVER:.0f} s, and it still rings",), facts=facts
        )
    told = f"{alarm}: rang {rang:.0f} s after the last sweep was ordered, for {over:.0f} s more"
    return Answer(held=(told,), facts=facts)


def _named(subject: Subject, kind: str, logical: str) -> str:
    return next(
        each.physical for each in subject.resources(kind) if each.logical.startswith(logical)
    )


def _filters(subject: Subject) -> Answer:
    logs = subject.clients("logs")
    groups = [each.physical for each in subject.resources("AWS::Logs::LogGroup")]
    wanted = len(subject.resources("AWS::Logs::MetricFilter"))
    found = [
        each
        for group in groups
        for page in logs.get_paginator("describe_metric_filters").paginate(logGroupName=group)
        for each in page["metricFilters"]
    ]
    held, failed = [], []
    facts: dict[str, object] = {}
    for each in found:
        pattern, name = each["filterPattern"], each["filterName"]
        matches = logs.test_metric_filter(
            filterPattern=pattern, logEventMessages=[_line(pattern), "a line of no account"]
        )["matches"]
        facts[name] = {"log group": each["logGroupName"], "matches": len(matches)}
        failed += [f"{name}: {words}" for words in _wrong(pattern, matches)]
    if len(found) < wanted:
        failed.append(f"{len(found)} of {wanted} metric filters stand")
    elif not failed:
        words = sum(not _on_fields(each["filterPattern"]) for each in found)
        held.append(f"{len(found)} metric filters stand, and count no line that is not theirs")
        held += [f"{words} find the line that they must"] if words else []
        # What an event of the trail looks like, nobody here can say in AWS's place.
        facts["on fields of events, not tried on one"] = len(found) - words
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _on_fields(pattern: str) -> bool:
    return pattern.startswith("{") and SWEEP not in pattern


def _line(pattern: str) -> str:
    """Return a line that a filter must find, or for one on the trail's events an empty object."""
    if SWEEP in pattern:
        return sweep_line(at=0, sessions=2, tended=1, finished=UNFINISHED not in pattern)
    return "{}" if _on_fields(pattern) else f"before {pattern[1:-1]} after"


def _wrong(pattern: str, matches: list[Mapping[str, Any]]) -> list[str]:
    numbers = {each["eventNumber"] for each in matches}
    if _on_fields(pattern):
        return ["it counts an object without fields"] if 1 in numbers else []
    wrong = [] if 1 in numbers else ["it does not find the line that it looks for"]
    return wrong + (["it counts every line"] if 2 in numbers else [])  # noqa: PLR2004 - the second


ALARMS: Final = Check(
    name="alarms",
    asks="Does an alarm that rings reach the topic, through the logs' key?",
    why="A topic whose policy or key shuts CloudWatch out swallows every alarm.",
    sources=(
        f"{_API}/API_SetAlarmState.html",
        f"{_API}/API_DescribeAlarmHistory.html",
        "https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger",
    ),
    look=_look,
    local=False,
)

SILENCE: Final = Check(
    name="silence",
    asks="Does silence ring: an alarm within ten minutes after the last sweep?",
    why="No emulator rings on silence, and how late CloudWatch does is not documented.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
        "alarms-and-missing-data.html",
    ),
    look=_silence,
    local=False,
)

FILTERS: Final = Check(
    name="metric filters",
    asks="Do the filters stand, find the line that they must, and count nothing else?",
    why="A pattern that CloudWatch reads in another way counts nothing, and its alarm is silent.",
    sources=(f"{_LOGS}/API_TestMetricFilter.html",),
    look=_filters,
    local=False,
)
