"""Whether the stacks are those of the code, and whether anybody changed them by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject

__all__ = ["DRIFT", "STACKS"]

_DETECTION_SECONDS: Final = 900.0
_LOOK_SECONDS: Final = 5.0
_MOST_NAMED: Final = 5
_IGNORED: Final = "CDKMetadata"
"""The CDK's own note of which constructs are used; it makes nothing."""


def _stacks(subject: Subject) -> Iterator[Finding]:
    there = subject.stacks
    for name in sorted(subject.expected.keys() - there.keys()):
        yield Finding(
            resource=f"stack {name}",
            what="is not deployed",
            why="what it holds protects nothing",
            do="deploy the environment",
        )
    for name in sorted(there.keys() - subject.expected.keys()):
        yield Finding(
            resource=f"stack {name}",
            what="is deployed, and its code is gone",
            why="nobody judges or updates it",
            do="destroy it, or bring its settings back",
        )
    for name in sorted(there.keys() & subject.expected.keys()):
        status = there[name]
        if not status.endswith("_COMPLETE") or status == "ROLLBACK_COMPLETE":
            yield Finding(
                resource=f"stack {name}",
                what=f"is {status}",
                why="it may hold neither the old nor the new state",
                do="look at its events in CloudFormation, then deploy it again",
            )
        answer = subject.client("cloudformation").get_template(
            StackName=name, TemplateStage="Original"
        )
        differing = list(_differing(_read(answer["TemplateBody"]), subject.expected[name]))
        if differing:
            more = len(differing) - _MOST_NAMED
            named = ", ".join(differing[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            yield Finding(
                resource=f"stack {name}",
                what=f"was deployed from another template ({named})",
                why="what is proved of the code does not hold of it",
                do="deploy this code, or audit with the code that is deployed",
            )


def _drift(subject: Subject) -> Iterator[Finding]:
    formation = subject.client("cloudformation")
    asked = {
        name: formation.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        for name in sorted(subject.stacks.keys() & subject.expected.keys())
    }
    for name, detection in asked.items():
        _await(subject, name, detection)
        for each in _drifts(formation, name):
            yield _drifted(name, each)


def _drifts(formation: Any, name: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any client
    """Yield what was changed or deleted; botocore has no paginator for this one."""
    more: dict[str, str] = {}
    while True:
        page = formation.describe_stack_resource_drifts(
            StackName=name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **more
        )
        yield from page["StackResourceDrifts"]
        following = page.get("NextToken")
        if not following:
            return
        more = {"NextToken": following}


def _await(subject: Subject, name: str, detection: str) -> None:
    """Wait until CloudFormation has looked at a stack; raise where it could not."""
    until = subject.clock() + _DETECTION_SECONDS
    while True:
        told = subject.client("cloudformation").describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
        status = told["DetectionStatus"]
        if status == "DETECTION_COMPLETE":
            return
        if status != "DETECTION_IN_PROGRESS" or subject.clock() >= until:
            why = told.get("DetectionStatusReason", "it takes too long")
            error: Any = {"Error": {"Code": status, "Message": f"stack {name}: {why}"}}
            raise ClientError(error, "DetectStackDrift")
        subject.pause(_LOOK_SECONDS)


def _drifted(stack: str, each: Mapping[str, Any]) -> Finding:
    gone = each["StackResourceDriftStatus"] == "DELETED"
    paths = ", ".join(one["PropertyPath"] for one in each.get("PropertyDifferences", []))
    return Finding(
        resource=f"{each['ResourceType']} {each['LogicalResourceId']} of {stack}",
        what="was deleted by hand" if gone else f"was changed by hand ({paths or 'no path told'})",
        why="what is proved of the code does not hold of it",
        do="find in the trail who did it, then deploy the stack again after a change of it, or by "
        "hand set it back",
    )


def _read(body: object) -> Template:
    if isinstance(body, str):
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    return body if isinstance(body, Mapping) else {}


Template = Mapping[str, Any]


def _differing(there: Template, here: Template) -> Iterator[str]:
    """Yield the names of resources, and of other parts, that are not the same."""
    for part in ("Resources", "Parameters", "Conditions", "Outputs", "Mappings"):
        one, other = there.get(part, {}), here.get(part, {})
        for name in sorted(one.keys() | other.keys()):
            if name != _IGNORED and one.get(name) != other.get(name):
                yield name if part == "Resources" else f"{part}.{name}"


STACKS: Final = Check(name="stacks", look=_stacks)
DRIFT: Final = Check(name="drift", look=_drift)
