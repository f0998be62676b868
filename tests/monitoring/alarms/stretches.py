"""Stretches of time in an environment, quiet ones and bad ones, as AWS would count and log them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stacks.settings import Environment
from starburst.contract import TAMPERING
from starburst.contract.sweep_line import sweep_line
from starburst_assurance.alarms.judgement import Trial
from starburst_assurance.alarms.model import Metric
from starburst_assurance.alarms.reading import Watched
from starburst_assurance.alarms.series import Series
from starburst_constructs.monitoring.noticed.controller_bypass import metric_name
from starburst_constructs.naming import (
    controller_log_name,
    controller_name,
    failures_name,
    wakes_name,
)

HOUR = 60
READING = 20
"""Once an hour people look at results."""

LAST_OF_A_MONTH = datetime(2026, 11, 30, tzinfo=UTC).timestamp()
ASLEEP = 6 * HOUR
"""SQS tells nothing of a queue that nobody asked for so long."""

Bad = Callable[["Stretch", int], None]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What goes wrong, and which alarms must ring, no more and no fewer."""

    rings: frozenset[str]
    trial: Trial


class Stretch:
    """Minutes of one environment; each is ordinary but for what an incident makes of it."""

    def __init__(self, environment: Environment, watched: Watched) -> None:
        name = environment.name
        self.environment = name
        self.day = LAST_OF_A_MONTH
        self.account, self.region = environment.account, environment.region
        self.workspace = environment.workspaces[0].name
        self.bucket = _data_bucket(watched)
        self.series = Series(watched)
        self.log_group = controller_log_name(name)
        self.worker_group = f"/aws/ecs/starburst/{name}/{environment.workspaces[0].name}"
        self.trail_groups = [
            each.group for each in watched.filters if each.metric.name == metric_name(name)
        ]
        self._function = ("FunctionName", controller_name(name))
        self._wakes = ("QueueName", wakes_name(name))
        self._failures = ("QueueName", failures_name(name))

    def function(self, metric: str, minute: int, value: float) -> None:
        found = Metric("AWS/Lambda", metric, frozenset({self._function}))
        self.series.send(found, minute=minute, value=value)

    def asked(self, minute: int, *, errors: int = 0, throttles: int = 0, times: int = 1) -> None:
        """Somebody invoked the controller: Lambda tells of each outcome, with zeros."""
        for metric, value in (("Invocations", times), ("Errors", errors), ("Throttles", throttles)):
            self.function(metric, minute, value)

    def wakes(self, minute: int, age: float) -> None:
        metric = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", frozenset({self._wakes}))
        self.series.send(metric, minute=minute, value=age)

    def lost(self, minute: int, count: int) -> None:
        name = "ApproximateNumberOfMessagesVisible"
        metric = Metric("AWS/SQS", name, frozenset({self._failures}))
        self.series.send(metric, minute=minute, value=count)

    def says(self, minute: int, line: str) -> None:
        self.series.log(self.log_group, minute=minute, line=line)

    def swept(self, minute: int, *, sessions: int = 0, finished: bool = True) -> None:
        tended = sessions if finished else sessions // 2
        self.says(
            minute,
            sweep_line(
                at=self.day + minute * 60.0, sessions=sessions, tended=tended, finished=finished
            ),
        )

    def trail(self, minute: int, *, times: int = 1, **event: Any) -> None:
        # Several filters of one log count in one metric, and all of them look at each event.
        for group in dict.fromkeys(self.trail_groups):
            self.series.log(group, minute=minute, line=json.dumps(event), times=times)

    def read(self, minute: int, *, size: int, times: int = 1, role: str = "analyst") -> None:
        """Somebody reads objects of the data bucket, each of ``size`` bytes."""
        name = f"starburst-{self.environment}-{role}-{self.workspace}"
        self.trail(
            minute,
            times=times,
            eventSource="s3.amazonaws.com",
            eventName="GetObject",
            eventType="AwsApiCall",
            eventCategory="Data",
            userIdentity={
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::{self.account}:assumed-role/{name}/alice",
                "sessionContext": {
                    "sessionIssuer": {
                        "arn": f"arn:aws:iam::{self.account}:role/{name}",
                        "userName": name,
                    }
                },
            },
            requestParameters={"bucketName": self.bucket},
            additionalEventData={"bytesTransferredOut": size},
        )

    def ordinary(self, minute: int, *, sessions: int = 0) -> None:
        self.asked(minute)
        self.wakes(minute, 0)
        self.swept(minute, sessions=sessions)


def _data_bucket(watched: Watched) -> str:
    """Return the bucket that the filter of strangers asks for; any where there is none."""
    found = [
        re.findall(r'\$\.requestParameters\.bucketName = "([^"*]+)"', each.pattern)
        for each in watched.filters
    ]
    return next((names[0] for names in found if names), "none")


def ordinary(stretch: Stretch, minute: int) -> None:
    stretch.ordinary(minute, sessions=3)
    if minute % HOUR == READING:
        stretch.read(minute, size=1000)


def quiet(environment: Environment, watched: Watched) -> Iterator[Trial]:
    day = Stretch(environment, watched)
    for minute in range(24 * HOUR):
        _minute_of_a_day(day, minute)
    yield Trial(name="a clean day", series=day.series, minutes=range(HOUR, 24 * HOUR))
    unused = Stretch(environment, watched)
    for minute in range(2 * HOUR):
        unused.ordinary(minute)
    minutes = range(HOUR, 2 * HOUR)
    yield Trial(name="an environment without a session", series=unused.series, minutes=minutes)
    deployment = Stretch(environment, watched)
    for minute in range(2 * HOUR):
        if minute not in (80, 81):  # while the function is replaced
            deployment.ordinary(minute)
    deployment.trail(
        80,
        eventSource="ecs.amazonaws.com",
        eventName="RegisterTaskDefinition",
        sourceIPAddress="cloudformation.amazonaws.com",
        userIdentity={"type": "AssumedRole", "invokedBy": "cloudformation.amazonaws.com"},
        requestParameters={"family": f"starburst-{environment.name}-genomics"},
    )
    yield Trial(name="a deployment", series=deployment.series, minutes=minutes)


def _minute_of_a_day(day: Stretch, minute: int) -> None:
    """Work from nine to six, with what is ordinary of it; at night there are sweeps alone."""
    busy = 9 * HOUR <= minute < 18 * HOUR
    # Starts drift: one minute has no end of a sweep, and the next has two.
    if minute % 97 == 50:
        day.asked(minute)
    else:
        day.ordinary(minute, sessions=8 if busy else 0)
    if minute % 97 == 51:
        day.swept(minute)
    if not busy:
        return
    day.asked(minute, times=4, throttles=1 if minute == 10 * HOUR else 0)
    day.wakes(minute, 40 if minute % 60 == 7 else 2)
    if minute == 11 * HOUR:  # a fleet of 500 is launched
        day.swept(minute, sessions=8, finished=False)
    if minute % 60 == 20:
        # An analyst may write what they like into a name.
        said = repr(sweep_line(at=0, sessions=1, tended=0, finished=False))
        day.says(minute, f"[WARNING]\t2026-11-29T10:20:00.000Z\tid\trefused: Unknown: {said}")
        day.series.log(day.worker_group, minute=minute, line='{"event": "task finished"}')
        day.read(minute, size=2_000_000_000, times=20)
        day.read(minute, size=20_000_000_000, times=20, role="worker")


def _silent(_stretch: Stretch, _minute: int) -> None:
    """No sweep, and nobody asks."""


def _asked_but_silent(stretch: Stretch, minute: int) -> None:
    stretch.asked(minute, times=20)
    stretch.wakes(minute, 2)


def _cut_short(stretch: Stretch, minute: int) -> None:
    stretch.asked(minute)
    stretch.wakes(minute, 0)
    stretch.swept(minute, sessions=400, finished=False)


def _month_begins(stretch: Stretch, minute: int) -> None:
    """It is the day after."""
    stretch.day += 86_400
    ordinary(stretch, minute)
    stretch.day -= 86_400


def _raises(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.function("Errors", minute, 1)


def _dies(stretch: Stretch, minute: int) -> None:
    stretch.asked(minute, errors=1)
    stretch.wakes(minute, 0)


def _throttled(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.asked(minute, throttles=3)


def _event_lost(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    if minute < HOUR + ASLEEP:
        stretch.lost(minute, 1)


def _not_polled(stretch: Stretch, minute: int) -> None:
    stretch.asked(minute)
    stretch.swept(minute, sessions=3)
    stretch.wakes(minute, 60.0 * (minute - HOUR + 1))


def _forged_for_a_worker(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    line = json.dumps({"at": minute, "event": TAMPERING, "what": "a message"})
    stretch.series.log(stretch.worker_group, minute=minute, line=line)


def _forged_for_the_controller(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.says(minute, f"[ERROR]\t2026-11-29T10:20:00.000Z\tid\t{TAMPERING}: a record")


def _root(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.trail(
        minute,
        eventSource="s3.amazonaws.com",
        eventName="ListBuckets",
        eventType="AwsApiCall",
        userIdentity={"type": "Root"},
    )


def _trail_stopped(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.trail(
        minute,
        eventSource="cloudtrail.amazonaws.com",
        eventName="StopLogging",
        eventType="AwsApiCall",
        userIdentity={"type": "AssumedRole"},
        requestParameters={"name": f"starburst-{stretch.environment}"},
    )


def _network_opened(stretch: Stretch, minute: int, *, deployed: bool = False) -> None:
    ordinary(stretch, minute)
    role = f"cdk-hnb659fds-cfn-exec-role-{stretch.account}-{stretch.region}"
    issuer = f"arn:aws:iam::{stretch.account}:role/{role if deployed else 'Administrator'}"
    stretch.trail(
        minute,
        eventSource="ec2.amazonaws.com",
        eventName="AuthorizeSecurityGroupEgress",
        eventType="AwsApiCall",
        awsRegion=stretch.region,
        sourceIPAddress="cloudformation.amazonaws.com" if deployed else "198.51.100.7",
        userIdentity={"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": issuer}}},
    )


def _network_deployed(stretch: Stretch, minute: int) -> None:
    _network_opened(stretch, minute, deployed=True)


def _stranger_reads(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.trail(
        minute,
        eventSource="s3.amazonaws.com",
        eventName="GetObject",
        eventType="AwsApiCall",
        eventCategory="Data",
        userIdentity={"type": "IAMUser", "userName": "old-script"},
        requestParameters={"bucketName": stretch.bucket},
    )


def _much_is_read(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.read(minute, size=6_000_000_000, times=10)


def _many_are_read(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.read(minute, size=100, times=120_000)


def _passwords_are_guessed(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    stretch.trail(
        minute,
        times=12,
        eventSource="signin.amazonaws.com",
        eventName="ConsoleLogin",
        eventType="AwsConsoleSignIn",
        errorMessage="Failed authentication",
        responseElements={"ConsoleLogin": "Failure"},
        userIdentity={"type": "IAMUser", "userName": "alice"},
    )


def _much_is_refused(stretch: Stretch, minute: int) -> None:
    ordinary(stretch, minute)
    for _ in range(60):
        stretch.says(minute, "[WARNING]\t2026-11-29T10:20:00.000Z\tid\trefused: Unknown: 'x'")


KEPT_UP = HOUR
"""A counted line is gone by once its period has left the evaluation range, however long that is."""

BAD: dict[str, tuple[Bad, frozenset[str], dict[str, int]]] = {
    "the schedule is gone": (
        *(_silent, frozenset({"NoSweep"})),
        {"lasts": HOUR, "within": 6, "quiet_within": 2},
    ),
    "people ask, and nothing sweeps": (
        *(_asked_but_silent, frozenset({"NoSweep"})),
        {"lasts": HOUR, "within": 6, "quiet_within": 2},
    ),
    "sweeps do not get to everything": (
        *(_cut_short, frozenset({"UnfinishedSweeps"})),
        {"lasts": 30, "within": 4, "quiet_within": 5},
    ),
    "a month begins": (
        *(_month_begins, frozenset({"Ages"})),
        {"lasts": 2 * HOUR, "within": 1, "quiet_within": KEPT_UP},
    ),
    "sweeps raise when all is done": (
        *(_raises, frozenset({"Errors"})),
        {"lasts": 1, "within": 1, "quiet_within": 6},
    ),
    "the controller dies in each sweep": (
        *(_dies, frozenset({"Errors", "NoSweep"})),
        {"lasts": 30, "within": 6, "quiet_within": 6},
    ),
    "people are throttled for long": (
        *(_throttled, frozenset({"Throttles"})),
        {"lasts": 30, "within": 16, "quiet_within": 6},
    ),
    "an event is lost, and nobody looks for hours": (
        *(_event_lost, frozenset({"LostEvents"})),
        {"lasts": 2 * ASLEEP, "within": 1, "quiet_within": 6},
    ),
    "an event is lost, and somebody takes it": (
        *(_event_lost, frozenset({"LostEvents"})),
        {"lasts": 30, "within": 1, "quiet_within": 6},
    ),
    "nothing polls the wake queue": (
        *(_not_polled, frozenset({"StaleWakes"})),
        {"lasts": 30, "within": 11, "quiet_within": 6},
    ),
    "a worker refuses what was forged": (
        *(_forged_for_a_worker, frozenset({"Tampering"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "the controller refuses what was forged": (
        *(_forged_for_the_controller, frozenset({"Tampering"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "the root user does something": (
        *(_root, frozenset({"Trespasses"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "the trail is stopped": (
        *(_trail_stopped, frozenset({"Weakenings"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "the network is opened by hand": (
        *(_network_opened, frozenset({"Openings"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "the network is opened by a deployment": (
        *(_network_deployed, frozenset({"Deployments"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "a stranger reads data": (
        *(_stranger_reads, frozenset({"Strangers"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
    "one person downloads much": (
        *(_much_is_read, frozenset({"Downloads"})),
        {"lasts": 1, "within": 1, "quiet_within": HOUR},
    ),
    "one person downloads many objects": (
        *(_many_are_read, frozenset({"ManyDownloads"})),
        {"lasts": 1, "within": 1, "quiet_within": HOUR},
    ),
    "passwords are guessed": (
        *(_passwords_are_guessed, frozenset({"FailedLogins"})),
        {"lasts": 1, "within": 1, "quiet_within": 16},
    ),
    "the controller refuses one request after the other": (
        *(_much_is_refused, frozenset({"Refusals"})),
        {"lasts": 1, "within": 1, "quiet_within": KEPT_UP},
    ),
}
"""What goes wrong after an ordinary hour, which alarms ring, and for how many minutes it lasts."""


def incidents(environment: Environment, watched: Watched) -> Iterator[Incident]:
    there = {name_of(each.name) for each in watched.alarms}
    for name, (bad, rings, times) in BAD.items():
        if not rings & there:  # an environment without a trail of its own, or without a record
            continue
        stretch = Stretch(environment, watched)
        begins, ends = HOUR, HOUR + times["lasts"]
        last = ends + times["quiet_within"] + 10
        for minute in range(last):
            (bad if begins <= minute < ends else ordinary)(stretch, minute)
        if "LostEvents" in rings:
            for minute in range(ends, last):  # somebody read and removed it: the queue is awake
                stretch.lost(minute, 0)
        trial = Trial(
            name=name,
            series=stretch.series,
            minutes=range(30, last),
            begins=begins,
            within=times["within"],
            ends=ends,
            quiet_within=times["quiet_within"],
        )
        yield Incident(rings=rings, trial=trial)
    never = Stretch(environment, watched)
    trial = Trial(name="never one sweep", series=never.series, minutes=range(HOUR), begins=0)
    yield Incident(rings=frozenset({"NoSweep"}), trial=trial)


def name_of(logical_id: str) -> str:
    """Return the name of an alarm by which people know it."""
    return logical_id.removeprefix("Watch")[:-8]
