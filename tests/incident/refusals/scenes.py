"""What each command of an incident meets: the account before it, its words, what it must keep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import deploy.incident.contain
import deploy.incident.erase
import deploy.incident.hold
import deploy.incident.isolate
import deploy.incident.restore
import deploy.incident.revoke
from tests.incident.environments import AUDIT, BUCKET
from tests.incident.refusals.settings import ControllerLambda, OneTrail, OurParameters, SomebodySts
from tests.small_aws.account import Call, SmallAws
from tests.small_aws.ec2 import NetworkEc2
from tests.small_aws.ecs import TaskEcs
from tests.small_aws.iam import InlineIam
from tests.small_aws.order import Order
from tests.small_aws.s3 import VersionedS3

__all__ = ["SCENES", "Scene", "account"]

SESSION = "a" * 20
ALICE = f"sessions/genomics/alice/{SESSION}/"
HERS = ("--environment", "prod", "--workspace", "genomics", "--user", "alice")
_ROLES = [
    "starburst-prod-controller",
    *(
        f"starburst-prod-{kind}-{w}"
        for w in ("genomics", "markets")
        for kind in ("analyst", "steward", "worker")
    ),
]
_HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
_EVERYWHERE = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
"""As EC2 tells a rule for both families: one permission, and who forgets a part leaves it open."""
_number = itertools.count()


def account() -> SmallAws:
    """Return an account with two users' objects and workers, as production has them."""
    s3 = VersionedS3(BUCKET, AUDIT)
    for prefix in (ALICE, f"sessions/genomics/bob/{'b' * 20}/"):
        for body in (b"old", b"newer"):
            for key in ("manifest.json", "results/0", "status.json"):
                s3.store(BUCKET, prefix + key, body)
    s3.store(BUCKET, f"{ALICE}results/0", marker=True)
    ecs = TaskEcs("starburst-prod")
    for workspace, user in (
        *[("genomics", "alice")] * 3,
        ("genomics", "bob"),
        ("markets", "carol"),
    ):
        ecs.start(**{"starburst-workspace": workspace, "starburst:user": user})
    ec2 = NetworkEc2(
        {"acl-1": ["subnet-1", "subnet-3"], "acl-2": ["subnet-2"]},
        [
            *({**_HTTPS, "PrefixListIds": [{"PrefixListId": name}]} for name in ("pl-1", "pl-2")),
            {"IpProtocol": "-1", **_EVERYWHERE, "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
        ],
        [{**_HTTPS, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}, {**_HTTPS, **_EVERYWHERE}],
    )
    variables = {"SECURITY_GROUP": ec2.GROUP, "SUBNETS": "subnet-1,subnet-2"}
    services: Mapping[str, Any] = {
        "s3": s3,
        "ecs": ecs,
        "ec2": ec2,
        "iam": InlineIam(_ROLES),
        "lambda": ControllerLambda(**{f"STARBURST_{name}": v for name, v in variables.items()}),
        "ssm": OurParameters(),
        "cloudtrail": OneTrail(),
        "sts": SomebodySts(),
    }
    return SmallAws(services=services)


def state(aws: SmallAws) -> Any:
    """Return all that commands change, but moments and ids that AWS draws."""
    s3, ecs = cast("VersionedS3", aws.services["s3"]), cast("TaskEcs", aws.services["ecs"])
    iam, ec2 = cast("InlineIam", aws.services["iam"]), cast("NetworkEc2", aws.services["ec2"])
    return {
        "denials": {role: sorted(found) for role, found in iam.roles.items()},
        "running": ecs.running,
        "versions": sorted((o.key, o.version, o.held) for o in s3.buckets[BUCKET].values()),
        "network": ec2.state,
    }


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One command with its words.

    Attributes:
        main: of the command.
        words: what it is called with.
        before: words of what was done before, where it takes something back.
        gates: calls without which nothing may be done.
        may_end: calls that may end it before anything was done; of these, all else may be as well.
        hinders: effects that cannot be without a call, by its name.
        says: what it says where all was done, and only then.
        orders: of its effects.
        again: what a second run may say where the first has done all in spite of its failure.
        record: the option for its record, where it writes one.
        state: of what it changes, to compare.
    """

    main: Callable[..., int]
    words: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    gates: frozenset[str] = frozenset()
    may_end: frozenset[str] = frozenset()
    hinders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    says: str
    orders: Sequence[Order] = ()
    again: str = ""
    record: str = "--record"
    state: Callable[[SmallAws], Any] = state

    def prepared(self) -> SmallAws:
        """Return an account in which what comes before was done."""
        aws = account()
        for words in self.before:
            assert self._call(aws, words) == 0
        aws.calls.clear()
        return aws

    def run(self, aws: SmallAws) -> int:
        """Run it; a record goes into a new file."""
        return self._call(aws, self.words)

    def _call(self, aws: SmallAws, words: Sequence[str]) -> int:
        # The way back from an isolation is in its file, which stays the same.
        same = self.main is deploy.incident.isolate.main
        name = "isolation.json" if same else f"record-{next(_number)}.json"
        record = [self.record, name] if self.record else []
        return self.main([*words, "--apply", *record], clients=aws)


def _read(aws: SmallAws) -> dict[str, bytes]:
    return cast("VersionedS3", aws.services["s3"]).bodies(BUCKET)


def _is(*names: str) -> Callable[[Call], bool]:
    return lambda call: call.name in names


def _record(call: Call) -> bool:
    return call.name == "s3:PutObject" and call.words["Bucket"] == AUDIT


def _begun(call: Call) -> bool:
    return _record(call) and "-erased-" not in call.words["Key"]


def _policy(prefix: str, *, kind: str = "Put") -> Callable[[Call], bool]:
    name = f"iam:{kind}RolePolicy"
    return lambda call: call.name == name and call.words["PolicyName"].startswith(prefix)


_KNOWN = frozenset(
    {"iam:GetRolePolicy", "s3:ListObjectVersions", "ssm:GetParameter"}
    | {"ecs:ListTasks", "ecs:DescribeTasks"}
)
_LOCKING = {"cloudtrail:GetTrail": frozenset({"s3:PutObject"})}
_LISTING = {
    "ecs:ListTasks": frozenset({"ecs:StopTask"}),
    "ecs:DescribeTasks": frozenset({"ecs:StopTask"}),
}
_CUTTING = {
    name: frozenset({"ec2:ReplaceNetworkAclAssociation", "ec2:CreateNetworkAcl"})
    | frozenset({"ec2:DeleteNetworkAcl"})
    for name in (
        "ec2:DescribeNetworkAcls",
        "ec2:CreateNetworkAcl",
        "ec2:ReplaceNetworkAclAssociation",
    )
}
_LOOKING = frozenset(
    {"lambda:GetFunctionConfiguration", "ec2:DescribeSecurityGroups", "ec2:DescribeNetworkAcls"}
)
_WHOLE = ("--environment", "prod")

SCENES: Mapping[str, Scene] = {
    "contain a user": Scene(
        main=deploy.incident.contain.main,
        words=HERS,
        may_end=_KNOWN,
        hinders={**_LOCKING, **_LISTING},
        says="They can erase nothing now",
        orders=(
            Order(
                rule="what ran is written down before anything changes",
                first=_record,
                then=_is("iam:PutRolePolicy", "ecs:StopTask"),
            ),
            Order(
                rule="roles are denied before their workers stop",
                first=_is("iam:PutRolePolicy"),
                then=_is("ecs:StopTask"),
            ),
            Order(
                rule="the controller can start no worker before anybody else is told",
                first=_policy("DenyLaunch"),
                then=_policy("DenyErasing"),
            ),
            Order(
                rule="objects are kept before sessions end",
                first=_policy("DenyErasing"),
                then=_policy("DenyOlderSessions"),
            ),
        ),
    ),
    "contain everybody": Scene(
        main=deploy.incident.contain.main,
        words=_WHOLE,
        hinders={**_LOCKING, **_LISTING},
        says="They can erase nothing now",
    ),
    "release a user": Scene(
        main=deploy.incident.contain.main,
        words=[*HERS, "--undo"],
        before=[HERS],
        may_end=_KNOWN,
        hinders=_LOCKING,
        says="Sessions that ended stay ended",
    ),
    "revoke": Scene(
        main=deploy.incident.revoke.main,
        words=_WHOLE,
        says="",
        record="",
    ),
    "unrevoke": Scene(
        main=deploy.incident.revoke.main,
        words=[*HERS, "--undo"],
        before=[HERS],
        may_end=_KNOWN,
        says="",
        record="",
    ),
    "hold": Scene(
        main=deploy.incident.hold.main,
        words=HERS,
        may_end=_KNOWN - {"iam:GetRolePolicy"},
        hinders={**_LOCKING, "s3:ListObjectVersions": frozenset({"s3:PutObjectLegalHold"})},
        says="contain first, and run it again after the last worker",
        orders=(
            Order(
                rule="it is written down before anything changes",
                first=_record,
                then=_is("iam:PutRolePolicy", "s3:PutObjectLegalHold"),
            ),
            Order(
                rule="nobody can erase while versions are held",
                first=_policy("DenyErasing"),
                then=_is("s3:PutObjectLegalHold"),
            ),
        ),
    ),
    "lift": Scene(
        main=deploy.incident.hold.main,
        words=[*HERS, "--undo"],
        before=[HERS],
        gates=(_KNOWN - {"iam:GetRolePolicy"})
        | {"cloudtrail:GetTrail", "s3:PutObject", "sts:GetCallerIdentity"},
        hinders={"s3:ListObjectVersions": frozenset({"s3:PutObjectLegalHold"})},
        says="",
        orders=(
            Order(
                rule="no hold is lifted without a record",
                first=_record,
                then=_is("iam:DeleteRolePolicy", "s3:PutObjectLegalHold"),
                needs=True,
            ),
        ),
    ),
    "isolate": Scene(
        main=deploy.incident.isolate.main,
        words=_WHOLE,
        gates=_LOOKING,
        hinders={**_LOCKING, **_CUTTING},
        says="prod is cut off. cdk drift",
        orders=(
            Order(
                rule="the way back is written down first",
                first=_record,
                then=lambda call: call.service == "ec2" and not call.operation.startswith("Desc"),
            ),
            Order(
                rule="no new connection begins before open ones are cut",
                first=_is("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"),
                then=_is("ec2:ReplaceNetworkAclAssociation"),
            ),
        ),
    ),
    "heal": Scene(
        main=deploy.incident.isolate.main,
        words=[*_WHOLE, "--undo"],
        before=[_WHOLE],
        gates=_LOOKING,
        hinders={**_LOCKING, **_CUTTING},
        says="prod is as it was. Keep",
        orders=(
            Order(
                rule="an ACL goes when no subnet has it",
                first=_is("ec2:ReplaceNetworkAclAssociation"),
                then=_is("ec2:DeleteNetworkAcl"),
            ),
        ),
    ),
    "restore": Scene(
        main=deploy.incident.restore.main,
        words=[*HERS, "--at", "2026-01-01T00:04:00Z"],
        gates=_KNOWN,
        says="",
        record="",
        state=_read,
        orders=(
            Order(
                rule="what comes back is read before anything is hidden",
                first=_is("s3:GetObject"),
                then=_is("s3:DeleteObject"),
            ),
        ),
    ),
    "erase": Scene(
        main=deploy.incident.erase.main,
        words=HERS,
        gates=frozenset(
            {"iam:ListRolePolicies", "ssm:GetParameter", "s3:ListObjectVersions"}
            | {"s3:ListObjectsV2", "s3:GetObjectLegalHold", "sts:GetCallerIdentity"}
            | {"cloudtrail:GetTrail", "s3:PutObject"}
        ),
        hinders={
            **_LOCKING,
            "s3:DeleteObjects": frozenset({"s3:DeleteObjects", "s3:PutObject"}),
            "s3:ListObjectVersions": frozenset({"s3:DeleteObjects", "s3:PutObject"}),
        },
        says="is the receipt",
        again="nobody called alice is known",
        record="--receipt",
        orders=(
            Order(
                rule="nothing is erased before its receipt is locked",
                first=_begun,
                then=_is("s3:DeleteObjects", "s3:DeleteObject"),
                needs=True,
            ),
            Order(
                rule="the receipt is finished when all is erased",
                first=_is("s3:DeleteObjects", "s3:DeleteObject"),
                then=lambda call: _record(call) and not _begun(call),
            ),
        ),
    ),
}


def records() -> list[Path]:
    """Return the records that lie here."""
    return sorted(Path().glob("*.json"))
