"""CloudFormation as far as stacks that exist go: what they hold, how they are protected."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.small_aws.errors import AwsError
from tests.small_aws.pages import page

__all__ = ["Stack", "StackFormation"]


@dataclass(kw_only=True)
class Stack:
    """One stack.

    Attributes:
        resources: kinds by physical id.
        status: CloudFormation's word.
        protected: from deletion.
        deletion: what its template does with what it holds.
        template: the whole of it, where more is asked than that.
    """

    resources: Mapping[str, str]
    status: str = "CREATE_COMPLETE"
    protected: bool = False
    deletion: str = "Delete"
    template: Mapping[str, Any] | None = None


class StackFormation:
    """Stacks by name, and events of those that failed."""

    def __init__(
        self, stacks: Mapping[str, Stack], events: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.stacks = dict(stacks)
        self.events = [*events]

    def describe_stacks(
        self, *, StackName: str | None = None, NextToken: str | None = None
    ) -> dict[str, Any]:
        if StackName is not None:
            self._find(StackName)
            return {"Stacks": [self._told(StackName)]}
        shown, after = page([*map(self._told, self.stacks)], NextToken)
        return {"Stacks": shown, **({"NextToken": after} if after else {})}

    def list_stack_resources(
        self, *, StackName: str, NextToken: str | None = None
    ) -> dict[str, Any]:
        found = [
            {
                "LogicalResourceId": name,
                "PhysicalResourceId": name,
                "ResourceType": kind,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for name, kind in self._find(StackName).resources.items()
        ]
        shown, after = page(found, NextToken)
        return {"StackResourceSummaries": shown, **({"NextToken": after} if after else {})}

    def get_template(self, *, StackName: str) -> dict[str, Any]:
        stack = self._find(StackName)
        if stack.template is not None:
            return {"TemplateBody": stack.template}
        policy = {"DeletionPolicy": stack.deletion}
        found = {
            f"R{n}": {"Type": kind, **policy} for n, kind in enumerate(stack.resources.values())
        }
        return {"TemplateBody": json.dumps({"Resources": found})}

    def update_termination_protection(
        self, *, StackName: str, EnableTerminationProtection: bool
    ) -> None:
        self._find(StackName).protected = EnableTerminationProtection

    def describe_stack_events(
        self, *, StackName: str, NextToken: str | None = None
    ) -> dict[str, Any]:
        shown, after = page([e for e in self.events if e["StackName"] == StackName], NextToken)
        return {"StackEvents": shown, **({"NextToken": after} if after else {})}

    def _told(self, name: str) -> dict[str, Any]:
        stack = self.stacks[name]
        return {
            "StackName": name,
            "StackStatus": stack.status,
            "EnableTerminationProtection": stack.protected,
        }

    def _find(self, name: str) -> Stack:
        if name not in self.stacks:
            raise AwsError("ValidationError", f"Stack with id {name} does not exist")
        return self.stacks[name]
