"""Whether alarms ring: each has an action, one is rung, and the filters that count find lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject
from starburst.contract import TAMPERING

__all__ = ["ALARMS", "FILTERS"]

RING: Final = 90.0
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


def _filters(subject: Subject) -> Answer:
    logs = subject.clients("logs")
    groups = [each.physical for each in subject.resources("AWS::Logs::LogGroup")]
    wanted = len(subject.resources("AWS::Logs::MetricFilter"))
    found = [
        each
        for group in groups
        for each in logs.describe_metric_filters(logGroupName=group)["metricFilters"]
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
        held += [f"{words} find the word that they must"] if words else []
        # What an event of the trail looks like, nobody here can say in AWS's place.
        facts["on fields of events, not tried on one"] = len(found) - words
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _on_fields(pattern: str) -> bool:
    return pattern.startswith("{")


def _line(pattern: str) -> str:
    """Return a line that a filter on a word must find, or for one on JSON an empty object."""
    return "{}" if _on_fields(pattern) else f"before {TAMPERING} after"


def _wrong(pattern: str, matches: list[Mapping[str, Any]]) -> list[str]:
    numbers = {each["eventNumber"] for each in matches}
    if _on_fields(pattern):
        return ["it counts an object without fields"] if 1 in numbers else []
    wrong = [] if 1 in numbers else ["it does not find the word that it looks for"]
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

FILTERS: Final = Check(
    name="metric filters",
    asks="Do the filters stand, find the word that they must, and count nothing else?",
    why="A pattern that CloudWatch reads in another way counts nothing, and its alarm is silent.",
    sources=(f"{_LOGS}/API_TestMetricFilter.html",),
    look=_filters,
    local=False,
)
