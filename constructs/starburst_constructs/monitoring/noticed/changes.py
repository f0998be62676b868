"""Who opens a way in or out: network, the kit's roles and its stacks, by hand or by a deployment.

A change by hand and one that CloudFormation made in its deploying role are counted apart, so that
an officer can lay the second beside the calendar of deployments. CloudFormation in any other role,
or in a caller's own name, is a hand. The controller's own stack of private endpoints opens and
closes every day in a role of its own, which only CloudFormation can take: that is not counted, and
whoever else moves that stack is.

Calls of EC2 name ids that no template knows (of an association, a rule, a flow log), so the whole
account is watched in this Region, as the CIS benchmark's alarms do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starburst_constructs.monitoring.noticed.patterns import (
    CALLER,
    every,
    is_not,
    is_text,
    missing,
    named,
    of_service,
    pattern,
    some,
)
from starburst_constructs.naming import endpoints_stack_name, role_arn
from starburst_constructs.placement import Placement

__all__ = ["NETWORK_CALLS", "ROLE_CALLS", "STACK_CALLS", "Makers", "deployments", "openings"]

NETWORK_CALLS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Groups": (
            *("AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"),
            *("CreateSecurityGroup", "DeleteSecurityGroup", "ModifySecurityGroupRules"),
            *("RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
        ),
        "Acls": (
            *("CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl"),
            *("DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation"),
            "ReplaceNetworkAclEntry",
        ),
        "Routes": (
            *("AssociateRouteTable", "CreateRoute", "CreateRouteTable", "DeleteRoute"),
            *("DeleteRouteTable", "DisassociateRouteTable", "ReplaceRoute"),
            "ReplaceRouteTableAssociation",
        ),
        "Gateways": (
            *("AcceptVpcPeeringConnection", "AttachInternetGateway", "AttachVpnGateway"),
            *("CreateEgressOnlyInternetGateway", "CreateInternetGateway", "CreateNatGateway"),
            *("CreateTransitGatewayVpcAttachment", "CreateVpcPeeringConnection"),
            *("DeleteInternetGateway", "DeleteNatGateway", "DetachInternetGateway"),
        ),
        "Vpcs": (
            *("AssociateVpcCidrBlock", "CreateSubnet", "CreateVpc"),
            *("CreateVpcBlockPublicAccessExclusion", "DeleteVpc", "ModifySubnetAttribute"),
            *("ModifyVpcAttribute", "ModifyVpcBlockPublicAccessOptions"),
        ),
        "Endpoints": ("CreateVpcEndpoint", "DeleteVpcEndpoints", "ModifyVpcEndpoint"),
        "FlowLogs": ("CreateFlowLogs", "DeleteFlowLogs"),
    }
)
"""Calls of EC2 that change who reaches what, or whether it is recorded, by the filter."""

ROLE_CALLS: Final = (
    *("AttachRolePolicy", "CreatePolicyVersion", "CreateRole", "DeletePolicyVersion"),
    *("DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DetachRolePolicy"),
    *("PutRolePermissionsBoundary", "PutRolePolicy", "SetDefaultPolicyVersion"),
    "UpdateAssumeRolePolicy",
)
"""Calls of IAM that change what a role of the kit may do, or who may take it."""

STACK_CALLS: Final = (
    *("CreateChangeSet", "CreateStack", "DeleteStack", "ExecuteChangeSet"),
    "UpdateStack",
)
"""Calls of CloudFormation by which one moves a stack. Those that only take its protection away
move none."""

_FORMATION: Final = "cloudformation.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Makers:
    """Whose changes are a deployment's, or the kit's own.

    Attributes:
        deployer: ARN of the role in which CloudFormation deploys.
        starter: pattern of the ARN of the role that starts deployments.
        endpoints: ARN of the role in which the private endpoints open and close.
        controller: ARN of the role that has them do so.
    """

    deployer: str
    starter: str
    endpoints: str
    controller: str

    @classmethod
    def of(cls, environment: str, *, placement: Placement, deployer: str) -> Makers:
        """Return those of an environment.

        Args:
            environment: its name.
            placement: of the environment.
            deployer: ARN of the role in which CloudFormation deploys, as ``cdk bootstrap`` makes
                it beside the one that starts deployments.
        """
        return cls(
            deployer=deployer,
            starter=deployer.replace("-cfn-exec-role-", "-deploy-role-"),
            endpoints=role_arn(environment, "endpoints", account=placement.account),
            controller=role_arn(environment, "controller", account=placement.account),
        )

    @property
    def by_deployment(self) -> str:
        """The condition that a deployment made a call."""
        return every(is_text("sourceIPAddress", _FORMATION), is_text(CALLER, self.deployer))

    @property
    def by_hand(self) -> str:
        """The condition that anything else did."""
        return some(
            is_not("sourceIPAddress", _FORMATION), is_not(CALLER, self.deployer), missing(CALLER)
        )


def openings(environment: str, *, placement: Placement, makers: Makers) -> Mapping[str, str]:
    """Return filters of the trail by what they find that no deployment did.

    Args:
        environment: its name.
        placement: of the environment.
        makers: whose changes are not counted here.
    """
    found = {
        name: pattern(_ec2(placement), named(*calls), makers.by_hand)
        for name, calls in NETWORK_CALLS.items()
        if name != "Endpoints"
    }
    found["Endpoints"] = pattern(
        _ec2(placement),
        named(*NETWORK_CALLS["Endpoints"]),
        makers.by_hand,
        some(
            is_not("sourceIPAddress", _FORMATION),
            is_not(CALLER, makers.endpoints),
            missing(CALLER),
        ),
    )
    for name, half in _halves().items():
        found[name] = pattern(of_service("iam"), named(*half), _ours(environment), makers.by_hand)
    stack = endpoints_stack_name(environment)
    found["Stacks"] = pattern(
        of_service("cloudformation"),
        named(*STACK_CALLS),
        some(
            is_text("requestParameters.stackName", f"*starburst-{environment}-*"),
            is_text("requestParameters.roleARN", makers.endpoints),
        ),
        some(is_not(CALLER, makers.starter), missing(CALLER)),
        some(
            is_not(CALLER, makers.controller),
            missing(CALLER),
            is_not("requestParameters.stackName", f"*{stack}*"),
        ),
    )
    return found


def deployments(environment: str, *, placement: Placement, makers: Makers) -> Mapping[str, str]:
    """Return filters of the trail by what they find that a deployment did of the same."""
    found = {
        name: pattern(_ec2(placement), named(*calls), makers.by_deployment)
        for name, calls in NETWORK_CALLS.items()
    }
    for name, half in _halves().items():
        found[name] = pattern(
            of_service("iam"), named(*half), _ours(environment), makers.by_deployment
        )
    return found


def _ec2(placement: Placement) -> str:
    return every(of_service("ec2"), is_text("awsRegion", placement.region))


def _halves() -> Mapping[str, tuple[str, ...]]:
    """Return the calls of IAM in two, as one pattern has no room for all of them."""
    middle = len(ROLE_CALLS) // 2
    return {"Roles": ROLE_CALLS[:middle], "RolePolicies": ROLE_CALLS[middle:]}


def _ours(environment: str) -> str:
    name = f"starburst-{environment}-*"
    return some(
        is_text("requestParameters.roleName", name),
        is_text("requestParameters.policyArn", f"*:policy/{name}"),
    )
