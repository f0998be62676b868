"""Teach CloudFormation ``AWS::EC2::SecurityGroupIngress`` and ``…Egress``.

Stock refuses a template with either. A standalone egress rule also takes away the group's default
rule that allows all traffic out, as CloudFormation does.

Stock also reads no prefix list of a rule that is to be added or revoked, and finds no rule again
that names a group's owner, as EC2's own answers do: it revokes none of these, and says it has.
"""

from __future__ import annotations

import itertools
from typing import Any

from .patching import Function, Patch, module, wrap
from .resource_types import Properties, add_type, new_id

__all__ = ["PATCH"]


def _apply() -> None:
    ec2 = module("services.ec2")
    wrap(ec2, "_parse_ip_permissions", _with_prefix_lists)
    wrap(ec2, "_strip_descriptions", _bare)
    for name, key in (("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")):
        rules = _Rules(key)
        add_type(f"AWS::EC2::SecurityGroup{name}", create=rules.create, delete=rules.delete)


def _with_prefix_lists(original: Function) -> Function:
    def parse(params: Any, prefix: str) -> Any:
        rules = original(params, prefix)
        value = module("services.ec2")._p
        for number, rule in enumerate(rules, 1):
            for index in itertools.count(1):
                at = f"{prefix}.{number}.PrefixListIds.{index}"
                name, why = value(params, f"{at}.PrefixListId"), value(params, f"{at}.Description")
                if not name:
                    break
                described = {"Description": why} if why else {}
                rule["PrefixListIds"].append({"PrefixListId": name, **described})
        return rules

    return parse


def _bare(original: Function) -> Function:
    """Compare rules by what they let through: words and the owner of a group are no part of it."""

    def strip(rule: Any) -> Any:
        bare = original(rule)
        for key, names in (
            ("PrefixListIds", ("PrefixListId",)),
            ("UserIdGroupPairs", ("GroupId", "GroupName")),
        ):
            bare[key] = [
                {name: entry[name] for name in names if name in entry}
                for entry in bare.get(key) or ()
            ]
        return bare

    return strip


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
    stock="refuses AWS::EC2::SecurityGroupIngress and …Egress; revokes no rule with a prefix list",
    apply=_apply,
)
