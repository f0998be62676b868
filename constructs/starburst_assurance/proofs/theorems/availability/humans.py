"""Users can do their work: analysts, stewards, the platform team, auditors, administrators."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    DATA,
    HOME,
    PACKAGES,
    SESSIONS,
    data_bucket,
    data_key,
    queue_named,
    queue_of,
)
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.reading.sharing import Sharing
from starburst_assurance.proofs.solving.theorem import Claim, always, theorem
from starburst_assurance.proofs.theorems.availability.calls import (
    GROUP,
    MESSAGES,
    ONCE,
    READS,
    SESSION,
    Call,
    analysts_arn,
    calling,
    calls,
    packages_arn,
    parameter_arn,
    storage_calls,
)
from starburst_assurance.proofs.theorems.roles.tables import CLEARING, PUSHING

ERASURE = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)

USERS = ("alice", "results", "sessions")
"""An analyst, and two whose names stand for something else elsewhere in a key."""


@theorem(GROUP)
def analysts_can_work(world: World) -> Iterator[Claim]:
    """An analyst can start a session, collect its work, erase it, read data, and keep a home.

    And put wheels and data where the workspace says so.
    """
    passed_on = storage_calls(world, data_key(world).arn)
    for role in world.policy_set.roles_for("analyst"):
        for user in USERS:
            asked = [*_own_calls(world, role, user), *passed_on]
            yield always(world, f"{role.name}, {user}", calling(world, role, asked, user=user))
        if world.endpoint("lambda") is not None:
            inside = {"aws:SourceVpc": world.policy_set.vpc}
            asked = _own_calls(world, role)
            yield always(
                world,
                f"{role.name}, in the VPC",
                calling(world, role, asked, user="alice", place=inside),
            )


@theorem(GROUP, unless="trusted-networks")
def analysts_can_work_from_each_trusted_network(world: World) -> Iterator[Claim]:
    """From every network that is named, its first address and its last, an analyst can work."""
    places = [
        {"aws:SourceIp": str(address)}
        for block in map(ip_network, world.policy_set.trusted_cidrs)
        for address in (block[0], block[-1])
    ]
    # Through an endpoint a call has no address that AWS would show.
    places += [
        {"aws:SourceVpc": vpc, "aws:SourceVpce": "vpce-0a"} for vpc in world.policy_set.trusted_vpcs
    ]
    for role in world.policy_set.roles_for("analyst"):
        asked = _own_calls(world, role)
        for place in places:
            yield always(
                world,
                f"{role.name}, {place}",
                calling(world, role, asked, user="alice", place=place),
            )


def _own_calls(world: World, role: Role, user: str = "alice") -> list[Call]:
    """Return what an analyst's client calls."""
    bucket, key = data_bucket(world).arn, data_key(world).arn
    workspace = str(role.workspace)
    folder = f"{SESSIONS}{workspace}/{user}/"
    session = f"{bucket}/{folder}{SESSION}/"
    context = {
        "kms:EncryptionContext:workspace": workspace,
        "kms:EncryptionContext:user": user,
        "kms:EncryptionContext:session": SESSION,
    }
    written = ("functions/0", "inputs/0", "requests/0f.json")
    return [
        *calls(("s3:ListBucket", "s3:ListBucketVersions"), bucket, s3__prefix=folder),
        *calls(("s3:ListBucket",), bucket, s3__prefix=f"{folder}{SESSION}/results/"),
        # S3 says 403 of what is not there: a list of the key alone tells it from a refusal.
        *calls(("s3:ListBucket",), bucket, s3__prefix=f"{folder}{SESSION}/manifest.json"),
        *calls(("s3:ListBucket",), bucket, s3__prefix=f"{folder}{SESSION}/status.json"),
        *calls(("s3:ListBucket",), bucket, s3__prefix=f"{folder}{SESSION}/inputs/cancelled"),
        *calls((*READS, *ERASURE), f"{session}results/0"),
        *calls((*READS, *ERASURE), f"{session}manifest.json"),
        *calls(READS, f"{session}status.json"),
        ("s3:PutObject", f"{session}manifest.json", ONCE),
        *(("s3:PutObject", f"{session}{name}", {}) for name in written),
        *calls((*MESSAGES, "sqs:GetQueueUrl"), queue_named(queue_of(world, workspace), SESSION)),
        *calls(("lambda:InvokeFunction",), analysts_arn(world)),
        *calls(("ssm:GetParameter",), parameter_arn(world)),
        *calls(("ssm:GetParameter",), packages_arn(world, workspace)),
        *_beside_sessions(world, role, user),
        *(
            (action, key, {**context, "kms:EncryptionContext:purpose": purpose})
            for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
            for purpose in ("data", "signing")
        ),
    ]


def _beside_sessions(world: World, role: Role, user: str) -> list[Call]:
    """Return what an analyst's client calls for packages, data and a home."""
    bucket, workspace = data_bucket(world).arn, str(role.workspace)
    sharing = world.policy_set.sharing.get(workspace, Sharing())
    wheels, data = f"{PACKAGES}{workspace}/", f"{DATA}{workspace}/"
    home, signed = f"{HOME}{workspace}/{user}/", {"s3:authType": "REST-QUERY-STRING"}
    wheel, table, note = (
        f"{bucket}/{wheels}{'0' * 64}.00",
        f"{bucket}/{data}a/b",
        f"{bucket}/{home}a",
    )
    header = {"s3:authType": "REST-HEADER"}
    found: list[Call] = [
        *(call for one in (wheels, data, home) for call in _lists(bucket, one)),
        *(call for one in (wheel, table, note) for call in calls(READS, one)),
        *calls(("s3:ListBucketVersions",), bucket, s3__prefix=home),
        *((action, note, header) for action in ("s3:PutObject", *ERASURE)),
    ]
    if "analyst" in sharing.packages:
        found.append(("s3:PutObject", wheel, ONCE))
    if "analyst" in sharing.data:
        # What is large goes in parts, which the client takes back where one of them fails.
        wanted = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject")
        found += calls(wanted, table)
    if sharing.links:
        found.append(("s3:GetObject", note, signed))
    return found


def _lists(bucket: str, prefix: str) -> list[Call]:
    # A list of one key alone tells what is not there from what is refused.
    return [
        *calls(("s3:ListBucket",), bucket, s3__prefix=prefix),
        *calls(("s3:ListBucket",), bucket, s3__prefix=f"{prefix}a"),
    ]


@theorem(GROUP)
def stewards_can_work(world: World) -> Iterator[Claim]:
    """A steward can put, list, read and erase a workspace's data, and wheels where it has any."""
    policy_set = world.policy_set
    bucket = data_bucket(world).arn
    for role in policy_set.roles_for("steward"):
        workspace = str(role.workspace)
        sharing = policy_set.sharing.get(workspace, Sharing())
        wheels, data = f"{PACKAGES}{workspace}/", f"{DATA}{workspace}/"
        wheel, table = f"{bucket}/{wheels}{'0' * 64}.00", f"{bucket}/{data}a/b"
        asked: list[Call] = [
            *(call for one in (wheels, data) for call in _lists(bucket, one)),
            *calls(("s3:ListBucketVersions",), bucket, s3__prefix=data),
            *(call for one in (wheel, table) for call in calls((*READS, *ERASURE), one)),
            *calls(("s3:PutObject",), table),
            *calls(("ssm:GetParameter",), parameter_arn(world)),
            *calls(("ssm:GetParameter",), packages_arn(world, workspace)),
            *storage_calls(world, data_key(world).arn, "s3"),
        ]
        if "steward" in sharing.packages:
            asked.append(("s3:PutObject", wheel, ONCE))
        yield always(world, role.name, calling(world, role, asked, user="alice"))


@theorem(GROUP)
def engineers_can_operate(world: World) -> Iterator[Claim]:
    """The platform team can deploy, push images, read logs and health, and clear lost events."""
    policy_set = world.policy_set
    role = policy_set.role("platform")
    place = f"{policy_set.region}:{policy_set.account}"
    log_actions = ("DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "StartQuery")
    groups = (
        f"/aws/ecs/starburst/{policy_set.name}/{policy_set.workspaces[0]}",
        f"/aws/lambda/starburst-{policy_set.name}-controller",
        f"starburst-{policy_set.name}-audit-Events-a",
    )
    health = (
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "ecs:DescribeClusters",
        "ecs:ListTasks",
        "logs:DescribeLogGroups",
        "logs:GetQueryResults",
        "logs:StopQuery",
    )
    stacks = ("DescribeStackEvents", "DescribeStackResources", "DescribeStacks")
    yield always(
        world,
        role.name,
        calling(
            world,
            role,
            [
                *(
                    call
                    for job in ("deploy", "file-publishing", "image-publishing")
                    for call in calls(
                        ("sts:AssumeRole",),
                        f"arn:aws:iam::{policy_set.account}:role/cdk-{policy_set.qualifier}-"
                        f"{job}-role-{policy_set.account}-{policy_set.region}",
                    )
                ),
                *(
                    call
                    for group in groups
                    for call in calls(
                        [f"logs:{name}" for name in log_actions],
                        f"arn:aws:logs:{place}:log-group:{group}:log-stream:a",
                    )
                ),
                *calls(
                    [f"cloudformation:{name}" for name in stacks],
                    f"arn:aws:cloudformation:{place}:stack/starburst-{policy_set.name}-access/a",
                ),
                *(
                    call
                    for region in policy_set.regions
                    for call in calls(health, "*", aws__RequestedRegion=region)
                ),
                *calls(PUSHING, policy_set.named["registry/Worker"]),
                *calls(("ecr:GetAuthorizationToken",), "*"),
                *calls(CLEARING, policy_set.named["control/Failures"]),
                *calls(
                    ("kms:Decrypt",),
                    policy_set.named["foundation/LogsKey"],
                    aws__ViaAWSService="true",
                    kms__ViaService=f"sqs.{policy_set.region}.amazonaws.com",
                ),
                *calls(
                    ("ecs:DescribeTasks",),
                    f"arn:aws:ecs:{place}:task/starburst-{policy_set.name}/0a",
                ),
            ],
        ),
    )


@theorem(GROUP)
def auditors_can_read_the_evidence(world: World) -> Iterator[Claim]:
    """An auditor of the account with access by IAM reads trail and access logs, and lists them.

    Of data they may list names, where their own policies say so, and read none. Who reads the
    objects of an add-on's bucket is the add-on's affair.
    """
    policy_set = world.policy_set
    auditor = Role(
        arn=f"arn:aws:iam::{policy_set.account}:role/auditor",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    evidence = [one for one in policy_set.kits("bucket") if one != data_bucket(world)]
    for bucket in policy_set.kind("bucket"):
        context = world.session(auditor, closed=True)
        context.put_all({"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"})
        asked = [Request(context=context, action="s3:ListBucket", resource=bucket.arn)]
        if bucket in evidence:
            asked.append(
                Request(context=context, action="s3:GetObject", resource=f"{bucket.arn}/a")
            )
        yield always(
            world,
            bucket.arn,
            [
                (one, world.allowed(auditor, one, at=bucket, whatever_identity=True))
                for one in asked
            ],
        )


@theorem(GROUP)
def administrators_keep_the_keys(world: World) -> Iterator[Claim]:
    """The account's administrators can still manage our keys: nobody is locked out.

    Where keys are kept, CloudFormation's role changes their policies for them.
    """
    administrator = Role(
        arn=f"arn:aws:iam::{world.policy_set.account}:role/administrator",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    opened = [one for one in world.policy_set.kits("key") if one != data_key(world)]
    for key in world.policy_set.kind("key"):
        context = world.session(administrator, closed=True)
        context.put("kms:GrantIsForAWSResource", "true")
        kept = world.policy_set.deployer is not None
        asked = [
            Request(context=context, action=f"kms:{name}", resource=key.arn)
            for name in (
                *(() if kept else ("PutKeyPolicy",)),
                "CancelKeyDeletion",
                "DescribeKey",
                "EnableKeyRotation",
                # What the data key encrypts is data, and not theirs: `theorems.data.touching`. What
                # an add-on's encrypts is the add-on's affair.
                *(() if key == data_key(world) else ("CreateGrant",)),
                *(("Decrypt",) if key in opened else ()),
            )
        ]
        yield always(
            world,
            key.policy,
            [
                (one, world.allowed(administrator, one, at=key, whatever_identity=True))
                for one in asked
            ],
        )
