"""What keeps strangers out and our data in."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    PEOPLE,
    SERVICES,
    actions_on,
    data_bucket,
    every_action,
    owned_by,
    requests,
    session_of,
    within,
)
from starburst_assurance.proofs.encoding.named_reads import READING, is_passed
from starburst_assurance.proofs.encoding.request import Context, address_number
from starburst_assurance.proofs.reading.policies import EVERYTHING, Endpoint
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem

GROUP = "Perimeter"
AGENTS = ("ecs-agent", "ecs-telemetry")
"""Services whose endpoints take no policy, so that nothing can be proved of them: what ECS's agents
call, on instances of our own and in Regions opened since December 2023."""


def _strangers(world: World) -> Iterator[tuple[str, Context]]:
    """Yield the context of a caller who is no AWS service, and of one who did not sign in.

    The latter says nothing of who they are, not even that they are no service.
    """
    signed = world.context()
    signed.put("aws:PrincipalIsAWSService", "false")
    signed.put("aws:PrincipalServiceName")
    yield "signed in", signed
    nobody = world.context()
    for key in ("Account", "Arn", "IsAWSService", "OrgID", "OrgPaths", "ServiceName"):
        nobody.put(f"aws:Principal{key}")
    nobody.close("aws:PrincipalTag/")
    yield "not signed in", nobody


def _guarded(world: World) -> list[Endpoint]:
    return [one for one in world.policy_set.endpoints if one.service not in AGENTS]


@theorem(GROUP)
def nobody_from_outside(world: World) -> Iterator[Claim]:
    """Nobody outside the account gets anything: no bucket, key, queue, topic, image or function.

    Whatever their own account lets them do, and also where they did not sign in at all.
    """
    for item in world.policy_set.guarded:
        for about, context in _strangers(world):
            owned_by(context, "alice")
            resource, given = within(world, item)
            ours = context.is_("aws:PrincipalAccount", world.policy_set.account)
            arn = context.text("aws:PrincipalArn")
            mine = world.logic.like(arn, f"arn:aws:iam::{world.policy_set.account}:*")
            asked = requests(context, actions_on(world, SERVICES[item.kind]), resource)
            yield never(
                f"{item.arn}, {about}",
                [(one, world.admitted(one, at=item)) for one in asked],
                given=[*given, world.logic.no(ours), world.logic.no(mine)],
            )


@theorem(GROUP)
def buckets_refuse_strangers(world: World) -> Iterator[Claim]:
    """The buckets and the image repository refuse other accounts in so many words.

    So not even an Allow that is added by mistake lets one in, nor an anonymous caller.
    Where an environment names an organization, here and below, its accounts are none of the others.
    """
    for item in world.policy_set.kind("bucket", "repository"):
        for about, context in _strangers(world):
            resource, given = within(world, item)
            ours = world.ours(context, "Principal")
            policy = world.policy(item.policy)
            asked = list(requests(context, actions_on(world, SERVICES[item.kind]), resource))
            yield never(
                f"{item.arn}, {about}",
                [(one, world.logic.no(world.refuses(policy, one))) for one in asked],
                given=[*given, world.logic.no(ours)],
            )


@theorem(GROUP)
def services_act_for_us_only(world: World) -> Iterator[Claim]:
    """No AWS service gets in for another account's sake: none is a confused deputy."""
    account = world.policy_set.account
    for item in world.policy_set.guarded:
        context = world.context()
        context.put("aws:PrincipalIsAWSService", "true")
        context.put("aws:PrincipalAccount")
        context.put("aws:PrincipalArn")
        resource, given = within(world, item)
        sources = {
            "aws:SourceArn": [f"arn:aws:*:{account}:*", f"{data_bucket(world).arn}"],
            "kms:EncryptionContext:aws:logs:arn": [f"arn:aws:logs:*:{account}:*"],
            "kms:EncryptionContext:aws:ecs:clusterAccount": [account],
        }
        foreign = [
            world.logic.no(
                world.logic.every(
                    (
                        context.has(key),
                        world.logic.some(
                            world.logic.like(context.text(key), pattern) for pattern in patterns
                        ),
                    )
                )
            )
            for key, patterns in sources.items()
        ]
        asked = requests(context, actions_on(world, SERVICES[item.kind]), resource)
        yield never(
            item.arn,
            [(one, world.admitted(one, at=item)) for one in asked],
            given=[*given, *foreign, context.is_not("aws:SourceAccount", account)],
        )


@theorem(GROUP, unless="own-endpoints")
def nothing_leaves_through_an_endpoint(world: World) -> Iterator[Claim]:
    """Nothing goes through a VPC endpoint to a resource of another account but ECR's image layers.

    For every caller, with any credentials, but for what a workspace's reads= name. Only the
    endpoints of ECS's agents take no policy; where there are such, they are no part of this. So a
    worker whose only way out are endpoints (``egress="isolated"``) can send nothing to another
    account. With ``egress="nat"`` there is a gateway beside them, which asks no policy: what a
    worker reads it can then send anywhere, and this theorem says nothing of that.
    """
    layers = f"arn:aws:s3:::prod-{world.policy_set.region}-starport-layer-bucket/*"
    for endpoint in _guarded(world):
        context = world.context()
        resource = world.logic.text("resource")
        asked = requests(context, every_action(world), resource)
        given = [world.logic.no(world.ours(context, "Resource"))]
        yield never(
            f"{endpoint.service} endpoint",
            [
                (one, world.passes(one, through=endpoint))
                for one in asked
                if one.action not in READING
            ],
            given=given,
        )
        for one in requests(context, READING, resource):
            known = [is_passed(world, one)]
            if one.action == "s3:GetObject":
                known.append(world.logic.like(resource, layers))
            yield never(
                f"{endpoint.service} endpoint, {one.action}",
                [(one, world.passes(one, through=endpoint))],
                given=[*given, world.logic.no(world.logic.some(known))],
            )


@theorem(GROUP, unless="own-endpoints")
def endpoints_refuse_strangers(world: World) -> Iterator[Claim]:
    """Nobody uses another account's credentials through our endpoints, but to read image layers.

    Only the endpoints of ECS's agents take no policy; where there are such, they are no part of
    this.
    """
    for endpoint in _guarded(world):
        context = world.context()
        asked = requests(context, every_action(world), world.logic.text("resource"))
        yield never(
            f"{endpoint.service} endpoint",
            [
                (one, world.passes(one, through=endpoint))
                for one in asked
                if one.action != "s3:GetObject"
            ],
            given=[world.logic.no(world.ours(context, "Principal"))],
        )


@theorem(GROUP, unless="source-vpce")
def stolen_worker_credentials_are_worthless(world: World) -> Iterator[Claim]:
    """Outside our S3 endpoint a worker's credentials open nothing in the data bucket.

    Whatever their identity policy says. AWS services that act for a worker are let through.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        resource, given = within(world, bucket)
        asked = requests(context, actions_on(world, "s3"), resource)
        yield never(
            role.name,
            [
                (one, world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False))
                for one in asked
            ],
            given=[
                *given,
                context.is_not("aws:SourceVpce", world.policy_set.s3_endpoint),
                context.is_not("aws:ViaAWSService", "true"),
            ],
        )


@theorem(GROUP, unless="source-vpce")
def stolen_credentials_do_nothing_elsewhere(world: World) -> Iterator[Claim]:
    """Outside our VPC a worker's credentials do nothing at all, in any AWS service.

    Nor do the controller's where it runs in the VPC, but write its log, report lost events, poll
    the queue that wakes it and join the VPC: Lambda does that in its name. A worker's denial holds
    whatever else is allowed.
    """
    policy_set = world.policy_set
    polling = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
    lambdas = ("ec2:", "iam:", "kms:", "logs:", "sqs:SendMessage")
    for role in policy_set.roles_for("worker", "controller"):
        if role.purpose == "controller" and policy_set.roles_for("endpoints"):
            continue
        context = world.session(role)
        worker = role.purpose == "worker"
        resource = world.logic.text("resource")
        asked = [
            one
            for one in requests(context, every_action(world), resource)
            if worker or not one.action.startswith(lambdas)
        ]
        also = [EVERYTHING] if worker else []
        outside = [
            context.is_not("aws:SourceVpc", policy_set.vpc),
            context.is_not("aws:ViaAWSService", "true"),
        ]
        polled = () if worker else polling
        yield never(
            role.name,
            [
                (one, world.allowed(role, one, boundary=not worker, also=also))
                for one in asked
                if one.action not in polled
            ],
            given=outside,
        )
        if polled:
            wakes = world.logic.same(resource, policy_set.named["control/Wakes"])
            yield never(
                f"{role.name}, another queue",
                [(one, world.allowed(role, one)) for one in asked if one.action in polled],
                given=[*outside, world.logic.no(wakes)],
            )


@theorem(GROUP, unless="trusted-networks")
def people_come_from_trusted_networks(world: World) -> Iterator[Claim]:
    """Outside the named networks an analyst's or steward's credentials do nothing, anywhere.

    Whatever else is allowed. AWS services that act for a person call from AWS's own addresses.
    """
    policy_set, logic = world.policy_set, world.logic
    for role in policy_set.roles_for(*PEOPLE):
        context = session_of(world, role)
        [address] = context.key("aws:SourceIp").slots
        inside = [
            logic.every(
                (
                    address.present,
                    logic.compare("GreaterThanEquals", address.number, address_number(block[0])),
                    logic.compare("LessThanEquals", address.number, address_number(block[-1])),
                )
            )
            for block in map(ip_network, policy_set.trusted_cidrs)
        ]
        inside += [context.is_("aws:SourceVpc", vpc) for vpc in policy_set.trusted_vpcs]
        asked = requests(context, every_action(world), logic.text("resource"))
        yield never(
            role.name,
            [(one, world.allowed(role, one, boundary=False, also=[EVERYTHING])) for one in asked],
            given=[
                logic.no(logic.some(inside)),
                context.is_not("aws:ViaAWSService", "true"),
            ],
        )


@theorem(GROUP, unless="kit-boundary")
def only_allowed_regions(world: World) -> Iterator[Claim]:
    """No role of ours does anything in a Region where data may not be.

    Except in services without Regions: IAM, STS, Budgets, Organizations, and the one action of
    Route 53 that gives an endpoint its private names.
    """
    named = "route53:AssociateVPCWithHostedZone"
    worldwide = ("budgets:", "iam:", "organizations:", "sts:", named)
    for role in world.policy_set.roles:
        context = session_of(world, role)
        region = world.logic.text("region")
        context.put("aws:RequestedRegion", region)
        asked = [
            one
            for one in requests(context, every_action(world), world.logic.text("resource"))
            if not one.action.startswith(worldwide)
        ]
        yield never(
            role.name,
            [(one, world.allowed(role, one, whatever_identity=True)) for one in asked],
            given=[
                world.logic.no(world.logic.same(region, allowed))
                for allowed in world.policy_set.regions
            ],
        )
