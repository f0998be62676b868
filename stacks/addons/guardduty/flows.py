"""Saved queries of the flow log: what was refused, who sends most, where it goes (P18, A24)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aws_cdk import aws_ec2 as ec2

from starburst_constructs.network.vpc import FLOW_FIELDS

__all__ = ["flow_queries"]


def flow_queries(cidr: str) -> Mapping[str, str]:
    """Return queries for CloudWatch Logs Insights, by the name that each is saved under.

    Args:
        cidr: the VPC's block.

    Example:
        >>> sorted(flow_queries("10.64.16.0/20"))
        ['flows that were refused', 'flows to unexpected places', 'who sends most']
    """
    reading = f'parse @message "{" ".join("*" * len(FLOW_FIELDS))}" as {", ".join(_NAMES)}\n'
    totals = "| stats count(*) as flows, sum(bytes) as sent"
    return {
        # By the interface of a worker and its address: a task has one, and a name for its life.
        "flows that were refused": f"""\
{reading}| filter action = "REJECT"
{totals} by interface_id, srcaddr, dstaddr, dstport, flow_direction
| sort flows desc
| limit 1000
""",
        "who sends most": f"""\
{reading}| filter action = "ACCEPT" and flow_direction = "egress"
{totals} by interface_id, srcaddr, pkt_dst_aws_service
| sort sent desc
| limit 100
""",
        # S3's gateway has public addresses; all else that workers call is in the VPC.
        "flows to unexpected places": f"""\
{reading}| filter flow_direction = "egress" and pkt_dst_aws_service != "S3"
| filter not isIpv4InSubnet(dstaddr, "{cidr}")
{totals} by interface_id, srcaddr, dstaddr, dstport, action
| sort sent desc
| limit 1000
""",
    }


def _name(field: ec2.LogFormat) -> str:
    """Return a field as queries call it."""
    return re.sub(r"\W", "_", field.value.strip("${}"))


_NAMES = tuple(_name(field) for field in FLOW_FIELDS)
