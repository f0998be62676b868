"""Security groups that a VPC's owner brings along are refused before anything is deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.checks.groups import refuse_groups, wrong_groups
from environments import DEV
from stacks.settings import Environment, Network
from starburst_constructs.network.s3_addresses import S3_PREFIX_LISTS
from tests.networks import EXISTING, GROUPED, REUSED

WORKERS, ENDPOINTS = "sg-0d1b2c3d", "sg-0e1b2c3d"
S3 = S3_PREFIX_LISTS[DEV.region]
CIDR = "10.80.0.0/20"


def https(kind: str, key: str, target: str, **more: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, kind: [{key: target}], **more}


def block(target: str, **more: Any) -> dict[str, Any]:
    return https("IpRanges", "CidrIp", target, **more)


TO_ENDPOINTS = https("UserIdGroupPairs", "GroupId", ENDPOINTS)
TO_S3 = https("PrefixListIds", "PrefixListId", S3)
EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def group(
    name: str,
    *,
    into: Sequence[Any] = (),
    out: Sequence[Any] = (),
    vpc: str = GROUPED.vpc_id,
) -> dict[str, Any]:
    return {"GroupId": name, "VpcId": vpc, "IpPermissions": into, "IpPermissionsEgress": out}


SOUND = (
    group(WORKERS, out=[TO_ENDPOINTS, TO_S3]),
    group(ENDPOINTS, into=[https("UserIdGroupPairs", "GroupId", WORKERS), block("10.80.0.0/24")]),
)


class Ec2:
    """Tells of groups as EC2 does."""

    def __init__(self, groups: Sequence[Mapping[str, Any]]) -> None:
        self._groups = {each["GroupId"]: each for each in groups}

    def describe_security_groups(self, *, GroupIds: list[str]) -> Any:
        (name,) = GroupIds
        if name not in self._groups:
            raise ClientError({"Error": {"Code": "InvalidGroup.NotFound"}}, "Describe")
        return {"SecurityGroups": [self._groups[name]]}


def environment(**more: Any) -> Environment:
    return replace(DEV, network=Network(cidr=CIDR, existing=GROUPED, **more))


def told(groups: Sequence[Mapping[str, Any]], **more: Any) -> list[str]:
    ec2 = Ec2(groups)
    found = wrong_groups(environment(**more), lambda _: ec2)
    return [f"{each.group} {each.what}" for each in found]


def test_sound_groups_pass() -> None:
    assert told(SOUND) == []
    refuse_groups(environment(), lambda _: Ec2(SOUND))


def test_with_nat_workers_may_let_out_on_443_and_on_nothing_else() -> None:
    wide = group(WORKERS, out=[TO_ENDPOINTS, TO_S3, block("0.0.0.0/0")])
    assert told([wide, SOUND[1]], egress="nat") == []
    [wrong] = told([wide, SOUND[1]])
    assert "lets out to 0.0.0.0/0 by tcp 443 to 443" in wrong
    other = group(WORKERS, out=[TO_ENDPOINTS, TO_S3, EVERYTHING])
    assert "by every protocol" in told([other, SOUND[1]], egress="nat")[0]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (group("sg-other"), f"security group {WORKERS} of workers does not exist in this account"),
        (group(WORKERS, out=[TO_ENDPOINTS, TO_S3], vpc="vpc-1"), "is in vpc-1, not in vpc-0a1b"),
        (group(WORKERS, out=[TO_ENDPOINTS, TO_S3], into=[TO_S3]), "nothing has to reach a worker"),
        (group(WORKERS, out=[TO_ENDPOINTS, TO_S3, EVERYTHING]), "lets out to 0.0.0.0/0 by every"),
        (
            group(WORKERS, out=[TO_ENDPOINTS, TO_S3, {**TO_S3, "FromPort": 80}]),
            f"lets out to {S3} by tcp 80 to 443",
        ),
        (
            group(WORKERS, out=[TO_ENDPOINTS, TO_S3, https("Ipv6Ranges", "CidrIpv6", "::/0")]),
            "lets out to ::/0",
        ),
        (group(WORKERS, out=[TO_S3]), f"does not let out to the endpoints ({ENDPOINTS})"),
        (group(WORKERS, out=[TO_ENDPOINTS]), f"does not let out to S3 ({S3})"),
        (group(WORKERS, out=[EVERYTHING]), "could send data out"),
        (group(ENDPOINTS, vpc="vpc-1"), f"group {ENDPOINTS} of endpoints is in vpc-1"),
        (group(ENDPOINTS, into=[block("0.0.0.0/0")]), "reached on 443 from the VPC alone"),
        (group(ENDPOINTS, into=[block("10.80.0.0/16")]), "lets 10.80.0.0/16 by tcp 443"),
        (group(ENDPOINTS, into=[block(CIDR, ToPort=8443)]), "lets 10.80.0.0/20 by tcp 443 to 8443"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_others_are_refused_in_one_sentence(wrong: Mapping[str, Any], sentence: str) -> None:
    kept = [each for each in SOUND if each["GroupId"] != wrong["GroupId"]]
    if wrong["GroupId"] == "sg-other":
        kept = [SOUND[1]]
    groups = [*kept, wrong]
    assert any(sentence in each for each in told(groups))
    with pytest.raises(LifecycleError, match=r"nothing was done\. Have the VPC's owner change it"):
        refuse_groups(environment(), lambda _: Ec2(groups))


@pytest.mark.parametrize("existing", [None, EXISTING, REUSED], ids=["own", "created", "reused"])
def test_nothing_is_asked_where_no_group_is_brought_along(existing: Any) -> None:
    plain = replace(DEV, network=Network(cidr=CIDR, existing=existing))
    refuse_groups(plain, lambda service: pytest.fail(f"{service} was asked"))
