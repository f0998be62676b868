"""Who can become what."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.key_layout import (
    PEOPLE,
    STS_PUNCTUATION,
    actions_on,
    every_action,
    login_context,
    requests,
    tag_by_sts,
)
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_assurance.proofs.theorems.identities.rightful import rightful

GROUP = "Assuming a role"
HUMAN_ROLES = (*PEOPLE, "platform")
LONGEST_SET = 32
BEGINNING = ("sts:AssumeRole", "sts:TagSession")
ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")


def _asks(world: World, role: Role, context: Context) -> list[tuple[Request, Formula]]:
    found: list[tuple[Request, Formula]] = []
    for action in (*ASSUMING, "sts:TagSession"):
        request = Request(context=context, action=action, resource=role.arn)
        found.append((request, world.trusted(role, request)))
    return found


@theorem(GROUP)
def names_are_plain_words(world: World) -> Iterator[Claim]:
    """Every session of a person has a user name of 3 to 32 letters and digits, without exception.

    So a name can be a folder: no slash leads into another user's, no dash into another queue.
    """
    for role in world.policy_set.roles_for(*PEOPLE):
        user = world.logic.text("user")
        context = login_context(world, user)
        # Of what STS takes, all that is no letter or digit.
        odd = [world.logic.has(user, character) for character in STS_PUNCTUATION]
        plain = world.logic.no(world.logic.some(odd))
        length = world.logic.every(
            (world.logic.like(user, "???*"), world.logic.no(world.logic.like(user, "?" * 33 + "*")))
        )
        yield never(
            role.name,
            [
                (
                    request,
                    world.logic.every(
                        (formula, world.logic.no(world.logic.every((plain, length))))
                    ),
                )
                for request, formula in _asks(world, role, context)
            ],
            given=[tag_by_sts(world, user)],
        )


@theorem(GROUP)
def nobody_logs_in_without_a_name(world: World) -> Iterator[Claim]:
    """Nobody becomes an analyst or a steward without the session tag that names them."""
    for role in world.policy_set.roles_for(*PEOPLE):
        context = world.context()
        context.put("aws:RequestTag/userName")
        yield never(role.name, _asks(world, role, context))


@theorem(GROUP)
def no_other_tag_comes_along(world: World) -> Iterator[Claim]:
    """A session of a person carries no tag but ``userName``, so it cannot move its workspace."""
    for role in world.policy_set.roles_for(*PEOPLE):
        context = world.context()
        context.put("aws:TagKeys", "userName", world.logic.text("another tag"))
        other = world.logic.no(
            world.logic.same(context.key("aws:TagKeys").slots[1].text, "userName")
        )
        yield never(role.name, _asks(world, role, context), given=[other])


@theorem(GROUP)
def only_people_bring_tags(world: World) -> Iterator[Claim]:
    """Only analysts and stewards bring a tag along, and a login does nothing but begin a session.

    So nobody else gives themselves a name, and with it another user's folder.
    """
    for role in world.policy_set.roles:
        begins = {"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}
        if role.purpose in PEOPLE:
            begins.add("sts:TagSession")
        context = world.context()
        others = [action for action in actions_on(world, "sts") if action not in begins]
        yield never(
            role.name,
            [
                (one, world.trusted(role, one))
                for one in requests(context, [*others, "sts:SetSourceIdentity"], role.arn)
            ],
        )


@theorem(GROUP)
def people_come_from_the_identity_provider(world: World) -> Iterator[Claim]:
    """Only users of the identity provider become analysts, stewards or engineers: no service."""
    for role in world.policy_set.roles_for(*HUMAN_ROLES):
        service = world.context()
        service.put("aws:PrincipalIsAWSService", "true")
        service.put("aws:FederatedProvider")
        service.put("aws:PrincipalArn")
        service.put("aws:PrincipalAccount")
        stranger = world.context()
        stranger.put("aws:PrincipalIsAWSService", "false")
        stranger.put("aws:FederatedProvider")
        account = stranger.is_not("aws:PrincipalAccount", world.policy_set.account)
        arn = stranger.text("aws:PrincipalArn")
        ours = world.logic.like(arn, f"arn:aws:iam::{world.policy_set.account}:*")
        yield never(role.name, [*_asks(world, role, service)])
        yield never(
            role.name,
            _asks(world, role, stranger),
            given=[account, world.logic.no(ours)],
        )


@theorem(GROUP)
def machines_roles_are_for_their_service(world: World) -> Iterator[Claim]:
    """Worker, launch and controller roles are taken by ECS tasks and Lambda only, never by users.

    ECS takes them for tasks of this account only.
    """
    services = {
        "worker": "ecs-tasks.amazonaws.com",
        "launch": "ecs-tasks.amazonaws.com",
        "controller": "lambda.amazonaws.com",
    }
    for role in world.policy_set.roles_for(*services):
        service = services[str(role.purpose)]
        other = world.context()
        yield never(
            role.name,
            _asks(world, role, other),
            given=[
                world.logic.no(
                    world.logic.every(
                        (
                            other.is_("aws:PrincipalIsAWSService", "true"),
                            other.is_("aws:PrincipalServiceName", service),
                        )
                    )
                )
            ],
        )
        if service.startswith("lambda"):
            continue
        deputy = world.context()
        yield never(
            f"{role.name}, for another account",
            _asks(world, role, deputy),
            given=[deputy.is_not("aws:SourceAccount", world.policy_set.account)],
        )
        elsewhere = world.context()
        ours = world.logic.like(
            elsewhere.text("aws:SourceArn"),
            f"arn:aws:ecs:{world.policy_set.region}:{world.policy_set.account}:*",
        )
        yield never(
            f"{role.name}, for something of another account",
            _asks(world, role, elsewhere),
            given=[world.logic.no(world.logic.every((elsewhere.has("aws:SourceArn"), ours)))],
        )


@theorem(GROUP)
def service_roles_are_for_us(world: World) -> Iterator[Claim]:
    """No AWS service takes one of the other roles for another account's sake."""
    for role in world.policy_set.roles:
        if role.purpose is not None:
            continue
        context = world.context()
        if role.arn == world.policy_set.named.get("audit/TrailRole"):
            # CloudTrail is not documented to say on whose behalf; where it does, it binds.
            context.put("aws:SourceAccount", world.logic.text("source account"))
        ours = context.is_("aws:SourceAccount", world.policy_set.account)
        yield never(role.name, _asks(world, role, context), given=[world.logic.no(ours)])
        person = world.context()
        person.put("aws:PrincipalIsAWSService", "false")
        yield never(f"{role.name}, by a person", _asks(world, role, person))
        other = world.context()
        if role.arn == world.policy_set.named.get("audit/TrailRole"):
            other.put("aws:SourceArn", world.logic.text("source"))
        mine = world.logic.like(other.text("aws:SourceArn"), f"arn:*:{world.policy_set.account}:*")
        yield never(
            f"{role.name}, for something of another account",
            _asks(world, role, other),
            given=[world.logic.no(world.logic.every((other.has("aws:SourceArn"), mine)))],
        )


@theorem(GROUP)
def logins_are_made_for_aws(world: World) -> Iterator[Claim]:
    """A SAML answer that was made for another audience than AWS lets nobody in."""
    for role in world.policy_set.roles_for(*HUMAN_ROLES):
        context = world.context()
        context.put("aws:FederatedProvider", world.logic.text("provider"))
        context.put("aws:PrincipalAccount")
        context.put("aws:PrincipalArn")
        yield never(
            role.name,
            _asks(world, role, context),
            given=[context.is_not("SAML:aud", world.policy_set.audience)],
        )


@theorem(GROUP)
def users_come_with_a_second_factor(world: World) -> Iterator[Claim]:
    """No IAM user becomes any of these without a second factor, nor under another's name.

    Where users sign in through an identity provider or a broker, no IAM user gets in at all.
    """
    for role in world.policy_set.roles_for(*HUMAN_ROLES):
        plain = _user(world)
        yield never(
            f"{role.name}, without a second factor",
            _asks(world, role, plain),
            given=[plain.is_not("aws:MultiFactorAuthPresent", "true")],
        )
        if role.purpose not in PEOPLE:
            continue
        context, tag = _user(world), world.logic.text("tag")
        context.put("aws:RequestTag/userName", tag)
        yield never(
            f"{role.name}, under another's name",
            _asks(world, role, context),
            given=[world.logic.no(world.logic.same(context.text("aws:username"), tag))],
        )


def _user(world: World) -> Context:
    """Return the context of some IAM user of this account."""
    context, logic = world.context(), world.logic
    account = world.policy_set.account
    # The ARN has the user's path as well, which ``aws:username`` lacks.
    arn = logic.join(f"arn:aws:iam::{account}:user/", logic.text("path and name"))
    context.put("aws:FederatedProvider")
    context.put("aws:PrincipalIsAWSService", "false")
    context.put("aws:PrincipalAccount", account)
    context.put("aws:PrincipalArn", arn)
    context.put("aws:username", logic.text("user"))
    return context


@theorem(GROUP, unless="identity-center")
def the_identity_center_names_people(world: World) -> Iterator[Claim]:
    """Who comes by IAM Identity Center comes by the role's permission set, under their own name.

    Nobody else becomes an analyst, a steward or an engineer: no role that was made in the account.
    """
    policy_set, logic = world.policy_set, world.logic
    for role in policy_set.roles_for(*HUMAN_ROLES):
        elsewhere = world.context()
        arn = elsewhere.text("aws:PrincipalArn")
        path = f"arn:aws:iam::{policy_set.account}:role/aws-reserved/sso.amazonaws.com/"
        # A permission set's name has 32 characters at most, and what stands behind it has 16.
        short = len(role.name) <= LONGEST_SET
        name = role.name if short else f"{role.name[: LONGEST_SET - 9]}-{'?' * 8}"
        made = logic.some(
            logic.like(arn, f"{path}{region}AWSReservedSSO_{name}_{'?' * 16}")
            for region in ("", "*/")
        )
        yield never(
            f"{role.name}, by another role", _asks(world, role, elsewhere), given=[logic.no(made)]
        )
        if role.purpose not in PEOPLE:
            continue
        renamed, tag = world.context(), logic.text("tag")
        renamed.put("aws:RequestTag/userName", tag)
        own = logic.text("own")
        renamed.put("aws:PrincipalTag/userName", own)
        yield never(
            f"{role.name}, under another's name",
            _asks(world, role, renamed),
            given=[logic.no(logic.same(own, tag))],
        )
        nameless = world.context()
        nameless.put("aws:PrincipalTag/userName")
        yield never(f"{role.name}, without a name", _asks(world, role, nameless))


@theorem(GROUP, unless="identity-center")
def permission_sets_only_log_in(world: World) -> Iterator[Claim]:
    """A permission set becomes its one role of the kit, and does nothing else in AWS.

    So the role that Identity Center makes of it, which nobody here can change, needs no limits.
    """
    logic = world.logic
    for arn, name in world.policy_set.permission_sets.items():
        policy = world.policy(name)
        context, resource = world.context(), logic.text("resource")
        named = logic.same(resource, arn)
        yield never(
            name,
            [
                (
                    one,
                    logic.every(
                        (
                            says(logic, policy, "Allow", one),
                            True if one.action not in BEGINNING else logic.no(named),
                        )
                    ),
                )
                for one in requests(context, (*every_action(world), *BEGINNING), resource)
            ],
        )
        role = next(role for role in world.policy_set.roles if role.arn == arn)
        begins = BEGINNING if role.purpose in PEOPLE else BEGINNING[:1]
        yield always(
            world,
            f"{name}, what it is for",
            [(one, says(logic, policy, "Allow", one)) for one in requests(context, begins, arn)],
        )


@theorem(GROUP)
def everybody_can_log_in(world: World) -> Iterator[Claim]:
    """Analysts, stewards, engineers, tasks and the controller can become what they are."""
    policy_set = world.policy_set
    for role in policy_set.roles:
        yield always(world, role.name, list(rightful(world, role)))
    trail = policy_set.named.get("audit/TrailRole")
    for role in policy_set.roles:
        if role.arn == trail:
            context = world.context(closed=True)
            context.put("aws:PrincipalIsAWSService", "true")
            context.put("aws:PrincipalServiceName", "cloudtrail.amazonaws.com")
            one = Request(context=context, action="sts:AssumeRole", resource=role.arn)
            yield always(world, f"{role.name}, plainly", [(one, world.trusted(role, one))])
