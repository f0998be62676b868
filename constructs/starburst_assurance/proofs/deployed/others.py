"""Who else in the account could touch the environment: judged by the solver, one sentence each.

Theorems speak of the kit's roles, and of strangers as far as resource policies tell. Another role
or user of the same account is neither: what they may do is what their own policies and the kit's
resource policies say together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starburst_assurance.proofs.deployed.reading.account import Account, Principal
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import grants
from starburst_assurance.proofs.encoding.logic import Formula, Logic, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import Guarded, Policy, PolicySet, Role
from starburst_assurance.proofs.solving.prove import ask
from starburst_constructs.naming import trail_name

__all__ = ["Other", "others"]

_SECONDS: Final = 10.0
_TAGGING: Final = "sts:tagsession"
_ABSENT: Final = (
    "aws:PrincipalServiceName",
    "aws:FederatedProvider",
    "kms:ViaService",
    "kms:EncryptionContext:aws:ecr:arn",
)
"""A call of one's own has none of these; through ECR everybody opens images that they may pull."""

_TOUCHES: Final[Mapping[str, Sequence[tuple[str, tuple[str, ...], str]]]] = {
    # kind: what it comes to, actions of which one is enough, what follows the ARN
    "bucket": (
        ("read objects of", ("s3:GetObject", "s3:GetObjectVersion"), "/"),
        ("write objects to", ("s3:PutObject",), "/"),
        ("delete objects of", ("s3:DeleteObject", "s3:DeleteObjectVersion"), "/"),
        ("change who may use", ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"), ""),
    ),
    "key": (
        ("decrypt data with", ("kms:Decrypt",), ""),
        ("change who may use", ("kms:PutKeyPolicy", "kms:CreateGrant"), ""),
        ("end", ("kms:ScheduleKeyDeletion", "kms:DisableKey"), ""),
    ),
    "queue": (
        ("read messages of", ("sqs:ReceiveMessage",), ""),
        ("send messages to", ("sqs:SendMessage",), ""),
        ("change who may use", ("sqs:SetQueueAttributes", "sqs:AddPermission"), ""),
    ),
    "topic": (
        ("publish to", ("sns:Publish",), ""),
        ("change who may use", ("sns:SetTopicAttributes", "sns:AddPermission"), ""),
    ),
    "repository": (
        ("put images into", ("ecr:PutImage",), ""),
        ("change who may use", ("ecr:SetRepositoryPolicy",), ""),
    ),
    "function": (
        ("call", ("lambda:InvokeFunction",), ""),
        ("change the code of", ("lambda:UpdateFunctionCode",), ""),
        ("change who may use", ("lambda:AddPermission", "lambda:CreateFunctionUrlConfig"), ""),
    ),
    "role": (
        ("become", ("sts:AssumeRole",), ""),
        (
            "change what is allowed to",
            (
                *("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy"),
                *("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"),
                "iam:TagRole",
            ),
            "",
        ),
        ("hand on", ("iam:PassRole",), ""),
    ),
    "policy": (("rewrite", ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"), ""),),
    "endpoint": (("change what passes", ("ec2:ModifyVpcEndpoint",), ""),),
    "trail": (("stop", ("cloudtrail:StopLogging", "cloudtrail:DeleteTrail"), ""),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A principal of the account that is not of the kit, and what it could do.

    Attributes:
        principal: who.
        touches: what, each with the resources.
        undecided: why that could not be said of everything; empty where it could.
    """

    principal: Principal
    touches: tuple[str, ...]
    undecided: str = ""

    def __str__(self) -> str:
        """Return it as a sentence."""
        could = "; ".join(self.touches) or "nothing that could be decided"
        more = f"; not all of it was decided ({self.undecided})" if self.undecided else ""
        return f"{self.principal.kind.capitalize()} {self.principal.arn} could {could}{more}."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    kind: str
    arn: str
    label: str
    guard: Guarded | None = None
    role: Role | None = None


def others(policy_set: PolicySet, account: Account) -> Iterator[Other]:
    """Yield each role and user of the account that could touch the environment.

    What an organization's policies deny them is not read, so they may be able to do less.

    Args:
        policy_set: what stands.
        account: what was read.
    """
    ours = {role.arn for role in policy_set.roles}
    places = tuple(_places(policy_set, account))
    logic = Logic()
    for one in sorted(account.principals.values(), key=lambda each: each.arn):
        if one.kind == "group" or one.arn in ours:
            continue
        role, policies = _as_role(one, account)
        world = World(
            policy_set=replace(policy_set, policies={**policy_set.policies, **policies}),
            logic=logic,
            used=set(),
        )
        missing = [arn for arn in _attached(one, account) if arn not in account.managed]
        touches: dict[str, list[str]] = {}
        undecided = f"{', '.join(missing)} was not read" if missing else ""
        for place in places:
            for what, actions, ending in _TOUCHES[place.kind]:
                asker = _Asker(world=world, principal=one, role=role)
                answers = [asker.may(action, place, ending) for action in actions]
                if "sat" in answers:
                    touches.setdefault(what, []).append(place.label)
                elif bad := [answer for answer in answers if answer != "unsat"]:
                    undecided = undecided or bad[0]
        if touches or undecided:
            yield Other(
                principal=one,
                touches=tuple(f"{what} {_counted(found)}" for what, found in touches.items()),
                undecided=undecided,
            )


def _places(policy_set: PolicySet, account: Account) -> Iterator[_Place]:
    guards = {item.arn: item for item in policy_set.guarded}
    label = {arn: name for name, arn in policy_set.named.items()}
    functions = [
        arn
        for arn in dict.fromkeys((*policy_set.named.values(), *guards))
        if any(f"{arn}:".startswith(f"{own}:") for own in account.functions)
    ]
    managed = {arn for arn in policy_set.called.values() if arn in label}
    for kind, arns in (
        ("bucket", [f"arn:aws:s3:::{name}" for name in account.buckets]),
        ("key", [*account.keys]),
        ("queue", [arn for arn in account.queues if arn in label]),
        ("topic", [*account.topics]),
        ("repository", [*account.repositories]),
        ("function", functions),
        ("policy", sorted(managed)),
    ):
        for arn in arns:
            short = label.get(arn, arn.rpartition(":function:")[2] or arn)
            yield _Place(kind=kind, arn=arn, label=short, guard=guards.get(arn))
    for role in policy_set.roles:
        yield _Place(kind="role", arn=role.arn, label=f"role {role.name}", role=role)
    place = f"{policy_set.region}:{policy_set.account}"
    for one in policy_set.endpoints:
        arn = f"arn:aws:ec2:{place}:vpc-endpoint/{one.identifier}"
        yield _Place(kind="endpoint", arn=arn, label=f"the endpoint of {one.service}")
    if "own-trail" not in policy_set.without:
        name = trail_name(policy_set.name)
        arn = f"arn:aws:cloudtrail:{place}:trail/{name}"
        yield _Place(kind="trail", arn=arn, label=f"trail {name}")


def _attached(one: Principal, account: Account) -> tuple[str, ...]:
    groups = [
        each
        for each in account.principals.values()
        if each.kind == "group" and each.name in one.groups
    ]
    return tuple(
        dict.fromkeys(
            (
                *one.attached,
                *(arn for group in groups for arn in group.attached),
                *filter(None, (one.boundary,)),
            )
        )
    )


def _as_role(one: Principal, account: Account) -> tuple[Role, Mapping[str, Policy]]:
    """Return a principal as the solver takes it, and its policies: a user's groups' are its own."""
    groups = [
        each
        for each in account.principals.values()
        if each.kind == "group" and each.name in one.groups
    ]
    policies: dict[str, Policy] = {}
    names: list[str] = []
    for each in (one, *groups):
        for name, document in each.inline.items():
            label = f"{name} of {each.arn}"
            policies[label] = Policy.parse(label, document)
            names.append(label)
    for arn in _attached(one, account):
        if arn in account.managed:
            policies[arn] = Policy.parse(arn, account.managed[arn].document)
            if arn != one.boundary:
                names.append(arn)
    trust = f"trust of {one.arn}"
    policies[trust] = Policy.parse(trust, one.trust or {"Statement": []})
    return (
        Role(
            arn=one.arn,
            tags=one.tags,
            trust=trust,
            policies=tuple(names),
            boundary=one.boundary if one.boundary in policies else None,
        ),
        policies,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Asks what one principal may do."""

    world: World
    principal: Principal
    role: Role

    def may(self, action: str, place: _Place, ending: str) -> str:
        """Return ``sat`` where they could do something, ``unsat`` if not, or why it is unknown."""
        logic = self.world.logic
        logic.begin()
        resource: Text = place.arn
        if ending:
            resource = logic.join(place.arn, ending, logic.text("key"))
        try:
            request = Request(context=self._session(), action=action, resource=resource)
            formula = self.world.allowed(self.role, request, at=place.guard)
            if place.role is not None and action == "sts:AssumeRole":
                formula = self._becomes(formula, request, place.role)
        except ProofError as error:
            return str(error)
        answer = ask(logic, formula, _SECONDS)[0]
        return f"{action} took longer than {_SECONDS:g} s" if answer == "unknown" else answer

    def _becomes(self, identity: Formula, request: Request, taken: Role) -> Formula:
        """Return whether they, of the same account, take a role."""
        logic, trust = self.world.logic, self.world.policy_set.policies[taken.trust]
        named = grants(logic, trust, request)
        by_name = logic.some((named.direct, named.role))
        trusted = self.world.trusted(taken, request)
        return logic.every((trusted, logic.some((identity, by_name))))

    def _session(self) -> Context:
        world, one = self.world, self.principal
        context = world.context()
        world.put_ours(context, "Principal", "Resource")
        context.put_all(
            {
                "aws:PrincipalArn": one.arn,
                "aws:PrincipalIsAWSService": "false",
                "aws:ViaAWSService": "false",
                "aws:PrincipalType": "User" if one.kind == "user" else "AssumedRole",
            }
        )
        for absent in _ABSENT:
            context.put(absent)
        for key, value in one.tags.items():
            context.put(f"aws:PrincipalTag/{key}", value)
        tagged = any(
            action.lower() in (_TAGGING, "sts:*", "*")
            for statement in world.policy_set.policies[self.role.trust].statements
            for action in statement.actions
        )
        if not tagged:
            context.close("aws:PrincipalTag/")
        return context


def _counted(labels: Sequence[str]) -> str:
    most = 3
    if len(labels) <= most + 1:
        return ", ".join(labels)
    return f"{', '.join(labels[:most])} and {len(labels) - most} more"
