"""What is deployed of an environment, as CloudFormation tells it: stacks, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from botocore.exceptions import ClientError

from starburst.aws.calls import code_of

from .account import Account, LifecycleError

__all__ = ["DeployedStack", "deployed", "settle", "template_of"]

_SETTLE_SECONDS: Final = 1800.0
_LOOK_SECONDS: Final = 5.0
_GONE: Final = "DELETE_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedStack:
    """One stack that is there.

    Attributes:
        name: physical name.
        status: CloudFormation's word.
        protected: whether termination protection is on.
        resources: physical ids by type.
    """

    name: str
    status: str
    protected: bool
    resources: Mapping[str, tuple[str, ...]]

    @property
    def moving(self) -> bool:
        """Whether CloudFormation works on it."""
        return _is_moving(self.status)

    @property
    def never_made(self) -> bool:
        """Whether its first creation did not succeed: it can be deleted, and nothing else."""
        return self.status in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED") or (
            self.status == "CREATE_FAILED"
        )

    def of_type(self, kind: str) -> tuple[str, ...]:
        """Return the physical ids of its resources of a type."""
        return self.resources.get(kind, ())


def deployed(account: Account) -> list[DeployedStack]:
    """Return the stacks of an environment that are there, whatever state they are in."""
    formation = account.client("cloudformation")
    return [
        DeployedStack(
            name=stack["StackName"],
            status=stack["StackStatus"],
            protected=bool(stack.get("EnableTerminationProtection")),
            resources=_resources(formation, stack["StackName"]),
        )
        for page in formation.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"].startswith(account.prefix) and stack["StackStatus"] != _GONE
    ]


def kept_on_deletion(account: Account, stack: DeployedStack) -> Iterator[str]:
    """Yield the buckets and keys that a stack would leave behind, as its template has it."""
    kinds = ("AWS::KMS::Key", "AWS::S3::Bucket")
    if not any(stack.of_type(kind) for kind in kinds):
        return
    for name, resource in template_of(account, stack.name).get("Resources", {}).items():
        if resource["Type"] in kinds and resource.get("DeletionPolicy", "Delete") != "Delete":
            yield name


def template_of(account: Account, name: str) -> dict[str, Any]:
    """Return the template that a stack was deployed with last.

    boto3 parses JSON. The CDK CLI sends YAML where it sends a template without its bucket.
    """
    body = account.client("cloudformation").get_template(StackName=name)["TemplateBody"]
    if not isinstance(body, str):
        return dict(body)
    read = json.loads if body.lstrip().startswith("{") else yaml.safe_load
    found: dict[str, Any] = read(body)
    return found


def settle(account: Account, name: str) -> str:
    """Wait until CloudFormation does not work on a stack; return the state that it came to.

    Raises:
        LifecycleError: it works for longer than half an hour.
    """
    until = account.clock() + _SETTLE_SECONDS
    while True:
        status = _status(account, name)
        if not _is_moving(status):
            return status
        if account.clock() >= until:
            raise LifecycleError(
                f"stack {name} is {status} for more than {_SETTLE_SECONDS / 60:.0f} minutes; "
                "CloudFormation's console shows on which resource. Run the command again when it "
                "has come to an end"
            )
        account.say(f"waiting for stack {name}: it is {status}")
        account.pause(_LOOK_SECONDS)


def _is_moving(status: str) -> bool:
    # A stack in review waits for a change set, and not for CloudFormation.
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _status(account: Account, name: str) -> str:
    try:
        found = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code_of(error) == "ValidationError":
            return _GONE
        raise
    return str(found[0]["StackStatus"]) if found else _GONE


def _resources(formation: Any, name: str) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - any client
    found: dict[str, tuple[str, ...]] = {}
    for page in formation.get_paginator("list_stack_resources").paginate(StackName=name):
        for one in page["StackResourceSummaries"]:
            physical = one.get("PhysicalResourceId")
            if physical and one["ResourceStatus"] != _GONE:
                kind = one["ResourceType"]
                found[kind] = (*found.get(kind, ()), physical)
    return found
