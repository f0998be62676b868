"""What each account of the organization gets: a role to read by, and a rule that tells of changes.

The template is for CloudFormation StackSets, and stands alone: it names the one role that reads,
of one account of one organization. It has no parameter, so that nobody can widen it by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stacks.addons.identity_governance.events import PATTERNS

__all__ = ["Member", "bus_policy", "member_template", "reading_document", "trust"]

LISTING: Final = ("sso:ListApplications", "sso:ListInstances")
"""These have no resource to name: https://docs.aws.amazon.com/service-authorization/latest/reference/
list_awsiamidentitycenter.html, as list_awsidentitystore.html for what follows."""

ASSIGNED: Final = (
    "sso:GetApplicationAssignmentConfiguration",
    "sso:ListApplicationAssignments",
)
PEOPLE: Final = (
    "identitystore:ListGroupMemberships",
    "identitystore:ListGroups",
    "identitystore:ListUsers",
)
APPLICATIONS: Final = "arn:aws:sso::*:application/*/*"
STORES: Final = (
    "arn:aws:identitystore::*:identitystore/*",
    "arn:aws:identitystore:::group/*",
    "arn:aws:identitystore:::membership/*",
    "arn:aws:identitystore:::user/*",
)
_VERSION: Final = "2012-10-17"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Who reads, and who hears.

    Attributes:
        environment: its name.
        account: of the environment, in which the audit runs.
        region: of it.
        organization: id of the organization.
    """

    environment: str
    account: str
    region: str
    organization: str

    @property
    def role(self) -> str:
        """Name of the role that each account has."""
        return f"starburst-{self.environment}-governance-reader"

    @property
    def audit_arn(self) -> str:
        """ARN of the one role that may become it."""
        return f"arn:aws:iam::{self.account}:role/starburst-{self.environment}-governance"

    @property
    def bus(self) -> str:
        """Name of the bus that hears of other accounts."""
        return f"starburst-{self.environment}-governance"

    @property
    def bus_arn(self) -> str:
        """ARN of that bus."""
        return f"arn:aws:events:{self.region}:{self.account}:event-bus/{self.bus}"


def trust(member: Member) -> dict[str, Any]:
    """Return who may become the role: the audit's, as long as its account is of the organization.

    By the key and not as ``Principal``: the role may be made before the audit's is, and again.
    """
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "TheAuditAlone",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{member.account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "ArnEquals": {"aws:PrincipalArn": member.audit_arn},
                    "StringEquals": {"aws:PrincipalOrgID": member.organization},
                },
            }
        ],
    }


def reading_document() -> dict[str, Any]:
    """Return what the role may do: list, and nothing else."""
    return {
        "Version": _VERSION,
        "Statement": [
            {"Sid": "List", "Effect": "Allow", "Action": list(LISTING), "Resource": "*"},
            {
                "Sid": "ReadAssignments",
                "Effect": "Allow",
                "Action": list(ASSIGNED),
                "Resource": APPLICATIONS,
            },
            {
                "Sid": "ReadPeople",
                "Effect": "Allow",
                "Action": list(PEOPLE),
                "Resource": list(STORES),
            },
        ],
    }


def bus_policy(member: Member) -> dict[str, Any]:
    """Return who may tell the bus of an event: accounts of the organization.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
    """
    statement = {
        "Sid": "TheOrganizationTells",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": member.bus_arn,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": member.organization}},
    }
    return {"Version": _VERSION, "Statement": [statement]}


def member_template(member: Member) -> dict[str, Any]:
    """Return the template that a stack set deploys into every account, in each Region to be heard.

    IAM has no Regions, so its two roles are made in the environment's alone.
    """
    telling = f"starburst-{member.environment}-governance-telling"
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Starburst {member.environment}: identity governance reads and hears",
        "Conditions": {"Home": {"Fn::Equals": [{"Ref": "AWS::Region"}, member.region]}},
        "Resources": {
            "Reader": {
                "Type": "AWS::IAM::Role",
                "Condition": "Home",
                "Properties": {
                    "RoleName": member.role,
                    "Description": "Lists what Identity Center has here, for Starburst's audit",
                    "AssumeRolePolicyDocument": trust(member),
                    "Policies": [{"PolicyName": "Read", "PolicyDocument": reading_document()}],
                },
            },
            "Telling": {
                "Type": "AWS::IAM::Role",
                "Condition": "Home",
                "Properties": {
                    "RoleName": telling,
                    "Description": "EventBridge, telling Starburst's audit of changes",
                    "AssumeRolePolicyDocument": {
                        "Version": _VERSION,
                        "Statement": [_for_rules_of_this_account()],
                    },
                    "Policies": [
                        {
                            "PolicyName": "Tell",
                            "PolicyDocument": {
                                "Version": _VERSION,
                                "Statement": [
                                    {
                                        "Effect": "Allow",
                                        "Action": "events:PutEvents",
                                        "Resource": member.bus_arn,
                                    }
                                ],
                            },
                        }
                    ],
                },
            },
            **{
                f"Tell{name}": _rule(member, pattern, telling) for name, pattern in PATTERNS.items()
            },
        },
    }


def _for_rules_of_this_account() -> Mapping[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }


def _rule(member: Member, pattern: Mapping[str, Any], telling: str) -> Mapping[str, Any]:
    role = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{telling}"}
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": "Changes of Identity Center, for Starburst's audit",
            "EventPattern": dict(pattern),
            "State": "ENABLED",
            "Targets": [{"Id": "Audit", "Arn": member.bus_arn, "RoleArn": role}],
        },
    }
