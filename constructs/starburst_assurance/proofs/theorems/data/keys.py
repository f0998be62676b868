"""Who opens what, and who cannot change the lock."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    actions_on,
    data_bucket,
    data_key,
    requests,
    session_of,
)
from starburst_assurance.proofs.reading.policies import EVERYTHING, Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem

GROUP = "Keys"
ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateGrant",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:ImportKeyMaterial",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:UpdateAlias",
)
USING = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


@theorem(GROUP, unless="kit-boundary")
def no_role_administers_keys(world: World) -> Iterator[Claim]:
    """No role of ours changes a key's policy, grants or life, whatever its policies say."""
    for role in world.policy_set.roles:
        for key in world.policy_set.kind("key"):
            context = session_of(world, role)
            asked = requests(context, ADMINISTRATION, key.arn)
            yield never(
                f"{role.name} at {key.policy}",
                [(one, world.allowed(role, one, at=key, whatever_identity=True)) for one in asked],
            )


@theorem(GROUP)
def no_grants_by_people(world: World) -> Iterator[Claim]:
    """Nobody makes a grant on our keys but AWS services for their own use: grants escape policies.

    Not even an administrator of the account.
    """
    for key in world.policy_set.kind("key"):
        # A caller who did not sign in is no service either, and says nothing of it.
        for about, service in (("signed in", ("false",)), ("not signed in", ())):
            context = world.context()
            context.put("aws:PrincipalIsAWSService", *service)
            policy = world.policy(key.policy)
            one = next(iter(requests(context, ["kms:CreateGrant"], key.arn)))
            yield never(
                f"{key.policy}, {about}",
                [(one, world.logic.no(world.refuses(policy, one)))],
                given=[context.is_not("kms:GrantIsForAWSResource", "true")],
            )


@theorem(GROUP)
def keys_refuse_strangers(world: World) -> Iterator[Claim]:
    """The keys refuse other accounts in so many words, so that not even a grant lets one in.

    KMS takes no call that is not signed, so every caller but an AWS service has an account.
    Where an environment names an organization, its accounts are none of the others.
    """
    for key in world.policy_set.kind("key"):
        policy = world.policy(key.policy)
        for about, service in (("says so", ("false",)), ("says nothing", ())):
            context = world.context()
            context.put("aws:PrincipalIsAWSService", *service)
            asked = requests(context, actions_on(world, "kms"), key.arn)
            yield never(
                f"{key.policy}, a caller that is no service {about}",
                [(one, world.logic.no(world.refuses(policy, one))) for one in asked],
                given=[
                    context.has("aws:PrincipalAccount"),
                    world.logic.no(world.ours(context, "Principal")),
                ],
            )


@theorem(GROUP)
def keys_spare_services(world: World) -> Iterator[Claim]:
    """No key refuses a service: one that says so, or a call that it forwards and that names nobody.

    Fargate's grant on a scratch disk's key may come forwarded. Who may use a key its Allows say.
    """
    by_itself, forwarded = world.context(), world.context()
    by_itself.put("aws:PrincipalIsAWSService", "true")
    for name in ("Account", "Arn", "IsAWSService", "OrgID", "OrgPaths"):
        forwarded.put(f"aws:Principal{name}")
    for about, context in (("by itself", by_itself), ("forwarded", forwarded)):
        context.put("kms:GrantIsForAWSResource", "true")
        for key in world.policy_set.kind("key"):
            policy = world.policy(key.policy)
            asked = requests(context, USING, key.arn)
            yield never(
                f"{key.policy}, {about}", [(one, world.refuses(policy, one)) for one in asked]
            )


ENDING = ("kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion")
RECOVERING = ("kms:CancelKeyDeletion", "kms:EnableKey")


@theorem(GROUP, unless="kept-keys")
def kept_keys_end_by_break_glass_alone(world: World) -> Iterator[Claim]:
    """Nobody but the break-glass role deletes or disables a key of production.

    Nobody but that role and CloudFormation's changes its policy. Whatever a caller's identity
    policies say: the keys' own policies stand alone, against administrators and the root user too.
    """
    policy_set, logic = world.policy_set, world.logic
    named = [one for one in (policy_set.break_glass, policy_set.deployer) if one is not None]
    for key in policy_set.kind("key"):
        policy = world.policy(key.policy)
        for actions, allowed in ((ENDING, named[:-1]), (("kms:PutKeyPolicy",), named)):
            context = world.context()
            yield never(
                f"{key.policy}, {actions[-1]}",
                [
                    (one, logic.no(world.refuses(policy, one)))
                    for one in requests(context, actions, key.arn)
                ],
                given=[context.is_not("aws:PrincipalArn", arn) for arn in allowed],
            )
        for arn, possible in (
            (policy_set.deployer, ("kms:PutKeyPolicy", *RECOVERING)),
            (policy_set.break_glass, (*ENDING, "kms:PutKeyPolicy", *RECOVERING)),
            (f"arn:aws:iam::{policy_set.account}:role/administrator", RECOVERING),
        ):
            if arn is None:
                continue
            someone = Role(arn=arn, tags={}, trust="", policies=(), boundary=None)
            context = world.session(someone)
            yield always(
                world,
                f"{key.policy}, what {arn} must be able to do",
                [
                    (one, world.allowed(someone, one, at=key, also=[EVERYTHING]))
                    for one in requests(context, possible, key.arn)
                ],
            )


@theorem(GROUP)
def session_keys_are_for_sessions(world: World) -> Iterator[Claim]:
    """Only analysts and workers ever open a session key; no other role does."""
    key = data_key(world)
    for role in world.policy_set.roles:
        if role.purpose in ("analyst", "worker"):
            continue
        context = session_of(world, role)
        context.put("kms:ViaService")
        asked = [
            one
            for one in requests(context, actions_on(world, "kms"), key.arn)
            if one.action != "kms:DescribeKey"
        ]
        yield never(role.name, [(one, world.allowed(role, one, at=key)) for one in asked])


@theorem(GROUP)
def keys_open_for_s3_and_sqs_only(world: World) -> Iterator[Claim]:
    """Without a session's own context a role uses the data key through S3 and SQS only."""
    key = data_key(world)
    policy_set = world.policy_set
    for role in policy_set.roles:
        context = session_of(world, role)
        context.put("kms:EncryptionContext:workspace")
        asked = requests(context, actions_on(world, "kms"), key.arn)
        services = [
            context.is_not("kms:ViaService", f"{service}.{policy_set.region}.amazonaws.com")
            for service in ("s3", "sqs")
        ]
        yield never(
            role.name, [(one, world.allowed(role, one, at=key)) for one in asked], given=services
        )


@theorem(GROUP)
def engineers_see_no_data(world: World) -> Iterator[Claim]:
    """As itself the platform team touches no object, session key or message; logs it reads masked.

    But the events that the controller lost, which name sessions and hold no data. It does read the
    workers' logs: what tasks print is in them only where ``task_output`` copies it there, and a
    mask hides what it knows the form of and nothing else. What the team can do by a deployment is
    up to the roles of ``cdk bootstrap``.
    """
    role = world.policy_set.role("platform")
    bucket, key = data_bucket(world), data_key(world)
    context = world.session(role)
    resource = world.logic.text("resource")
    inside = world.logic.some(
        (world.logic.same(resource, bucket.arn), world.logic.starts(resource, f"{bucket.arn}/"))
    )
    yield never(
        "objects",
        [
            (one, world.allowed(role, one))
            for one in requests(context, actions_on(world, "s3"), resource)
        ],
        given=[inside],
    )
    lost = world.logic.same(resource, world.policy_set.named["control/Failures"])
    for what, actions, where, given in (
        ("keys", actions_on(world, "kms"), key.arn, ()),
        ("messages", actions_on(world, "sqs"), resource, [world.logic.no(lost)]),
        ("masks", ("logs:Unmask",), resource, ()),
    ):
        asked = requests(context, actions, where)
        yield never(what, [(one, world.allowed(role, one)) for one in asked], given=given)


@theorem(GROUP)
def engineers_become_deployers_only(world: World) -> Iterator[Claim]:
    """The platform team becomes its own bootstrap's deploying and publishing roles alone.

    No other bootstrap's in the same account, and not the one that reads all: CDK's look-up role
    holds AWS's ``ReadOnlyAccess``, so every log, key name and unencrypted object of the account.
    Nothing here is looked up, and ``cdk`` goes on without that role.
    """
    policy_set, logic = world.policy_set, world.logic
    role = policy_set.role("platform")
    resource = logic.text("role")
    ours = [
        logic.same(
            resource,
            f"arn:aws:iam::{policy_set.account}:role/cdk-{policy_set.qualifier}-{job}-role-"
            f"{policy_set.account}-{policy_set.region}",
        )
        for job in ("deploy", "file-publishing", "image-publishing")
    ]
    asked = requests(world.session(role), actions_on(world, "sts"), resource)
    yield never(
        role.name,
        [(one, world.allowed(role, one, boundary=False)) for one in asked],
        given=[logic.no(logic.some(ours))],
    )


@theorem(GROUP)
def lost_events_are_read_through_their_queue(world: World) -> Iterator[Claim]:
    """Roles use the key of logs and evidence through SQS only: for lost events, and for wakes.

    A role of an add-on whose table has that key uses it through SNS, to tell people.
    """
    policy_set = world.policy_set
    key = policy_set.at("foundation/LogsKey")
    for role in policy_set.roles:
        context = session_of(world, role)
        asked = requests(context, actions_on(world, "kms"), key.arn)
        reader = role.purpose in ("controller", "platform")
        tells = any(
            "{logs_key}" in patterns for _, patterns in policy_set.duties.get(str(role.purpose), ())
        )
        service = "sqs" if reader else "sns"
        elsewhere = context.is_not("kms:ViaService", f"{service}.{policy_set.region}.amazonaws.com")
        yield never(
            role.name,
            [(one, world.allowed(role, one, at=key)) for one in asked],
            given=[elsewhere] if reader or tells else [],
        )


@theorem(GROUP)
def engineers_denials_stand_alone(world: World) -> Iterator[Claim]:
    """A wider policy for the platform team would still not open data: the denials stand alone."""
    role = world.policy_set.role("platform")
    bucket, key = data_bucket(world), data_key(world)
    queue = world.logic.text("queue")
    lost = world.logic.same(queue, world.policy_set.named["control/Failures"])
    for what, actions, where, given in (
        (
            "objects",
            actions_on(world, "s3"),
            world.logic.join(f"{bucket.arn}/", world.logic.text("key")),
            (),
        ),
        ("the bucket", actions_on(world, "s3"), bucket.arn, ()),
        (
            "keys",
            ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"),
            key.arn,
            (),
        ),
        ("reading messages", ("sqs:ReceiveMessage",), queue, [world.logic.no(lost)]),
        ("sending messages", ("sqs:SendMessage",), queue, ()),
        ("masks", ("logs:Unmask",), world.logic.text("log group"), ()),
    ):
        asked = requests(world.session(role), actions, where)
        yield never(
            what,
            [(one, world.allowed(role, one, boundary=False, also=[EVERYTHING])) for one in asked],
            given=given,
        )
