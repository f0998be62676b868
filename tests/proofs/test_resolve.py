"""Tokens become the values that they would have in AWS, or an error that says which did not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import environments
from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.errors import ProofError, ResolveError
from starburst_assurance.proofs.reading.log_policies import read_log_policy
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.reading.resolve import Resolver
from starburst_assurance.proofs.reading.stacks import Stacks, read_stacks
from tests.some import some

ONE: dict[str, Any] = {
    "Parameters": {"Stage": {"Default": "x"}},
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "named"}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
    },
    "Outputs": {
        "Out": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}, "Export": {"Name": "one:Role"}},
    },
}
TWO: dict[str, Any] = {"Resources": {}}


@pytest.fixture
def resolver() -> Resolver:
    return Resolver({"one": ONE, "two": TWO}, "111122223333", "eu-west-1")


@pytest.mark.parametrize(
    ("stack", "token", "value"),
    [
        ("one", {"Ref": "Bucket"}, "one-bucket"),
        ("one", {"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::one-bucket"),
        ("one", {"Fn::GetAtt": "Role.Arn"}, "arn:aws:iam::111122223333:role/named"),
        ("one", {"Ref": "Queue"}, "https://sqs.eu-west-1.amazonaws.com/111122223333/q"),
        ("one", {"Ref": "Stage"}, "x"),
        ("one", {"Ref": "AWS::Region"}, "eu-west-1"),
        ("one", {"Fn::Sub": "${AWS::AccountId}:${Role.Arn}:${a}"}, None),
        ("one", {"Fn::Sub": ["${a}-${Bucket}", {"a": "b"}]}, "b-one-bucket"),
        ("one", {"Fn::Join": ["/", [{"Ref": "Bucket"}, "*"]]}, "one-bucket/*"),
        ("one", {"Fn::Select": [1, {"Fn::Split": ["-", "a-b"]}]}, "b"),
        ("two", {"Fn::ImportValue": "one:Role"}, "arn:aws:iam::111122223333:role/named"),
        (
            "two",
            {"Fn::GetStackOutput": {"StackName": "one", "OutputName": "Out"}},
            "arn:aws:iam::111122223333:role/named",
        ),
        ("one", {"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
    ],
)
def test_tokens(resolver: Resolver, stack: str, token: Any, value: Any) -> None:
    if value is None:
        with pytest.raises(ResolveError, match="refers to a"):
            resolver.value(stack, token)
    else:
        assert resolver.value(stack, token) == value


@pytest.mark.parametrize(
    "token",
    [
        {"Ref": "Nothing"},
        {"Fn::ImportValue": "nobody:exports"},
        {"Fn::GetStackOutput": {"StackName": "one", "OutputName": "None"}},
        {"Fn::Transform": {}},
    ],
)
def test_what_cannot_be_resolved_is_an_error(resolver: Resolver, token: Any) -> None:
    with pytest.raises(ResolveError):
        resolver.value("one", token)


DEPLOYED: dict[str, Any] = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Key": {"Type": "AWS::KMS::Key"},
        "Own": {"Type": "AWS::IAM::ManagedPolicy"},
        "Vpc": {"Type": "AWS::EC2::VPC"},
        "Group": {"Type": "AWS::EC2::SecurityGroup"},
        "Later": {"Type": "AWS::S3::Bucket"},
    }
}
PHYSICAL = {
    ("one", "Bucket"): "one-bucket-1a2b",
    ("one", "Queue"): "https://sqs.eu-west-1.amazonaws.com/111122223333/one-q-1a2b",
    ("one", "Topic"): "arn:aws:sns:eu-west-1:111122223333:one-topic-1a2b",
    ("one", "Key"): "0cf5a417-3179-4026-b085-ce3dea2d95c4",
    ("one", "Own"): "arn:aws:iam::111122223333:policy/a/path/one-own-1a2b",
    ("one", "Vpc"): "vpc-1a2b",
    ("one", "Vpc.DefaultSecurityGroup"): "sg-default",
    ("one", "Group"): "sg-1a2b",
}


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::one-bucket-1a2b"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:eu-west-1:111122223333:one-q-1a2b"),
        ({"Ref": "Topic"}, "arn:aws:sns:eu-west-1:111122223333:one-topic-1a2b"),
        (
            {"Fn::GetAtt": ["Key", "Arn"]},
            "arn:aws:kms:eu-west-1:111122223333:key/0cf5a417-3179-4026-b085-ce3dea2d95c4",
        ),
        ({"Ref": "Own"}, "arn:aws:iam::111122223333:policy/a/path/one-own-1a2b"),
        ({"Fn::GetAtt": ["Vpc", "VpcId"]}, "vpc-1a2b"),
        ({"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}, "sg-default"),
        ({"Fn::GetAtt": ["Group", "GroupId"]}, "sg-1a2b"),
        ({"Ref": "Later"}, "one-later"),
    ],
)
def test_what_is_deployed_has_the_names_that_aws_gave_it(token: Any, value: str) -> None:
    resolver = Resolver({"one": DEPLOYED}, "111122223333", "eu-west-1", physical=PHYSICAL)
    assert resolver.value("one", token) == value


GIVEN = {
    "AWS::EC2::SecurityGroup": "sg-{n}",
    "AWS::EC2::Subnet": "subnet-{n}",
    "AWS::EC2::VPC": "vpc-{n}",
    "AWS::EC2::VPCEndpoint": "vpce-{n}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{a}:policy/{n}",
    "AWS::SNS::Topic": "arn:aws:sns:{r}:{a}:{n}",
    "AWS::SQS::Queue": "https://sqs.{r}.amazonaws.com/{a}/{n}",
}
NAMES = ("ManagedPolicyName", "RoleName", "QueueName", "FunctionName", "LogGroupName", "Name")


def given(stacks: Stacks) -> dict[tuple[str, str], str]:
    """Return an id of AWS's kind for each resource."""
    found: dict[tuple[str, str], str] = {}
    place = {"a": stacks.resolver.account, "r": stacks.resolver.region}
    for number, (stack, logical, kind, written) in enumerate(stacks.resources()):
        own = next((written[each] for each in NAMES if isinstance(written.get(each), str)), None)
        form = GIVEN.get(kind, "{n}")
        if kind != "AWS::Lambda::Alias":
            found[stack, logical] = form.format(n=own or f"0{number:04x}", **place)
    return found


@pytest.mark.parametrize("name", [environment.name for environment in environments.ALL])
def test_no_policy_of_what_is_deployed_has_a_name_that_was_made_up(
    name: str, synthesis: Path
) -> None:
    """Else each would differ from what AWS returns, in words that nobody wrote."""
    settings = next(one for one in environments.ALL if one.name == name)
    physical = given(read_stacks(synthesis, name))
    boundary = settings.permissions_boundary
    found = read_policy_set(synthesis, name, boundary=boundary, physical=physical)
    made_up = {f"{stack}-{logical}".lower() for stack, logical in physical}
    for policy in some(found.policies.values()):
        text = repr(policy.statements).lower()
        assert not {one for one in made_up if one in text}, policy.name


def test_nothing_unresolved_is_left(policy_sets: Mapping[str, PolicySet]) -> None:
    for policy_set in some(policy_sets.values()):
        text = repr(policy_set)
        assert "Fn::" not in text
        assert "'Ref'" not in text
        assert "${Token" not in text


def test_an_estate_is_complete(policy_sets: Mapping[str, PolicySet]) -> None:
    policy_set = policy_sets["prod"]
    assert policy_set.workspaces == ("genomics", "markets")
    assert len(policy_set.roles) == 13
    assert all(role.boundary == "foundation/Boundary" for role in policy_set.roles)
    kinds = {item.kind for item in policy_set.guarded}
    assert kinds == {"bucket", "function", "key", "queue", "repository", "session-queue", "topic"}
    assert {item.service for item in policy_set.endpoints} >= {"s3", "kms", "sqs", "ecr.dkr"}
    assert policy_set.role("worker", "genomics").tags["starburst:role"] == "worker"


def test_an_unknown_environment_is_named(tmp_path: Any) -> None:
    with pytest.raises(ProofError, match="no environment nowhere"):
        read_policy_set(tmp_path, "nowhere")


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::IAM::RolePolicy", {"RoleName": "r", "PolicyDocument": {"Statement": []}}),
        ("AWS::SQS::QueueInlinePolicy", {"PolicyDocument": {"Statement": []}}),
        ("AWS::Lambda::Url", {"AuthType": "NONE"}),
        ("AWS::IAM::ManagedPolicy", {"Users": ["u"], "PolicyDocument": {"Statement": []}}),
    ],
)
def test_nothing_is_proved_of_what_is_read_in_part(
    tmp_path: Path, kind: str, properties: Mapping[str, Any]
) -> None:
    """A grant by a type that nobody reads would leave every theorem standing."""
    folder = tmp_path / "assembly-some"
    folder.mkdir()
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/eu-west-1",
        "displayName": "some/access",
        "properties": {"stackName": "some-access", "templateFile": "access.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"access": stack}}))
    hole = {"Resources": {"Hole": {"Type": kind, "Properties": properties}}}
    (folder / "access.json").write_text(json.dumps(hole))
    with pytest.raises(ProofError, match=r"some-access, Hole: .*; nothing is proved of it"):
        read_policy_set(tmp_path, "some")


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"PolicyDocument": {"Statement": []}}, "must be text in JSON"),
        ({"PolicyDocument": "{"}, "must be text in JSON"),
        (
            {"PolicyDocument": '{"Statement": {"Effect": "Allow", "Action": "*"}}'},
            "must name one log group",
        ),
        (
            {
                "PolicyDocument": '{"Statement": {"Effect": "Deny", "NotResource": "arn:a"}}',
            },
            "must name one log group",
        ),
        (
            {
                "PolicyDocument": '{"Statement": {"Effect": "Allow", "Resource": ["a", "b"]}}',
            },
            "must name one log group",
        ),
        ({"PolicyDocument": '{"Statement": []}', "ResourceArn": "arn:a"}, "without ResourceArn"),
    ],
)
def test_a_policy_of_logs_that_cannot_be_read_is_refused(
    properties: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(ProofError, match=said):
        read_log_policy("logs", properties)
