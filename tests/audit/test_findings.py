"""Each finding is provoked once, alone: what is spoiled is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deploy.audit.command import audit
from deploy.audit.subject import Finding, is_public
from stacks.settings import MfaUsers
from tests.audit.scene import (
    ACTIVE,
    BUCKET,
    ENDED,
    ENDPOINTS,
    MAIN,
    NAME,
    NOW,
    REGION,
    Scene,
    register,
)

Spoil = Callable[[Scene], object]
OPEN = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
WORLD = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def found(scene: Scene) -> list[tuple[str, Finding]]:
    told = audit(scene.subject)
    assert told.unseen == {}
    assert told.code == 1
    return [(check, one) for check, each in told.findings.items() for one in each]


def expect(key: str, value: Any) -> Spoil:
    """Have the code say something else, and so what is deployed differ."""

    def spoil(scene: Scene) -> None:
        scene.expected[MAIN]["Resources"][key]["Properties"] |= value

    return spoil


def drift(scene: Scene) -> None:
    scene.formation.drifts[MAIN] = [
        {
            "ResourceType": "AWS::EC2::SecurityGroup",
            "LogicalResourceId": "Group",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [{"PropertyPath": "/SecurityGroupIngress/0"}],
        }
    ]
    scene.formation.detection = ["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"]


def deleted(scene: Scene) -> None:
    scene.formation.drifts[MAIN] = [
        {
            "ResourceType": "AWS::Logs::LogGroup",
            "LogicalResourceId": "Log",
            "StackResourceDriftStatus": "DELETED",
        }
    ]


def a_route(scene: Scene) -> None:
    gateway = scene.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    scene.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=scene.ids["Vpc"])
    of_vpc = [{"Name": "vpc-id", "Values": [scene.ids["Vpc"]]}]
    [table] = scene.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    scene.ec2.create_route(
        RouteTableId=table["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway,
    )


def no_private_dns(scene: Scene) -> None:
    made = scene.ec2.create_vpc_endpoint(
        VpcId=scene.ids["Vpc"],
        ServiceName=f"com.amazonaws.{REGION}.logs",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=False,
    )
    scene.formation.physical[MAIN]["Endpoint"] = made["VpcEndpoint"]["VpcEndpointId"]


def a_user(scene: Scene, *, keys: bool = True, login: bool = False, path: str = "/") -> str:
    scene.iam.create_user(UserName="robot", Path=path)
    if keys:
        scene.iam.create_access_key(UserName="robot")
    if login:
        scene.iam.create_login_profile(UserName="robot", Password="ThisIsAFakePassword")
    return "robot"


def a_second_factor(scene: Scene, user: str) -> None:
    device = scene.iam.create_virtual_mfa_device(VirtualMFADeviceName=user)
    scene.iam.enable_mfa_device(
        UserName=user,
        SerialNumber=device["VirtualMFADevice"]["SerialNumber"],
        AuthenticationCode1="123456",
        AuthenticationCode2="234567",
    )


def keys_with_a_factor(scene: Scene) -> None:
    a_second_factor(scene, a_user(scene))


def other_limits(scene: Scene) -> None:
    document = scene.parameters.document
    name, own = next(iter(document.workspaces.items()))
    more = replace(own, limits=replace(own.limits, workers=own.limits.workers - 1))
    scene.parameters.document = replace(document, workspaces={**document.workspaces, name: more})


def no_workspace(scene: Scene) -> None:
    document = scene.parameters.document
    rest = dict(list(document.workspaces.items())[1:])
    scene.parameters.document = replace(document, workspaces=rest)


def no_notification(scene: Scene) -> None:
    from tests.audit.scene import ACCOUNT, NOTIFICATION  # noqa: PLC0415 - of this one alone

    scene.budgets.delete_notification(
        AccountId=ACCOUNT, BudgetName=scene.ids["Budget"], Notification=NOTIFICATION
    )


def no_budget(scene: Scene) -> None:
    from tests.audit.scene import ACCOUNT  # noqa: PLC0415 - of this one alone

    scene.budgets.delete_budget(AccountId=ACCOUNT, BudgetName=scene.ids["Budget"])


def left_open(scene: Scene) -> None:
    network = replace(scene.subject.environment.network, endpoints="while_bursting")
    scene.subject.environment = replace(scene.subject.environment, network=network)
    scene.formation.bursting, scene.officers.active = "on", {}
    scene.officers.ended = {ENDED: NOW - 3 * 3600}
    url = scene.sqs.get_queue_url(QueueName=f"starburst-{NAME}-genomics-{ACTIVE}")["QueueUrl"]
    scene.sqs.delete_queue(QueueUrl=url)


def late(scene: Scene) -> None:
    days = scene.subject.environment.storage.session_days + 3
    scene.officers.ended[ENDED] = NOW - days * 86_400


def nobodys(scene: Scene) -> None:
    """The controller knows nothing of it, and it is old."""
    days = scene.subject.environment.storage.session_days + 3
    scene.officers.ended = {}
    scene.subject.clock = lambda: NOW + days * 86_400


def a_worker(scene: Scene) -> None:
    class Ecs:
        def __getattr__(self, name: str) -> Any:
            return getattr(ecs, name)

        def get_paginator(self, name: str) -> Any:
            return self if name == "list_tasks" else ecs.get_paginator(name)

        def paginate(self, **_: Any) -> Any:
            return [{"taskArns": ["arn:t/1", "arn:t/2"]}]

        def describe_tasks(self, **_: Any) -> Any:
            return {
                "tasks": [
                    {"taskArn": "arn:t/1", "startedBy": ACTIVE},
                    {"taskArn": "arn:t/2", "startedBy": "somebody"},
                ]
            }

    ecs = scene.made["ecs"]
    scene.made["ecs"] = Ecs()


CASES: list[tuple[str, str, Spoil]] = [
    (
        "stacks",
        "stack starburst-dev-other is not deployed",
        lambda s: s.expected.update({f"starburst-{NAME}-other": {"Resources": {}}}),
    ),
    ("stacks", "its code is gone", lambda s: s.expected.pop(ENDPOINTS)),
    (
        "stacks",
        "is UPDATE_ROLLBACK_FAILED",
        lambda s: s.formation.status.update({MAIN: "UPDATE_ROLLBACK_FAILED"}),
    ),
    ("stacks", "another template (Vpc)", expect("Vpc", {"CidrBlock": "10.1.0.0/16"})),
    ("drift", "was changed by hand (/SecurityGroupIngress/0)", drift),
    ("drift", "was deleted by hand", deleted),
    (
        "people",
        "has no second factor",
        lambda s: s.iam.summary.update(AccountMFAEnabled=0),
    ),
    (
        "people",
        "has access keys",
        lambda s: s.iam.summary.update(AccountAccessKeysPresent=1),
    ),
    (
        "people",
        "IAM user robot has no second factor",
        lambda s: a_user(s, keys=False, login=True),
    ),
    ("people", "IAM user robot has long-term keys (AKIA", keys_with_a_factor),
    (
        "buckets",
        "encrypts with AES256, and not with aws:kms",
        lambda s: s.s3.put_bucket_encryption(
            Bucket=BUCKET,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
    ),
    ("buckets", "encrypts with nothing", lambda s: s.s3.delete_bucket_encryption(Bucket=BUCKET)),
    (
        "buckets",
        "keeps no versions (Suspended)",
        lambda s: s.s3.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    (
        "buckets",
        "may be made public (BlockPublicAcls",
        lambda s: s.s3.delete_public_access_block(Bucket=BUCKET),
    ),
    ("keys", "does not rotate", lambda s: s.kms.disable_key_rotation(KeyId=s.ids["Key"])),
    ("keys", "is Disabled", lambda s: s.kms.disable_key(KeyId=s.ids["Key"])),
    (
        "subnets",
        "gives public addresses",
        lambda s: s.ec2.modify_subnet_attribute(
            SubnetId=s.ids["Subnet"], MapPublicIpOnLaunch={"Value": True}
        ),
    ),
    ("subnets", "leads out through igw-", a_route),
    (
        "endpoints",
        "does not answer for the service's own name",
        no_private_dns,
    ),
    (
        "endpoints",
        "is ",
        lambda s: s.ec2.delete_vpc_endpoints(VpcEndpointIds=[s.ids["Endpoint"]]),
    ),
    (
        "security groups",
        "lets in from everywhere",
        lambda s: s.ec2.authorize_security_group_ingress(
            GroupId=s.ids["Group"], IpPermissions=WORLD
        ),
    ),
    (
        "security groups",
        "lets out to everywhere",
        lambda s: s.ec2.authorize_security_group_egress(
            GroupId=s.ids["Group"], IpPermissions=WORLD
        ),
    ),
    (
        "security groups",
        "default security group",
        lambda s: s.ec2.authorize_security_group_egress(
            GroupId=s.ids["default"], IpPermissions=WORLD
        ),
    ),
    (
        "trail",
        "trail starburst-dev records nothing now",
        lambda s: s.cloudtrail.stop_logging(Name="starburst-dev"),
    ),
    (
        "trail",
        "records one Region alone",
        lambda s: s.cloudtrail.update_trail(Name="starburst-dev", IsMultiRegionTrail=False),
    ),
    (
        "trail",
        "signs no digest",
        lambda s: s.cloudtrail.update_trail(Name="starburst-dev", EnableLogFileValidation=False),
    ),
    (
        "trail",
        "has no trail of all Regions",
        lambda s: s.cloudtrail.delete_trail(Name="starburst-dev"),
    ),
    (
        "log groups",
        "keeps lines for 7 days, and its code says 30",
        lambda s: s.logs.put_retention_policy(logGroupName=s.ids["Log"], retentionInDays=7),
    ),
    (
        "log groups",
        "keeps lines for ever, not days",
        lambda s: s.logs.delete_retention_policy(logGroupName=s.ids["Log"]),
    ),
    ("log groups", "is gone", lambda s: s.logs.delete_log_group(logGroupName=s.ids["Log"])),
    ("budgets", "is gone", no_budget),
    ("budgets", "tells nobody", no_notification),
    ("limits", "has other limits in the runtime document", other_limits),
    ("limits", "is not in the runtime document", no_workspace),
    (
        "images",
        "is not scanned",
        lambda s: s.ecr.put_image_scanning_configuration(
            repositoryName=s.ids["Repository"], imageScanningConfiguration={"scanOnPush": False}
        ),
    ),
    (
        "images",
        "lets a tag move",
        lambda s: s.ecr.put_image_tag_mutability(
            repositoryName=s.ids["Repository"], imageTagMutability="MUTABLE"
        ),
    ),
    (
        "images",
        "keeps every image for ever",
        lambda s: s.ecr.delete_lifecycle_policy(repositoryName=s.ids["Repository"]),
    ),
    (
        "public exposure",
        "AWS::S3::Bucket",
        lambda s: s.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(OPEN)),
    ),
    (
        "public exposure",
        "AWS::KMS::Key",
        lambda s: s.kms.put_key_policy(
            KeyId=s.ids["Key"], PolicyName="default", Policy=json.dumps(OPEN)
        ),
    ),
    (
        "public exposure",
        "AWS::ECR::Repository",
        lambda s: s.ecr.set_repository_policy(
            repositoryName=s.ids["Repository"],
            policyText=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}],
                }
            ),
        ),
    ),
    (
        "public exposure",
        "AWS::SQS::Queue",
        lambda s: s.sqs.set_queue_attributes(
            QueueUrl=s.ids["Wakes"], Attributes={"Policy": json.dumps(OPEN)}
        ),
    ),
    (
        "public exposure",
        "AWS::SNS::Topic",
        lambda s: s.sns.set_topic_attributes(
            TopicArn=s.ids["Topic"], AttributeName="Policy", AttributeValue=json.dumps(OPEN)
        ),
    ),
    ("public exposure", "AWS::Lambda::Function", lambda s: s.officers.policy.update(OPEN)),
    (
        "orphans",
        f"queue starburst-{NAME}-genomics-{'q' * 20} belongs to no session",
        lambda s: s.sqs.create_queue(QueueName=f"starburst-{NAME}-genomics-{'q' * 20}"),
    ),
    ("orphans", "worker 2 belongs to no session", a_worker),
    ("orphans", f"prefix sessions/genomics/alice/{ENDED}/ has objects", late),
    ("orphans", f"prefix sessions/genomics/alice/{ENDED}/ has objects", nobodys),
    (
        "orphans",
        "log group /aws/ecs/starburst/dev/gone belongs to no stack",
        lambda s: s.logs.create_log_group(logGroupName=f"/aws/ecs/starburst/{NAME}/gone"),
    ),
    (
        "orphans",
        "task definition starburst-dev-gone belongs to no stack",
        lambda s: register(s.ecs, f"starburst-{NAME}-gone"),
    ),
    ("endpoints left open", "keeps its endpoints open", left_open),
]


@pytest.mark.parametrize(
    ("check", "words", "spoil"), CASES, ids=[f"{check}: {words}" for check, words, _ in CASES]
)
def test_what_is_spoiled_is_found_and_nothing_else(
    scene: Scene, check: str, words: str, spoil: Spoil
) -> None:
    spoil(scene)
    [(name, one)] = found(scene)
    assert name == check
    assert words in str(one)
    assert one.why
    assert one.do


def test_drift_is_told_of_every_page(scene: Scene) -> None:
    drift(scene)
    changed = scene.formation.drifts[MAIN]
    deleted(scene)
    scene.formation.drifts[MAIN] += changed
    assert [one.what.partition(" (")[0] for _, one in found(scene)] == [
        "was deleted by hand",
        "was changed by hand",
    ]


def test_a_user_with_keys_and_without_a_factor_is_told_of_both(scene: Scene) -> None:
    a_user(scene)
    assert [one.what.split(" (")[0] for _, one in found(scene)] == [
        "has no second factor",
        "has long-term keys",
    ]


def test_an_analyst_with_a_second_factor_may_have_keys(scene: Scene) -> None:
    """Their keys do nothing but assume a role with the factor; elsewhere in the account they do."""
    account = scene.subject.environment.account
    people = MfaUsers(account=account, path="/analysts/")
    scene.subject.environment = replace(scene.subject.environment, identity=people)
    a_second_factor(scene, a_user(scene, path="/analysts/"))
    assert audit(scene.subject).code == 0
    scene.subject.environment = replace(
        scene.subject.environment, identity=MfaUsers(account=account, path="/others/")
    )
    assert [one.what.split(" (")[0] for _, one in found(scene)] == ["has long-term keys"]


def test_another_trail_of_all_regions_does_where_the_environment_has_none(scene: Scene) -> None:
    for templates in (scene.expected, scene.formation.templates):
        del templates[MAIN]["Resources"]["Trail"]
    del scene.formation.physical[MAIN]["Trail"]
    assert audit(scene.subject).code == 0
    scene.cloudtrail.stop_logging(Name="starburst-dev")
    [(name, one)] = found(scene)
    assert (name, one.what) == ("trail", "records nothing now")


def test_a_young_prefix_of_nobody_is_a_session_that_begins(scene: Scene) -> None:
    scene.officers.ended = {}
    assert audit(scene.subject).code == 0


def test_a_session_that_ran_a_moment_ago_keeps_endpoints_open(scene: Scene) -> None:
    left_open(scene)
    scene.officers.ended = {ENDED: NOW - 60}
    assert audit(scene.subject).code == 0


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        ({}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, False),
        ({"StringLike": {"aws:SourceArn": "*"}}, True),
        ({"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": ["o-1"]}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": ["o-1"]}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": "123456789012"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
    ],
    ids=str,
)
def test_only_a_condition_that_names_an_account_makes_everybody_somebody(
    condition: dict[str, Any], public: bool
) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "s3:*"}
    assert is_public({"Statement": {**statement, "Condition": condition}}) is public
    assert not is_public({"Statement": {**statement, "Effect": "Deny"}})
    assert not is_public({"Statement": {**statement, "Principal": {"Service": "s3"}}})
    assert is_public({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "x"}}})
