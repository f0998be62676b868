"""What an environment's templates say of alarms: what they watch, who sends it, and who hears."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from starburst_assurance.alarms.insight_rules import (
    INSIGHTS,
    MAX_CONTRIBUTOR,
    InsightRule,
    read_insight_rule,
)
from starburst_assurance.alarms.model import COMPARISONS, MINUTE, STATISTICS, Alarm, Metric, Missing
from starburst_assurance.proofs.reading.resolve import Resolver

__all__ = ["Filter", "UnjudgedAlarmError", "Watched", "read_alarm", "read_watched"]

_FILL: Final = re.compile(r"FILL\((\w+), ?(-?\d+(?:\.\d+)?)\)")
_INSIGHT: Final = re.compile(rf"INSIGHT_RULE_METRIC\('([\w-]+)', '{MAX_CONTRIBUTOR}'\)")
_OF_ONE_METRIC: Final = ("Dimensions", "MetricName", "Namespace", "Period", "Statistic")
_KNOWN: Final = frozenset(
    {
        *("ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator"),
        *("DatapointsToAlarm", "EvaluationPeriods", "Metrics", "Tags", "Threshold"),
        *("TreatMissingData", *_OF_ONE_METRIC),
    }
)


_OF_ANOTHER_KIND: Final = ("AWS::CloudWatch::AnomalyDetector", "AWS::CloudWatch::CompositeAlarm")


class UnjudgedAlarmError(ValueError):
    """An alarm or a filter is of a kind whose rules are not written down here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """A metric filter of a log.

    Attributes:
        group: the log group.
        pattern: which lines it counts.
        metric: in which.
        value: what each line counts for, or the field of it that says so, such as ``$.usd``.
    """

    group: str
    pattern: str
    metric: Metric
    value: float | str

    def counts(self, fields: object) -> float | None:
        """Return what a line with these fields counts for; None where its field is no number.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
        """
        if not isinstance(self.value, str):
            return self.value
        held = cast("Mapping[str, object]", fields) if isinstance(fields, dict) else {}
        named = held.get(self.value.removeprefix("$."))
        # In JSON true is no number; in Python it is one.
        return (
            None if isinstance(named, bool) or not isinstance(named, int | float) else float(named)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What one environment has of alarms, and of what they may watch.

    Attributes:
        alarms: all of them.
        filters: of its log groups.
        insights: rules of Contributor Insights on them.
        groups: names of the log groups.
        functions: aliases by function.
        queues, rules, streams, topics: names.
        subscribed: who hears of a topic, by its ARN.
    """

    alarms: tuple[Alarm, ...]
    filters: tuple[Filter, ...]
    insights: tuple[InsightRule, ...]
    groups: frozenset[str]
    functions: Mapping[str, frozenset[str]]
    queues: frozenset[str]
    rules: frozenset[str]
    streams: frozenset[str]
    topics: frozenset[str]
    subscribed: Mapping[str, tuple[str, ...]]


def read_watched(
    templates: Mapping[str, Mapping[str, Any]], *, account: str, region: str
) -> Watched:
    """Read the templates of one environment.

    Args:
        templates: by stack.
        account: twelve digits.
        region: of the stacks.

    Raises:
        UnjudgedAlarmError: an alarm or a filter is of another kind.
    """
    found = _Resources(templates, account, region)
    for kind in _OF_ANOTHER_KIND:
        for name, _ in found.of(kind):
            raise UnjudgedAlarmError(f"{name}: {kind} is not judged here")
    subscribed: dict[str, tuple[str, ...]] = dict.fromkeys(found.arns("AWS::SNS::Topic"), ())
    for _, each in found.of("AWS::SNS::Subscription"):
        heard = (*subscribed.get(each["TopicArn"], ()), f"{each['Protocol']}:{each['Endpoint']}")
        subscribed[each["TopicArn"]] = heard
    functions: dict[str, set[str]] = {name: set() for name in found.names("AWS::Lambda::Function")}
    for _, each in found.of("AWS::Lambda::Alias"):
        functions.setdefault(each["FunctionName"], set()).add(each["Name"])
    filters = [
        _filter(each, counted)
        for _, each in found.of("AWS::Logs::MetricFilter")
        for counted in each["MetricTransformations"]
    ]
    return Watched(
        alarms=tuple(read_alarm(name, each) for name, each in found.of("AWS::CloudWatch::Alarm")),
        filters=tuple(filters),
        insights=tuple(
            read_insight_rule(each) for _, each in found.of("AWS::CloudWatch::InsightRule")
        ),
        groups=frozenset(found.names("AWS::Logs::LogGroup")),
        functions={name: frozenset(aliases) for name, aliases in functions.items()},
        queues=frozenset(found.names("AWS::SQS::Queue", attribute="QueueName")),
        rules=frozenset(found.names("AWS::Events::Rule")),
        streams=frozenset(
            str(each["DeliveryStreamName"])
            for _, each in found.of("AWS::KinesisFirehose::DeliveryStream")
        ),
        topics=frozenset(arn.rpartition(":")[2] for arn in subscribed),
        subscribed=subscribed,
    )


def read_alarm(name: str, properties: Mapping[str, Any]) -> Alarm:
    """Read one alarm, its references resolved.

    Args:
        name: its logical id.
        properties: as CloudFormation takes them.

    Raises:
        UnjudgedAlarmError: it uses what is not judged here, such as a percentile or an expression
            other than FILL and INSIGHT_RULE_METRIC.
    """
    unknown = properties.keys() - _KNOWN
    comparison = properties["ComparisonOperator"]
    if unknown or comparison not in COMPARISONS:
        what = ", ".join(sorted(unknown)) or comparison
        raise UnjudgedAlarmError(f"{name}: {what} is not judged here")
    watched, fill = _watched(name, properties)
    if watched["Statistic"] not in (*STATISTICS, MAX_CONTRIBUTOR):
        raise UnjudgedAlarmError(f"{name}: the statistic {watched['Statistic']} is not judged here")
    periods = int(properties["EvaluationPeriods"])
    return Alarm(
        name=name,
        description=properties.get("AlarmDescription", ""),
        metric=Metric(
            namespace=watched["Namespace"],
            name=watched["MetricName"],
            dimensions=frozenset(
                (each["Name"], each["Value"]) for each in watched.get("Dimensions", ())
            ),
        ),
        statistic=watched["Statistic"],
        fill=fill,
        period=int(watched["Period"]),
        periods=periods,
        datapoints=int(properties.get("DatapointsToAlarm", periods)),
        comparison=comparison,
        threshold=float(properties["Threshold"]),
        missing=Missing(properties.get("TreatMissingData", Missing.MISSING)),
        actions=tuple(properties.get("AlarmActions", ())),
        enabled=properties.get("ActionsEnabled", True),
    )


def _watched(name: str, properties: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    """Return the one metric of an alarm, and what an expression fills it with."""
    queries = properties.get("Metrics")
    if queries is None:
        return {key: properties[key] for key in _OF_ONE_METRIC if key in properties}, None
    expressions = [each for each in queries if "Expression" in each]
    counts = {each["Id"]: each["MetricStat"] for each in queries if "MetricStat" in each}
    insight = _INSIGHT.fullmatch(expressions[0]["Expression"]) if len(queries) == 1 else None
    if insight is not None:
        period = expressions[0].get("Period", MINUTE)
        of_rule = {"Namespace": INSIGHTS, "MetricName": insight[1], "Statistic": MAX_CONTRIBUTOR}
        return {**of_rule, "Period": period}, None
    found = [_FILL.fullmatch(each["Expression"]) for each in expressions]
    match found:
        case [re.Match() as fill] if counts.keys() == {fill[1]} and len(queries) == len(found) + 1:
            count = counts[fill[1]]
            one = {**count["Metric"], "Period": count["Period"], "Statistic": count["Stat"]}
            return one, float(fill[2])
        case _:
            told = ", ".join(str(each["Expression"]) for each in expressions)
            raise UnjudgedAlarmError(f"{name}: the expression {told or 'none'} is not judged here")


def _filter(properties: Mapping[str, Any], counted: Mapping[str, Any]) -> Filter:
    odd = counted.keys() - {"MetricName", "MetricNamespace", "MetricValue"}
    if odd:
        raise UnjudgedAlarmError(
            f"the filter of {counted['MetricName']}: {', '.join(sorted(odd))} is not judged here"
        )
    said = str(counted["MetricValue"])
    return Filter(
        group=properties["LogGroupName"],
        pattern=properties["FilterPattern"],
        metric=Metric(namespace=counted["MetricNamespace"], name=counted["MetricName"]),
        value=said if re.fullmatch(r"\$\.\w+", said) else float(said),
    )


class _Resources:
    """The resources of an environment with everything in them resolved."""

    def __init__(
        self, templates: Mapping[str, Mapping[str, Any]], account: str, region: str
    ) -> None:
        self._templates = templates
        self._resolver = Resolver(templates, account, region)

    def _all(self, kind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for stack, template in self._templates.items():
            for name, each in template.get("Resources", {}).items():
                if each["Type"] == kind:
                    yield stack, name, each.get("Properties", {})

    def of(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield logical id and properties."""
        for stack, name, properties in self._all(kind):
            yield name, self._resolver.value(stack, properties)

    def names(self, kind: str, *, attribute: str = "") -> Iterator[str]:
        """Yield physical names."""
        for stack, name, _ in self._all(kind):
            token = {"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}
            yield str(self._resolver.value(stack, token))

    def arns(self, kind: str) -> Iterator[str]:
        """Yield ARNs."""
        for stack, name, _ in self._all(kind):
            yield self._resolver.arn(stack, name)
