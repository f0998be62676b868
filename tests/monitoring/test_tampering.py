"""Each log in which tampering is told has the filter, and the alarm on it reaches people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from environments import ALL
from starburst.contract.sweep_line import FIRST_DAY_PATTERN, SWEEP_PATTERN, UNFINISHED_PATTERN
from starburst_constructs.monitoring.noticed.refusals import REFUSAL_PATTERN
from starburst_constructs.monitoring.tampering import TAMPERING_PATTERN, tampering_metric
from tests.some import some
from tests.stacks.reading import resources

OTHERS = (REFUSAL_PATTERN, SWEEP_PATTERN, UNFINISHED_PATTERN, FIRST_DAY_PATTERN)


@pytest.mark.parametrize("environment", [each.name for each in ALL])
def test_every_log_is_watched_and_the_alarm_is_heard(
    environment: str, templates: Mapping[str, Any]
) -> None:
    watched, logs = set(), set()
    for stack in ("compute", "control"):
        template = templates[f"{environment}/{stack}"]
        for name, found in resources(template, "AWS::Logs::LogGroup").items():
            # What analysts' code or the controller writes; the others are written by AWS alone.
            group = found["Properties"]["LogGroupName"]
            ours = stack == "control" or group.startswith(f"/aws/ecs/starburst/{environment}/")
            if ours and not group.endswith("/_exec"):
                logs.add(name)
        for found in some(resources(template, "AWS::Logs::MetricFilter").values()):
            properties = found["Properties"]
            if properties["FilterPattern"] in OTHERS:
                continue
            assert properties["FilterPattern"] == TAMPERING_PATTERN
            [counted] = properties["MetricTransformations"]
            assert counted == {
                "MetricNamespace": "Starburst",
                "MetricName": tampering_metric(environment),
                "MetricValue": "1",
            }
            watched.add(properties["LogGroupName"]["Ref"])
    assert len(logs) > 1
    assert watched == logs
    alarms = resources(templates[f"{environment}/control"], "AWS::CloudWatch::Alarm").values()
    [alarm] = [
        each["Properties"]
        for each in alarms
        if each["Properties"].get("MetricName") == tampering_metric(environment)
    ]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("Starburst", "Sum", 1)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"]
