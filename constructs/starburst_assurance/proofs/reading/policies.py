"""One environment's policies as typed values: roles, guarded resources and endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from starburst_assurance.bootstrap.usage import Usage
from starburst_assurance.proofs.reading.sharing import Sharing
from starburst_constructs.named_objects import NamedObjects
from starburst_constructs.named_secrets import NamedSecret

__all__ = [
    "EVERYTHING",
    "VERSION",
    "Condition",
    "Effect",
    "Endpoint",
    "Guarded",
    "Policy",
    "PolicySet",
    "Role",
    "Statement",
]

Effect = Literal["Allow", "Deny"]

VERSION: Final = "2012-10-17"
"""Of the policy language; the first with variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One operator on one key.

    Attributes:
        operator: as written, such as ``ForAllValues:StringEquals`` or ``BoolIfExists``.
        key: as written; IAM ignores its case.
        values: of which one must match (none, for a negated operator).
    """

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; of each pair (``actions``, ``not_actions``) one is empty.

    Principals are pairs such as ``("AWS", "arn:…")`` or ``("Service", "…")``.
    """

    effect: Effect
    sid: str = ""
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    not_principals: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy document and the name by which reports call it.

    Attributes:
        name: as reports call it.
        statements: in order.
        version: of the policy language; IAM takes one without it as of 2008.
    """

    name: str
    statements: tuple[Statement, ...]
    version: str = VERSION

    @classmethod
    def parse(cls, name: str, document: Mapping[str, Any]) -> Policy:
        """Read a document as JSON gives it, every token in it resolved.

        Example:
            >>> Policy.parse("p", {"Statement": {"Effect": "Deny", "Action": "*"}}).statements[0]
            ... # doctest: +ELLIPSIS
            Statement(effect='Deny', sid='', actions=('*',), ...
        """
        return cls(
            name=name,
            statements=tuple(_statement(item) for item in _listed(document["Statement"])),
            version=document.get("Version", "2008-10-17"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role; policies by name in the policy set.

    Attributes:
        arn: of the role.
        tags: of the role; each is a principal tag of its sessions.
        trust: who may assume it.
        policies: attached and inline.
        boundary: the permissions boundary, if it has one.
    """

    arn: str
    tags: Mapping[str, str]
    trust: str
    policies: tuple[str, ...]
    boundary: str | None

    @property
    def name(self) -> str:
        """The role's name, without its path."""
        return self.arn.rpartition("/")[2]

    @property
    def purpose(self) -> str | None:
        """What the role's ``starburst:role`` tag says."""
        return self.tags.get("starburst:role")

    @property
    def workspace(self) -> str | None:
        """The workspace that the role belongs to, if any."""
        return self.tags.get("starburst-workspace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A resource with a policy of its own.

    Attributes:
        kind: bucket, key, queue, topic, repository, function or log-group.
        arn: of the resource.
        policy: its policy's name in the policy set.
        workspace: of a session's queue.
    """

    kind: str
    arn: str
    policy: str
    workspace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A VPC endpoint: the service behind it, its id, and its policy's name."""

    service: str
    identifier: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """Everything that decides who may do what in one environment.

    Attributes:
        name: of the environment.
        account: twelve digits.
        region: of the stacks.
        regions: where data may be.
        policies: by name.
        roles: all of them.
        guarded: resources with policies.
        endpoints: VPC endpoints.
        named: ARNs of resources by logical name, such as ``storage/Data``.
        called: what IAM calls a policy, by its name here: the ARN of a managed one, or the name of
            one that stands in its role.
        without: what the environment leaves out, such as ``source-vpce`` in an emulator.
        vpc: id of the VPC that workers' security group is in.
        s3_endpoint: id of the gateway endpoint of S3 there, ours or another's.
        organization: that the perimeter is, where it is wider than the account.
        fips: whether endpoints have FIPS names, where AWS has them.
        trusted_cidrs: public addresses from which alone analysts work; none for any.
        trusted_vpcs: VPCs through whose endpoints they work as well.
        sharing: by workspace, what its settings leave to whom beside sessions.
        audience: AWS's sign-in address that SAML answers are made for.
        qualifier: under which CDK is bootstrapped; it is in the names of its roles.
        deployer: ARN of the role in which CloudFormation deploys, where keys are kept.
        break_glass: ARN of the role that alone may end a kept key.
        data_roles: ARNs of further roles that settings let to data.
        permission_sets: of IAM Identity Center: names of their policies, by the role's ARN.
        duties: what roles of add-ons are for, by purpose, as ``theorems.roles.tables`` writes it.
        ceilings: the most that the roles of an add-on may ever be given, by its name.
        addons: their names.
        jobs: what AWS services do to their resources, by logical name, as
            ``theorems.perimeter.deputies`` writes it.
        takers: who from elsewhere takes their roles, by purpose, as
            ``theorems.identities.reaching`` writes it.
        reads: objects of other buckets that settings name, by workspace.
        secrets: that workers start with, by workspace.
        usage: what the stacks are made of, from which follows what deploys them.
    """

    name: str
    account: str
    region: str
    regions: tuple[str, ...]
    policies: Mapping[str, Policy]
    roles: tuple[Role, ...]
    guarded: tuple[Guarded, ...]
    endpoints: tuple[Endpoint, ...]
    named: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    vpc: str = ""
    s3_endpoint: str = "vpce-none"
    organization: str | None = None
    fips: bool = False
    trusted_cidrs: tuple[str, ...] = ()
    trusted_vpcs: tuple[str, ...] = ()
    sharing: Mapping[str, Sharing] = field(default_factory=dict)
    audience: str = "https://signin.aws.amazon.com/saml"
    qualifier: str = "hnb659fds"
    deployer: str | None = None
    break_glass: str | None = None
    data_roles: tuple[str, ...] = ()
    permission_sets: Mapping[str, str] = field(default_factory=dict)
    duties: Mapping[str, Sequence[tuple[Sequence[str], Sequence[str]]]] = field(
        default_factory=dict
    )
    ceilings: Mapping[str, Sequence[tuple[Sequence[str], Sequence[str]]]] = field(
        default_factory=dict
    )
    addons: tuple[str, ...] = ()
    jobs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    takers: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    reads: Mapping[str, Sequence[NamedObjects]] = field(default_factory=dict)
    secrets: Mapping[str, Sequence[NamedSecret]] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def owner(self, arn: str) -> str | None:
        """Return the name of the add-on whose a resource is; None for the kit's and for strangers.

        What stands in several stacks is an add-on's only where all of them are that one's.
        """
        stacks = {name.partition("/")[0] for name, known in self.named.items() if known == arn}
        owners = {
            next((one for one in self.addons if stack == one or stack.startswith(f"{one}-")), None)
            for stack in stacks
        }
        return owners.pop() if len(owners) == 1 else None

    @property
    def workspaces(self) -> tuple[str, ...]:
        """Names of the workspaces, in order."""
        return tuple(sorted({role.workspace for role in self.roles if role.workspace}))

    def role(self, purpose: str, workspace: str | None = None) -> Role:
        """Return the one role with this purpose, in this workspace.

        Raises:
            LookupError: none or several are.
        """
        found = [
            role
            for role in self.roles
            if role.purpose == purpose and (workspace is None or role.workspace == workspace)
        ]
        if len(found) != 1:
            raise LookupError(f"{self.name} has {len(found)} roles {purpose} {workspace or ''}")
        return found[0]

    def roles_for(self, *purposes: str) -> tuple[Role, ...]:
        """Return the roles with one of these purposes; all without any."""
        return tuple(role for role in self.roles if not purposes or role.purpose in purposes)

    def kind(self, *kinds: str) -> tuple[Guarded, ...]:
        """Return guarded resources of these kinds."""
        return tuple(item for item in self.guarded if item.kind in kinds)

    def kits(self, *kinds: str) -> tuple[Guarded, ...]:
        """Return guarded resources of these kinds but those of add-ons, which are their affair."""
        return tuple(item for item in self.kind(*kinds) if self.owner(item.arn) is None)

    def at(self, name: str) -> Guarded:
        """Return a guarded resource by its logical name, such as ``storage/Data``."""
        arn = self.named[name]
        return next(item for item in self.guarded if item.arn == arn)

    def with_policy(self, policy: Policy) -> PolicySet:
        """Return the same policy set with one policy replaced or added."""
        return replace(self, policies={**self.policies, policy.name: policy})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in _listed(value)) if value is not None else ()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if value == "*":
        return (("AWS", "*"),)
    return tuple((kind, text) for kind, texts in value.items() for text in _texts(texts))


def _conditions(block: Mapping[str, Mapping[str, Any]]) -> Iterable[Condition]:
    for operator, keys in block.items():
        for key, values in keys.items():
            yield Condition(operator=operator, key=key, values=_texts(values))


def _statement(item: Mapping[str, Any]) -> Statement:
    return Statement(
        effect=item["Effect"],
        sid=item.get("Sid", ""),
        actions=_texts(item.get("Action")),
        not_actions=_texts(item.get("NotAction")),
        resources=_texts(item.get("Resource")),
        not_resources=_texts(item.get("NotResource")),
        principals=_principals(item.get("Principal")),
        not_principals=_principals(item.get("NotPrincipal")),
        conditions=tuple(_conditions(item.get("Condition", {}))),
    )


EVERYTHING = Policy.parse(
    "everything", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
"""What might be attached by mistake; a theorem that still holds stands on denials."""
