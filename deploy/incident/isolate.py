"""Cut an environment's workers off the network: ``python -m deploy.isolate`` (S38).

Interfaces of Fargate tasks are AWS's and cannot be changed. So the rules go from the workers'
security group, and the workers' subnets get a network ACL that lets nothing through: a group's
change leaves open connections alone, an ACL's does not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import botocore.exceptions

from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    apply_options,
    caller,
    conclude,
    options,
    say,
    scope,
    shown,
    write_new,
)
from deploy.incident.records import locker, try_lock
from deploy.incident.steps import Steps
from starburst.aws.calls import code_of
from starburst_constructs.naming import controller_name
from starburst_constructs.policies.incident_response import ISOLATION_TAG, isolator_document

__all__ = ["Before", "heal", "isolate", "look", "main"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The network as it was; all that the way back needs.

    Attributes:
        environment: whose.
        vpc: where.
        group: the workers' security group.
        egress, ingress: its rules, as EC2 takes them.
        acls: each subnet's network ACL; empty where the subnets are not ours alone.
        others: groups of workspaces whose workers run apart, with their rules.
    """

    environment: str
    vpc: str
    group: str
    egress: Sequence[Mapping[str, Any]]
    ingress: Sequence[Mapping[str, Any]]
    acls: Mapping[str, str]
    others: Sequence[Mapping[str, Any]] = ()

    @property
    def groups(self) -> Sequence[Mapping[str, Any]]:
        """All groups that workers are in, with their rules out and in."""
        return ({"group": self.group, "egress": self.egress, "ingress": self.ingress}, *self.others)

    @classmethod
    def read(cls, path: Path) -> Before:
        """Read what an isolation wrote down."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise IncidentError(
                f"{path} is no record of an isolation ({error}); name its file with --record. The "
                "trail also has what was there: RevokeSecurityGroupEgress and "
                "ReplaceNetworkAclAssociation"
            ) from error


def look(about: Scope, clients: Clients) -> Before:
    """Return the network as it is: the controller's settings say where workers run."""
    environment = about.environment
    variables = clients("lambda").get_function_configuration(
        FunctionName=controller_name(environment.name)
    )["Environment"]["Variables"]
    try:
        name, subnets = variables["STARBURST_SECURITY_GROUP"], variables["STARBURST_SUBNETS"]
    except KeyError as error:
        raise IncidentError(
            f"the deployed controller does not say where workers run: {error} is not among its "
            "variables. Deploy the environment, or find the group and the subnets in its template"
        ) from error
    ec2 = clients("ec2")
    [group] = ec2.describe_security_groups(GroupIds=[name])["SecurityGroups"]
    apart = [
        one.partition("=")[2] for one in variables.get("STARBURST_APART", "").split(",") if one
    ]
    others = ec2.describe_security_groups(GroupIds=apart)["SecurityGroups"] if apart else []
    # An organization's subnets may hold other work, which an ACL would cut off as well.
    ours = environment.network.existing is None
    return Before(
        environment=environment.name,
        vpc=group["VpcId"],
        group=name,
        egress=group["IpPermissionsEgress"],
        ingress=group["IpPermissions"],
        acls={
            one["SubnetId"]: one["NetworkAclId"]
            for one in _associations(ec2, group["VpcId"], tuple(filter(None, subnets.split(","))))
        }
        if ours
        else {},
        others=[
            {
                "group": one["GroupId"],
                "egress": one["IpPermissionsEgress"],
                "ingress": one["IpPermissions"],
            }
            for one in others
        ],
    )


def isolate(now: Before, clients: Clients, steps: Steps) -> Iterator[str]:
    """Cut the workers off and tell each step; what is cut already is left."""
    ec2 = clients("ec2")
    for one in now.groups:
        group = str(one["group"])
        for rules, revoke, word in (
            (one["egress"], ec2.revoke_security_group_egress, "out"),
            (one["ingress"], ec2.revoke_security_group_ingress, "in"),
        ):
            what = f"{group}: {len(rules)} rules {word} revoked"
            if rules and _taken(steps, what, revoke, GroupId=group, IpPermissions=list(rules)):
                yield what
    if not now.acls:
        return
    closed = steps.take(
        "an ACL that lets nothing through", lambda: _closed(ec2, now) or _close(ec2, now)
    )
    if closed is None:
        return
    for one in _listed(ec2, now, steps):
        what = f"{one['SubnetId']}: {closed} lets nothing through"
        if one["NetworkAclId"] != closed and _associate(ec2, one, closed, what=what, steps=steps):
            yield what


def heal(before: Before, clients: Clients, steps: Steps) -> Iterator[str]:
    """Put back what was there and tell each step; what is back already is left."""
    ec2, refused = clients("ec2"), len(steps.refused)
    for one in _listed(ec2, before, steps):
        was = before.acls[one["SubnetId"]]
        what = f"{one['SubnetId']}: {was} is back"
        if one["NetworkAclId"] != was and _associate(ec2, one, was, what=what, steps=steps):
            yield what
    # EC2 deletes no ACL that a subnet has.
    if len(steps.refused) == refused:
        closed = steps.take("look for our ACL", lambda: _closed(ec2, before))
        what = f"{closed} is removed"
        if closed and _taken(steps, what, ec2.delete_network_acl, NetworkAclId=closed):
            yield what
    for each in before.groups:
        group = str(each["group"])
        for rules, authorize, word in (
            (each["egress"], ec2.authorize_security_group_egress, "out"),
            (each["ingress"], ec2.authorize_security_group_ingress, "in"),
        ):
            what = f"{group}: a rule {word} is back"
            for rule in rules:
                if steps.take(what, partial(_authorized, authorize, group, rule)):
                    yield what


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show, do or take back; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("isolate", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = scope(words)
    name = about.environment.name
    if not about.whole:
        raise IncidentError(
            "workers of all workspaces share their subnets, so isolating is about a "
            "whole environment; contain one workspace or user with python -m deploy.contain"
        )
    if words.permission:
        clients = clients or about.clients()
        where = locker(about.environment, clients)
        shown(isolator_document(name, locker=where, placement=about.placement))
        return
    path = words.record or Path(f"isolation-{name}.json")
    clients = clients or about.clients()
    now = look(about, clients)
    there = _is_there(path)
    before = Before.read(path) if there or words.undo else now
    if before.environment != name or before.group != now.group:
        raise IncidentError(
            f"{path} is about group {before.group} of {before.environment}, and workers of {name} "
            f"are in {now.group} now: it belongs to another deployment. Name another file with "
            "--record"
        )
    if there and not words.undo:
        _refuse_old(path, now, before, clients)
    if not words.apply:
        _show(before, undone=words.undo)
        return
    steps = Steps("isolate")
    record = _record(before, clients, steps)
    if words.undo:
        wrong = try_lock(about, clients, "heal", record)
        for line in heal(before, clients, steps):
            say(line)
        steps.end(f"{name} is as it was", besides=wrong)
        say(f"{name} is as it was. Keep {path} with the incident's files, out of this folder.")
        return
    if not there:
        if _closed(clients("ec2"), now):
            raise IncidentError(
                f"{name} is cut off already, so {path} would hold nothing to go back to. The "
                "record of when that was done is the one to name: --record"
            )
        write_new(path, asdict(now))
        say(f"{path}: what is there is written down")
    # Nothing may keep an environment from being cut off, so a missing copy is told of at the end.
    wrong = try_lock(about, clients, "isolate", record)
    for line in isolate(now, clients, steps):
        say(line)
    if about.environment.network.existing is not None:
        say(
            "The subnets are your organization's: open connections last until they end. Stop the "
            "workers, and ask who owns the network for an ACL."
        )
    elif not before.acls:
        say("EC2 names no ACL of the subnets: open connections last until they end.")
    steps.end(f"{name} is cut off", besides=wrong)
    say(f"{name} is cut off. cdk drift tells of it; cdk diff and cdk deploy do not see it.")


def _refuse_old(path: Path, now: Before, before: Before, clients: Clients) -> None:
    """Refuse a record of another isolation; say so where it is of this one, and is used again."""
    # Who changes rules of a network that is cut off has the same way back.
    follows = _closed(clients("ec2"), now) is not None or (
        [one["group"] for one in now.groups] == [one["group"] for one in before.groups]
        and all(
            _all_or_none(one[way], was[way])
            for one, was in zip(now.groups, before.groups, strict=True)
            for way in ("egress", "ingress")
        )
        and now.acls == before.acls
    )
    if not follows:
        raise IncidentError(
            f"{path} is of an earlier isolation: the network is neither as it says nor cut off "
            "since, so going back to it would undo what was changed meanwhile. Put it with that "
            "incident's files, or name a new file with --record"
        )
    say(f"{path} is there already and stays as it is: it says what to go back to")


def _all_or_none(now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> bool:
    def sorted_rules(rules: Sequence[Mapping[str, Any]]) -> list[str]:
        return sorted(json.dumps(rule, sort_keys=True) for rule in rules)

    return not now or sorted_rules(now) == sorted_rules(before)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise IncidentError(f"{path} cannot be a file ({error}); name another") from error


def _record(before: Before, clients: Clients, steps: Steps) -> dict[str, Any]:
    by = steps.take("write down who asks", partial(caller, clients("sts")))
    return {**asdict(before), "by": by, "at": datetime.now(UTC).isoformat()}


def _show(before: Before, *, undone: bool) -> None:
    verb = "put back" if undone else "revoke"
    for one in before.groups:
        for rule in one["egress"]:
            say(f"would {verb} on {one['group']}, out: {json.dumps(rule)}")
        for rule in one["ingress"]:
            say(f"would {verb} on {one['group']}, in: {json.dumps(rule)}")
    for subnet, acl in before.acls.items():
        say(
            f"would give {subnet} {acl} again"
            if undone
            else f"would give {subnet} an ACL that lets nothing through, in place of {acl}"
        )
    say("Nothing was changed. Add --apply to do it.")


def _associations(
    ec2: Any,  # noqa: ANN401 - any client of boto3
    vpc: str,
    subnets: Sequence[str],
) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_network_acls").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}]
    )
    return [
        one
        for page in pages
        for acl in page["NetworkAcls"]
        for one in acl["Associations"]
        if one["SubnetId"] in subnets
    ]


def _listed(ec2: Any, before: Before, steps: Steps) -> list[dict[str, Any]]:  # noqa: ANN401
    what = f"the ACLs of {', '.join(before.acls)}"
    return steps.take(what, lambda: _associations(ec2, before.vpc, list(before.acls))) or []


def _associate(
    ec2: Any,  # noqa: ANN401
    association: Mapping[str, Any],
    acl: str,
    *,
    what: str,
    steps: Steps,
) -> bool:
    return _taken(
        steps,
        what,
        ec2.replace_network_acl_association,
        AssociationId=association["NetworkAclAssociationId"],
        NetworkAclId=acl,
    )


def _taken(steps: Steps, what: str, call: Callable[..., object], **words: object) -> bool:
    def step() -> bool:
        call(**words)
        return True

    return bool(steps.take(what, step))


def _authorized(authorize: Callable[..., object], group: str, rule: Mapping[str, Any]) -> bool:
    """Put a rule back; return whether it was missing."""
    try:
        authorize(GroupId=group, IpPermissions=[rule])
    except botocore.exceptions.ClientError as error:
        if code_of(error) != "InvalidPermission.Duplicate":
            raise
        return False
    return True


def _closed(ec2: Any, before: Before) -> str | None:  # noqa: ANN401
    """Return the ACL of an earlier run, or None."""
    pages = ec2.get_paginator("describe_network_acls").paginate(
        Filters=[
            {"Name": "vpc-id", "Values": [before.vpc]},
            {"Name": f"tag:{ISOLATION_TAG}", "Values": [before.environment]},
        ]
    )
    return next((acl["NetworkAclId"] for page in pages for acl in page["NetworkAcls"]), None)


def _close(ec2: Any, before: Before) -> str:  # noqa: ANN401
    """Make an ACL; a new one denies everything until it is given rules."""
    tags = [{"Key": ISOLATION_TAG, "Value": before.environment}]
    made = ec2.create_network_acl(
        VpcId=before.vpc, TagSpecifications=[{"ResourceType": "network-acl", "Tags": tags}]
    )
    return made["NetworkAcl"]["NetworkAclId"]


def _options() -> argparse.ArgumentParser:
    parser = options("isolate", "Cut an environment's workers off the network.", user=False)
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="default: isolation-<environment>.json"
    )
    apply_options(parser, undo="put back what the record says")
    return parser
