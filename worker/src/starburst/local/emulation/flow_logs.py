"""Teach CloudFormation ``AWS::EC2::FlowLog``; stock refuses a template with one."""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, add_type, new_id

__all__ = ["PATCH"]


def _apply() -> None:
    logs = module("services.ec2")._flow_logs

    def create(_logical_id: str, properties: Properties, _stack: str) -> tuple[str, dict[str, str]]:
        identifier = new_id("fl")
        logs[identifier] = {
            "FlowLogId": identifier,
            "ResourceId": properties["ResourceId"],
            "TrafficType": properties.get("TrafficType", "ALL"),
            "LogDestinationType": properties.get("LogDestinationType", "cloud-watch-logs"),
            "LogDestination": properties.get("LogDestination", ""),
            "LogGroupName": properties.get("LogGroupName", ""),
            "DeliverLogsPermissionArn": properties.get("DeliverLogsPermissionArn", ""),
            "FlowLogStatus": "ACTIVE",
            "CreationTime": module("core.responses").now_iso(),
            "Tags": properties.get("Tags", []),
        }
        return identifier, {"Id": identifier}

    def delete(physical_id: str, _properties: Properties) -> None:
        logs.pop(physical_id, None)

    add_type("AWS::EC2::FlowLog", create=create, delete=delete)


PATCH = Patch(name="flow_logs", stock="refuses AWS::EC2::FlowLog", apply=_apply)
