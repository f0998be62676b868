"""Would these traces notice a filter or a rule that lost something? Each is weakened and tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from starburst_assurance.alarms.filter_patterns import matches_fields
from starburst_assurance.alarms.reading import Filter
from starburst_constructs.monitoring.noticed.listening import trail_metric
from tests.monitoring.noticed.world import Event, World, attacks, clean_day, passes, wrapped
from tests.some import some

NAMES = ("bucket", "data_key", "logs_key", "environment", "provider", "provider_name", "data_role")
NEVER = '($.eventName = "")'


def conditions(pattern: str) -> list[str]:
    """Return the terms of a pattern that must all hold."""
    inner, found, depth, start = pattern[1:-1].strip(), [], 0, 0
    for at, character in enumerate(inner):
        depth += (character == "(") - (character == ")")
        if depth == 0 and inner.startswith(" && ", at + 1):
            found.append(inner[start : at + 1])
            start = at + 5
    return [*found, inner[start:]]


def weakened(each: Filter) -> Iterator[tuple[str, Filter]]:
    """Yield the filter that counts nothing, and the one that lost a condition, for each of them."""
    yield "all", replace(each, pattern=f"{{ {NEVER} }}")
    terms = conditions(each.pattern)
    for place, lost in enumerate(terms):
        kept = [term for at, term in enumerate(terms) if at != place]
        if kept:
            yield lost, replace(each, pattern=f"{{ {' && '.join(kept)} }}")


def neighbours(written: Event) -> Iterator[Event]:
    """Yield an attack as it would be of another service, of something else, or of another's."""
    service = written["eventSource"].partition(".")[0]
    name = written["eventName"]
    # Wrong credentials, and the root user, ring whatever they call.
    if ("errorCode" in written and service == "lambda") or written["userIdentity"] == "root":
        return
    yield {**written, "eventSource": "elsewhere.amazonaws.com"}
    if service not in ("s3", "signin"):
        yield {**written, "eventName": f"Forget{name}"}
    if written.get("eventCategory") == "Data":
        for identity in ("analyst", {"type": "AWSService", "invokedBy": "s3.amazonaws.com"}):
            yield {**written, "userIdentity": identity}
    if service == "ec2":
        yield {**written, "awsRegion": "ap-south-1"}
    if service not in ("ec2", "monitoring", "signin", "sts"):
        text = json.dumps(written)
        for word in NAMES:
            text = text.replace(f"<{word}>", "another")
        yield json.loads(text.replace("cdk-hnb659fds", "another").replace("break-glass", "another"))


def others(written: Event) -> Iterator[Event]:
    """Yield a deployment's change as a hand's in its role, and as CloudFormation's for a hand."""
    if written["userIdentity"] == "deployer":
        yield {**written, "sourceIPAddress": "198.51.100.7"}
        yield {**written, "userIdentity": "administrator"}


def of_attacks() -> list[Event]:
    return [event for attack in attacks() for event in attack.events]


def of_others() -> list[Event]:
    return [each for event in of_attacks() for each in others(event)]


def of_nobody() -> list[Event]:
    return [*clean_day(), *(each for event in of_attacks() for each in neighbours(event))]


def test_what_is_of_another_service_or_environment_rings_nothing(own: World) -> None:
    failed = trail_metric(own.environment.name, "FailedLogins")  # two or three ring nothing
    for written in some(of_nobody()):
        record = own.record(written)
        counting = {
            each.metric.name
            for each in own.watched.filters
            if each.group == own.trail_group and matches_fields(each.pattern, record)
        }
        assert counting <= {failed}, written


def test_a_change_is_a_deployments_or_a_hands(own: World) -> None:
    for written in some(of_others()):
        assert own.rung([written]) == {"Openings"}, written


def test_a_filter_that_lost_a_condition_or_all_of_them_is_noticed(own: World) -> None:
    """Something is not counted any more then, or something is that is nobody's."""
    filters = [each for each in own.watched.filters if each.group == own.trail_group]
    records = [own.record(each) for each in (*of_attacks(), *of_others(), *of_nobody())]
    counted = [{n for n, one in enumerate(records) if matches(each, one)} for each in filters]
    unnoticed = []
    for own_number, each in enumerate(some(filters)):
        elsewhere = set[int]().union(
            *(
                counted[number]
                for number, other in enumerate(filters)
                if other.metric == each.metric and number != own_number
            )
        )
        alone = [n for n in range(len(records)) if n not in elsewhere]
        unnoticed += [
            (each.metric.name, lost)
            for lost, other in weakened(each)
            if all(matches(other, records[n]) is (n in counted[own_number]) for n in alone)
        ]
    assert unnoticed == []


def test_a_rule_of_eventbridge_that_is_lost_is_noticed(forwarded: World) -> None:
    events = [wrapped(forwarded.record(written)) for written in of_attacks()]
    counted = [(pattern, groups) for pattern, groups in forwarded.rules if groups]
    for lost, groups in some(counted):
        rest = [one for one, to in counted if one is not lost and to == groups]
        assert any(
            passes(lost, event) and not any(passes(other, event) for other in rest)
            for event in events
        ), lost


def matches(each: Filter, record: Event) -> bool:
    return matches_fields(each.pattern, record)
