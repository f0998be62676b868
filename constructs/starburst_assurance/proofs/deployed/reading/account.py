"""What stands in an account, as values: nothing here asks AWS, nor knows what should stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from starburst_assurance.proofs.reading.resolve import Physical

__all__ = [
    "Account",
    "Block",
    "Bucket",
    "Document",
    "Function",
    "Gateway",
    "Grant",
    "Key",
    "Managed",
    "Principal",
    "Unread",
]

Document: TypeAlias = Mapping[str, Any]
"""A policy as AWS returned it, parsed."""

Block: TypeAlias = Mapping[str, bool]
"""The four switches of public access, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """One thing that could not be read; what rests on it is not proved.

    Attributes:
        call: as IAM names it, such as ``s3:GetBucketPolicy``.
        what: the ARN or name of the resource.
        why: AWS's words.
    """

    call: str
    what: str
    why: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.call} of {self.what} was not answered ({self.why}), so it is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A role, a user or a group.

    Attributes:
        arn: of it.
        kind: which of the three.
        trust: who takes the role; None for others.
        inline: its own policies, by name.
        attached: ARNs of managed policies.
        boundary: ARN of the permissions boundary.
        tags: without those of CloudFormation.
        groups: of a user, by name.
        longest: the longest session in seconds; None where it was not asked.
    """

    arn: str
    kind: Literal["role", "user", "group"]
    trust: Document | None = None
    inline: Mapping[str, Document] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    longest: int | None = None

    @property
    def name(self) -> str:
        """Its name, without its path."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A managed policy: the document of its default version, and which that is."""

    document: Document
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What guards a bucket.

    Attributes:
        policy: None where it has none.
        block: of public access; empty where there is none.
        ownership: such as ``BucketOwnerEnforced``; empty where nothing is said.
        grants: of its access control list, in words, but the owner's own.
    """

    policy: Document | None
    block: Block = field(default_factory=dict)
    ownership: str = ""
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A grant of a key.

    Attributes:
        identifier: of it.
        grantee: an ARN, or the name of a service.
        operations: such as ``Decrypt``.
        context: what the encryption context must hold.
    """

    identifier: str
    grantee: str
    operations: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_service(self) -> bool:
        """Whether AWS made it for one of its services: what it lets in has no name in IAM."""
        return ":iam::" not in self.grantee and ":sts::" not in self.grantee


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key: its policy, its state such as ``Enabled``, and its grants."""

    policy: Document
    state: str
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function.

    Attributes:
        role: ARN of the role that it runs with.
        policies: of it, its versions and aliases, by ARN.
        addresses: function URLs with who may call them, by the ARN that they lead to.
    """

    role: str
    policies: Mapping[str, Document] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A VPC endpoint: the whole name of its service, its VPC, and its policy."""

    service: str
    vpc: str
    policy: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that was read.

    Attributes:
        physical: how AWS calls the resources of the stacks.
        stacks: names of the stacks that stand.
        principals: roles, users and groups by ARN.
        managed: managed policies by ARN.
        buckets: by name.
        keys: by ARN.
        queues, topics, repositories: policies by ARN; None where there is none.
        functions: by ARN.
        gateways: VPC endpoints by id.
        logs: policies of CloudWatch Logs by name.
        providers: identity providers by ARN, each with what tells it from another.
        parameters: policies that share parameters with others, by the parameter's ARN.
        unread: what was not answered.
    """

    physical: Physical
    stacks: tuple[str, ...] = ()
    principals: Mapping[str, Principal] = field(default_factory=dict)
    managed: Mapping[str, Managed] = field(default_factory=dict)
    buckets: Mapping[str, Bucket] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)
    queues: Mapping[str, Document | None] = field(default_factory=dict)
    topics: Mapping[str, Document | None] = field(default_factory=dict)
    repositories: Mapping[str, Document | None] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    gateways: Mapping[str, Gateway] = field(default_factory=dict)
    logs: Mapping[str, Document] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, tuple[Document, ...]] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
