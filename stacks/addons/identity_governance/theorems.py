"""What is proved of identity governance: who makes instances, who reads identities, who reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from stacks.addons.identity_governance.member import Member, reading_document, trust
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.key_layout import every_action, requests
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.encoding.vocabulary import representatives
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, always, never, theorem
from starburst_assurance.proofs.theorems.data.named_readers import (
    read_by_named_roles,
    strangers,
    unrefused,
)

__all__ = ["governance_theorems", "instances_theorem", "member_theorems"]

GROUP: Final = "Identity governance"
AUDIT: Final = "governance"
REPORTED: Final = "reports/"
POLICY: Final = "governance/InstancesPolicy"
BUS: Final = "governance/Bus policy"
MAKING: Final = "sso:CreateInstance"
_INSTANCE: Final = "arn:aws:sso:::instance/ssoins-0123456789abcdef"

ACCOUNTS: Final = ("organizations:DescribeOrganization", "organizations:ListAccounts")
LOOKS: Final = (
    *("identitystore:ListGroupMemberships", "identitystore:ListGroups", "identitystore:ListUsers"),
    *("sso:GetApplicationAssignmentConfiguration", "sso:ListApplicationAssignments"),
    *("sso:ListApplications", "sso:ListInstances"),
)
"""All that is read of identities, written apart from the policy."""

LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


def instances_theorem(document: Mapping[str, Any], allowed: Sequence[str]) -> Theorem:
    """Return that a service control policy lets the allowed accounts make instances, and no other.

    Args:
        document: the policy as it is printed, where the environment does not deploy it.
        allowed: ids of accounts.
    """

    @theorem(GROUP)
    def only_named_accounts_make_instances(world: World) -> Iterator[Claim]:
        """The organization's policy keeps every account from making an instance but those named.

        It denies nothing else. The management account is exempt from every such policy.
        """
        deployed = POLICY in world.policy_set.policies
        policy = world.policy(POLICY) if deployed else Policy.parse(POLICY, dict(document))

        def refused(context: Context, action: str) -> tuple[Request, Formula]:
            one = Request(context=context, action=action, resource=_INSTANCE)
            return one, says(world.logic, policy, "Deny", one)

        other = world.context()
        one, denied = refused(other, MAKING)
        given = [
            other.has("aws:PrincipalAccount"),
            *(other.is_not("aws:PrincipalAccount", account) for account in allowed),
        ]
        yield never("any other account", [(one, world.logic.no(denied))], given=given)
        for account in allowed:
            context = world.context()
            context.put("aws:PrincipalAccount", account)
            yield never(account, [refused(context, MAKING)])
        context = world.context()
        rest = [each for each in representatives([policy]) if each != MAKING]
        yield never("all else", [refused(context, each) for each in rest])

    return only_named_accounts_make_instances


def member_theorems(
    organization: str,
    *,
    trusted: Mapping[str, Any] | None = None,
    reads: Mapping[str, Any] | None = None,
) -> Sequence[Theorem]:
    """Return what holds of the role that each account has, and of the bus that hears of them.

    Args:
        organization: its id.
        trusted: the role's trust, where it is not the one that the template has.
        reads: the role's policy, where it is not that.
    """

    @theorem(GROUP)
    def only_the_audit_reads_identities(world: World) -> Iterator[Claim]:
        """In every account only the audit's role becomes the one that reads, which changes nothing.

        From no other account, and from no other organization.
        """
        policy_set = world.policy_set
        member = Member(
            environment=policy_set.name,
            account=policy_set.account,
            region=policy_set.region,
            organization=organization,
        )
        let = Policy.parse("reader trust", dict(trusted or trust(member)))
        read = Policy.parse("reader", dict(reads or reading_document()))
        role = f"arn:aws:iam::999988887777:role/{member.role}"
        audit = policy_set.role(AUDIT).arn

        def becomes(context: Context) -> tuple[Request, Formula]:
            one = Request(context=context, action="sts:AssumeRole", resource=role)
            return one, says(world.logic, let, "Allow", one)

        for key, value in (("aws:PrincipalArn", audit), ("aws:PrincipalOrgID", organization)):
            context = world.context()
            other = [context.is_not(key, value)]
            yield never(f"another {key}", [becomes(context)], given=other)
        context = world.context(closed=True)
        context.put_all(
            {
                "aws:PrincipalAccount": policy_set.account,
                "aws:PrincipalArn": audit,
                "aws:PrincipalIsAWSService": "false",
                "aws:PrincipalOrgID": organization,
                "aws:PrincipalType": "AssumedRole",
            }
        )
        yield always(world, "the audit", [becomes(context)])
        context, anything = world.context(), world.logic.text("resource")
        changes = [one for one in representatives([read]) if one not in LOOKS]
        asked = requests(context, changes, anything)
        yield never("changes", [(one, says(world.logic, read, "Allow", one)) for one in asked])

    @theorem(GROUP)
    def only_the_organization_tells(world: World) -> Iterator[Claim]:
        """No account of another organization puts an event on the bus that the alarms hear."""
        context = world.context()
        policy = world.policy(BUS)
        asked = requests(context, representatives([policy]), world.logic.text("resource"))
        yield never(
            BUS,
            [(one, says(world.logic, policy, "Allow", one)) for one in asked],
            given=[context.is_not("aws:PrincipalOrgID", organization)],
        )

    return (only_the_audit_reads_identities, only_the_organization_tells)


def governance_theorems(readers: Sequence[str]) -> Sequence[Theorem]:
    """Return what holds of the audit and of its reports.

    Args:
        readers: ARNs of the roles that settings let read reports.
    """

    @theorem(GROUP)
    def the_audit_reads_and_reports_alone(world: World) -> Iterator[Claim]:
        """The audit lists accounts, becomes the role that reads identities, and writes reports.

        And its log, and it lists its reports. It does nothing else: it reads no object, and takes
        no other role. So says its own policy, whatever its boundary refuses.
        """
        logic, policy_set = world.logic, world.policy_set
        role = policy_set.role(AUDIT)
        bucket, key = policy_set.at("governance/Bucket"), policy_set.at("governance/Key")
        kept = (*ACCOUNTS, *LOGS, "s3:ListBucket", "s3:PutObject")
        kept = (*kept, "sts:AssumeRole", "kms:GenerateDataKey")
        resource, reader = logic.text("resource"), f"starburst-{policy_set.name}-governance-reader"
        asked = requests(
            world.session(role), [one for one in every_action(world) if one not in kept], resource
        )
        yield never("all else", [(one, world.allowed(role, one, boundary=False)) for one in asked])
        there = {
            "s3:ListBucket": logic.same(resource, bucket.arn),
            "s3:PutObject": logic.starts(resource, f"{bucket.arn}/{REPORTED}"),
            "kms:GenerateDataKey": logic.same(resource, key.arn),
            "sts:AssumeRole": logic.like(resource, f"arn:aws:iam::*:role/{reader}"),
        }
        for action, inside in there.items():
            [one] = requests(world.session(role), [action], resource)
            yield never(
                action, [(one, world.allowed(role, one, boundary=False))], given=[logic.no(inside)]
            )

    @theorem(GROUP)
    def nobody_else_opens_reports(world: World) -> Iterator[Claim]:
        """Nobody but the readers that settings name reads a report, and only the audit writes one.

        No administrator and no root user, whatever their policies say: bucket and key refuse it.
        No report is written twice, the audit's own included.
        """
        audit = world.policy_set.role(AUDIT).arn
        yield from read_by_named_roles(
            world,
            bucket="governance/Bucket",
            key="governance/Key",
            writer=audit,
            readers=readers,
        )
        bucket = world.policy_set.at("governance/Bucket")
        report = world.logic.join(f"{bucket.arn}/", world.logic.text("key"))
        context, given = strangers(world, [audit])
        written = list(requests(context, ["s3:PutObject"], report))
        yield never("writes", unrefused(world, bucket.policy, written), given=given)
        context = world.context()
        context.put("s3:ObjectCreationOperation", "true")
        again = list(requests(context, ["s3:PutObject"], report))
        first = [context.is_not("s3:if-none-match", "*")]
        yield never("second writes", unrefused(world, bucket.policy, again), given=first)

    return (the_audit_reads_and_reports_alone, nobody_else_opens_reports)
