"""What CloudFormation may do when it deploys by the policies of ``make bootstrap``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from starburst_assurance.bootstrap.deployer import Deployer
from starburst_assurance.bootstrap.documents import (
    boundary_document,
    deployer_of,
    execution_documents,
)
from starburst_assurance.bootstrap.needed import known_part, needed
from starburst_assurance.bootstrap.scopes import SCOPES, scope_of
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.key_layout import data_bucket, data_key, requests
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.encoding.vocabulary import actions, representatives
from starburst_assurance.proofs.reading.policies import EVERYTHING, Guarded, Policy, Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_constructs.naming import HOLDING_TAG, boundary_arn

GROUP = "Deploying"

OPENING = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
LINES = (
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "logs:Unmask",
)
MESSAGES = ("sqs:ReceiveMessage", "sqs:SendMessage")
BLINDING = ("cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:UpdateTrail")
OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    "s3:ReplicateObject",
    "s3:RestoreObject",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Execution:
    """The execution role, with its policies or with every one there is, under its boundary."""

    world: World
    deployer: Deployer
    policies: tuple[Policy, ...]
    boundary: Policy
    denials: Policy

    @property
    def role(self) -> Role:
        return Role(arn=self.deployer.arn, tags={}, trust="", policies=(), boundary=None)

    def session(self) -> Context:
        """Return the context of some session of the role."""
        return self.world.session(self.role)

    def may(self, request: Request, *, at: Guarded | None = None) -> Formula:
        """Return whether it could; what a resource grants goes past what a boundary allows."""
        return self.world.allowed(self.role, request, at=at, also=(*self.policies, self.denials))

    def surely(self, request: Request) -> Formula:
        """Return whether it can: its policies and its boundary both allow it."""
        return self.world.logic.every(
            (self.may(request), says(self.world.logic, self.boundary, "Allow", request))
        )


def _executions(world: World) -> Iterator[tuple[str, _Execution]]:
    """Yield the role as it is bootstrapped, and as an administrator under the same boundary."""
    policy_set = world.policy_set
    usage = known_part(policy_set.usage, region=policy_set.region)
    if not usage.properties:
        return
    deployer = deployer_of(
        usage,
        environment=policy_set.name,
        account=policy_set.account,
        region=policy_set.region,
        qualifier=policy_set.qualifier,
        boundary=boundary_arn(policy_set.name, account=policy_set.account),
    )
    boundary = Policy.parse("its boundary", boundary_document(usage, deployer))
    denials = replace(
        boundary, statements=tuple(one for one in boundary.statements if one.effect == "Deny")
    )
    own = tuple(
        Policy.parse(f"policy {number}", document)
        for number, document in enumerate(execution_documents(usage, deployer), start=1)
    )
    for about, policies in (("as bootstrapped", own), ("with every policy", (EVERYTHING,))):
        yield (
            about,
            _Execution(
                world=world,
                deployer=deployer,
                policies=policies,
                boundary=boundary,
                denials=denials,
            ),
        )


def _asked(execution: _Execution, service: str) -> tuple[str, ...]:
    """Return one action of each kind that the role's policies tell apart."""
    return representatives((*execution.policies, execution.boundary), service)


def _none(
    about: str,
    execution: _Execution,
    asked: Iterable[Request],
    *,
    at: Guarded | None = None,
    given: Iterable[Formula] = (),
) -> Claim:
    return never(about, [(one, execution.may(one, at=at)) for one in asked], given=given)


@theorem(GROUP, unless="kit-boundary")
def deployers_make_no_role_without_the_boundary(world: World) -> Iterator[Claim]:
    """Whoever deploys makes no role, and gives none a policy, without a boundary of the kit on it.

    Nor takes it off again. Whatever policies are attached beside: for making and taking off.
    """
    for about, execution in _executions(world):
        context = execution.session()
        role = world.logic.text("role")
        making = ("iam:CreateRole", "iam:PutRolePermissionsBoundary")
        giving = ("iam:AttachRolePolicy", "iam:PutRolePolicy")
        bootstrapped = about == "as bootstrapped"
        yield _none(
            f"{about}: another boundary or none",
            execution,
            requests(context, (*making, *(giving if bootstrapped else ())), role),
            given=[
                context.is_not("iam:PermissionsBoundary", one)
                for one in execution.deployer.boundaries
            ],
        )
        yield _none(
            f"{about}: taking it off",
            execution,
            requests(context, ("iam:DeleteRolePermissionsBoundary",), role),
        )


@theorem(GROUP)
def deployers_keep_their_own_limits(world: World) -> Iterator[Claim]:
    """Whoever deploys changes neither its own policies and boundary nor a role of the bootstrap.

    And makes no person, no key for one, and takes no other role, whatever policies are attached.
    """
    logic = world.logic
    for about, execution in _executions(world):
        context = execution.session()
        account = f"arn:aws:iam::{world.policy_set.account}"
        for what, target in (
            (
                "its policies",
                logic.join(f"{account}:policy/deployer-of-starburst-", logic.text("x")),
            ),
            ("bootstrap's roles", logic.join(f"{account}:role/cdk-", logic.text("x"))),
        ):
            yield _none(
                f"{about}: {what}",
                execution,
                requests(context, _asked(execution, "iam"), target),
            )
        people = [
            one
            for one in actions("iam")
            if one.startswith(("iam:Create", "iam:Put", "iam:Attach", "iam:Add"))
            and any(word in one for word in ("User", "AccessKey", "LoginProfile", "Group"))
        ]
        yield _none(f"{about}: people", execution, requests(context, people, logic.text("person")))
        if about == "as bootstrapped":
            asked = requests(context, _asked(execution, "sts"), logic.text("role"))
            yield _none(f"{about}: other roles", execution, asked)


@theorem(GROUP)
def deployers_read_no_data(world: World) -> Iterator[Claim]:
    """Whoever deploys reads and writes no object of the data bucket, and opens nothing by its key.

    Nor any message or log line. Whatever policies are attached, the boundary's denials hold, and
    of objects and keys they hold without the bucket's and the key's own policies as well. Where the
    stacks have a backup vault, AWS Backup is shown that its key works, and that opens no data.
    """
    logic = world.logic
    vaults = "AWS::Backup::BackupVault" in world.policy_set.usage.properties
    shown = f"backup.{world.policy_set.region}.amazonaws.com"
    bucket, key = data_bucket(world), data_key(world)
    for about, execution in _executions(world):
        context = execution.session()
        # Every resource of a stage has its tag: `tests/bootstrap` holds the templates to it.
        context.put("aws:ResourceTag/starburst:environment", world.policy_set.name)
        anything = logic.join(f"{bucket.arn}/", logic.text("key"))
        objects = OBJECTS if about != "as bootstrapped" else _asked(execution, "s3")
        for limits, these, at in (
            ("objects", objects, bucket),
            ("objects, by itself", OBJECTS, None),
        ):
            yield _none(f"{about}: {limits}", execution, requests(context, these, anything), at=at)
        mine = execution.session()
        mine.put("aws:ResourceTag/starburst:environment", world.policy_set.name)
        mine.put(f"aws:ResourceTag/{HOLDING_TAG}")  # which the data key does not have
        yield _none(f"{about}: keys", execution, requests(mine, OPENING, key.arn), at=key)
        resource = logic.text("resource")
        for what, asked in (
            ("every key of the environment", OPENING),
            ("messages", MESSAGES),
            ("log lines", LINES),
        ):
            given = [context.is_not("kms:ViaService", shown)] if vaults and asked is OPENING else []
            yield _none(
                f"{about}: {what}", execution, requests(context, asked, resource), given=given
            )


@theorem(GROUP, unless="own-trail")
def deployers_spare_trail_and_evidence(world: World) -> Iterator[Claim]:
    """Whoever deploys stops no trail, changes none but the environment's, and touches no record.

    The trail's own settings are in a template, so a deployment may change those.
    """
    logic, policy_set = world.logic, world.policy_set
    files = policy_set.named["audit/Files"]
    own = f"arn:aws:cloudtrail:{policy_set.region}:{policy_set.account}:trail/"
    for about, execution in _executions(world):
        context = execution.session()
        record = logic.join(f"{files}/", logic.text("key"))
        yield _none(f"{about}: records", execution, requests(context, OBJECTS, record))
        trail = logic.text("trail")
        yield _none(
            f"{about}: stopping", execution, requests(context, ("cloudtrail:StopLogging",), trail)
        )
        yield _none(
            f"{about}: trails of others",
            execution,
            requests(context, BLINDING, trail),
            given=[logic.no(logic.same(trail, f"{own}starburst-{policy_set.name}"))],
        )


@theorem(GROUP)
def deployers_can_deploy(world: World) -> Iterator[Claim]:
    """Whoever deploys can do each action that some resource's handlers need, under its boundary."""
    usage = known_part(world.policy_set.usage, region=world.policy_set.region)
    wanted = needed(usage, region=world.policy_set.region)
    for about, execution in _executions(world):
        if about != "as bootstrapped":
            continue
        for scope in SCOPES:
            context = execution.session()
            given = scope.statement([], execution.deployer)
            for keys in given.get("Condition", {}).values():
                for key, value in keys.items():
                    context.put(
                        key, (value if isinstance(value, str) else value[0]).replace("*", "x")
                    )
            own = [one for one in wanted if scope_of(one) is scope]
            target = given["Resource"][0].replace("*", "x")
            if own:
                yield always(
                    world,
                    scope.sid,
                    [(one, execution.surely(one)) for one in requests(context, own, target)],
                )
