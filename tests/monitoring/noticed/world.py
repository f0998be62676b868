"""An environment that hears a trail: by its own log group, or by EventBridge's rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from moto.events.models import EventPattern

from stacks.settings import Environment
from starburst_assurance.alarms.evaluation import ASSUMPTIONS, states
from starburst_assurance.alarms.model import State
from starburst_assurance.alarms.reading import Watched, read_watched
from starburst_assurance.alarms.series import Series
from starburst_assurance.proofs.reading.resolve import Resolver
from starburst_constructs.monitoring.watch import TOLD_BY_TRAIL
from starburst_constructs.naming import controller_log_name
from tests.monitoring.alarms.stretches import name_of

Event = dict[str, Any]
TRACES = Path(__file__).parent / "traces"
IDENTITIES = json.loads((TRACES / "identities.json").read_text())
BEGIN = 60
"""The minute in which an attack begins."""

JUDGED = frozenset({*TOLD_BY_TRAIL, "Downloads", "ManyDownloads", "Refusals", "Tampering"})
"""Alarms that a trace may ring; the others ask for what no trace has, such as sweeps."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One attack.

    Attributes:
        name: in words.
        source: AWS's page that shows such records.
        rings: the alarms, where the trail is the kit's own.
        forwarded: those where EventBridge passes another trail's events on.
        events: records as CloudTrail writes them.
    """

    name: str
    source: str
    rings: frozenset[str]
    forwarded: frozenset[str]
    events: tuple[Event, ...]


def attacks() -> Iterator[Trace]:
    """Yield all attacks that are written down."""
    for path in sorted(TRACES.glob("*.json")):
        if path.stem in ("clean_day", "identities"):
            continue
        for each in json.loads(path.read_text()):
            rings = frozenset(each["rings"])
            yield Trace(
                name=each["name"],
                source=each["source"],
                rings=frozenset(each.get("own", rings)),
                forwarded=frozenset(each.get("forwarded", rings)),
                events=tuple(each["events"]),
            )


def clean_day() -> tuple[Event, ...]:
    """Return a day's ordinary work, a deployment and the neighbours' included."""
    return tuple(json.loads((TRACES / "clean_day.json").read_text()))


class World:
    """One synthesized environment, and what it makes of records."""

    def __init__(
        self, environment: Environment, templates: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.environment = environment
        self._templates = {
            f"starburst-{name.replace('/', '-')}": each
            for name, each in templates.items()
            if name.startswith(f"{environment.name}/")
        }
        self._resolver = Resolver(self._templates, environment.account, environment.region)
        self.watched: Watched = read_watched(
            self._templates, account=environment.account, region=environment.region
        )

    def template(self, stack: str) -> Mapping[str, Any]:
        """Return the template of one stack."""
        return self._templates[f"starburst-{self.environment.name}-{stack}"]

    @property
    def alarms(self) -> frozenset[str]:
        """Names of all alarms."""
        return frozenset(name_of(each.name) for each in self.watched.alarms)

    @cached_property
    def words(self) -> dict[str, str]:
        """What traces call by other names."""
        name = self.environment.name
        function = next(
            each["Properties"]
            for each in self.template("control")["Resources"].values()
            if each["Type"] == "AWS::Lambda::Function"
        )
        resolved = self._resolver.value(f"starburst-{name}-control", function)
        variables = resolved["Environment"]["Variables"]
        subnets = variables["STARBURST_SUBNETS"].split(",")
        foundation = f"starburst-{name}-foundation"
        keys = {
            logical[:7]: self._resolver.reference(foundation, logical)
            for logical, each in self.template("foundation")["Resources"].items()
            if each["Type"] == "AWS::KMS::Key"
        }
        place = f"{self.environment.account}-{self.environment.region}"
        return {
            "environment": name,
            "account": self.environment.account,
            "region": self.environment.region,
            "workspace": self.environment.workspaces[0].name,
            "bucket": variables["STARBURST_BUCKET"],
            "group": variables["STARBURST_SECURITY_GROUP"],
            "subnet": subnets[0],
            "subnet_two": subnets[1],
            "subnet_three": subnets[-1],
            "data_key": keys["DataKey"],
            "logs_key": keys["LogsKey"],
            "deployer": f"arn:aws:iam::{self.environment.account}:role/"
            f"cdk-hnb659fds-cfn-exec-role-{place}",
            "break_glass": self.environment.break_glass_role_arn or "",
            "provider": getattr(self.environment.identity, "arn", ""),
            "provider_name": getattr(self.environment.identity, "arn", "").rpartition("/")[2],
            "data_role": self.environment.data_role_arns[0].rpartition("/")[2],
        }

    def record(self, written: Event) -> Event:
        """Return a record as CloudTrail writes it, from what a trace says of it."""
        identity = written["userIdentity"]
        record = {
            "eventVersion": "1.11",
            "eventTime": "2026-11-28T12:00:00Z",
            "awsRegion": "<region>",
            "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-cli/2.30.1",
            "responseElements": None,
            "requestID": "0f9e8d7c-6b5a-4321-8765-43210fedcba9",
            "eventID": "1f9e8d7c-6b5a-4321-8765-43210fedcba9",
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": "<account>",
            "eventCategory": "Management",
            **{key: value for key, value in written.items() if key not in ("minute", "times")},
            "userIdentity": IDENTITIES[identity] if isinstance(identity, str) else identity,
        }
        text = json.dumps(record)
        for word, value in self.words.items():
            text = text.replace(f"<{word}>", value)
        return json.loads(text)

    def lines(self, record: Event) -> Iterator[tuple[str, str]]:
        """Yield log group and line of a record, wherever it is heard."""
        if self.environment.audit.trail:
            yield self.trail_group, json.dumps(record)
        if record["awsRegion"] != self.environment.region:
            return
        event = wrapped(record)
        for pattern, groups in self.rules:
            if passes(pattern, event):
                for group in groups:
                    yield group, json.dumps(event)

    @cached_property
    def trail_group(self) -> str:
        """The log group that the kit's own trail writes into."""
        return next(
            each.group
            for each in self.watched.filters
            if each.metric.name.endswith("opened-by-hand")
        )

    @cached_property
    def rules(self) -> list[tuple[Mapping[str, Any], list[str]]]:
        """Event patterns with the log groups that they send to."""
        found = []
        for stack, template in self._templates.items():
            for each in template["Resources"].values():
                if each["Type"] != "AWS::Events::Rule" or "EventPattern" not in each["Properties"]:
                    continue
                rule = self._resolver.value(stack, each["Properties"])
                groups = [
                    target["Arn"].partition(":log-group:")[2]
                    for target in rule["Targets"]
                    if ":log-group:" in target["Arn"]
                ]
                found.append((rule["EventPattern"], groups))
        return found

    def rung(
        self,
        events: Iterable[Event],
        *,
        refusals: int = 0,
        watched: Watched | None = None,
        until: int = BEGIN + 30,
        judged: frozenset[str] = JUDGED,
    ) -> frozenset[str]:
        """Return the alarms that some records ring.

        Args:
            events: as traces write them; those without a minute come at the beginning.
            refusals: how many requests the controller refuses then.
            watched: alarms and filters to be tried instead of the environment's.
            until: the last minute that alarms are looked at.
            judged: names of the alarms that are looked at.
        """
        watched = watched or self.watched
        series = Series(watched)
        for written in events:
            minute, times = written.get("minute", BEGIN), written.get("times", 1)
            for group, line in self.lines(self.record(written)):
                series.log(group, minute=minute, line=line, times=times)
        if refusals:
            line = "[WARNING]\t2026-11-28T12:00:00.000Z\tid\trefused: LimitExceeded: 'workers'"
            group = controller_log_name(self.environment.name)
            series.log(group, minute=BEGIN, line=line, times=refusals)
        return frozenset(
            name
            for alarm in watched.alarms
            if (name := name_of(alarm.name)) in judged
            and (series.of(alarm.metric) or list(series.contributors(alarm.metric.name)))
            and any(
                state is State.ALARM
                for assumption in ASSUMPTIONS
                for state in states(
                    alarm, series, minutes=range(BEGIN - 5, until), assumption=assumption
                )
            )
        )


def passes(pattern: Mapping[str, Any], event: Event) -> bool:
    """Return whether a rule of EventBridge takes an event, by moto's reading of patterns."""
    return EventPattern(None, dict(pattern)).matches_event(event)  # type: ignore[arg-type]


def wrapped(record: Event) -> Event:
    """Return a record as EventBridge has it."""
    kind = {
        "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
        "AwsServiceEvent": "AWS Service Event via CloudTrail",
    }.get(record["eventType"], "AWS API Call via CloudTrail")
    return {
        "version": "0",
        "id": record["eventID"],
        "detail-type": kind,
        "source": f"aws.{record['eventSource'].partition('.')[0]}",
        "account": record["recipientAccountId"],
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }
