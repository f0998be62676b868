"""The stack of the private endpoints, as CloudFormation plays it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

STACK = "starburst-prod-endpoints"


ROLE = "arn:aws:iam::123456789012:role/starburst-prod-endpoints"


def problem(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "UpdateStack")


@dataclass(kw_only=True)
class FakeStack:
    """CloudFormation with one stack, which a test lets come to an end."""

    now: Any
    value: str = "off"
    status: str = "CREATE_COMPLETE"
    quick: bool = False
    before: str = "off"
    calls: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Exception] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    on_update: Any = None

    def update_stack(self, **arguments: Any) -> dict[str, Any]:
        [parameter] = arguments.pop("Parameters")
        assert arguments == {"StackName": STACK, "UsePreviousTemplate": True, "RoleARN": ROLE}
        assert parameter["ParameterKey"] == "Bursting"
        if self.on_update is not None:
            act, self.on_update = self.on_update, None
            act()
        wish = parameter["ParameterValue"]
        self.calls.append({"wish": wish, "at": self.now()})
        if self.answers:
            raise self.answers.pop(0)
        if self.status.endswith("_IN_PROGRESS"):
            words = f"Stack:{STACK} is in {self.status} state and can not be updated."
            raise problem("ValidationError", words)
        if wish == self.value:
            raise problem("ValidationError", "No updates are to be performed.")
        self.before, self.value, self.status = self.value, wish, "UPDATE_IN_PROGRESS"
        self._event(STACK, "UPDATE_IN_PROGRESS", "User Initiated")
        if self.quick:
            self.succeed()
        return {}

    def succeed(self) -> None:
        self.status = "UPDATE_COMPLETE"

    def fail(self, reason: str) -> None:
        self._event("EndpointsKms", "CREATE_FAILED", reason)
        self._event("EndpointsSqs", "CREATE_FAILED", "Resource creation cancelled")
        self.value, self.status = self.before, "UPDATE_ROLLBACK_COMPLETE"
        self._event(STACK, "UPDATE_ROLLBACK_COMPLETE", "")

    def _event(self, resource: str, status: str, reason: str) -> None:
        event = {"LogicalResourceId": resource, "ResourceStatus": status}
        self.events.insert(0, {**event, "ResourceStatusReason": reason})

    def describe_stacks(self, **arguments: Any) -> dict[str, Any]:
        assert arguments == {"StackName": STACK}
        if self.status == "gone":
            raise problem("ValidationError", f"Stack with id {STACK} does not exist")
        parameters = [{"ParameterKey": "Bursting", "ParameterValue": self.value}]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": parameters}]}

    def describe_stack_events(self, **arguments: Any) -> dict[str, Any]:
        assert arguments == {"StackName": STACK}
        return {"StackEvents": self.events}

    @property
    def wishes(self) -> list[str]:
        return [call["wish"] for call in self.calls]
