"""Hands that edit a deployed environment: what each does while it is entered, it undoes after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "ACCOUNT",
    "ANALYST",
    "CONTROLLER",
    "LAUNCH",
    "MANAGED",
    "OTHER",
    "PLATFORM",
    "STEWARD",
    "STRANGER",
    "WORKER",
    "Change",
    "Doing",
    "Hands",
    "Policy",
    "add",
    "allow",
    "attached",
    "bounded",
    "detached",
    "document",
    "drop",
    "first",
    "inline",
    "longer",
    "new_group",
    "new_openid",
    "new_role",
    "new_saml",
    "new_user",
    "rewritten",
    "tagged",
    "to",
    "trusted",
    "untagged",
]

ACCOUNT: Final = "111122223333"
STRANGER: Final = "arn:aws:iam::999988887777:root"
MANAGED: Final = "arn:aws:iam::aws:policy"
ANALYST, OTHER, STEWARD, WORKER, LAUNCH, CONTROLLER, PLATFORM = (
    f"starburst-local-{name}"
    for name in (
        *("analyst-demo", "analyst-other", "steward-demo", "worker-demo", "launch-demo"),
        *("controller", "platform"),
    )
)
Policy = dict[str, Any]
Change = Callable[[Policy], None]
Doing = Callable[["Hands"], Any]


@dataclass(frozen=True, kw_only=True)
class Hands:
    """Who edits: clients, and how AWS calls what is deployed.

    Attributes:
        client: of a service.
        named: ARNs by logical name.
        managed: ARNs of managed policies by logical name.
        endpoint: id of the endpoint of S3.
        vpc: id of the VPC.
    """

    client: Callable[[str], Any]
    named: Mapping[str, str]
    managed: Mapping[str, str]
    endpoint: str
    vpc: str

    @property
    def iam(self) -> Any:
        return self.client("iam")

    @property
    def bucket(self) -> str:
        return self.named["storage/Data"].rpartition(":")[2]

    @property
    def function(self) -> str:
        return self.named["control/Controller"]

    def url(self, name: str) -> str:
        queue = self.named[name].rpartition(":")[2]
        found: str = self.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        return found


def allow(action: str | list[str], resource: str = "*", **more: Any) -> Policy:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Policy) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def to(principal: Any, action: str | list[str], resource: str = "*", **more: Any) -> Policy:
    return allow(action, resource, Principal=principal, **more)


def add(statement: Policy) -> Change:
    return lambda policy: policy["Statement"].append(statement)


def drop(sid: str) -> Change:
    def change(policy: Policy) -> None:
        kept = [one for one in policy["Statement"] if one.get("Sid") != sid]
        assert len(kept) < len(policy["Statement"])
        policy["Statement"] = kept

    return change


def first(effect: str, **fields: Any) -> Change:
    def change(policy: Policy) -> None:
        next(one for one in policy["Statement"] if one["Effect"] == effect).update(fields)

    return change


# Roles.


def attached(role: str, arn: str) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        policy = hands.managed.get(arn, arn)
        hands.iam.attach_role_policy(RoleName=role, PolicyArn=policy)
        yield
        hands.iam.detach_role_policy(RoleName=role, PolicyArn=policy)

    return doing


def detached(role: str, name: str) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        policy = hands.managed[name]
        hands.iam.detach_role_policy(RoleName=role, PolicyArn=policy)
        yield
        hands.iam.attach_role_policy(RoleName=role, PolicyArn=policy)

    return doing


def inline(role: str, *statements: Policy) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        hands.iam.put_role_policy(
            RoleName=role, PolicyName="Quick", PolicyDocument=document(*statements)
        )
        yield
        hands.iam.delete_role_policy(RoleName=role, PolicyName="Quick")

    return doing


def bounded(role: str, arn: str | None) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        own = hands.managed["foundation/Boundary"]
        if arn is None:
            hands.iam.delete_role_permissions_boundary(RoleName=role)
        else:
            hands.iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
        yield
        hands.iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=own)

    return doing


def trusted(role: str, change: Change) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        was = hands.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        now = json.loads(json.dumps(was))
        change(now)
        put = hands.iam.update_assume_role_policy
        put(RoleName=role, PolicyDocument=json.dumps(now))
        yield
        put(RoleName=role, PolicyDocument=json.dumps(was))

    return doing


def tagged(role: str, key: str, value: str, *, was: str | None) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        hands.iam.tag_role(RoleName=role, Tags=[{"Key": key, "Value": value}])
        yield
        if was is None:
            hands.iam.untag_role(RoleName=role, TagKeys=[key])
        else:
            hands.iam.tag_role(RoleName=role, Tags=[{"Key": key, "Value": was}])

    return doing


def untagged(role: str, key: str, *, was: str) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        hands.iam.untag_role(RoleName=role, TagKeys=[key])
        yield
        hands.iam.tag_role(RoleName=role, Tags=[{"Key": key, "Value": was}])

    return doing


def longer(role: str, seconds: int, *, was: int) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        hands.iam.update_role(RoleName=role, MaxSessionDuration=seconds)
        yield
        hands.iam.update_role(RoleName=role, MaxSessionDuration=was)

    return doing


def rewritten(name: str, change: Change) -> Doing:
    """Make another version of a managed policy the default one."""

    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        arn = hands.managed[name]
        old = hands.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        version = hands.iam.get_policy_version(PolicyArn=arn, VersionId=old)["PolicyVersion"]
        now = json.loads(json.dumps(version["Document"]))
        change(now)
        made = _version(hands, arn, now)
        yield
        # The emulator lets nobody choose among versions, so the last one is the first again.
        _version(hands, arn, version["Document"])
        for one in (old, made):
            hands.iam.delete_policy_version(PolicyArn=arn, VersionId=one)

    return doing


def _version(hands: Hands, arn: str, document: Policy) -> str:
    text = json.dumps(document)
    made = hands.iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
    version: str = made["PolicyVersion"]["VersionId"]
    return version


def new_role(name: str, *, like: str | None, statements: Sequence[Policy]) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        trust = to({"AWS": STRANGER}, "sts:AssumeRole")
        del trust["Resource"]
        whom, tags = json.loads(document(trust)), []
        if like is not None:
            role = hands.iam.get_role(RoleName=like)["Role"]
            whom = role["AssumeRolePolicyDocument"]
            tags = [one for one in role["Tags"] if not one["Key"].startswith("aws:")]
        hands.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(whom), Tags=tags)
        put = hands.iam.put_role_policy
        put(RoleName=name, PolicyName="all", PolicyDocument=document(*statements))
        yield
        hands.iam.delete_role_policy(RoleName=name, PolicyName="all")
        hands.iam.delete_role(RoleName=name)

    return doing


@contextmanager
def new_user(hands: Hands) -> Iterator[None]:
    hands.iam.create_user(UserName="eve")
    key = hands.iam.create_access_key(UserName="eve")["AccessKey"]["AccessKeyId"]
    hands.iam.put_user_policy(
        UserName="eve", PolicyName="all", PolicyDocument=document(allow(["kms:*", "sqs:*"]))
    )
    yield
    hands.iam.delete_user_policy(UserName="eve", PolicyName="all")
    hands.iam.delete_access_key(UserName="eve", AccessKeyId=key)
    hands.iam.delete_user(UserName="eve")


@contextmanager
def new_group(hands: Hands) -> Iterator[None]:
    hands.iam.create_user(UserName="eve")
    hands.iam.create_group(GroupName="helpers")
    hands.iam.attach_group_policy(GroupName="helpers", PolicyArn=f"{MANAGED}/AdministratorAccess")
    hands.iam.add_user_to_group(GroupName="helpers", UserName="eve")
    yield
    hands.iam.remove_user_from_group(GroupName="helpers", UserName="eve")
    hands.iam.detach_group_policy(GroupName="helpers", PolicyArn=f"{MANAGED}/AdministratorAccess")
    hands.iam.delete_group(GroupName="helpers")
    hands.iam.delete_user(UserName="eve")


@contextmanager
def new_saml(hands: Hands) -> Iterator[None]:
    arn = hands.iam.create_saml_provider(
        Name="company", SAMLMetadataDocument="<EntityDescriptor>another</EntityDescriptor>" * 30
    )["SAMLProviderArn"]
    yield
    hands.iam.delete_saml_provider(SAMLProviderArn=arn)


@contextmanager
def new_openid(hands: Hands) -> Iterator[None]:
    arn = hands.iam.create_open_id_connect_provider(
        Url="https://token.example.com", ClientIDList=["anybody"], ThumbprintList=["a" * 40]
    )["OpenIDConnectProviderArn"]
    yield
    hands.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
