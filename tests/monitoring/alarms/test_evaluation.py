"""The evaluator does what AWS's pages say, row by row, and refuses what they do not cover."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst_assurance.alarms.emitted import unsent
from starburst_assurance.alarms.evaluation import ASSUMPTIONS, Assumption, next_state, states
from starburst_assurance.alarms.filter_patterns import PatternError, matches_fields, matches_line
from starburst_assurance.alarms.judgement import faults
from starburst_assurance.alarms.model import Alarm, Metric, Missing, State
from starburst_assurance.alarms.reading import (
    Filter,
    UnjudgedAlarmError,
    Watched,
    read_alarm,
    read_watched,
)
from starburst_assurance.alarms.series import Series, UnsentMetricError

PROPERTIES: dict[str, Any] = {
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Dimensions": [{"Name": "QueueName", "Value": "orders"}],
    "EvaluationPeriods": 3,
    "MetricName": "ApproximateAgeOfOldestMessage",
    "Namespace": "AWS/SQS",
    "Period": 300,
    "Statistic": "Maximum",
    "Threshold": 1,
}
THREE = read_alarm("A", PROPERTIES)
TEMPLATE = {
    "Resources": {
        "Orders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}},
        "Pay": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "pay"}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "Pay"}, "Name": "live"},
        },
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "pay"}},
        "Count": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Log"},
                "FilterPattern": '"lost"',
                "MetricTransformations": [
                    {"MetricNamespace": "Own", "MetricName": "losses", "MetricValue": "2"}
                ],
            },
        },
        "Told": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "told"}},
        "Person": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Told"}, "Protocol": "email", "Endpoint": "a@b.c"},
        },
        "Deaf": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "deaf"}},
        "Machine": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Deaf"},
                "Protocol": "lambda",
                "Endpoint": {"Ref": "Live"},
            },
        },
    }
}
TOLD, DEAF = (f"arn:aws:sns:eu-west-1:111122223333:{name}" for name in ("told", "deaf"))


@pytest.fixture(scope="module")
def watched() -> Watched:
    return read_watched({"one": TEMPLATE}, account="111122223333", region="eu-west-1")


def range_of(text: str) -> list[float | None]:
    return [{"0": 0.0, "X": 1.0, "-": None}[each] for each in text.split()]


@pytest.mark.parametrize(
    ("datapoints", "text", "expected"),
    [
        # In the order of the page's columns: missing, ignore, breaching, not breaching.
        (3, "0 - X - X", "OK OK OK OK"),
        (3, "0 - - - -", "OK OK OK OK"),
        (3, "- - - - -", "INSUFFICIENT_DATA same ALARM OK"),
        (3, "0 X X - X", "ALARM ALARM ALARM ALARM"),
        (3, "- - X - -", "ALARM same ALARM OK"),
        (2, "0 - X - X", "ALARM ALARM ALARM ALARM"),
        (2, "0 0 X 0 X", "ALARM ALARM ALARM ALARM"),
        (2, "0 - X - -", "OK OK ALARM OK"),
        (2, "- - - - 0", "OK OK ALARM OK"),
        (2, "- - - X -", "ALARM same ALARM OK"),
    ],
)
@pytest.mark.parametrize("before", [State.OK, State.ALARM])
def test_the_tables_of_the_page_on_missing_data(
    datapoints: int, text: str, expected: str, before: State
) -> None:
    """Both are here whole: the page is named in ``starburst_assurance.alarms.evaluation``."""
    alarm = replace(THREE, datapoints=datapoints)
    found = [
        next_state(replace(alarm, missing=missing), range_of(text), before=before)
        for missing in (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
    ]
    assert found == [before if each == "same" else State(each) for each in expected.split()]


@pytest.mark.parametrize("text", ["- - - - X", "- - - X -"])
def test_one_late_breach_rings_not_ahead_of_time(text: str) -> None:
    found = next_state(THREE, range_of(text), before=State.INSUFFICIENT_DATA)
    assert found is State.INSUFFICIENT_DATA


def looked_at(
    alarm: Alarm, watched: Watched, sent: dict[int, float], assumption: Assumption
) -> list[State]:
    series = Series(watched)
    for minute, value in sent.items():
        series.send(alarm.metric, minute=minute, value=value)
    return list(states(alarm, series, minutes=range(30), assumption=assumption))


def plain(beyond: int) -> Assumption:
    return Assumption(beyond=beyond, fills_empty=True)


def test_a_filter_counts_what_a_field_of_the_line_says(watched: Watched) -> None:
    """A line whose field is no number adds nothing, as CloudWatch has it."""
    spent = Metric(namespace="Starburst", name="spent")
    by_field = Filter(group="lines", pattern='{ $.event = "spent" }', metric=spent, value="$.usd")
    there = replace(watched, filters=(by_field,), groups=frozenset({"lines"}))
    series = Series(there)
    for said in ('"usd": 2.5', '"usd": "many"', '"usd": true', '"eur": 3'):
        series.log("lines", minute=1, line=f'{{"event": "spent", {said}}}')
    assert series.of(spent) == {1: [2.5]}


def test_periods_slide_by_the_minute(watched: Watched) -> None:
    """At the end of minute 5 it goes by minutes 1 to 5, at the end of minute 6 by 2 to 6."""
    one = replace(THREE, periods=1, datapoints=1, statistic="Sum", threshold=2)
    sent = {minute: float(minute in (8, 12)) for minute in range(30)}
    late = Assumption(beyond=2, fills_empty=True, late=3)
    for assumption, rings in ((plain(2), [12]), (late, [])):
        found = looked_at(one, watched, sent, assumption)
        assert [minute for minute, state in enumerate(found) if state is State.ALARM] == rings


def test_silence_rings_late_where_nothing_is_filled_in(watched: Watched) -> None:
    """The trap: old values stand for missing ones, for as long as the range reaches."""
    silent = replace(
        THREE,
        period=60,
        periods=5,
        datapoints=5,
        comparison="LessThanThreshold",
        missing=Missing.BREACHING,
    )
    sent = dict.fromkeys(range(10), 1.0)

    def rings(alarm: Alarm, assumption: Assumption) -> int:
        """Return how many minutes of silence it takes."""
        return looked_at(alarm, watched, sent, assumption)[10:].index(State.ALARM) + 1

    assert [rings(silent, plain(beyond)) for beyond in (0, 2, 10)] == [5, 7, 15]
    filled = replace(silent, fill=0)
    assert {rings(filled, plain(beyond)) for beyond in (0, 2, 10)} == {5}
    assert {rings(filled, each) for each in ASSUMPTIONS} == {5}
    slow, too_slow = (Assumption(beyond=0, fills_empty=True, late=late) for late in (4, 5))
    assert rings(filled, slow) == 5
    assert State.ALARM in looked_at(filled, watched, sent, too_slow)[5:10], "a false alarm"


def test_an_expression_is_read_and_others_are_refused() -> None:
    count = {"Metric": {"MetricName": "m", "Namespace": "n"}, "Period": 60, "Stat": "Sum"}
    one_metric = ("Dimensions", "MetricName", "Namespace", "Period", "Statistic")
    rest = {name: each for name, each in PROPERTIES.items() if name not in one_metric}

    def of(expression: str) -> Alarm:
        filled = {"Id": "e", "Expression": expression}
        stat = {"Id": "m", "MetricStat": count, "ReturnData": False}
        return read_alarm("A", {**rest, "Metrics": [filled, stat]})

    alarm = of("FILL(m, 0)")
    assert (alarm.metric, alarm.period, alarm.fill) == (Metric("n", "m"), 60, 0)
    for other in ("m / 2", "FILL(m, REPEAT)", "FILL(other, 0)", "ANOMALY_DETECTION_BAND(m)"):
        with pytest.raises(UnjudgedAlarmError, match="not judged here"):
            of(other)


@pytest.mark.parametrize(
    "change",
    [
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
        {"ExtendedStatistic": "p99"},
        {"Statistic": "tm90"},
        {"ThresholdMetricId": "band"},
    ],
)
def test_an_alarm_of_another_kind_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UnjudgedAlarmError, match=r"A: .* is not judged here"):
        read_alarm("A", {**PROPERTIES, **change})


def test_an_alarm_on_alarms_is_refused() -> None:
    both = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "TRUE"}}
    with pytest.raises(UnjudgedAlarmError, match=r"Both: .*CompositeAlarm is not judged"):
        read_watched({"one": {"Resources": {"Both": both}}}, account="1", region="eu-west-1")


FUNCTION, ALIAS = ("FunctionName", "pay"), ("Resource", "pay:live")


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (THREE.metric, ""),
        (Metric("AWS/Lambda", "Errors"), ""),
        (Metric("AWS/Lambda", "Errors", frozenset({FUNCTION})), ""),
        (Metric("AWS/Lambda", "Errors", frozenset({FUNCTION, ALIAS})), ""),
        (Metric("Own", "losses"), ""),
        (Metric("AWS/Lambda", "Errors", frozenset({ALIAS})), "other dimensions than Resource"),
        (
            Metric("AWS/Lambda", "Errors", frozenset({FUNCTION, ("Resource", "pay:test")})),
            "no Resource pay:test",
        ),
        (Metric("AWS/Lambda", "Errors", frozenset({("FunctionName", "x")})), "no FunctionName x"),
        (Metric("AWS/Lambda", "Failures", frozenset({FUNCTION})), "sends no Failures"),
        (Metric("AWS/SQS", THREE.metric.name), "other dimensions than none"),
        (Metric("Own", "losses", frozenset({FUNCTION})), "no filter counts Own losses"),
        (Metric("Own", "loss"), "no filter counts Own loss"),
    ],
)
def test_a_series_that_nobody_sends_is_known(watched: Watched, metric: Metric, reason: str) -> None:
    assert reason in unsent(metric, watched)
    assert bool(reason) is bool(unsent(metric, watched))
    if reason:
        with pytest.raises(UnsentMetricError, match=reason):
            Series(watched).send(metric, minute=0, value=1)


def test_lines_are_counted_by_the_filters_of_their_log(watched: Watched) -> None:
    series = Series(watched)
    series.log("pay", minute=3, line="a payment was lost")
    series.log("pay", minute=3, line="a payment was made")
    assert series.of(Metric("Own", "losses")) == {3: [2.0]}
    with pytest.raises(UnsentMetricError, match="no log group payments"):
        series.log("payments", minute=3, line="lost")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"actions": (DEAF,)}, ["nobody is subscribed to its topic"]),
        (
            {"actions": ("arn:aws:sns:eu-west-1:1:x",)},
            ["it calls arn:aws:sns:eu-west-1:1:x, which"],
        ),
        ({"actions": ()}, ["it calls nothing"]),
        ({"enabled": False}, ["its actions are switched off"]),
        ({"period": 30}, ["nothing is sent every 30 seconds"]),
        ({"period": 43_200}, ["it looks back for more than a day"]),
        ({"datapoints": 4}, ["4 of 3 periods can never breach"]),
    ],
)
def test_what_is_wrong_without_any_series(
    watched: Watched, change: dict[str, Any], told: list[str]
) -> None:
    found = list(faults(replace(THREE, **{"actions": (TOLD,), **change}), watched))
    assert len(found) == len(told)
    assert all(fault.startswith(each) for fault, each in zip(found, told, strict=True))


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ('"a-b"', "x a-b y", True),
        ('"a-b"', "x a b y", False),
        ('{ ($.a = "1") }', '{"a": "1"}', True),
        ('{ ($.a = "1") }', 'before {"a": "1"}', False),
        ('{ ($.a = "1") }', "[]", False),
        ('{ ($.a != "1") }', "{}", False),
        ('{ ($.a NOT EXISTS) && (($.b = "x*") || ($.c[0] = "y")) }', '{"c": ["y"]}', True),
        ('{ ($.a NOT EXISTS) && (($.b = "x*") || ($.c[0] = "y")) }', '{"b": "ax"}', False),
    ],
)
def test_filters_count_lines_as_documented(pattern: str, line: str, found: bool) -> None:
    assert matches_line(pattern, line) is found


@pytest.mark.parametrize(
    "pattern",
    ["word", "[level, rest]", "{ ($.a > 1) }", '{ ($.a = "1" }', '{ ($.a = "1") ) }', "{ }"],
)
def test_a_pattern_of_another_kind_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        matches_fields(pattern, {}) if pattern.startswith("{") else matches_line(pattern, "x")
