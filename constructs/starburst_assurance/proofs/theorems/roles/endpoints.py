"""Opening and closing endpoints: who may, which ones, and that nothing else comes with it."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    actions_on,
    every_action,
    requests,
    session_of,
)
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_constructs.identity.endpoint_opening import BURST_TAG
from starburst_constructs.naming import endpoints_stack_name
from starburst_constructs.network.endpoints import services_in

__all__ = ["opening_role", "passed_for_endpoints"]

GROUP = "Opening endpoints"
CLOUDFORMATION = "cloudformation.amazonaws.com"
MAKING = "ec2:CreateVpcEndpoint"
OTHERWISE = (
    "ec2:AcceptVpcEndpointConnections",
    "ec2:CreateVpcEndpointServiceConfiguration",
    "ec2:CreateVpcPeeringConnection",
    "ec2:ModifyVpcEndpoint",
    "ec2:ModifyVpcEndpointServicePermissions",
)
"""Other ways in or out of a VPC, and the change of an endpoint that is there."""

SEEN = ("SecurityGroups", "Subnets", "VpcEndpoints", "Vpcs")
"""What EC2 looks at before it makes an endpoint."""


def opening_role(world: World) -> Role | None:
    """Return the role that makes endpoints; None where they are always open."""
    found = world.policy_set.roles_for("endpoints")
    return found[0] if found else None


def passed_for_endpoints(world: World, context: Context, resource: Text) -> list[Formula]:
    """Return what else than worker roles may be passed: the endpoint role, to CloudFormation."""
    role = opening_role(world)
    if role is None:
        return []
    to = context.is_("iam:PassedToService", CLOUDFORMATION)
    return [world.logic.every((world.logic.same(resource, role.arn), to))]


def _stack(world: World) -> str:
    policy_set = world.policy_set
    place = f"{policy_set.region}:{policy_set.account}"
    return f"arn:aws:cloudformation:{place}:stack/{endpoints_stack_name(policy_set.name)}/"


def _services(world: World) -> list[str]:
    """Return the names of the services that need an endpoint here."""
    policy_set = world.policy_set
    found = services_in(
        policy_set.region,
        hosts=bool(policy_set.roles_for("host")),
        fips=policy_set.fips,
        secrets=any(policy_set.secrets.values()),
    )
    return [f"com.amazonaws.{policy_set.region}.{name}" for name in found]


def _network(world: World) -> list[str]:
    """Return the ARNs of our VPC, its subnets and the endpoints' group; none of another's VPC."""
    named = world.policy_set.named
    if "network/Vpc" not in named:
        return []
    return [
        arn
        for name, arn in named.items()
        if name == "network/EndpointsGroup"
        or (name.startswith("network/Vpc") and (":vpc/" in arn or ":subnet/" in arn))
    ]


def _reading(action: str) -> bool:
    name = action.partition(":")[2]
    return name.startswith(("Describe", "Get", "List"))


@theorem(GROUP, unless="kit-boundary")
def only_the_endpoint_role_makes_endpoints(world: World) -> Iterator[Claim]:
    """No role makes, changes or deletes an endpoint but the endpoint role, if there is one.

    Where endpoints are always open there is none, and the boundary holds whatever policies say.
    """
    opening = opening_role(world)
    for role in world.policy_set.roles:
        if role is opening:
            continue
        context = session_of(world, role)
        asked = requests(
            context, (MAKING, "ec2:DeleteVpcEndpoints", *OTHERWISE), world.logic.text("resource")
        )
        yield never(
            role.name,
            [(one, world.allowed(role, one, whatever_identity=opening is None)) for one in asked],
        )


@theorem(GROUP, unless="kit-boundary")
def only_our_endpoints_in_our_vpc(world: World) -> Iterator[Claim]:
    """The endpoint role makes the kit's endpoints, tagged, in the kit's VPC; it changes none.

    Where there is no such role, no role may even tag a network resource.
    """
    policy_set, logic = world.policy_set, world.logic
    role = opening_role(world)
    if role is None:
        for other in policy_set.roles:
            context = session_of(world, other)
            asked = requests(context, ["ec2:CreateTags"], logic.text("resource"))
            yield never(
                other.name,
                [(one, world.allowed(other, one, whatever_identity=True)) for one in asked],
            )
        return
    place = f"arn:aws:ec2:{policy_set.region}:{policy_set.account}"
    context, resource = world.session(role), logic.text("resource")
    endpoint = logic.starts(resource, f"{place}:vpc-endpoint/")
    others = [
        action
        for action in (*every_action(world), *OTHERWISE)
        if not _reading(action)
        and action
        not in (
            MAKING,
            "ec2:CreateTags",
            "ec2:DeleteVpcEndpoints",
            "route53:AssociateVPCWithHostedZone",
        )
    ]
    yield never(
        "anything else",
        [
            (one, world.allowed(role, one, boundary=False))
            for one in requests(context, others, resource)
        ],
    )
    make = next(iter(requests(context, [MAKING], resource)))
    made = world.allowed(role, make, boundary=False)
    services = _services(world)
    ours = logic.some(context.is_("ec2:VpceServiceName", service) for service in services)
    tagged = context.is_(f"aws:RequestTag/{BURST_TAG}", policy_set.name)
    yield never("another service", [(make, made)], given=[endpoint, logic.no(ours)])
    yield never("without the tag", [(make, made)], given=[endpoint, logic.no(tagged)])
    own = _network(world)
    if own:
        within = logic.some(logic.same(resource, arn) for arn in own)
        outside = [logic.no(endpoint), logic.no(within)]
        yield never("another VPC, subnet or group", [(make, made)], given=outside)
    yield never(
        "tagging later",
        [
            (one, world.allowed(role, one, boundary=False))
            for one in requests(context, ["ec2:CreateTags"], resource)
        ],
        given=[
            logic.no(
                logic.every(
                    (endpoint, tagged, context.is_("ec2:CreateAction", "CreateVpcEndpoint"))
                )
            )
        ],
    )
    yield never(
        "deleting what is not tagged",
        [
            (one, world.allowed(role, one, boundary=False))
            for one in requests(context, ["ec2:DeleteVpcEndpoints"], resource)
        ],
        given=[
            logic.no(
                logic.every(
                    (endpoint, context.is_(f"aws:ResourceTag/{BURST_TAG}", policy_set.name))
                )
            )
        ],
    )
    for vpc in (arn.rpartition("/")[2] for arn in own if ":vpc/" in arn):
        naming, said = world.session(role), logic.text("VPC")
        naming.put("route53:VPCs", said)
        yield never(
            "names in another VPC",
            [
                (one, world.allowed(role, one, boundary=False))
                for one in requests(naming, ["route53:AssociateVPCWithHostedZone"], resource)
            ],
            given=[logic.no(logic.same(said, f"VPCId={vpc},VPCRegion={policy_set.region}"))],
        )


@theorem(GROUP, unless="kit-boundary")
def only_the_endpoints_stack_is_updated(world: World) -> Iterator[Claim]:
    """No role changes a stack but the controller: the endpoints' stack, in the endpoint role only.

    Where endpoints are always open no role changes any stack, whatever its policies say.
    """
    policy_set, logic = world.policy_set, world.logic
    opening = opening_role(world)
    changing = [
        action
        for action in (
            *actions_on(world, "cloudformation"),
            "cloudformation:ContinueUpdateRollback",
            "cloudformation:CreateChangeSet",
            "cloudformation:CreateStack",
            "cloudformation:DeleteStack",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:SetStackPolicy",
            "cloudformation:UpdateStack",
        )
        if not _reading(action)
    ]
    for role in policy_set.roles:
        context = session_of(world, role)
        resource = logic.text("stack")
        asked = list(requests(context, dict.fromkeys(changing), resource))
        if opening is None or role.purpose != "controller":
            yield never(
                role.name,
                [
                    (one, world.allowed(role, one, whatever_identity=opening is None))
                    for one in asked
                ],
            )
            continue
        update = "cloudformation:UpdateStack"
        yield never(
            f"{role.name}, otherwise",
            [
                (one, world.allowed(role, one, boundary=False))
                for one in asked
                if one.action != update
            ],
        )
        [one] = [one for one in asked if one.action == update]
        allowed = world.allowed(role, one, boundary=False)
        yield never(
            f"{role.name}, another stack",
            [(one, allowed)],
            given=[logic.no(logic.starts(resource, _stack(world)))],
        )
        yield never(
            f"{role.name}, another role",
            [(one, allowed)],
            given=[context.is_not("cloudformation:RoleArn", opening.arn)],
        )


@theorem(GROUP)
def cloudformation_gets_the_endpoint_role_only(world: World) -> Iterator[Claim]:
    """Nobody hands CloudFormation a role but the controller, which hands it the endpoint role."""
    for role in world.policy_set.roles:
        context = session_of(world, role)
        context.put("iam:PassedToService", CLOUDFORMATION)
        resource = world.logic.text("resource")
        one = next(iter(requests(context, ["iam:PassRole"], resource)))
        known = passed_for_endpoints(world, context, resource)
        yield never(
            role.name,
            [(one, world.allowed(role, one, boundary=False))],
            given=[world.logic.no(one) for one in known if role.purpose == "controller"],
        )


@theorem(GROUP)
def cloudformation_takes_the_endpoint_role_only(world: World) -> Iterator[Claim]:
    """CloudFormation takes no role of ours but the endpoint role, which nobody else can take.

    Nor does it for another account, where it says on whose behalf it acts.
    """
    opening = opening_role(world)
    for role in world.policy_set.roles:
        context = world.context()
        asked = [
            (one, world.trusted(role, one))
            for one in requests(context, ["sts:AssumeRole"], role.arn)
        ]
        itself = world.logic.every(
            (
                context.is_("aws:PrincipalIsAWSService", "true"),
                context.is_("aws:PrincipalServiceName", CLOUDFORMATION),
            )
        )
        if role is not opening:
            # A service is nobody's session.
            plain = world.logic.no(context.has("aws:PrincipalArn"))
            yield never(role.name, asked, given=[itself, plain])
            continue
        yield never(f"{role.name}, by others", asked, given=[world.logic.no(itself)])
        more = requests(context, ["sts:SetSourceIdentity", "sts:TagSession"], role.arn)
        yield never(f"{role.name}, with tags", [(one, world.trusted(role, one)) for one in more])
        foreign = context.is_not("aws:SourceAccount", world.policy_set.account)
        yield never(
            f"{role.name}, for another account",
            asked,
            given=[context.has("aws:SourceAccount"), foreign],
        )
        source = world.logic.starts(context.text("aws:SourceArn"), _stack(world))
        yield never(
            f"{role.name}, for another stack",
            asked,
            given=[context.has("aws:SourceArn"), world.logic.no(source)],
        )


@theorem(GROUP, unless="own-endpoints")
def endpoints_can_open(world: World) -> Iterator[Claim]:
    """Every service that workers call has an endpoint; where those come and go, they can."""
    policy_set = world.policy_set
    for endpoint in policy_set.endpoints:
        context = world.context(closed=True)
        world.put_ours(context, "Principal", "Resource")
        one = Request(context=context, action="sts:GetCallerIdentity", resource="*")
        yield always(world, endpoint.service, [(one, world.passes(one, through=endpoint))])
    opening = opening_role(world)
    if opening is None:
        return
    told = {"cloudformation:RoleArn": opening.arn, "iam:PassedToService": CLOUDFORMATION}
    orders = [
        (f"cloudformation:{name}", f"{_stack(world)}0a", told)
        for name in ("UpdateStack", "DescribeStacks", "DescribeStackEvents")
    ]
    orders.append(("iam:PassRole", opening.arn, told))
    yield always(
        world, "the controller", list(_plainly(world, policy_set.role("controller"), orders))
    )
    made = f"arn:aws:ec2:{policy_set.region}:{policy_set.account}:vpc-endpoint/vpce-0a"
    tag = {f"aws:RequestTag/{BURST_TAG}": policy_set.name, "ec2:CreateAction": "CreateVpcEndpoint"}
    work = [
        *((MAKING, made, {**tag, "ec2:VpceServiceName": service}) for service in _services(world)),
        *((MAKING, arn, {}) for arn in _network(world)),
        ("ec2:CreateTags", made, tag),
        ("ec2:DeleteVpcEndpoints", made, {f"aws:ResourceTag/{BURST_TAG}": policy_set.name}),
        *((f"ec2:Describe{name}", "*", {}) for name in SEEN),
        ("route53:AssociateVPCWithHostedZone", "arn:aws:route53:::hostedzone/Z1", {}),
    ]
    yield always(world, "CloudFormation", list(_plainly(world, opening, work)))
    context = world.context(closed=True)
    context.put("aws:PrincipalIsAWSService", "true")
    context.put("aws:PrincipalServiceName", CLOUDFORMATION)
    one = Request(context=context, action="sts:AssumeRole", resource=opening.arn)
    yield always(world, "CloudFormation, saying no source", [(one, world.trusted(opening, one))])


def _plainly(
    world: World, role: Role, calls: list[tuple[str, str, dict[str, str]]]
) -> Iterator[tuple[Request, Formula]]:
    """Yield calls of a role in its own Region, all keys that are not said absent."""
    for action, resource, said in calls:
        context = world.session(role, closed=True)
        context.put("aws:RequestedRegion", world.policy_set.region)
        context.put_all(said)
        request = Request(context=context, action=action, resource=resource)
        yield request, world.allowed(role, request)
