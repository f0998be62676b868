"""Teach CloudFormation ``AWS::EC2::SecurityGroupIngress`` and ``…Egress``.

Stock refuses a template with either. A standalone egress rule also takes away the group's default
rule that allows all traffic out, as CloudFormation does.
"""

from __future__ import annotations

from typing import Any

from .patching import Patch, module
from .resource_types import Properties, add_type, new_id

__all__ = ["PATCH"]


def _apply() -> None:
    for name, key in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        rules = _Rules(key)
        add_type(f"AWS::EC2::SecurityGroup{name}", create=rules.create, delete=rules.delete)


class _Rules:
    def __init__(self, key: str) -> None:
        self._key = key
        self._groups = module("services.ec2")._security_groups
        self._permissions = module("services.cloudformation.provisioners")._ec2_sg_permissions

    def create(
        self, _logical_id: str, properties: Properties, _stack: str
    ) -> tuple[str, dict[str, str]]:
        group = self._groups.get(properties["GroupId"])
        if group is None:
            raise ValueError(f"The security group '{properties['GroupId']}' does not exist")
        rules = group[self._key]
        if self._key == "IpPermissionsEgress":
            rules[:] = [rule for rule in rules if not _allows_all(rule)]
        rules.extend(self._permissions([properties]))
        identifier = new_id("sgr")
        return identifier, {"Id": identifier}

    def delete(self, _physical_id: str, properties: Properties) -> None:
        group = self._groups.get(properties.get("GroupId"))
        for rule in self._permissions([properties]) if group else ():
            if rule in group[self._key]:
                group[self._key].remove(rule)


def _allows_all(rule: dict[str, Any]) -> bool:
    ranges = [entry.get("CidrIp") for entry in rule.get("IpRanges", [])]
    return rule.get("IpProtocol") == "-1" and ranges == ["0.0.0.0/0"]


PATCH = Patch(
    name="security_group_rules",
    stock="refuses AWS::EC2::SecurityGroupIngress and AWS::EC2::SecurityGroupEgress",
    apply=_apply,
)
