"""What was counted and logged in an environment, minute by minute, as CloudWatch would keep it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

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
        self._sent: set[Metric] = set()

    def send(self, metric: Metric, *, minute: int, value: float) -> None:
        """Write down one value.

        Raises:
            UnsentMetricError: no service sends this metric under these dimensions.
        """
        if metric not in self._sent:
            reason = unsent(metric, self._watched)
            if reason:
                raise UnsentMetricError(reason)
            self._sent.add(metric)
        self._values[metric].setdefault(minute, []).append(value)

    def log(self, group: str, *, minute: int, line: str) -> None:
        """Write a line into a log group, whose filters count it.

        Raises:
            UnsentMetricError: there is no such log group.
        """
        if group not in self._watched.groups:
            raise UnsentMetricError(f"the environment has no log group {group}")
        for each in self._watched.filters:
            if each.group == group and matches_line(each.pattern, line):
                self.send(each.metric, minute=minute, value=each.value)

    def of(self, metric: Metric) -> Mapping[int, list[float]]:
        """Return the values of a metric by minute; none of one that nobody sent."""
        return self._values.get(metric, {})
