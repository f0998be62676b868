"""EC2 as far as one security group and the network ACLs of a VPC go."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.small_aws.errors import AwsError
from tests.small_aws.pages import page

__all__ = ["NetworkEc2"]

_Rules = list[dict[str, Any]]


class NetworkEc2:
    """A VPC.

    Attributes:
        rules: of the group, ``out`` and ``in``.
        acls: the subnets of each network ACL, by id.
        tags: of each ACL that was made.
        young: ACLs that were just made and are not known to every call yet.
        lags: whether a new ACL is young for one call.
    """

    GROUP = "sg-1"
    VPC = "vpc-1"

    def __init__(self, acls: Mapping[str, Sequence[str]], egress: _Rules, ingress: _Rules) -> None:
        self.rules = {"out": list(egress), "in": list(ingress)}
        self.acls = {acl: list(subnets) for acl, subnets in acls.items()}
        self.tags: dict[str, dict[str, str]] = {acl: {} for acl in acls}
        self.young: set[str] = set()
        self.lags = False
        self._number = itertools.count(1)

    @property
    def state(self) -> Any:
        """All there is, without the ids of what was made."""
        acls = sorted((sorted(self.acls[a]), sorted(self.tags[a].items())) for a in self.acls)
        return {
            way: sorted(json.dumps(rule, sort_keys=True) for rule in rules)
            for way, rules in self.rules.items()
        }, acls

    def describe_security_groups(self, *, GroupIds: list[str]) -> dict[str, Any]:
        assert GroupIds == [self.GROUP]
        group = {
            "GroupId": self.GROUP,
            "VpcId": self.VPC,
            "IpPermissionsEgress": list(self.rules["out"]),
            "IpPermissions": list(self.rules["in"]),
        }
        return {"SecurityGroups": [group]}

    def describe_network_acls(
        self, *, Filters: list[dict[str, Any]], NextToken: str | None = None, MaxResults: int = 0
    ) -> dict[str, Any]:
        wanted = {one["Name"]: one["Values"] for one in Filters}
        assert wanted.pop("vpc-id") == [self.VPC]
        found = [
            {
                "NetworkAclId": acl,
                "Associations": [
                    {
                        "NetworkAclAssociationId": f"aclassoc-{subnet}-{acl}",
                        "NetworkAclId": acl,
                        "SubnetId": subnet,
                    }
                    for subnet in subnets
                ],
            }
            for acl, subnets in self.acls.items()
            if acl not in self.young
            and all(
                self.tags[acl].get(name.removeprefix("tag:")) in v for name, v in wanted.items()
            )
        ]
        shown, after = page(found, NextToken)
        return {"NetworkAcls": shown, **({"NextToken": after} if after else {})}

    def create_network_acl(
        self, *, VpcId: str, TagSpecifications: list[dict[str, Any]]
    ) -> dict[str, Any]:
        assert VpcId == self.VPC
        acl = f"acl-made-{next(self._number)}"
        [specification] = TagSpecifications
        self.acls[acl] = []
        self.tags[acl] = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
        if self.lags:
            self.young.add(acl)
        return {"NetworkAcl": {"NetworkAclId": acl}}

    def replace_network_acl_association(
        self, *, AssociationId: str, NetworkAclId: str
    ) -> dict[str, Any]:
        if NetworkAclId in self.young or NetworkAclId not in self.acls:
            self.young.discard(NetworkAclId)
            raise AwsError("InvalidNetworkAclID.NotFound", f"{NetworkAclId} does not exist")
        for acl, subnets in self.acls.items():
            for subnet in subnets:
                if AssociationId == f"aclassoc-{subnet}-{acl}":
                    subnets.remove(subnet)
                    self.acls[NetworkAclId].append(subnet)
                    return {"NewAssociationId": f"aclassoc-{subnet}-{NetworkAclId}"}
        raise AwsError("InvalidAssociationID.NotFound", f"{AssociationId} does not exist")

    def delete_network_acl(self, *, NetworkAclId: str) -> None:
        if NetworkAclId not in self.acls:
            raise AwsError("InvalidNetworkAclID.NotFound", f"{NetworkAclId} does not exist")
        if self.acls[NetworkAclId]:
            raise AwsError("DependencyViolation", f"{NetworkAclId} has dependencies")
        del self.acls[NetworkAclId], self.tags[NetworkAclId]

    def revoke_security_group_egress(self, *, GroupId: str, IpPermissions: _Rules) -> None:
        self._revoke("out", IpPermissions)

    def revoke_security_group_ingress(self, *, GroupId: str, IpPermissions: _Rules) -> None:
        self._revoke("in", IpPermissions)

    def authorize_security_group_egress(self, *, GroupId: str, IpPermissions: _Rules) -> None:
        self._authorize("out", IpPermissions)

    def authorize_security_group_ingress(self, *, GroupId: str, IpPermissions: _Rules) -> None:
        self._authorize("in", IpPermissions)

    def _revoke(self, way: str, rules: _Rules) -> None:
        for rule in rules:
            if rule not in self.rules[way]:
                raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist")
            self.rules[way].remove(rule)

    def _authorize(self, way: str, rules: _Rules) -> None:
        for rule in rules:
            if rule in self.rules[way]:
                raise AwsError("InvalidPermission.Duplicate", "the specified rule already exists")
            self.rules[way].append(rule)
