"""Teach CloudFormation ``AWS::CloudTrail::Trail``; stock refuses a template with one."""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, add_type, call

__all__ = ["PATCH"]

_SAME = ("S3BucketName", "S3KeyPrefix", "IncludeGlobalServiceEvents", "IsMultiRegionTrail")
_LOGS = ("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn")


def _apply() -> None:
    cloudtrail = module("services.cloudtrail")

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        name = str(properties.get("TrailName") or f"{stack}-{logical_id}")
        request = {key: properties[key] for key in _SAME if key in properties}
        request["Name"] = name
        request["EnableLogFileValidation"] = properties.get("EnableLogFileValidation", False)
        request["KmsKeyId"] = properties.get("KMSKeyId", "")
        arn = str(call(cloudtrail._create_trail, request)["TrailARN"])
        call(cloudtrail._add_tags, {"ResourceId": arn, "TagsList": properties.get("Tags", [])})
        trail = cloudtrail._trails[name]
        trail.update({key: properties[key] for key in _LOGS if properties.get(key)})
        selectors = [
            {
                "ReadWriteType": given.get("ReadWriteType", "All"),
                "IncludeManagementEvents": given.get("IncludeManagementEvents", True),
                "DataResources": given.get("DataResources", []),
            }
            for given in properties.get("EventSelectors", [])
        ]
        if selectors:
            call(cloudtrail._put_event_selectors, {"TrailName": name, "EventSelectors": selectors})
        if properties.get("IsLogging"):
            call(cloudtrail._start_logging, {"Name": name})
        return name, {"Arn": arn, "SnsTopicArn": ""}

    def delete(physical_id: str, _properties: Properties) -> None:
        cloudtrail._delete_trail({"Name": physical_id})

    add_type("AWS::CloudTrail::Trail", create=create, delete=delete)


PATCH = Patch(name="trails", stock="refuses AWS::CloudTrail::Trail", apply=_apply)
