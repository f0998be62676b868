"""Each finding about who may come in, and what may go out, is provoked once, alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deploy.audit.checks.invokers import INVOKERS
from deploy.audit.command import audit
from deploy.audit.subject import is_public
from stacks.settings import MfaUsers
from tests.audit.fakes import ACCOUNT, BUCKET, MAIN, REGION, RULE, invoked_by
from tests.audit.scene import Scene
from tests.audit.spoiling import Spoil, expect_alone, found

OPEN = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
WORLD = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


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


def lets_in(alias: str, *, rule: str = RULE, **more: Any) -> Spoil:
    """Have the policy of the function, or of an alias, say more than its code."""

    def spoil(scene: Scene) -> None:
        of_door = scene.officers.policies.setdefault(alias, [])
        of_door.append(invoked_by(rule, **{"Sid": "by-hand", **more}))

    return spoil


CASES: list[tuple[str, str, Spoil]] = [
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
    ("invokers", "controller may be invoked by everybody", lets_in("", Principal="*")),
    (
        "invokers",
        "controller:service may be invoked by everybody for arn:aws:s3:::*, which",
        lets_in(
            "service",
            Principal="*",
            Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::*"}},
        ),
    ),
    (
        "invokers",
        "controller:officers may be invoked by 999988887777",
        lets_in("officers", Principal={"AWS": "999988887777"}, Condition={}),
    ),
    ("invokers", "controller may be invoked by events.amazonaws.com", lets_in("")),
    ("invokers", "controller:analysts may be invoked by events", lets_in("analysts")),
    ("invokers", "controller:elsewhere may be invoked by events", lets_in("elsewhere")),
    (
        "invokers",
        "controller:service may be invoked by events.amazonaws.com for arn:aws:events:eu-west-1:"
        "999988887777:rule/",
        lets_in("service", rule=RULE.replace(ACCOUNT, "999988887777")),
    ),
    (
        "invokers",
        "controller:service may be invoked by events.amazonaws.com for ",
        lets_in("service", rule=f"{RULE}-of-a-thief"),
    ),
    (
        "invokers",
        "controller:service may be invoked by events.amazonaws.com, which",
        lets_in("service", Condition={}),
    ),
    (
        "invokers",
        "controller:service may be invoked by scheduler.amazonaws.com",
        lets_in("service", Principal={"Service": "scheduler.amazonaws.com"}),
    ),
    (
        "invokers",
        "controller:service may be invoked by events.amazonaws.com for ",
        lets_in("service", Action="lambda:*"),
    ),
]


@pytest.mark.parametrize(
    ("check", "words", "spoil"), CASES, ids=[f"{check}: {words}" for check, words, _ in CASES]
)
def test_what_is_spoiled_is_found_alone(scene: Scene, check: str, words: str, spoil: Spoil) -> None:
    expect_alone(scene, spoil, check=check, words=words)


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


def test_a_topic_that_the_code_names_may_invoke_and_no_other(scene: Scene) -> None:
    """As the budgets' topic does, by the function's own name and with its account."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:starburst-dev-budgets"
    scene.formation.physical[MAIN]["Topic"] = topic
    scene.expected[MAIN]["Resources"]["Spent"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": scene.ids["Service"],
            "Principal": "sns.amazonaws.com",
            "SourceAccount": ACCOUNT,
            "SourceArn": {"Ref": "Topic"},
        },
    }
    by_topic = {
        "Principal": {"Service": "sns.amazonaws.com"},
        "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
    }
    for arn, alias, code in (
        (topic, "service", 0),
        (f"{topic}-2", "service", 1),
        (topic, "officers", 1),
    ):
        of_door = scene.officers.policies[alias]
        condition = {**by_topic["Condition"], "ArnLike": {"AWS:SourceArn": arn}}
        of_door.append(invoked_by(arn, **{**by_topic, "Condition": condition}))
        assert audit(scene.subject, [INVOKERS]).code == code
        of_door.pop()


def test_a_statement_is_told_once_where_the_function_shows_its_aliases_too(scene: Scene) -> None:
    """As an emulator does."""
    lets_in("service", rule=f"{RULE}-of-a-thief")(scene)
    scene.officers.policies[""] = [*scene.officers.policies["service"]]
    [(_, one)] = found(scene)
    assert ":service" in one.resource


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
