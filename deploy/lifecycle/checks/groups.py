"""Security groups that a VPC's owner brings along (A11): what is refused of them.

Templates know their ids alone. So ``deploy.up`` asks EC2 here before it deploys, and
``deploy.audit`` afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deploy.lifecycle.account import LifecycleError
from starburst.aws.calls import code_of
from starburst_constructs.network.s3_addresses import HTTPS, S3_PREFIX_LISTS

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["WrongGroup", "refuse_groups", "wrong_groups"]

_GONE: Final = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed")
_EVERYWHERE: Final = "0.0.0.0/0"

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongGroup:
    """A group that must not be used as it is.

    Attributes:
        group: which, and whose.
        what: is wrong with it.
    """

    group: str
    what: str


def refuse_groups(environment: Environment, client: Callable[[str], Any]) -> None:
    """Refuse groups by which workers could be reached, or could reach more than they need.

    Args:
        environment: as its settings are now.
        client: makes the client of a service; nothing is asked where no group is brought along.

    Raises:
        LifecycleError: says which group, and what to change of it; nothing was done.
    """
    for wrong in wrong_groups(environment, client):
        raise LifecycleError(
            f"{wrong.group} {wrong.what}; nothing was done. Have the VPC's owner change it, or "
            "leave its id out of existing, and the kit makes a group. See "
            "docs/how-to/describe-an-environment.md#bring-security-groups-along"
        )


def wrong_groups(environment: Environment, client: Callable[[str], Any]) -> Iterator[WrongGroup]:
    """Yield what is wrong with the groups that the VPC's owner brings along."""
    network, existing = environment.network, environment.network.existing
    if existing is None:
        return
    workers, endpoints = existing.worker_security_group_id, existing.endpoints_security_group_id
    if workers is not None:
        allowed = {
            str(endpoints): "the endpoints",
            str(network.s3_prefix_list or S3_PREFIX_LISTS.get(environment.region)): "S3",
        }
        nat = network.egress == "nat"
        named = f"security group {workers} of workers"
        for what in _wrong(
            client("ec2"), workers, existing.vpc_id, lambda group: _workers(group, allowed, nat=nat)
        ):
            yield WrongGroup(group=named, what=what)
    if endpoints is not None and existing.endpoints == "create":
        named = f"security group {endpoints} of endpoints"
        for what in _wrong(
            client("ec2"),
            endpoints,
            existing.vpc_id,
            lambda group: _endpoints(group, network.block),
        ):
            yield WrongGroup(group=named, what=what)


def _wrong(
    ec2: Any,  # noqa: ANN401 - any client of boto3
    name: str,
    vpc: str,
    rules: Callable[[Rule], Iterator[str]],
) -> Iterator[str]:
    try:
        found: list[Rule] = ec2.describe_security_groups(GroupIds=[name])["SecurityGroups"]
    except ClientError as error:
        if code_of(error) not in _GONE:
            raise
        found = []
    if not found:
        yield "does not exist in this account and Region"
    for group in found:
        if group.get("VpcId") != vpc:
            yield f"is in {group.get('VpcId')}, not in {vpc}"
        yield from rules(group)


def _workers(group: Rule, allowed: Mapping[str, str], *, nat: bool) -> Iterator[str]:
    for rule in group["IpPermissions"]:
        yield f"lets {_told(rule)} in, and nothing has to reach a worker"
    reached: set[str] = set()
    for rule in group["IpPermissionsEgress"]:
        targets = _targets(rule)
        if targets - allowed.keys() - ({_EVERYWHERE} if nat else set()) or not _is_https(rule):
            yield (
                f"lets out to {_told(rule)}, by which code on workers could send data out: the "
                "endpoints' group and S3's prefix list on 443 are enough"
            )
        else:
            reached |= targets
    for target, what in allowed.items():
        if target not in reached:
            yield f"does not let out to {what} ({target}) on 443, so no worker would start"


def _endpoints(group: Rule, block: IPv4Network) -> Iterator[str]:
    for rule in group["IpPermissions"]:
        strangers = [one for one in _targets(rule) if "/" in one and not _within(one, block)]
        if strangers or not _is_https(rule):
            yield f"lets {_told(rule)} in; endpoints are reached on 443 from the VPC alone"


def _within(target: str, block: IPv4Network) -> bool:
    return ":" not in target and IPv4Network(target).subnet_of(block)


def _is_https(rule: Rule) -> bool:
    ports = (rule.get("FromPort"), rule.get("ToPort"))
    return rule["IpProtocol"] == "tcp" and ports == (HTTPS, HTTPS)


def _targets(rule: Rule) -> set[str]:
    """Return the blocks, groups and prefix lists that a rule names."""
    return {
        str(one[key])
        for kind, key in (
            ("IpRanges", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6"),
            ("PrefixListIds", "PrefixListId"),
            ("UserIdGroupPairs", "GroupId"),
        )
        for one in rule.get(kind, ())
    }


def _told(rule: Rule) -> str:
    """Return a rule in words, such as ``10.0.0.0/8 by tcp 22 to 22``."""
    where = ", ".join(sorted(_targets(rule))) or "nobody"
    if rule["IpProtocol"] == "-1":
        return f"{where} by every protocol"
    return f"{where} by {rule['IpProtocol']} {rule.get('FromPort')} to {rule.get('ToPort')}"
