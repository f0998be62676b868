"""What a rule of Contributor Insights adds up, and for whom, line by line of a log.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
ContributorInsights-RuleSyntax.html. A line that lacks a key, or the value that is summed, adds
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["INSIGHTS", "MAX_CONTRIBUTOR", "InsightRule", "InsightRuleError", "read_insight_rule"]

INSIGHTS: Final = "Contributor Insights"
"""Stands for a namespace where a rule is watched and no metric."""

MAX_CONTRIBUTOR: Final = "MaxContributorValue"
"""What the contributor with the largest sum of a period has."""

_SCHEMA: Final = {"Name": "CloudWatchLogRule", "Version": 1}
_MOST_FILTERS: Final = 4
_MOST_KEYS: Final = 4
_MOST_VALUES: Final = 10


class InsightRuleError(ValueError):
    """A rule is one that CloudWatch refuses, or says something that is not judged here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InsightRule:
    """One rule.

    Attributes:
        name: by which alarms know it.
        groups: the logs whose lines it looks at.
        keys: paths of the fields that say who contributes.
        value: path of what is summed; None to count lines.
        filters: paths, and what must hold of the field there.
    """

    name: str
    groups: frozenset[str]
    keys: tuple[str, ...]
    value: str | None
    filters: tuple[tuple[str, Mapping[str, Any]], ...]

    def contribution(self, fields: Any) -> tuple[str, float] | None:  # noqa: ANN401 - JSON
        """Return who contributes how much with a line; None for nobody."""
        if not all(_holds(_at(fields, path), wanted) for path, wanted in self.filters):
            return None
        who = [_at(fields, key) for key in self.keys]
        much = 1 if self.value is None else _at(fields, self.value)
        if None in who or not isinstance(much, int | float):
            return None
        return " ".join(map(str, who)), float(much)


def read_insight_rule(properties: Mapping[str, Any]) -> InsightRule:
    """Read one rule, its references resolved.

    Raises:
        InsightRuleError: CloudWatch would refuse it, or it is not judged here.
    """
    name, body = properties["RuleName"], json.loads(properties["RuleBody"])
    contribution = body["Contribution"]
    keys, filters = contribution["Keys"], contribution.get("Filters", [])
    summed = body["AggregateOn"] == "Sum"
    for right, what in (
        (body["Schema"] == _SCHEMA and body["LogFormat"] == "JSON", "its schema or format"),
        (1 <= len(keys) <= _MOST_KEYS, "the number of its keys"),
        (len(filters) <= _MOST_FILTERS, "the number of its filters"),
        (body["AggregateOn"] in ("Count", "Sum"), "what it aggregates on"),
        (summed == ("ValueOf" in contribution), "that it sums a value, or counts lines"),
        (properties.get("RuleState") == "ENABLED", "its state"),
    ):
        if not right:
            raise InsightRuleError(f"the rule {name}: {what} is wrong or not judged here")
    return InsightRule(
        name=name,
        groups=frozenset(body["LogGroupNames"]),
        keys=tuple(keys),
        value=contribution.get("ValueOf"),
        filters=tuple(_filter(name, each) for each in filters),
    )


def _filter(name: str, written: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    wanted = {key: value for key, value in written.items() if key != "Match"}
    many = [value for value in wanted.values() if isinstance(value, list)]
    known = wanted.keys() <= {"In", "StartsWith", "IsPresent"} and len(wanted) == 1
    if not known or any(len(value) > _MOST_VALUES for value in many):
        raise InsightRuleError(f"the rule {name}: the filter {dict(written)} is not judged here")
    return written["Match"], wanted


def _holds(own: object, wanted: Mapping[str, Any]) -> bool:
    ((operator, value),) = wanted.items()
    match operator:
        case "IsPresent":
            return (own is not None) is value
        case "In":
            return own in value
        case _:
            values: Sequence[str] = value
            return isinstance(own, str) and own.startswith(tuple(values))


def _at(fields: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    for name in re.findall(r"[\w-]+", path):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields
