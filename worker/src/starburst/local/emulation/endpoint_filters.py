"""Describe the VPC endpoints that the filters name; stock names them all, also to who deletes."""

from __future__ import annotations

from typing import Any, Final

from .patching import Patch, module

__all__ = ["PATCH"]

_FIELDS: Final = {
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-endpoint-state": "State",
    "vpc-id": "VpcId",
    "service-name": "ServiceName",
}


def _apply() -> None:
    ec2 = module("services.ec2")

    def describe(params: dict[str, Any]) -> Any:
        filters = ec2._parse_filters(params)
        unknown = [name for name in filters if name not in _FIELDS and not name.startswith("tag")]
        if unknown:
            return ec2._error("InvalidParameterValue", f"The filter '{unknown[0]}' is invalid", 400)
        ids = ec2._parse_member_list(params, "VpcEndpointId")
        found = [
            each
            for each in ec2._vpc_endpoints.values()
            if (not ids or each["VpcEndpointId"] in ids) and _matches(ec2, each, filters)
        ]
        items = "".join(ec2._vpce_fields_xml(each) for each in found)
        return ec2._xml(
            200, "DescribeVpcEndpointsResponse", f"<vpcEndpointSet>{items}</vpcEndpointSet>"
        )

    ec2._ACTION_MAP["DescribeVpcEndpoints"] = describe


def _matches(ec2: Any, endpoint: dict[str, Any], filters: dict[str, list[str]]) -> bool:
    for name, field in _FIELDS.items():
        if name in filters and not any(
            ec2._glob_match(wanted, endpoint[field]) for wanted in filters[name]
        ):
            return False
    return bool(ec2._resource_matches_tag_filters(endpoint["VpcEndpointId"], filters))


PATCH = Patch(
    name="endpoint_filters",
    stock="ignores the filters of DescribeVpcEndpoints",
    apply=_apply,
)
