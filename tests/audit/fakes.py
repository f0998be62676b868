"""What moto lacks of AWS for the audit's scene: drift, the officers' door, root's second factor."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from environments import DEV
from starburst.contract import RuntimeDocument
from tests.quick_moto import quick_client

__all__ = [
    "ACCOUNT",
    "ACTIVE",
    "BUCKET",
    "ENDED",
    "ENDPOINTS",
    "MAIN",
    "NAME",
    "NOW",
    "REGION",
    "RULE",
    "Formation",
    "Lambda",
    "Parameters",
    "People",
    "Refusing",
    "invoked_by",
    "refused",
]

REGION: Final = "eu-west-1"
ACCOUNT: Final = DEV.account
NAME: Final = DEV.name
BUCKET: Final = f"starburst-{NAME}-storage-data"
ACTIVE: Final = "a" * 20
ENDED: Final = "e" * 20
MAIN: Final = f"starburst-{NAME}-main"
ENDPOINTS: Final = f"starburst-{NAME}-endpoints"
NOW: Final = datetime.now(UTC).timestamp()
CONTROLLER: Final = f"starburst-{NAME}-controller"
RULE: Final = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/starburst-{NAME}-main-Rule-1A2B3C"


def refused(code: str, operation: str) -> ClientError:
    error: Any = {"Error": {"Code": code, "Message": "not for you"}}
    return ClientError(error, operation)


def invoked_by(rule: str, **more: Any) -> dict[str, Any]:
    """Return the statement by which EventBridge may invoke for a rule, as Lambda writes it."""
    return {
        "Sid": "starburst-main-Permission-1A2B3C",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{CONTROLLER}:service",
        "Condition": {"ArnLike": {"AWS:SourceArn": rule}},
        **more,
    }


@dataclass(kw_only=True)
class Formation:
    """CloudFormation, with drift, which moto has not."""

    templates: dict[str, dict[str, Any]]
    physical: dict[str, dict[str, str]]
    status: dict[str, str] = field(default_factory=dict)
    drifts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    detection: list[str] = field(default_factory=list)
    bursting: str = "off"
    updated: float = NOW - 86_400

    def get_paginator(self, name: str) -> Any:
        # As botocore has it: not every call that has pages.
        assert quick_client("cloudformation", REGION).can_paginate(name)
        return _Pages(getattr(self, f"_{name}"))

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        return {"Stacks": [one for one in self._all() if one["StackName"] == StackName]}

    def _all(self) -> list[dict[str, Any]]:
        return [
            {
                "StackName": name,
                "StackStatus": self.status.get(name, "UPDATE_COMPLETE"),
                "CreationTime": datetime.fromtimestamp(self.updated, UTC),
                "Parameters": [{"ParameterKey": "Bursting", "ParameterValue": self.bursting}],
            }
            for name in self.physical
        ]

    def _describe_stacks(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Stacks": self._all()}]

    def _list_stack_resources(self, *, StackName: str) -> list[dict[str, Any]]:
        made = self.templates[StackName]["Resources"]
        return [
            {
                "StackResourceSummaries": [
                    {
                        "ResourceType": made[logical]["Type"],
                        "LogicalResourceId": logical,
                        "PhysicalResourceId": physical,
                        "ResourceStatus": "CREATE_COMPLETE",
                    }
                    for logical, physical in self.physical[StackName].items()
                ]
            }
        ]

    def get_template(self, *, StackName: str, TemplateStage: str) -> dict[str, Any]:
        assert TemplateStage == "Original"
        return {"TemplateBody": json.dumps(self.templates[StackName])}

    def detect_stack_drift(self, *, StackName: str) -> dict[str, Any]:
        return {"StackDriftDetectionId": StackName}

    def describe_stack_drift_detection_status(self, **_: Any) -> dict[str, Any]:
        status = self.detection.pop(0) if self.detection else "DETECTION_COMPLETE"
        return {"DetectionStatus": status, "DetectionStatusReason": "no permission to read a key"}

    def describe_stack_resource_drifts(
        self, *, StackName: str, StackResourceDriftStatusFilters: list[str], NextToken: str = "0"
    ) -> dict[str, Any]:
        assert StackResourceDriftStatusFilters == ["MODIFIED", "DELETED"]
        found, at = self.drifts.get(StackName, []), int(NextToken)
        more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"StackResourceDrifts": found[at : at + 1], **more}


@dataclass(kw_only=True)
class Lambda:
    """The controller behind its officers' door, and the function's policy."""

    active: dict[str, float | None] = field(default_factory=lambda: {ACTIVE: None})
    ended: dict[str, float | None] = field(default_factory=lambda: {ENDED: NOW - 3600})
    unread: list[dict[str, str]] = field(default_factory=list)
    policies: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"analysts": [], "service": [invoked_by(RULE)], "officers": []}
    )

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName.endswith(f":{CONTROLLER}:officers")
        asked = json.loads(Payload)
        assert asked["action"] == "sessions"
        found = self.active if asked["folder"] == "active" else self.ended
        sessions = [{"session": name, "ended": moment} for name, moment in found.items()]
        after = asked["after"]
        page = [one for one in sessions if one["session"] > after][:1]
        following = page[-1]["session"] if page and page[-1] != sessions[-1] else ""
        answer = {"ok": True, "sessions": page, "unread": self.unread, "next": following}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def get_paginator(self, name: str) -> Any:
        assert quick_client("lambda", REGION).can_paginate(name)
        return _Pages(getattr(self, f"_{name}"))

    def _list_aliases(self, *, FunctionName: str) -> list[dict[str, Any]]:
        assert FunctionName == CONTROLLER
        return [{"Aliases": [{"Name": name}]} for name in self.policies if name]

    def get_policy(self, *, FunctionName: str, Qualifier: str = "") -> dict[str, Any]:
        assert FunctionName == CONTROLLER
        statements = self.policies.get(Qualifier)
        if not statements:
            raise refused("ResourceNotFoundException", "GetPolicy")
        return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


@dataclass(kw_only=True)
class Parameters:
    """Parameter Store, with the runtime document."""

    document: RuntimeDocument

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == f"/starburst/{NAME}/runtime"
        return {"Parameter": {"Value": self.document.to_json()}}


@dataclass(kw_only=True)
class People:
    """IAM, whose root has a second factor, as moto's has not."""

    client: Any
    summary: dict[str, int] = field(
        default_factory=lambda: {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0}
    )

    def get_account_summary(self) -> dict[str, Any]:
        return {"SummaryMap": self.summary}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


class _Pages:
    def __init__(self, pages: Any) -> None:
        self._pages = pages

    def paginate(self, **words: Any) -> Any:
        return iter(self._pages(**words))


@dataclass(kw_only=True)
class Refusing:
    """A client of which some calls are refused."""

    client: Any
    calls: set[str]

    def __getattr__(self, name: str) -> Any:
        if name in self.calls:
            raise refused("AccessDenied", name)
        return getattr(self.client, name)

    def get_paginator(self, name: str) -> Any:
        if name in self.calls:
            raise refused("AccessDenied", name)
        return self.client.get_paginator(name)
