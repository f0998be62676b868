"""What a test environment has beside data and workers, each service as far as its end goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.small_aws.errors import AwsError
from tests.small_aws.pages import page

__all__ = [
    "GroupScaling",
    "KeyKms",
    "LogGroups",
    "NoParameters",
    "OneFunction",
    "ProbeEc2",
    "QueueSqs",
    "TaggedResources",
    "TrailLogging",
]


class NoParameters:
    """Parameter Store of an account in which no environment is published."""

    def get_parameter(self, *, Name: str) -> None:
        raise AwsError("ParameterNotFound", Name)


class OneFunction:
    """Lambda with one function.

    Attributes:
        name: its name; empty where there is none.
        reserved: its concurrency.
    """

    def __init__(self, name: str) -> None:
        self.name, self.reserved = name, 10

    def put_function_concurrency(
        self, *, FunctionName: str, ReservedConcurrentExecutions: int
    ) -> None:
        if FunctionName != self.name:
            raise AwsError("ResourceNotFoundException", "Function not found", 404)
        self.reserved = ReservedConcurrentExecutions


class QueueSqs:
    """Queues by name."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = [*names]

    def list_queues(
        self, *, QueueNamePrefix: str, MaxResults: int = 1000, NextToken: str | None = None
    ) -> dict[str, Any]:
        found = [name for name in self.names if name.startswith(QueueNamePrefix)]
        shown, after = page(found, NextToken)
        urls = {"QueueUrls": [f"https://sqs/1/{name}" for name in shown]} if shown else {}
        return {**urls, **({"NextToken": after} if after else {})}

    def get_queue_url(self, *, QueueName: str) -> dict[str, Any]:
        self._find(QueueName)
        return {"QueueUrl": f"https://sqs/1/{QueueName}"}

    def delete_queue(self, *, QueueUrl: str) -> None:
        self.names.remove(self._find(QueueUrl.rpartition("/")[2]))

    def _find(self, name: str) -> str:
        if name not in self.names:
            raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")
        return name


class TrailLogging:
    """Trails by name, and whether they log."""

    def __init__(self, *names: str) -> None:
        self.logging = dict.fromkeys(names, True)

    def stop_logging(self, *, Name: str) -> None:
        if Name not in self.logging:
            raise AwsError("TrailNotFoundException", f"Unknown trail: {Name}")
        self.logging[Name] = False


class GroupScaling:
    """Auto Scaling groups, each with protected instances."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self.instances = {name: dict.fromkeys(ids, True) for name, ids in groups.items()}
        self.sizes = dict.fromkeys(self.instances, 2)

    def describe_auto_scaling_groups(
        self, *, AutoScalingGroupNames: list[str], NextToken: str | None = None
    ) -> dict[str, Any]:
        found = [
            {
                "AutoScalingGroupName": name,
                "Instances": [
                    {
                        "InstanceId": one,
                        "LifecycleState": "InService",
                        "ProtectedFromScaleIn": protected,
                    }
                    for one, protected in self.instances[name].items()
                ],
            }
            for name in AutoScalingGroupNames
            if name in self.instances
        ]
        shown, after = page(found, NextToken)
        return {"AutoScalingGroups": shown, **({"NextToken": after} if after else {})}

    def set_instance_protection(
        self, *, AutoScalingGroupName: str, InstanceIds: list[str], ProtectedFromScaleIn: bool
    ) -> None:
        if len(InstanceIds) > 50:
            raise AwsError("ValidationError", "at most 50 instances")
        for one in InstanceIds:
            self.instances[AutoScalingGroupName][one] = ProtectedFromScaleIn

    def update_auto_scaling_group(
        self, *, AutoScalingGroupName: str, DesiredCapacity: int, **_: Any
    ) -> None:
        self.sizes[AutoScalingGroupName] = DesiredCapacity


class KeyKms:
    """Keys that wait for their deletion."""

    def describe_key(self, *, KeyId: str) -> dict[str, Any]:
        when = datetime(2026, 12, 24, tzinfo=UTC)
        return {"KeyMetadata": {"KeyState": "PendingDeletion", "DeletionDate": when}}


class LogGroups:
    """Log groups by name, and the key of each, or None."""

    def __init__(self, groups: Mapping[str, str | None]) -> None:
        self.groups = dict(groups)

    def describe_log_groups(
        self, *, logGroupNamePrefix: str, nextToken: str | None = None
    ) -> dict[str, Any]:
        found = [
            {"logGroupName": name, **({"kmsKeyId": key} if key else {})}
            for name, key in self.groups.items()
            if name.startswith(logGroupNamePrefix)
        ]
        shown, after = page(found, nextToken)
        return {"logGroups": shown, **({"nextToken": after} if after else {})}

    def delete_log_group(self, *, logGroupName: str) -> None:
        if logGroupName not in self.groups:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        del self.groups[logGroupName]


class ProbeEc2:
    """Endpoints that a question left behind."""

    def __init__(self, *endpoints: str) -> None:
        self.endpoints = [*endpoints]

    def describe_vpc_endpoints(
        self, *, Filters: list[dict[str, Any]], NextToken: str | None = None
    ) -> dict[str, Any]:
        found = [{"VpcEndpointId": one, "State": "available"} for one in self.endpoints]
        return {"VpcEndpoints": found}

    def delete_vpc_endpoints(self, *, VpcEndpointIds: list[str]) -> None:
        self.endpoints = [one for one in self.endpoints if one not in VpcEndpointIds]


class TaggedResources:
    """Resource Groups, which know nothing any more."""

    def get_resources(
        self, *, TagFilters: list[dict[str, Any]], PaginationToken: str = ""
    ) -> dict[str, Any]:
        more = {} if PaginationToken else {"PaginationToken": "1"}
        return {"ResourceTagMappingList": [], **more}
