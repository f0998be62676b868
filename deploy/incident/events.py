"""Ask for what looks like trouble, of the last day: ``python -m deploy.events`` (S27).

It asks what the saved queries ask: what failed verification on a worker or in the controller, the
errors that workers printed, and the calls that AWS refused. With ``--actor`` it asks the trail what
one actor downloaded, read and made, and which of their logins failed.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    conclude,
    options,
    read_seconds,
    read_some_hours,
    say,
    scope,
    shown,
)
from deploy.incident.steps import Steps
from starburst.aws.calls import TROUBLE, code_of
from starburst.contract import log_group_name
from starburst.untrusted.terminal_text import one_line
from starburst_constructs.monitoring.queries import (
    FAILED_VERIFICATION,
    OF_AN_ACTOR,
    REFUSED_CALLS,
    WORKER_ERRORS,
    in_detail,
    of_actor,
)
from starburst_constructs.naming import controller_log_name, forwarded_log_name, trail_name
from starburst_constructs.policies.incident_response import watcher_document

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Answer", "Event", "actor_events", "main", "security_events", "trail_group"]

HOURS: Final = 24.0
SECONDS: Final = 120.0
"""How long a query may take; Logs Insights itself gives up after an hour."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_PARTS: Final = 7
"""Of a log group's ARN, with its name."""

_OVER: Final = ("Complete", "Failed", "Cancelled", "Timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a log, or one call in the trail.

    Attributes:
        at: when, in UTC; None of a sum.
        fields: what the query names, such as ``@message`` or ``errorCode``.
    """

    at: datetime | None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one query found.

    Attributes:
        about: what was asked, in words.
        log_groups: where.
        events: newest first.
        matched: how many there are; more than ``events`` where the query's limit cut them.
    """

    about: str
    log_groups: tuple[str, ...]
    events: tuple[Event, ...]
    matched: int

    @property
    def cut(self) -> bool:
        """Whether there is more than was given."""
        return self.matched > len(self.events)


def security_events(
    about: Scope,
    clients: Clients,
    *,
    hours: float = HOURS,
    seconds: float = SECONDS,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[Answer]:
    """Ask the queries and yield their answers.

    Args:
        about: whose; the trail and the controller are the whole environment's.
        clients: of a role that may.
        hours: how far back.
        seconds: how long each query may take.
        pause: waits so many seconds.

    Raises:
        IncidentError: a query failed or took too long, or the trail does not record; all others
            were asked before.
    """
    until = datetime.now(UTC)
    span = (until - timedelta(hours=hours), until)
    workers = [log_group_name(about.environment.name, name) for name in about.workspaces]
    asked = [
        (
            "what failed verification",
            FAILED_VERIFICATION,
            [*workers, controller_log_name(about.environment.name)],
        ),
        ("errors that workers printed", WORKER_ERRORS, workers),
    ]
    steps, logs = Steps("events"), clients("logs")
    refused = "calls that AWS refused"
    trail = steps.take(refused, partial(trail_group, about, clients))
    if trail is not None:
        asked.append((refused, REFUSED_CALLS, [trail]))
        steps.take("whether the trail records", partial(_check_recording, about, clients))
    for words, query, groups in asked:
        ask = partial(_ask, logs, query=query, span=span, seconds=seconds, pause=pause)
        yield from _asked(steps, words, groups, ask)
    steps.end("all was asked")


def actor_events(
    about: Scope,
    clients: Clients,
    actor: str,
    *,
    hours: float = HOURS,
    seconds: float = SECONDS,
    pause: Callable[[float], object] = time.sleep,
) -> Iterator[Answer]:
    """Ask the trail of one actor and yield the answers (A3, S37).

    Args:
        about: whose; the trail is the whole environment's.
        clients: of a role that may.
        actor: what stands in the ARN or the user's name of who is asked about.
        hours: how far back.
        seconds: how long each query may take.
        pause: waits so many seconds.

    Raises:
        IncidentError: there is no trail to ask, or it does not record, or a query failed or took
            too long; all others were asked before.
    """
    until = datetime.now(UTC)
    span = (until - timedelta(hours=hours), until)
    trail = trail_group(about, clients)
    group = trail or forwarded_log_name(about.environment.name)
    steps, logs = Steps("events"), clients("logs")
    if trail is not None:
        steps.take("whether the trail records", partial(_check_recording, about, clients))
    for words, query in OF_AN_ACTOR.items():
        asked = of_actor(query, actor)
        asked = asked if trail else in_detail(asked)
        ask = partial(_ask, logs, query=asked, span=span, seconds=seconds, pause=pause)
        yield from _asked(steps, words, [group], ask)
    steps.end("all was asked")


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Ask and print; return the process's exit code: 3 where there was something.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("events", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> int:
    about = scope(words)
    clients = clients or about.clients()
    if words.permission:
        trail = trail_group(about, clients)
        shown(
            watcher_document(
                about.environment.name,
                about.workspaces,
                trail_log_group=trail or forwarded_log_name(about.environment.name),
                placement=about.placement,
            )
        )
        return 0
    actor, own = words.actor, about.environment.audit.trail
    if not own:
        say(_OTHERS_TRAIL if actor else f"calls that AWS refused: NOT ASKED: {_NO_TRAIL}")
    found = False
    limits = {"hours": words.hours, "seconds": words.timeout}
    answers = (
        security_events(about, clients, **limits)
        if actor is None
        else actor_events(about, clients, actor, **limits)
    )
    for answer in answers:
        found = found or bool(answer.events)
        of = "" if own or actor is None else ", of what another trail passes on"
        say(f"{answer.about}: {answer.matched:,} in {words.hours:g} hours{of}")
        for event in answer.events:
            rest = "  ".join(
                one_line(text) for name, text in event.fields.items() if name != "@timestamp"
            )
            say(f"  {event.at:%Y-%m-%d %H:%M:%S}  {rest}" if event.at else f"  {rest}")
        if answer.cut:
            say(f"  only the newest {len(answer.events):,}: ask for less with --hours")
    return _FOUND if found else 0


_FOUND: Final = 3
_NO_TRAIL: Final = (
    "the environment has no trail of its own (Audit(trail=False)); ask your organization's, "
    "if there is one"
)
_OTHERS_TRAIL: Final = (
    "The environment has no trail of its own (Audit(trail=False)), so this asks what EventBridge "
    "passes on of another. Where your organization has none, or none of reads and writes of "
    "objects, nothing arrives, and 0 says nothing"
)


def trail_group(about: Scope, clients: Clients) -> str | None:
    """Return the log group of the trail's events; None where the trail is the organization's.

    Raises:
        IncidentError: there is no trail, though the environment is to have one.
    """
    if not about.environment.audit.trail:
        return None
    name = trail_name(about.environment.name)
    missing = (
        "so nobody knows what was called. If somebody deleted it, that is the incident: look into "
        "CloudTrail's event history, and deploy the audit stack again"
    )
    try:
        trail = clients("cloudtrail").get_trail(Name=name)["Trail"]
    except ClientError as error:
        if code_of(error) != "TrailNotFoundException":
            raise
        raise IncidentError(f"there is no trail {name}, {missing}") from error
    # arn:aws:logs:<region>:<account>:log-group:<name>:*
    parts = trail.get("CloudWatchLogsLogGroupArn", "").split(":")
    if len(parts) < _PARTS:
        raise IncidentError(f"the trail {name} writes into no log group, {missing}")
    return parts[6]


def _check_recording(about: Scope, clients: Clients) -> None:
    """Refuse to let a trail that was stopped, or that reaches its log group no more, answer 0."""
    name = trail_name(about.environment.name)
    status = clients("cloudtrail").get_trail_status(Name=name)
    if not status.get("IsLogging"):
        since = f" since {status['TimeLoggingStopped']}" if status.get("TimeLoggingStopped") else ""
        raise IncidentError(
            f"the trail {name} does not record{since}, so nothing of that time is in any answer. "
            "If somebody stopped it, that is the incident: look into CloudTrail's event history "
            f"and start it again (aws cloudtrail start-logging --name {name})"
        )
    if trouble := status.get("LatestCloudWatchLogsDeliveryError"):
        raise IncidentError(
            f"the trail {name} reaches its log group no more ({trouble}), so what is new is in no "
            "answer. Its files in S3 have it; deploy the audit stack again"
        )


def _asked(
    steps: Steps, about: str, groups: Sequence[str], ask: Callable[..., Answer]
) -> Iterator[Answer]:
    """Ask all groups at once; where one of several is gone, ask each, so that the others answer."""
    apart = False

    def at_once() -> Answer | None:
        nonlocal apart
        try:
            return ask(about, groups)
        except ClientError as error:
            apart = len(groups) > 1 and code_of(error) == "ResourceNotFoundException"
            if not apart:
                raise
            return None

    if answer := steps.take(about, at_once):
        yield answer
    for group in groups if apart else ():
        what = f"{about} in {group}"
        if answer := steps.take(what, partial(ask, what, [group])):
            yield answer


def _ask(
    logs: Any,  # noqa: ANN401 - any client of boto3
    about: str,
    groups: Collection[str],
    *,
    query: str,
    span: tuple[datetime, datetime],
    seconds: float,
    pause: Callable[[float], object],
) -> Answer:
    started = logs.start_query(
        logGroupNames=list(groups),
        startTime=int(span[0].timestamp()),
        endTime=int(span[1].timestamp()),
        queryString=query,
    )["queryId"]
    waited, delay = 0.0, _FIRST_PAUSE
    answer = logs.get_query_results(queryId=started)
    while answer["status"] not in _OVER:
        if waited >= seconds:
            raise IncidentError(
                f"no answer in {seconds:g} seconds, so the query {_stopped(logs, started)}. Ask "
                "for less with --hours, or wait longer with --timeout"
            )
        pause(delay)
        waited, delay = waited + delay, min(_LONGEST_PAUSE, delay * 2)
        answer = logs.get_query_results(queryId=started)
    if answer["status"] != "Complete":
        raise IncidentError(
            f"the query ended as {answer['status']}. Ask for less with --hours, or run "
            "the saved query in the console of CloudWatch Logs, which says why"
        )
    events = tuple(_event(row) for row in answer["results"])
    matched = int(answer.get("statistics", {}).get("recordsMatched", len(events)))
    return Answer(
        about=about, log_groups=tuple(groups), events=events, matched=max(matched, len(events))
    )


def _stopped(logs: Any, query: str) -> str:  # noqa: ANN401
    try:
        logs.stop_query(queryId=query)
    except TROUBLE as error:
        return f"is given up, and runs on until it ends by itself: {error}"
    return "was stopped"


def _event(row: Sequence[Mapping[str, str]]) -> Event:
    # @ptr leads to the whole record in the console; nobody reads it here.
    fields = {one["field"]: one["value"] for one in row if one["field"] != "@ptr"}
    when = fields.get("@timestamp")
    at = datetime.fromisoformat(when).replace(tzinfo=UTC) if when else None
    return Event(at=at, fields=fields)


def _read_actor(text: str) -> str:
    """Read what may stand in an ARN, and so in a query."""
    if not re.fullmatch(r"[\w+=,.@:/-]{2,200}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: 2 to 200 letters, digits and +=,.@:/_-"
        )
    return text


def _options() -> argparse.ArgumentParser:
    parser = options("events", "Ask logs and trail for what looks like trouble.", user=False)
    parser.add_argument(
        "--hours", type=read_some_hours, default=HOURS, help=f"how far back (default {HOURS:g})"
    )
    parser.add_argument(
        "--actor",
        type=_read_actor,
        metavar="NAME",
        help="ask the trail of one actor: a person's name, a role's, or a part of an ARN",
    )
    parser.add_argument(
        "--timeout",
        type=read_seconds,
        default=SECONDS,
        metavar="SECONDS",
        help=f"for each query (default {SECONDS:g})",
    )
    return parser
