"""A job of an add-on that does not run, or does not come to its end, is heard of; a clean one not.

What is counted is written down minute by minute, and CloudWatch's documented rules say which alarm
rings. An alarm is judged by the resources that the templates have: one on a metric that nobody
sends, or to which nobody listens, is a fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from starburst_assurance.alarms.evaluation import ASSUMPTIONS, states
from starburst_assurance.alarms.judgement import Trial, faults, rings_amiss
from starburst_assurance.alarms.model import Alarm, Metric, Missing
from starburst_assurance.alarms.reading import Watched, read_watched
from starburst_assurance.alarms.series import Series, UnsentMetricError
from starburst_constructs.naming import HEARTBEAT
from tests.addons.conftest import ON
from tests.some import some

HOUR, DAY = 60, 24 * 60
VAULT = f"starburst-{ON.name}-finma"
BACKUPS = f"/aws/events/starburst/{ON.name}/backups"
SLOW = "it looks back for more than a day, and so once an hour only"
"""Of backups: an hour in two days, which is soon enough."""


@pytest.fixture(scope="module")
def watched(templates: Mapping[str, Any]) -> Watched:
    """All stacks but GuardDuty's, whose alarms are expressions of several metrics."""
    readable = {
        name: {**each, "Resources": {k: v for k, v in each["Resources"].items() if not split(v)}}
        for name, each in templates.items()
        if name != f"{ON.name}/guardduty"
    }
    return read_watched(readable, account=ON.account, region=ON.region)


def split(resource: Mapping[str, Any]) -> bool:
    """Whether it counts by workspace: measures of jobs do, and no alarm on silence."""
    counted = (
        resource["Properties"].get("MetricTransformations", ()) if "Properties" in resource else ()
    )
    return any("Dimensions" in one for one in counted)


def alarm_of(watched: Watched, beginning: str) -> Alarm:
    [found] = [one for one in watched.alarms if one.name.startswith(beginning)]
    return found


def calls(function: str) -> Callable[[Series, int], None]:
    metric = Metric("AWS/Lambda", "Invocations", frozenset({("FunctionName", function)}))
    return lambda series, minute: series.send(metric, minute=minute, value=1)


def line(group: str, **said: Any) -> Callable[[Series, int], None]:
    return lambda series, minute: series.log(group, minute=minute, line=json.dumps(said))


def backup(state: str, **more: Any) -> Callable[[Series, int], None]:
    """An event of AWS Backup, as its developer guide shows one."""
    return line(
        BACKUPS,
        **{
            "source": "aws.backup",
            "detail-type": "Backup Job State Change",
            "detail": {"backupVaultName": VAULT, "state": state, "percentDone": 100, **more},
        },
    )


def named(part: str) -> str:
    return f"starburst-{ON.name}-{part}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What runs at times, and how it is tried.

    The evaluator goes by the minute, and a week of that is long: ``unit`` minutes are one of its.

    Attributes:
        run: sends what a run sends.
        every: minutes between two.
        within: minutes after the last one, in which its absence must have rung.
        unit: minutes.
    """

    run: Callable[[Series, int], None]
    every: int
    within: int
    unit: int


JOBS = {
    "HourSilent": Job(run=calls(named("jobs-hour")), every=HOUR, within=4 * HOUR, unit=5),
    "GateSilent": Job(
        run=line(f"/aws/lambda/{named('inspector')}", image_gate="compared", images=3),
        every=15,
        within=3 * HOUR,
        unit=5,
    ),
    "WatchBackupOverdue": Job(run=backup("COMPLETED"), every=DAY, within=49 * HOUR, unit=HOUR),
    **{
        f"TwiceADay {part}": Job(
            run=calls(named(part)), every=12 * HOUR, within=37 * HOUR, unit=HOUR
        )
        for part in ("accessreview", "findings", "governance")
    },
}
"""By alarm."""


def silence_of(watched: Watched, job: str) -> Alarm:
    if not job.startswith("TwiceADay"):
        return alarm_of(watched, job)
    function = ("FunctionName", named(job.partition(" ")[2]))
    [found] = [
        one
        for one in watched.alarms
        if one.name.startswith("TwiceADaySilent") and function in one.metric.dimensions
    ]
    return found


def wrong(alarm: Alarm, watched: Watched, job: Job) -> Iterator[str]:
    """Yield what an alarm does amiss while runs come, and once they come no more."""
    yield from {*faults(alarm, watched)} - {SLOW}
    small = replace(alarm, period=alarm.period // job.unit)
    end, every = 6 * DAY // job.unit, job.every // job.unit
    for name, stops in (("each run comes", end), ("nobody calls it any more", end // 2)):
        series, due = Series(watched), range(1, stops, every)
        for minute in due:
            job.run(series, minute)
        last = due[-1] + 1
        trial = Trial(
            name=name,
            series=series,
            minutes=range(2 * small.period // 60 * small.periods, end),
            begins=None if stops == end else last,
            within=job.within // job.unit,
        )
        yield from rings_amiss(small, trial, rings=stops != end)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_nobody_calls_rings_and_one_that_runs_does_not(
    job: str, watched: Watched
) -> None:
    assert [*wrong(silence_of(watched, job), watched, JOBS[job])] == []


@pytest.mark.parametrize("job", JOBS)
def test_each_mistake_in_such_an_alarm_is_found(job: str, watched: Watched) -> None:
    alarm = silence_of(watched, job)
    for spoiled in (
        replace(alarm, missing=Missing.NOT_BREACHING, fill=None),
        replace(alarm, comparison="GreaterThanThreshold"),
        replace(alarm, threshold=0),
        replace(alarm, periods=alarm.periods * 4, datapoints=alarm.periods * 4),
        replace(alarm, periods=1, datapoints=1, period=alarm.period // 12),
        replace(alarm, metric=replace(alarm.metric, name="Others")),
        replace(alarm, actions=()),
    ):
        assert next(wrong(spoiled, watched, JOBS[job]), None) is not None, spoiled


def test_events_of_inspector_do_not_pass_for_a_comparison(watched: Watched) -> None:
    """Before, any call of the gate kept its alarm quiet while nothing was compared."""
    group = f"/aws/lambda/{named('inspector')}"

    def both(series: Series, minute: int) -> None:
        calls(named("inspector"))(series, minute)
        line(group, image_gate="opened", resource="i-1")(series, minute)

    found = [
        *wrong(silence_of(watched, "GateSilent"), watched, replace(JOBS["GateSilent"], run=both))
    ]
    assert any(one.startswith("each run comes: it rings") for one in found)


def loud(alarm: Alarm, series: Series) -> bool:
    """Whether it rings at all in an hour, whatever AWS leaves open."""
    found = [
        "ALARM"
        in {state.name for state in states(alarm, series, minutes=range(60), assumption=one)}
        for one in ASSUMPTIONS
    ]
    assert len(set(found)) == 1
    return found[0]


@pytest.mark.parametrize(
    ("state", "said", "rings"),
    [
        ("FAILED", {"statusMessage": "the vault does not exist"}, True),
        ("ABORTED", {"statusMessage": "stopped by user"}, True),
        ("EXPIRED", {"statusMessage": "there was a running job"}, True),
        ("COMPLETED", {"statusMessage": "3 objects were left out"}, True),
        ("COMPLETED", {"statusMessage": ""}, False),
        ("COMPLETED", {}, False),
    ],
)
def test_a_backup_that_is_not_whole_rings(
    state: str, said: Mapping[str, str], rings: bool, watched: Watched
) -> None:
    alarm, series = alarm_of(watched, "WatchBackupFailed"), Series(watched)
    assert set(faults(alarm, watched)) == set()
    backup(state, **said)(series, 10)
    assert loud(alarm, series) is rings


def test_the_rule_of_backups_lets_through_each_end_of_a_job_in_this_vault(
    templates: Mapping[str, Any],
) -> None:
    rules = [
        one["Properties"]["EventPattern"]
        for one in templates[f"{ON.name}/finma"]["Resources"].values()
        if one["Type"] == "AWS::Events::Rule"
    ]
    assert rules == [
        {
            "source": ["aws.backup"],
            "detail-type": ["Backup Job State Change"],
            "detail": {
                "backupVaultName": [VAULT],
                "state": ["ABORTED", "COMPLETED", "EXPIRED", "FAILED"],
            },
        }
    ]


QUEUE = frozenset({("QueueName", named("jobs"))})
FAILURES = frozenset({("QueueName", named("jobs-failures"))})


@pytest.mark.parametrize(
    ("beginning", "metric", "quiet", "bad"),
    [
        ("CountedLate", Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", QUEUE), 400, 1_300),
        (
            "NotCounted",
            Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", FAILURES),
            0,
            1,
        ),
        *(
            (
                f"WatchLate{table}",
                Metric(
                    "AWS/Firehose",
                    "DeliveryToS3.DataFreshness",
                    frozenset({("DeliveryStreamName", named(f"lake-{table}"))}),
                ),
                900,
                3_700,
            )
            for table in ("flows", "lines", "tasks")
        ),
        (
            "WatchNotTold",
            Metric(
                "AWS/Events",
                "FailedInvocations",
                frozenset({("RuleName", named("lake-stopped"))}),
            ),
            0,
            1,
        ),
    ],
)
def test_what_waits_rings(
    beginning: str, metric: Metric, quiet: float, bad: float, watched: Watched
) -> None:
    alarm = alarm_of(watched, beginning)
    assert set(faults(alarm, watched)) == set()
    for value, rings in ((quiet, False), (bad, True)):
        series = Series(watched)
        for minute in range(60):
            series.send(metric, minute=minute, value=value)
        assert loud(alarm, series) is rings
    with pytest.raises(UnsentMetricError):
        Series(watched).send(replace(metric, name=f"{metric.name}s"), minute=0, value=1)


def test_reports_in_which_something_was_not_read_ring(watched: Watched) -> None:
    alarm = alarm_of(watched, "NotRead")
    assert set(faults(alarm, watched)) == set()
    for said, rings in (("whole", False), ("partial", True)):
        series = Series(watched)
        line(f"/aws/lambda/{named('governance')}", reports=said, not_read=1)(series, 10)
        assert loud(alarm, series) is rings


def test_what_waits_rings_on_when_its_queue_is_asked_no_more(watched: Watched) -> None:
    """SQS tells nothing of a queue that nobody asked for six hours: that is no all-clear."""
    for beginning, name, queue in (
        ("CountedLate", "ApproximateAgeOfOldestMessage", QUEUE),
        ("NotCounted", "ApproximateNumberOfMessagesVisible", FAILURES),
    ):
        alarm, series = alarm_of(watched, beginning), Series(watched)
        for minute in range(60):
            series.send(Metric("AWS/SQS", name, queue), minute=minute, value=9_999)
        for one in ASSUMPTIONS:
            *_, last = states(alarm, series, minutes=range(DAY), assumption=one)
            assert last.name == "ALARM"


def test_a_file_below_errors_rings_and_a_tables_file_is_not_told(
    watched: Watched, templates: Mapping[str, Any]
) -> None:
    alarm, series = alarm_of(watched, "WatchSetAside"), Series(watched)
    assert set(faults(alarm, watched)) == set()
    assert not loud(alarm, series)
    created = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"object": {"key": "errors/lines/processing-failed/20261130/x"}},
    }
    line(f"/aws/events/starburst/{ON.name}/lake", **created)(series, 10)
    assert loud(alarm, series)
    lake = templates[f"{ON.name}/lake"]["Resources"].values()
    [told] = [
        one["Properties"]["EventPattern"]
        for one in lake
        if one["Type"] == "AWS::Events::Rule"
        and one["Properties"]["EventPattern"]["source"] == ["aws.s3"]
    ]
    assert told["detail"]["object"] == {"key": [{"prefix": "errors/"}]}
    [bucket] = [one["Properties"] for one in lake if one["Type"] == "AWS::S3::Bucket"]
    assert bucket["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    prefixes = {
        one["Properties"]["ExtendedS3DestinationConfiguration"]["ErrorOutputPrefix"][:7]
        for one in some([x for x in lake if x["Type"] == "AWS::KinesisFirehose::DeliveryStream"])
    }
    assert prefixes == {"errors/"}


def unheard(template: Mapping[str, Any]) -> set[str]:
    """Return the functions that a rule calls at times, and whose silence rings nowhere."""
    made = template["Resources"].values()
    silent = json.dumps(
        [
            one["Properties"]
            for one in made
            if one["Type"] == "AWS::CloudWatch::Alarm"
            and one["Properties"]["TreatMissingData"] == "breaching"
        ]
    )
    called = {
        target["Arn"]["Fn::GetAtt"][0]
        for one in made
        if one["Type"] == "AWS::Events::Rule" and "ScheduleExpression" in one["Properties"]
        for target in one["Properties"]["Targets"]
        if "Fn::GetAtt" in target["Arn"]
    }
    return set() if HEARTBEAT in silent else {one for one in called if one not in silent}


def test_no_schedule_is_without_an_alarm_on_its_silence(templates: Mapping[str, Any]) -> None:
    """Each rule with a schedule calls a function that is watched for silence, by calls or lines.

    But the toy's, with which nothing is lost.
    """
    found = {name: unheard(one) for name, one in some(templates.items())}
    assert {name for name, functions in found.items() if functions} == {f"{ON.name}/toy"}
