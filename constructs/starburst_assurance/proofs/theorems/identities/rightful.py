"""How those come who may: the requests by which each principal of a trust takes its role."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import PEOPLE
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role, Statement

__all__ = ["rightful"]


def rightful(world: World, role: Role) -> Iterator[tuple[Request, Formula]]:
    """Yield each login that a trust is there for, as AWS makes it, and whether it succeeds."""
    policy_set = world.policy_set
    trust = policy_set.policies[role.trust]
    for statement in trust.statements:
        for kind, who in statement.principals:
            begins = _begins(kind, who)
            for action in (begins, "sts:TagSession") if role.purpose in PEOPLE else (begins,):
                context = world.context(closed=True)
                if kind == "Service":
                    context.put("aws:PrincipalIsAWSService", "true")
                    context.put("aws:PrincipalServiceName", who)
                    context.put("aws:SourceAccount", policy_set.account)
                    context.put("aws:SourceArn", _source(world, statement, who))
                elif kind == "Federated" and begins.endswith("WebIdentity"):
                    context.put("aws:FederatedProvider", who)
                    context.put_all(_claims(statement))
                elif kind == "Federated":
                    context.put("aws:FederatedProvider", who)
                    context.put("SAML:aud", policy_set.audience)
                elif who.endswith(":root"):
                    named = _named(statement) or who.replace(":root", ":user/*")
                    arn = named.replace("?", "0").replace("*", "alice")
                    context.put("aws:PrincipalAccount", who.split(":")[4])
                    context.put("aws:PrincipalArn", arn)
                    context.put("aws:PrincipalTag/userName", "alice")
                    context.put("aws:username", "alice")
                    context.put("aws:MultiFactorAuthPresent", "true")
                else:
                    context.put("aws:PrincipalArn", who)
                if role.purpose in PEOPLE:
                    context.put("aws:RequestTag/userName", "alice")
                    context.put("aws:TagKeys", "userName")
                request = Request(context=context, action=action, resource=role.arn)
                yield request, world.trusted(role, request)


def _begins(kind: str, who: str) -> str:
    if kind != "Federated":
        return "sts:AssumeRole"
    by_token = ":oidc-provider/" in who
    return "sts:AssumeRoleWithWebIdentity" if by_token else "sts:AssumeRoleWithSAML"


def _claims(statement: Statement) -> dict[str, str]:
    """Return what a token says that a trust asks for; whose it may be, others prove."""
    return {
        condition.key: condition.values[0]
        for condition in statement.conditions
        if condition.operator == "StringEquals"
    }


def _named(statement: Statement) -> str | None:
    """Return the pattern of who may come, where a trust has one: of users, or a reserved role."""
    for condition in statement.conditions:
        if condition.operator == "ArnLike" and condition.key == "aws:PrincipalArn":
            return condition.values[0]
    return None


def _source(world: World, statement: Statement, service: str) -> str:
    """Return for whose sake a service comes; where the table is silent, whom its trust names."""
    asked = [one for one in statement.conditions if one.key == "aws:SourceArn"]
    for condition in asked:
        # One resource by its whole name: the service has no other to speak for.
        if condition.operator == "ArnEquals":
            return condition.values[0]
    place = f"{world.policy_set.region}:{world.policy_set.account}"
    kit = f"starburst-{world.policy_set.name}"
    named = [*(one.values[0] for one in asked), f"arn:aws:lambda:{place}:function:{kit}"][0]
    return {
        "cloudformation.amazonaws.com": f"arn:aws:cloudformation:{place}:stack/{kit}-endpoints/x",
        "cloudtrail.amazonaws.com": f"arn:aws:cloudtrail:{place}:trail/{kit}",
        "ecs-tasks.amazonaws.com": f"arn:aws:ecs:{place}:task/starburst/x",
        "ssm.amazonaws.com": f"arn:aws:ssm:{place}:automation-execution/x",
        "vpc-flow-logs.amazonaws.com": f"arn:aws:ec2:{place}:vpc-flow-log/x",
    }.get(service, named.replace("*", "x"))
