"""What was counted and logged in an environment, minute by minute, as CloudWatch would keep it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from starburst_assurance.alarms.emitted import unsent
from starburst_assurance.alarms.filter_patterns import matches_line
from starburst_assurance.alarms.model import Metric
from starburst_assurance.alarms.reading import Watched

__all__ = ["Series", "UnsentMetricError"]


class UnsentMetricError(LookupError):
    """A series was written that nobody sends, so that no alarm would see it."""


class Series:
    """All series of one environment: what services send, and what filters count of log lines.

    Args:
        watched: the environment.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._values: defaultdict[Metric, dict[int, list[float]]] = defaultdict(dict)
        self._contributed: defaultdict[str, dict[str, dict[int, float]]] = defaultdict(dict)
        self._sent: set[Metric] = set()

    def send(self, metric: Metric, *, minute: int, value: float, times: int = 1) -> None:
        """Write down one value, or the same several times.

        Raises:
            UnsentMetricError: no service sends this metric under these dimensions.
        """
        if metric not in self._sent:
            reason = unsent(metric, self._watched)
            if reason:
                raise UnsentMetricError(reason)
            self._sent.add(metric)
        self._values[metric].setdefault(minute, []).extend([value] * times)

    def log(self, group: str, *, minute: int, line: str, times: int = 1) -> None:
        """Write a line into a log group, or the same several times; its filters count it.

        Raises:
            UnsentMetricError: there is no such log group.
        """
        if group not in self._watched.groups:
            raise UnsentMetricError(f"the environment has no log group {group}")
        for each in self._watched.filters:
            if each.group == group and matches_line(each.pattern, line):
                counted = each.counts(_fields(line))
                if counted is not None:
                    self.send(each.metric, minute=minute, value=counted, times=times)
        for rule in self._watched.insights:
            added = rule.contribution(_fields(line)) if group in rule.groups else None
            if added is not None:
                minutes = self._contributed[rule.name].setdefault(added[0], {})
                minutes[minute] = minutes.get(minute, 0) + added[1] * times

    def of(self, metric: Metric) -> Mapping[int, list[float]]:
        """Return the values of a metric by minute; none of one that nobody sent."""
        return self._values.get(metric, {})

    def contributors(self, rule: str) -> Iterable[Mapping[int, float]]:
        """Return what each contributor to a rule of Contributor Insights added, by minute."""
        return self._contributed.get(rule, {}).values()


def _fields(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
