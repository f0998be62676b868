"""Teach CloudFormation ``AWS::EC2::FlowLog``; stock refuses a template with one.

Of a flow log's role, format and interval stock tells nothing either.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from .patching import Function, Patch, module
from .resource_types import Properties, add_type, new_id

__all__ = ["PATCH"]


_TOLD = {
    "deliverLogsPermissionArn": "DeliverLogsPermissionArn",
    "logFormat": "LogFormat",
    "logGroupName": "LogGroupName",
    "maxAggregationInterval": "MaxAggregationInterval",
}


def _apply() -> None:
    ec2 = module("services.ec2")
    logs = ec2._flow_logs

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
            "LogFormat": properties.get("LogFormat", ""),
            "MaxAggregationInterval": properties.get("MaxAggregationInterval", 600),
            "FlowLogStatus": "ACTIVE",
            "CreationTime": module("core.responses").now_iso(),
        }
        ec2._tags[identifier] = properties.get("Tags", [])
        return identifier, {"Id": identifier}

    def delete(physical_id: str, _properties: Properties) -> None:
        logs.pop(physical_id, None)
        ec2._tags.pop(physical_id, None)

    def with_more(original: Function) -> Function:
        def describe(params: Any) -> Any:
            status, headers, body = original(params)
            text = body.decode() if isinstance(body, bytes) else str(body)
            for identifier, log in logs.items():
                told = f"<flowLogId>{identifier}</flowLogId>"
                more = "".join(
                    f"<{tag}>{escape(str(log[name]))}</{tag}>"
                    for tag, name in _TOLD.items()
                    if log.get(name)
                )
                text = text.replace(told, told + more)
            return status, headers, text.encode()

        return describe

    handlers = ec2._ACTION_MAP
    handlers["DescribeFlowLogs"] = with_more(handlers["DescribeFlowLogs"])
    add_type("AWS::EC2::FlowLog", create=create, delete=delete)


PATCH = Patch(name="flow_logs", stock="refuses AWS::EC2::FlowLog", apply=_apply)
