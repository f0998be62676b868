"""What burns CPU while no session is open rings, and so does memory at its limit; work does not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

import app
from environments import DEV
from stacks.addons.guardduty import GuardDuty
from stacks.addons.guardduty.misuse import BURNED_UNITS, FULL_PERCENT

MAIL = ("platform@example.com",)
DETECTOR = "0" * 32
Series = Mapping[str, Sequence[float | None]]


@pytest.fixture(scope="module")
def alarms(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    outdir = tmp_path_factory.mktemp("misuse")
    apart = tuple(replace(one, own_cluster=True) for one in DEV.workspaces)
    addons = (GuardDuty(detector_id=DETECTOR),)
    on = replace(DEV, addons=addons, alert_emails=MAIL, workspaces=apart)
    app.build([on], outdir=str(outdir), validate=False).synth()
    [file] = outdir.glob("assembly-dev/*guardduty*.template.json")
    resources = json.loads(file.read_text())["Resources"]
    assert not [one for one in resources.values() if one["Type"] == "AWS::GuardDuty::Detector"]
    [counting] = [
        one["Properties"] for one in resources.values() if one["Type"] == "AWS::Logs::MetricFilter"
    ]
    assert counting["LogGroupName"] == "/aws/lambda/starburst-dev-controller"
    [counted] = counting["MetricTransformations"]
    assert counted["MetricValue"] == "$.sessions"
    return {
        f"{name} apart" if "sandbox" in each else name: one["Properties"]
        for each, one in resources.items()
        if one["Type"] == "AWS::CloudWatch::Alarm"
        for name in ("IdleBurn", "FullMemory")
        if name in each
    }


def test_a_workspace_that_runs_apart_has_alarms_of_its_own_cluster(
    alarms: Mapping[str, Any],
) -> None:
    for name in ("IdleBurn", "FullMemory"):
        own, shared = json.dumps(alarms[f"{name} apart"]), json.dumps(alarms[name])
        assert '"starburst-dev-sandbox"' in own
        assert '"starburst-dev-sandbox"' not in shared
        metrics = own.replace("starburst-dev-sandbox", "starburst-dev").replace("-sandbox", "")
        assert json.loads(metrics)["Metrics"] == alarms[name]["Metrics"]


def value(expression: str, given: Mapping[str, float | None]) -> float | None:
    """Return a period's value: IF, FILL, * and / of metric math, as CloudWatch documents them."""
    if found := re.fullmatch(r"IF\(FILL\((\w+), 0\) < 1, (\w+), 0\)", expression):
        condition, then = (given[one] for one in found.groups())
        return then if (condition or 0) < 1 else 0
    if found := re.fullmatch(r"100 \* (\w+) / (\w+)", expression):
        above, below = (given[one] for one in found.groups())
        return None if above is None or not below else 100 * above / below
    raise AssertionError(f"{expression} is of no kind that is known here")


def rings(alarm: Mapping[str, Any], series: Series) -> bool:
    """Whether so many periods in a row breach, with missing ones as they are treated."""
    [math] = [one for one in alarm["Metrics"] if "Expression" in one]
    for one in alarm["Metrics"]:
        if "MetricStat" in one:
            stat = one["MetricStat"]
            insights = stat["Metric"]["Namespace"] == "ECS/ContainerInsights"
            dimensions = stat["Metric"].get("Dimensions", [])
            assert dimensions == (
                [{"Name": "ClusterName", "Value": "starburst-dev"}] if insights else []
            )
            assert stat["Period"] == 300
    assert (alarm["TreatMissingData"], alarm["ComparisonOperator"]) == (
        "notBreaching",
        "GreaterThanOrEqualToThreshold",
    )
    assert alarm["AlarmActions"]
    names = {one["Id"] for one in alarm["Metrics"]} - {math["Id"]}
    assert names == series.keys()
    row = 0
    for period in zip(*(series[name] for name in sorted(names)), strict=True):
        found = value(math["Expression"], dict(zip(sorted(names), period, strict=True)))
        row = row + 1 if found is not None and found >= alarm["Threshold"] else 0
        if row >= alarm["EvaluationPeriods"]:
            return True
    return False


BURNS: Mapping[str, tuple[Series, bool]] = {
    "a miner after the last session": (
        {"sessions": [2, 1, 0, 0, 0, 0], "cpu": [4096, 4096, 1024, 1024, 1024, 1024]},
        True,
    ),
    "a miner where the controller is silent": (
        {"sessions": [None] * 5, "cpu": [512] * 5},
        True,
    ),
    "a day's work": ({"sessions": [1] * 12, "cpu": [16_384] * 12}, False),
    "an end of work": (
        {"sessions": [1, 0, 0, 0, 0, 0], "cpu": [16_384, 900, 300, 20, None, None]},
        False,
    ),
    "a night": ({"sessions": [0] * 6, "cpu": [None] * 6}, False),
    "an open session without work": ({"sessions": [1] * 6, "cpu": [8] * 6}, False),
    "just below": ({"sessions": [0] * 6, "cpu": [BURNED_UNITS - 1] * 6}, False),
}

FULL: Mapping[str, tuple[Series, bool]] = {
    "memory at its limit": ({"used": [7900] * 5, "reserved": [8192] * 5}, True),
    "a peak": ({"used": [8100, 8100, 8100, 4000, 8100], "reserved": [8192] * 5}, False),
    "a day's work": ({"used": [6000] * 12, "reserved": [8192] * 12}, False),
    "just below": ({"used": [FULL_PERCENT - 1] * 6, "reserved": [100] * 6}, False),
    "nobody at work": ({"used": [None] * 6, "reserved": [None] * 6}, False),
}


@pytest.mark.parametrize("case", BURNS)
def test_cpu_that_is_burned_for_nobody_rings(alarms: Mapping[str, Any], case: str) -> None:
    series, loud = BURNS[case]
    assert rings(alarms["IdleBurn"], series) is loud


@pytest.mark.parametrize("case", FULL)
def test_memory_at_its_limit_rings(alarms: Mapping[str, Any], case: str) -> None:
    series, loud = FULL[case]
    assert rings(alarms["FullMemory"], series) is loud


@pytest.mark.parametrize(
    ("change", "name", "case"),
    [
        ({"Threshold": 100_000}, "IdleBurn", "a miner after the last session"),
        ({"EvaluationPeriods": 12}, "IdleBurn", "a miner after the last session"),
        ({"Threshold": 101}, "FullMemory", "memory at its limit"),
    ],
)
def test_a_mistake_in_one_would_be_seen(
    alarms: Mapping[str, Any], change: dict[str, Any], name: str, case: str
) -> None:
    series, loud = (BURNS if name == "IdleBurn" else FULL)[case]
    assert loud
    assert not rings({**alarms[name], **change}, series)
