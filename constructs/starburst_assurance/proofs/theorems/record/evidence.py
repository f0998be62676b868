"""What nobody of ours can weaken: the trail, the evidence, the boundary; and what revoking does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    HOME,
    PEOPLE,
    SESSIONS,
    actions_on,
    analyst_name,
    data_bucket,
    every_action,
    requests,
    session_of,
)
from starburst_assurance.proofs.encoding.named_secrets import is_any_secret
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.encoding.vocabulary import looking, representatives
from starburst_assurance.proofs.reading.policies import Policy, Role, Statement
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_assurance.proofs.theorems.roles.duties import within_duties
from starburst_constructs.placement import Placement
from starburst_constructs.policies.revocation import moment, revocation_document, revoker_document

GROUP = "Evidence and containment"
WATCHING = ("cloudtrail", "config", "guardduty", "securityhub", "access-analyzer", "inspector2")
REVOKED_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@theorem(GROUP, unless="kit-boundary")
def no_role_weakens_the_record(world: World) -> Iterator[Claim]:
    """No role of ours changes the trail, Config, GuardDuty or a log group's life.

    Whatever its identity policies say: the boundary stands alone. To look is no change, and for a
    role of an add-on to switch Inspector on weakens nothing.
    """
    logs = (
        "DeleteLogGroup",
        "DeleteLogStream",
        "DeleteRetentionPolicy",
        "PutRetentionPolicy",
        "DeleteDataProtectionPolicy",
        "PutDataProtectionPolicy",
        "DisassociateKmsKey",
        "DeleteSubscriptionFilter",
        "PutSubscriptionFilter",
        "Unmask",
    )
    for role in world.policy_set.roles:
        context = session_of(world, role)
        actions = [
            *(
                action
                for service in WATCHING
                for action in _changes(world, service, without="inspector2:Enable")
            ),
            *(("inspector2:Enable",) if world.policy_set.owner(role.arn) is None else ()),
            *(f"logs:{name}" for name in logs),
        ]
        asked = requests(context, actions, world.logic.text("resource"))
        yield never(
            role.name, [(one, world.allowed(role, one, whatever_identity=True)) for one in asked]
        )


@theorem(GROUP)
def no_role_touches_evidence(world: World) -> Iterator[Claim]:
    """No role of ours reads, writes or deletes anything in the trail's and logs' buckets."""
    for bucket in world.policy_set.kits("bucket"):
        if bucket == data_bucket(world):
            continue
        for role in world.policy_set.roles:
            context = session_of(world, role)
            key = world.logic.join(f"{bucket.arn}/", world.logic.text("key"))
            asked = [
                *requests(context, actions_on(world, "s3"), bucket.arn),
                *requests(context, actions_on(world, "s3"), key),
            ]
            yield never(
                f"{role.name} at {bucket.arn}",
                [(one, world.allowed(role, one, at=bucket)) for one in asked],
            )


@theorem(GROUP, unless="kit-boundary")
def no_role_changes_a_bucket(world: World) -> Iterator[Claim]:
    """No role of ours changes a bucket: its policy, encryption, versions, locks or lifecycle.

    Nor does it bypass a lock. Whatever its identity policies say.
    """
    changes = [
        f"s3:{name}"
        for name in (
            "BypassGovernanceRetention",
            "DeleteBucket",
            "DeleteBucketPolicy",
            "PutBucketAcl",
            "PutBucketLogging",
            "PutBucketObjectLockConfiguration",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketPublicAccessBlock",
            "PutBucketVersioning",
            "PutEncryptionConfiguration",
            "PutLifecycleConfiguration",
            "PutObjectAcl",
            "PutObjectLegalHold",
            "PutObjectRetention",
            "PutReplicationConfiguration",
        )
    ]
    for role in world.policy_set.roles:
        asked = requests(session_of(world, role), changes, world.logic.text("resource"))
        yield never(
            role.name, [(one, world.allowed(role, one, whatever_identity=True)) for one in asked]
        )


@theorem(GROUP, unless="kit-boundary")
def no_role_changes_identities(world: World) -> Iterator[Claim]:
    """No role of ours changes a role, a policy, a tag or a boundary, its own or another's.

    Whatever its identity policies say.
    """
    for role in world.policy_set.roles:
        context = session_of(world, role)
        changes = _changes(world, "iam", without="iam:PassRole")
        asked = requests(context, changes, world.logic.text("resource"))
        yield never(
            role.name, [(one, world.allowed(role, one, whatever_identity=True)) for one in asked]
        )


@theorem(GROUP, unless="kit-boundary")
def the_boundary_denies_identity_changes(world: World) -> Iterator[Claim]:
    """A wider boundary would still refuse identity changes: it denies them in so many words."""
    allow = Statement(effect="Allow", actions=("*",), resources=("*",))
    names = (
        "AttachRolePolicy",
        "CreateAccessKey",
        "CreatePolicyVersion",
        "CreateRole",
        "CreateUser",
        "DeleteRolePermissionsBoundary",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "SetDefaultPolicyVersion",
        "TagRole",
        "UntagRole",
        "UpdateAssumeRolePolicy",
    )
    for name in sorted({role.boundary for role in world.policy_set.roles if role.boundary}):
        boundary = world.policy(name)
        wide = Policy(name="wide", statements=(allow, *boundary.statements))
        context = world.context()
        asked = requests(context, [f"iam:{one}" for one in names], world.logic.text("resource"))
        yield never(name, [(one, world.logic.no(world.refuses(wide, one))) for one in asked])


@theorem(GROUP, unless="kit-boundary")
def every_role_is_bounded(world: World) -> Iterator[Claim]:
    """Every role carries the boundary, so none does what the boundary does not name.

    An add-on's role does beyond that what its own add-on is said to allow, and no other's. Secrets
    that settings name are apart: theorems of their own say who reads them.
    """
    for role in world.policy_set.roles:
        context = world.session(role, user="alice" if role.purpose in PEOPLE else None)
        unnamed = [
            f"{service}:{name}"
            for service, name in (
                ("ec2", "RunInstances"),
                ("lambda", "UpdateFunctionCode"),
                ("s3", "PutBucketPolicy"),
                ("dynamodb", "PutItem"),
                ("secretsmanager", "GetSecretValue"),
                ("ssm", "SendCommand"),
                ("iam", "CreateUser"),
                ("kms", "PutKeyPolicy"),
                ("sns", "Publish"),
            )
        ]
        asked = requests(context, unnamed, world.logic.text("resource"))
        own = world.policy_set.ceilings.get(world.policy_set.owner(role.arn) or "", ())
        broken = [
            (
                one,
                world.logic.every(
                    (
                        world.allowed(role, one, whatever_identity=True),
                        world.logic.no(is_any_secret(world, one)),
                        world.logic.no(within_duties(world, own, role, one.action, one.resource)),
                    )
                ),
            )
            for one in asked
        ]
        yield never(role.name, broken)


@theorem(GROUP)
def revoked_sessions_are_dead(world: World) -> Iterator[Claim]:
    """After a role's sessions are revoked, no session that began earlier can do anything at all.

    The policy is the very one that ``python -m deploy.revoke`` puts.
    """
    revoke = Policy.parse("revocation", revocation_document(REVOKED_AT))
    for role in world.policy_set.roles:
        context = session_of(world, role)
        context.put("aws:TokenIssueTime", moment(REVOKED_AT - SECOND))
        asked = requests(context, every_action(world), world.logic.text("resource"))
        yield never(role.name, [(one, world.allowed(role, one, also=[revoke])) for one in asked])


@theorem(GROUP)
def a_revoked_user_is_out_alone(world: World) -> Iterator[Claim]:
    """Revoking one user ends all of that user's earlier sessions and touches nobody else's."""
    revoke = Policy.parse("revocation", revocation_document(REVOKED_AT, user="alice"))
    before, after = moment(REVOKED_AT - SECOND), moment(REVOKED_AT)
    resource = world.logic.text("resource")
    for role in world.policy_set.roles_for(*PEOPLE):
        hers = world.session(role, user="alice")
        hers.put("aws:TokenIssueTime", before)
        asked = requests(hers, every_action(world), resource)
        yield never(role.name, [(one, world.allowed(role, one, also=[revoke])) for one in asked])
        another, later = analyst_name(world), world.session(role, user="alice")
        others = world.session(role, user=another)
        others.put("aws:TokenIssueTime", before)
        later.put("aws:TokenIssueTime", after)
        for about, context in (("another user", others), ("a new session", later)):
            one = Request(context=context, action="s3:GetObject", resource=resource)
            yield never(
                f"{role.name}, {about}",
                [(one, world.refuses(revoke, one))],
                given=[world.logic.no(world.logic.same(another, "alice"))],
            )


@theorem(GROUP)
def revokers_only_revoke(world: World) -> Iterator[Claim]:
    """Who may revoke may put and take away policies of people and workers, and nothing else.

    What they put stays under the boundary: see what holds whatever an identity policy says. They
    see users' names, so that a slip in one is told, and nothing that is below them.
    """
    policy_set = world.policy_set
    ends = {role.arn: role for role in policy_set.roles_for(*PEOPLE, "worker")}
    bucket = data_bucket(world)
    document = revoker_document(
        policy_set.name,
        policy_set.workspaces,
        list(ends),
        placement=Placement(account=policy_set.account, region=policy_set.region),
        bucket=bucket.arn.rpartition(":")[2],
    )
    revoker = Policy.parse("revoker", document)
    someone = Role(
        arn=f"arn:aws:iam::{policy_set.account}:role/responder",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    context = world.session(someone)
    known = {"iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"}
    resource = world.logic.text("resource")
    ours = world.logic.some(world.logic.same(resource, arn) for arn in ends)
    every = representatives([*policy_set.policies.values(), revoker])
    looking = {"s3:ListBucketVersions", "ssm:GetParameter"}
    others = [one for one in every if one not in known | looking]
    yield never(
        "another action",
        [
            (one, world.allowed(someone, one, also=[revoker]))
            for one in requests(context, others, resource)
        ],
    )
    yield never(
        "another role",
        [
            (one, world.allowed(someone, one, also=[revoker]))
            for one in requests(context, sorted(known), resource)
        ],
        given=[world.logic.no(ours)],
    )
    deeper = world.session(someone)
    prefix = world.logic.text("prefix")
    deeper.put("s3:prefix", prefix)
    yield never(
        "names below a user's",
        [
            (one, world.allowed(someone, one, at=bucket, also=[revoker]))
            for one in requests(deeper, ["s3:ListBucketVersions"], bucket.arn)
        ],
        given=[
            world.logic.no(world.logic.same(prefix, f"{area}{workspace}/"))
            for workspace in policy_set.workspaces
            for area in (SESSIONS, HOME)
        ],
    )
    whole = world.session(someone)
    yield never(
        "all names at once",
        [
            (one, world.allowed(someone, one, at=bucket, also=[revoker]))
            for one in requests(whole, ["s3:ListBucketVersions"], bucket.arn)
        ],
        given=[whole.is_not("s3:delimiter", "/")],
    )
    yield always(
        world,
        "revoking",
        [
            (one, world.allowed(someone, one, also=[revoker]))
            for arn in ends
            for one in requests(context, sorted(known), arn)
        ],
    )


def _changes(world: World, service: str, *, without: str) -> tuple[str, ...]:
    """Return one action of each kind that changes something in a service.

    Each that only looks, and the one that is let through, is told apart from all others, so that
    none of these is left out with it.
    """
    harmless = (*looking(service), without)
    apart = Policy(name="", statements=(Statement(effect="Allow", actions=harmless),))
    found = representatives((*world.policy_set.policies.values(), apart), service)
    return tuple(action for action in found if action not in harmless)
