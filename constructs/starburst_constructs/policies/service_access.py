"""Statements that let an AWS service in, never without a key against the confused deputy (P5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from aws_cdk import aws_iam as iam
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.wildcards import DeclaredPolicy

__all__ = [
    "CONFUSED_DEPUTY_KEYS",
    "ServiceRole",
    "anyone",
    "no_strangers",
    "only_from",
    "only_from_networks",
    "require_deputy_key",
    "says_for_whom",
    "service_grant",
]

CONFUSED_DEPUTY_KEYS = (
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "kms:CallerAccount",
    "kms:EncryptionContext:",
)
"""Keys (or how they begin) of which every Allow for a service principal carries at least one."""

_BINDING: Final = frozenset(
    {"ArnEquals", "ArnLike", "StringEquals", "StringEqualsIgnoreCase", "StringLike"}
)
"""Operators that hold for what they name only, and not where the key is absent."""

_ACCOUNT_FIELD: Final = 4


def anyone() -> iam.IPrincipal:
    """Return the principal of a Deny: everybody, also those who did not sign in.

    jsii's protocols differ from its classes in parameter names, which only a cast can bridge.
    """
    return cast(iam.IPrincipal, iam.AnyPrincipal())


def no_strangers(
    *,
    actions: Sequence[str],
    resources: Sequence[str] = ("*",),
    placement: Placement,
    signed: bool = False,
) -> iam.PolicyStatement:
    """Return a resource policy's Deny for outside callers; AWS services have their own Allows.

    Args:
        actions: all that the resource's policy can speak of.
        resources: of the policy; ``*`` in a key policy is the key itself, and a repository's policy
            names none.
        placement: of the environment.
        signed: whether the service takes signed calls only, as KMS does. Whoever signs has an
            account, so a call without one is AWS's own, as when one service forwards another's.
    """
    ours = (
        {"aws:PrincipalOrgID": placement.organization_id}
        if placement.organization_id
        else {"aws:PrincipalAccount": placement.account}
    )
    return iam.PolicyStatement(
        sid="DenyStrangers",
        effect=iam.Effect.DENY,
        principals=[anyone()],
        actions=list(actions),
        resources=list(resources) or None,
        conditions={
            "StringNotEquals": ours,
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            **({"Null": {"aws:PrincipalAccount": "false"}} if signed else {}),
        },
    )


def only_from(
    vpc_id: str, *, actions: Sequence[str], sid: str = "NothingFromOutside", but: str | None = None
) -> iam.PolicyStatement:
    """Return a role's Deny outside one VPC, so that its credentials are of no use elsewhere.

    An AWS service that acts for the role, as S3 does when it asks KMS for a key, is no elsewhere.

    Args:
        vpc_id: every call comes through an endpoint there.
        actions: what code in the VPC does; what AWS does in the role's name is from outside.
        sid: of the statement.
        but: the one resource that AWS does it to in the role's name, from outside.
    """
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        actions=list(actions),
        resources=["*"] if but is None else None,
        not_resources=None if but is None else [but],
        conditions={
            "StringNotEquals": {"aws:SourceVpc": vpc_id},
            "BoolIfExists": {"aws:ViaAWSService": "false"},
        },
    )


def only_from_networks(cidrs: Sequence[str], vpc_ids: Sequence[str]) -> iam.PolicyStatement:
    """Return a role's Deny outside trusted networks (G6).

    A call through a VPC endpoint has no ``aws:SourceIp``, and one from the internet has no VPC: so
    each key counts where it is present, and only what fails both is refused. An AWS service that
    acts for the role calls from AWS's own addresses, and is let through.

    Args:
        cidrs: public addresses from which the role's credentials work.
        vpc_ids: VPCs through whose endpoints they work as well.
    """
    through: dict[str, Any] = (
        {"StringNotEqualsIfExists": {"aws:SourceVpc": list(vpc_ids)}} if vpc_ids else {}
    )
    return iam.PolicyStatement(
        sid="NothingFromElsewhere",
        effect=iam.Effect.DENY,
        actions=["*"],
        resources=["*"],
        conditions={
            "NotIpAddressIfExists": {"aws:SourceIp": list(cidrs)},
            **through,
            "BoolIfExists": {"aws:ViaAWSService": "false"},
        },
    )


def says_for_whom(conditions: Mapping[str, Mapping[str, Any]], *, where_sent: bool = False) -> bool:
    """Return whether a condition block ties a service to an account, organization or resource.

    A negated operator binds it to all others, ``IfExists`` to requests without the key too, and a
    wildcard alone to any account. ``ForAllValues`` holds where the key is absent, so it needs
    ``Null`` beside it.

    Args:
        conditions: of a statement, as IAM writes them.
        where_sent: take ``IfExists`` too, for a service that may not send the key.

    Example:
        >>> says_for_whom({"StringEquals": {"aws:SourceAccount": "111122223333"}})
        True
        >>> says_for_whom({"StringNotEquals": {"aws:SourceAccount": "111122223333"}})
        False
    """
    present = {
        key.lower()
        for key, value in conditions.get("Null", {}).items()
        if str(value).lower() == "false"
    }
    for operator, block in conditions.items():
        qualifier, _, base = operator.rpartition(":")
        if (base.removesuffix("IfExists") if where_sent else base) not in _BINDING:
            continue
        for key, values in block.items():
            known = key.lower().startswith(tuple(one.lower() for one in CONFUSED_DEPUTY_KEYS))
            there = qualifier != "ForAllValues" or key.lower() in present
            named = values if isinstance(values, list) else [values]
            if known and there and named and all(map(_names_somebody, named)):
                return True
    return False


def _names_somebody(value: object) -> bool:
    """Return whether a value holds for some only; a token of CloudFormation does."""
    if not isinstance(value, str):
        return True
    fields = value.split(":")
    if value.startswith("arn:") and len(fields) > _ACCOUNT_FIELD and fields[_ACCOUNT_FIELD]:
        return bool(fields[_ACCOUNT_FIELD].strip("*?"))
    # The ARN of a bucket names no account, but the bucket.
    return bool(fields[-1].strip("*?/") if value.startswith("arn:") else value.strip("*?"))


def require_deputy_key(
    name: str,
    service: str,
    conditions: Mapping[str, Mapping[str, Any]],
    *,
    where_sent: bool = False,
) -> None:
    """Raise ValueError where ``conditions`` let ``service`` act for any account."""
    if not says_for_whom(conditions, where_sent=where_sent):
        raise ValueError(
            f"{name}: {service} would be allowed on behalf of any account; "
            f"add a condition on one of {', '.join(CONFUSED_DEPUTY_KEYS)}"
        )


def service_grant(
    sid: str,
    service: str,
    *,
    actions: Sequence[str],
    resources: Sequence[str] = ("*",),
    conditions: Mapping[str, Mapping[str, Any]],
) -> iam.PolicyStatement:
    """Return an Allow for one service principal, bound to who it acts for.

    Args:
        sid: statement id.
        service: for example ``logs.eu-west-1.amazonaws.com``.
        actions: what it may do.
        resources: of the resource policy; ``*`` in a key policy is the key itself.
        conditions: IAM condition block with one of ``CONFUSED_DEPUTY_KEYS``.

    Raises:
        ValueError: no condition says for whom the service acts.
    """
    require_deputy_key(sid, service, conditions)
    return iam.PolicyStatement(
        sid=sid,
        principals=[cast(iam.IPrincipal, iam.ServicePrincipal(service))],
        actions=list(actions),
        resources=list(resources),
        conditions={operator: dict(block) for operator, block in conditions.items()},
    )


class ServiceRole(iam.Role):
    """A role that one AWS service takes for us alone, with one managed policy.

    A managed policy rather than an inline one: it has versions, and auditors can list it.

    Args:
        scope: parent construct.
        construct_id: its id there.
        service: for example ``cloudtrail.amazonaws.com``.
        description: what it does, for who reads the role.
        conditions: of the trust, with one of ``CONFUSED_DEPUTY_KEYS``.
        statements: all that it may do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        description: str,
        conditions: Mapping[str, Mapping[str, Any]],
        statements: Sequence[iam.PolicyStatement],
    ) -> None:
        # A role is passed inside its own account only, so a service that sends no key is bearable.
        require_deputy_key(construct_id, service, conditions, where_sent=True)
        super().__init__(
            scope,
            construct_id,
            description=description,
            assumed_by=iam.PrincipalWithConditions(
                cast(iam.IPrincipal, iam.ServicePrincipal(service)),
                {operator: dict(block) for operator, block in conditions.items()},
            ),
        )
        # On the role, not on the policy: what is made with the role, and used at once, finds it
        # complete. State Manager, which does not, would fail and come back after a day.
        self.add_managed_policy(
            DeclaredPolicy(self, "Policy", description=description, statements=statements)
        )
