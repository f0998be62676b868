"""Each rule accepts what the kit deploys, and refuses the same thing with one promise taken out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from environments import ALL
from starburst_assurance.rules import RULES, Rule, Verdict
from starburst_assurance.rules.stuck_name import ACCEPTED
from starburst_assurance.templates.holding import STATEFUL
from starburst_assurance.templates.lengths import length
from starburst_assurance.templates.schemas import create_only
from starburst_assurance.templates.template import Template, read_stage
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

Body = dict[str, Any]
Change = Callable[[Body], object]

BY_NAME = {rule.name: rule for rule in RULES}


@pytest.fixture(scope="module")
def deployed(assembly: CloudAssembly) -> dict[str, Template]:
    """Every environment, as it would be deployed."""
    root = Path(assembly.directory)
    return {
        environment.name: read_stage(
            sorted(root.glob(f"assembly-{environment.name}/*.template.json")),
            stage=environment.name,
        )
        for environment in ALL
    }


def problems(rule: Rule, template: Template) -> list[str]:
    return [
        f"{resource.path}: {problem}"
        for resource in template.all_of(*rule.kinds)
        for problem in rule.result(resource, template).problems
    ]


def broken(template: Template, path: str, change: Change) -> Template:
    """Return the template with the resource at ``path`` changed."""
    [name] = [each.name for each in template.all_of() if each.path == path]
    bodies = copy.deepcopy(template.as_dict())["Resources"]
    change(bodies[name])
    changed = Template.of({"Resources": bodies})
    assert changed.as_dict() != template.as_dict(), "the change changed nothing"
    return changed


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_kit_complies_and_the_rule_has_something_to_judge(
    rule: Rule, deployed: dict[str, Template]
) -> None:
    for name, template in some(deployed.items()):
        assert problems(rule, template) == [], name
        verdicts = {rule.result(each, template).verdict for each in template.all_of()}
        assert verdicts == {Verdict.COMPLIANT, Verdict.NOT_APPLICABLE}, name


def statements(body: Body, key: str = "PolicyDocument") -> list[Body]:
    return body["Properties"][key]["Statement"]


def without(key: str, *, sid: str = "", having: str = "") -> Change:
    """Drop the statements with this Sid, or that test this condition key."""

    def change(body: Body) -> None:
        kept = [
            each
            for each in statements(body, key)
            if each.get("Sid") != (sid or None) and (not having or having not in str(each))
        ]
        body["Properties"][key]["Statement"] = kept

    return change


def within(sid: str, change: Change, *, key: str = "PolicyDocument", having: str = "") -> Change:
    """Change one statement."""

    def apply(body: Body) -> None:
        [found] = [
            each
            for each in statements(body, key)
            if (sid and each.get("Sid") == sid) or (having and having in str(each["Condition"]))
        ]
        change(found)

    return apply


def put(value: object, *keys: str) -> Change:
    """Set what is at ``keys`` below Properties."""

    def change(body: Body) -> None:
        at = body["Properties"]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


def drop(*keys: str) -> Change:
    """Take away what is at ``keys`` below Properties."""

    def change(body: Body) -> None:
        at = body["Properties"]
        for key in keys[:-1]:
            at = at[key]
        del at[keys[-1]]

    return change


def container(*keys: str, value: object) -> Change:
    def change(body: Body) -> None:
        at = body["Properties"]["ContainerDefinitions"][0]
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


def policy(effect: Body) -> Change:
    return lambda body: statements(body).append(effect)


def trusting(condition: Body) -> Change:
    """Let a service in under another condition."""

    def change(body: Body) -> None:
        statements(body, "AssumeRolePolicyDocument")[0]["Condition"] = condition

    return change


ANY_PRINCIPAL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
OUT = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
DATA_POLICY = "storage/Data/Policy/Resource"
TASK = "compute/Task-genomics/Resource"
ROLE_POLICY = "AWS::IAM::RolePolicy"


def having(**conditions: Body | None) -> Change:
    """Set a statement's conditions by operator; None takes one away."""

    def change(statement: Body) -> None:
        kept = {**statement["Condition"], **conditions}
        statement["Condition"] = {name: block for name, block in kept.items() if block is not None}

    return change


ONCE = ("DenySecondWrite", "DenyCopies", "DenyExchanges", "DenyForms")
ONE_ROLE = "arn:aws:iam::111122223333:role/restorer"
EXEMPTING: tuple[Change, ...] = (
    having(StringNotEquals={"s3:if-none-match": "*", "aws:PrincipalTag/a": "b"}),
    having(ArnNotEquals={"aws:PrincipalArn": ONE_ROLE}),
    having(StringNotEqualsIfExists={"aws:PrincipalTag/starburst:role": "worker"}),
    having(Bool={"aws:ViaAWSService": "false"}),
    lambda one: one.update(Principal={"AWS": ONE_ROLE}),
    lambda one: one.update(NotPrincipal={"AWS": one.pop("Principal") and ONE_ROLE}),
    lambda one: one.update(Effect="Allow"),
    lambda one: one.update(Action="s3:PutObjectTagging"),
    lambda one: one.update(NotResource=one.pop("Resource")),
)
"""What takes a principal, or some writes, out of a denial."""

NONE_MATCH = "s3:if-none-match"
LOOSE: tuple[dict[str, Body | None], ...] = (
    {"StringNotEquals": None, "Null": {NONE_MATCH: "true"}},
    {"Null": {NONE_MATCH: "true"}},
    {"Null": {NONE_MATCH: "false"}},
    {"StringNotEquals": {NONE_MATCH: ["*", '"abc"']}},
    {"StringNotEquals": {NONE_MATCH: '"*"'}},
    {"StringNotEquals": None, "StringNotEqualsIfExists": {NONE_MATCH: "*"}},
    {"StringNotEquals": None, "StringNotLike": {NONE_MATCH: "*"}},
    {"StringNotEquals": None, "StringEquals": {NONE_MATCH: "*"}},
    {"StringNotEquals": None, "ForAnyValue:StringNotEquals": {NONE_MATCH: "*"}},
    {"StringNotEquals": {"s3:if-match": "*"}},
    {"BoolIfExists": {"s3:ObjectCreationOperation": "false"}},
    {"BoolIfExists": None, "Bool": {"s3:ObjectCreationOperation": "true"}},
    {"BoolIfExists": None, "Null": {"s3:ObjectCreationOperation": "false"}},
)
"""Conditions that let some second write through, or say the same in another way."""


def named_by_arn(*keys: str, at: str) -> Change:
    """Put the ARN of the log group, whose name is at ``keys``, at another property."""

    def change(body: Body) -> None:
        name = body["Properties"]
        for key in keys:
            name = name[key]
        body["Properties"][at] = {"Fn::GetAtt": [name["Ref"], "Arn"]}

    return change


BARE = "arn:aws:logs:eu-west-1:111122223333:log-group:flows"
COLON = "${aws:PrincipalTag/starburst:workspace}"

CASES: dict[str, list[tuple[str, Change]]] = {
    "colon-in-variable": [
        (DATA_POLICY, within("DenyOtherUsersObjects", lambda one: one.update(Resource=COLON))),
        (DATA_POLICY, within("DenyOtherUsersNames", having(StringNotLike={"s3:prefix": COLON}))),
        (
            "access/Controller/Sessions/Resource",
            policy({"Resource": {"Fn::Sub": "arn:aws:s3:::b/${!aws:RequestTag/a:b}/*"}}),
        ),
    ],
    "endless-log": [
        ("network/Flows/Resource", drop("RetentionInDays")),
        ("control/Controller/Resource", drop("LoggingConfig")),
        (TASK, container("LogConfiguration", "Options", "awslogs-group", value="by-name")),
    ],
    "loose-container": [
        (TASK, container("LinuxParameters", "Capabilities", "Drop", value=["NET_RAW"])),
        (TASK, container("LinuxParameters", "Capabilities", "Add", value=["SYS_PTRACE"])),
        (TASK, container("LinuxParameters", "InitProcessEnabled", value=False)),
        (TASK, container("User", value="worker")),
        (TASK, container("User", value="0:10001")),
        (TASK, container("ReadonlyRootFilesystem", value=False)),
        (TASK, container("Privileged", value=True)),
    ],
    "mistaken-log-arn": [
        ("network/FlowLog/Resource", named_by_arn("LogGroupName", at="LogDestination")),
        ("audit/Trail/Resource", put(BARE, "CloudWatchLogsLogGroupArn")),
        ("control/Controller/Resource", named_by_arn("LoggingConfig", "LogGroup", at="Tags")),
        (
            "network/FlowLog/Role/Policy/Resource",
            within("OwnLogGroup", lambda one: one.update(Resource=BARE)),
        ),
        (
            "network/FlowLog/Role/Policy/Resource",
            within(
                "OwnLogGroup",
                lambda one: one.update(
                    Resource={"Fn::Join": ["", [one["Resource"], ":log-stream:*"]]}
                ),
            ),
        ),
        (
            "network/FlowLog/Role/Policy/Resource",
            within("OwnLogGroup", lambda one: one.update(Action="logs:TagResource")),
        ),
        (
            "foundation/LogsKey/Resource",
            within(
                "CloudWatchLogs",
                having(ArnLike={"kms:EncryptionContext:aws:logs:arn": f"{BARE}:*"}),
                key="KeyPolicy",
            ),
        ),
    ],
    "open-deputy": [
        (
            "network/FlowLog/Role/Resource",
            lambda body: statements(body, "AssumeRolePolicyDocument")[0].pop("Condition"),
        ),
        (
            "audit/Trail/Role/Resource",
            lambda body: statements(body, "AssumeRolePolicyDocument")[0].pop("Condition"),
        ),
        *(
            ("network/FlowLog/Role/Resource", trusting(condition))
            for condition in (
                {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
                {"ArnNotLike": {"aws:SourceArn": "arn:aws:ec2:*:111122223333:vpc-flow-log/*"}},
                {"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}},
                {"Null": {"aws:SourceAccount": "false"}},
                {"StringLike": {"aws:SourceAccount": "*"}},
                {"StringLike": {"aws:SourceAccount": ["111122223333", "*"]}},
                {"ArnLike": {"aws:SourceArn": "arn:aws:ec2:*:*:vpc-flow-log/*"}},
                {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
                {"ForAllValues:StringLike": {"aws:SourceOrgPaths": ["o-a1b2c3d4e5/r-1/*"]}},
            )
        ),
    ],
    "open-egress": [
        ("network/Endpoints/Group/Resource", drop("SecurityGroupEgress")),
        ("network/Endpoints/Group/Resource", put([], "SecurityGroupEgress")),
        (
            "network/Endpoints/Group/Resource",
            put([{**OUT, "CidrIp": "0.0.0.0/0"}], "SecurityGroupEgress"),
        ),
        (
            "network/Endpoints/Group/Resource",
            put([{**OUT, "CidrIp": "128.0.0.0/1"}], "SecurityGroupEgress"),
        ),
        (
            "network/Endpoints/Group/Resource",
            put([{**OUT, "CidrIpv6": "::/0"}], "SecurityGroupEgress"),
        ),
        (
            "network/Endpoints/Group/Resource",
            put([{**OUT, "CidrIp": {"Ref": "Parameter"}}], "SecurityGroupEgress"),
        ),
    ],
    "open-endpoint": [
        ("network/Endpoints/S3/Resource", drop("PolicyDocument")),
        ("network/Endpoints/S3/Resource", policy(ANY_PRINCIPAL)),
        ("endpoints/Endpoints/Sqs/Resource", put(False, "PrivateDnsEnabled")),
        (
            "endpoints/Endpoints/Sqs/Resource",
            within(
                "OurPrincipalsToOurResources",
                lambda one: one["Condition"]["StringEquals"].pop("aws:ResourceAccount"),
            ),
        ),
        (
            "network/Endpoints/S3/Resource",
            within("ImageLayers", lambda one: one.update(Resource="arn:aws:s3:::*")),
        ),
        (
            "network/Endpoints/S3/Resource",
            within("ImageLayers", lambda one: one.update(Action=["s3:GetObject", "s3:PutObject"])),
        ),
    ],
    "open-perimeter": [
        (DATA_POLICY, without("PolicyDocument", sid="DenyStrangers")),
        ("foundation/DataKey/Resource", without("KeyPolicy", sid="DenyStrangers")),
        *(
            (
                "foundation/DataKey/Resource",
                within("DenyStrangers", having(Null=wrong), key="KeyPolicy"),
            )
            for wrong in (
                {"aws:PrincipalAccount": "true"},
                {"aws:PrincipalOrgID": "false"},
                {"aws:PrincipalAccount": "false", "aws:SourceVpce": "false"},
            )
        ),
        # Elsewhere than at a key a caller need not sign, and has no account then.
        (DATA_POLICY, within("DenyStrangers", having(Null={"aws:PrincipalAccount": "false"}))),
        ("registry/Worker/Resource", drop("RepositoryPolicyText")),
        ("control/Failures/Policy/Resource", without("PolicyDocument", sid="DenyStrangers")),
        ("control/Alerts/Policy/Resource", without("PolicyDocument", sid="DenyStrangers")),
        (
            DATA_POLICY,
            within(
                "DenyStrangers", lambda one: one.update(Action=["s3:GetObject", "s3:PutObject"])
            ),
        ),
        (DATA_POLICY, within("DenyStrangers", lambda one: one.update(Effect="Allow"))),
        (
            DATA_POLICY,
            within("DenyStrangers", lambda one: one.update(Principal={"Service": "a.b"})),
        ),
        (
            DATA_POLICY,
            within("DenyStrangers", lambda one: one["Condition"].update(Bool={"aws:x": "true"})),
        ),
        (DATA_POLICY, within("DenyStrangers", lambda one: one.update(Resource="arn:aws:s3:::b"))),
    ],
    "open-shell": [
        ("compute/Cluster/Resource", drop("Configuration", "ExecuteCommandConfiguration")),
        (
            "compute/Cluster/Resource",
            put("NONE", "Configuration", "ExecuteCommandConfiguration", "Logging"),
        ),
        (
            "access/Platform/Operation/Resource",
            policy({"Effect": "Allow", "Action": "ecs:Exec*", "Resource": "*"}),
        ),
        (
            "access/Worker-genomics/Work/Resource",
            policy({"Effect": "Allow", "Action": ["ssmmessages:*"], "Resource": "*"}),
        ),
    ],
    "public-address": [
        ("network/Vpc/workersSubnet1/Subnet", put(True, "MapPublicIpOnLaunch")),
        ("network/Vpc/workersSubnet1/Subnet", put(True, "AssignIpv6AddressOnCreation")),
    ],
    "second-write": [
        *((DATA_POLICY, without("PolicyDocument", sid=sid)) for sid in ONCE),
        *((DATA_POLICY, within(sid, lambda one: one["Resource"].pop())) for sid in ONCE),
        *((DATA_POLICY, within(sid, change)) for sid in ONCE for change in EXEMPTING),
        *((DATA_POLICY, within("DenySecondWrite", having(**loose))) for loose in LOOSE),
        *(
            (DATA_POLICY, within("DenyCopies", having(**loose)))
            for loose in (
                {"Null": {"s3:x-amz-copy-source": "true"}},
                {"BoolIfExists": {"s3:ObjectCreationOperation": "true"}},
                {"Null": {"s3:x-amz-copy-source": "false", "s3:if-match": "false"}},
            )
        ),
        (DATA_POLICY, within("DenyExchanges", having(Null={"s3:if-match": "true"}))),
        (DATA_POLICY, within("DenyForms", having(StringEquals={"s3:authType": "REST-HEADER"}))),
    ],
    "stuck-name": [
        ("cost/Budget-genomics/Budget", put("genomics", "Budget", "BudgetName")),
        ("foundation/Boundary/Resource", put("The most that a role can do", "Description")),
        ("foundation/Boundary/Resource", put("/starburst/", "Path")),
        ("access/Controller/Resource", put("/starburst/", "Path")),
        ("control/Failures/Resource", put(True, "FifoQueue")),
    ],
    "too-large": [
        ("access/Controller/Fleet/Resource", policy({"Resource": ["a" * 100] * 60})),
        ("foundation/DataKey/Resource", put("k" * 32_769, "KeyPolicy", "Id")),
        ("foundation/LogsKey/Resource", put("k" * 32_769, "KeyPolicy", "Id")),
        ("storage/Data/Policy/Resource", policy({"Resource": [{"Ref": "AWS::Region"}] * 1_200})),
        ("control/Failures/Policy/Resource", policy({"Resource": ["a" * 100] * 80})),
        ("control/Alerts/Policy/Resource", policy({"Resource": ["a" * 100] * 300})),
        ("publishing/Runtime/Resource", put("v" * 8_193, "Value")),
        ("publishing/Packages-genomics/Resource", put("v" * 4_097, "Value")),
        ("control/Controller/Resource", put("v" * 4_096, "Environment", "Variables", "MORE")),
        (
            "access/Controller/Resource",
            put("v" * 2_049, "AssumeRolePolicyDocument", "Id"),
        ),
        (
            "access/Controller/Resource",
            put([{"PolicyDocument": "v" * 5_120}] * 2 + [{"PolicyDocument": "v"}], "Policies"),
        ),
        ("access/Controller/Resource", put(["arn"] * 11, "ManagedPolicyArns")),
    ],
    "unbounded-role": [
        ("access/Controller/Resource", drop("PermissionsBoundary")),
        ("network/FlowLog/Role/Resource", put("", "PermissionsBoundary")),
    ],
    "unkeyed-scratch": [
        ("compute/Cluster/Resource", drop("Configuration", "ManagedStorageConfiguration")),
    ],
    "unmasked-log": [
        ("compute/Log-genomics/Resource", drop("DataProtectionPolicy")),
        (
            "compute/Log-genomics/Resource",
            lambda body: statements(body, "DataProtectionPolicy").pop(),
        ),
        (
            "compute/Log-genomics/Resource",
            lambda body: statements(body, "DataProtectionPolicy")[0].pop("DataIdentifier"),
        ),
    ],
    "unpinned-image": [
        (TASK, container("Image", value="repository:latest")),
        (TASK, container("Image", value="repository@sha256:0")),
        ("control/Controller/Resource", put({"ImageUri": "repository:1"}, "Code")),
    ],
    "unread-policy": [
        ("access/Controller/Sessions/Resource", put(["somebody"], "Users")),
        ("access/Controller/Sessions/Resource", put(["everybody"], "Groups")),
        ("access/Controller/Sessions/Resource", lambda body: body.update(Type=ROLE_POLICY)),
    ],
    "unstated-removal": [
        ("storage/Data/Resource", lambda body: body.pop("DeletionPolicy")),
        ("storage/Data/Resource", lambda body: body.pop("UpdateReplacePolicy")),
        ("network/Flows/Resource", lambda body: body.pop("DeletionPolicy")),
        (DATA_POLICY, lambda body: body.pop("DeletionPolicy")),
        ("audit/Files/Policy/Resource", lambda body: body.update(UpdateReplacePolicy="Delete")),
    ],
    "way-out": [
        ("network/Vpc/Resource", lambda body: body.update(Type="AWS::EC2::InternetGateway")),
        ("network/FlowLog/Resource", lambda body: body.update(Type="AWS::EC2::Route")),
    ],
    "weak-tls": [
        (DATA_POLICY, without("PolicyDocument", having="aws:SecureTransport")),
        (DATA_POLICY, without("PolicyDocument", having="s3:TlsVersion")),
        (
            DATA_POLICY,
            within(
                "",
                lambda one: one.update(Condition={"NumericLessThan": {"s3:TlsVersion": 1.1}}),
                having="s3:TlsVersion",
            ),
        ),
        (DATA_POLICY, within("", lambda one: one["Resource"].pop(), having="s3:TlsVersion")),
        (
            DATA_POLICY,
            within(
                "",
                lambda one: one["Condition"]["Bool"].update({"aws:ViaAWSService": "false"}),
                having="aws:SecureTransport",
            ),
        ),
        ("control/Failures/Policy/Resource", without("PolicyDocument", having="SecureTransport")),
        ("control/Alerts/Policy/Resource", without("PolicyDocument", having="SecureTransport")),
    ],
}


def cases() -> Iterator[Any]:
    for name, changes in CASES.items():
        for number, (path, change) in enumerate(changes):
            yield pytest.param(name, path, change, id=f"{name}-{number}")


def test_every_rule_has_a_template_that_it_refuses() -> None:
    assert set(CASES) == set(BY_NAME)


@pytest.mark.parametrize(("name", "path", "change"), list(cases()))
def test_the_rule_refuses_the_kit_with_one_promise_taken_out(
    name: str, path: str, change: Change, deployed: dict[str, Template]
) -> None:
    changed = broken(deployed["prod"], path, change)
    assert problems(BY_NAME[name], changed)


@pytest.mark.parametrize(
    ("name", "kind", "properties"),
    [
        ("open-shell", "AWS::ECS::Service", {"EnableExecuteCommand": True}),
        (
            "public-address",
            "AWS::ECS::Service",
            {"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}},
        ),
        ("open-egress", "AWS::EC2::SecurityGroupEgress", {**OUT, "CidrIp": "0.0.0.0/0"}),
        (
            "stuck-name",
            "AWS::ECS::CapacityProvider",
            {"Name": "a", "AutoScalingGroupProvider": {"AutoScalingGroupArn": "arn:b"}},
        ),
        ("stuck-name", "AWS::RDS::DBInstance", {"DBInstanceIdentifier": "a", "KmsKeyId": "b"}),
        ("stuck-name", "AWS::EC2::KeyPair", {"KeyName": "a", "KeyType": "rsa"}),
        (
            "stuck-name",
            "AWS::ECR::Repository",
            {"RepositoryName": "images-20241201", "EncryptionConfiguration": {"KmsKey": "a"}},
        ),
        ("unbounded-role", "AWS::IAM::User", {}),
        ("unread-policy", ROLE_POLICY, {"PolicyDocument": {"Statement": []}}),
        ("unread-policy", "AWS::SQS::QueueInlinePolicy", {"PolicyDocument": {"Statement": []}}),
        (
            "unread-policy",
            "AWS::SecretsManager::ResourcePolicy",
            {"PolicyDocument": '{"Statement": []}'},
        ),
        ("unread-policy", "AWS::S3::AccessPoint", {"Bucket": "data"}),
        ("unread-policy", "AWS::Lambda::Url", {"AuthType": "NONE"}),
        ("way-out", "AWS::EC2::InternetGateway", {}),
        ("way-out", "AWS::EC2::Route", {"TransitGatewayId": "tgw-0a1b2c3d"}),
        ("way-out", "AWS::EC2::VPCPeeringConnection", {"PeerVpcId": "vpc-0a1b2c3d"}),
        ("unstated-removal", "AWS::DynamoDB::Table", {}),
        ("unstated-removal", "AWS::KMS::ReplicaKey", {}),
        ("unstated-removal", "AWS::OpenSearchService::Domain", {}),
        ("weak-tls", "AWS::S3::Bucket", {}),
        ("open-perimeter", "AWS::SQS::Queue", {}),
    ],
)
def test_what_the_kit_does_not_have_is_judged_too(
    name: str, kind: str, properties: dict[str, Any]
) -> None:
    one = {"Type": kind, "Properties": properties}
    template = Template.of({"Resources": {"One": one}})
    result = BY_NAME[name].result(template.resources["One"], template)
    assert result.verdict is Verdict.NON_COMPLIANT
    assert result.problems


ARN: Body = {"Fn::GetAtt": ["Flows", "Arn"]}


@pytest.mark.parametrize(
    "spelled",
    [
        {"Fn::GetAtt": "Flows.Arn"},
        {"Fn::Sub": "${Flows.Arn}"},
        {"Fn::Sub": ["${It}", {"It": ARN}]},
        {"Fn::If": ["Delivers", ARN, "arn:aws:s3:::logs"]},
        {"Fn::Select": [0, [ARN]]},
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["AWS::EC2::FlowLog", "AWS::KMS::Key"])
def test_a_log_groups_arn_is_known_however_it_is_spelled(where: str, spelled: Body) -> None:
    context = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": spelled}}
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": context}
    properties: Body = {
        "AWS::EC2::FlowLog": {"LogDestination": spelled},
        "AWS::KMS::Key": {"KeyPolicy": {"Statement": [statement]}},
    }[where]
    template = Template.of(
        {
            "Resources": {
                "Flows": {"Type": "AWS::Logs::LogGroup"},
                "One": {"Type": where, "Properties": properties},
            }
        }
    )
    result = BY_NAME["mistaken-log-arn"].result(template.resources["One"], template)
    assert result.verdict is Verdict.NON_COMPLIANT


def test_what_is_substituted_is_known_across_stacks(tmp_path: Path) -> None:
    body = {
        "Resources": {
            "Flows": {"Type": "AWS::Logs::LogGroup"},
            "One": {
                "Type": "AWS::EC2::FlowLog",
                "Properties": {"LogDestination": {"Fn::Sub": "${Flows.Arn}"}},
            },
        }
    }
    file = tmp_path / "network.template.json"
    file.write_text(json.dumps(body))
    assert problems(BY_NAME["mistaken-log-arn"], read_stage([file], stage="dev"))


@pytest.mark.parametrize(
    "resource",
    [
        {"Fn::Join": ["", ["arn:aws:s3:::data/${aws:PrincipalTag/", "team:one", "}/*"]]},
        {"Fn::Join": [":", ["${aws:PrincipalTag/team", "one}"]]},
        {"Fn::Sub": ["${!aws:PrincipalTag/${Tag}}", {"Tag": "team:one"}]},
    ],
    ids=str,
)
def test_a_colon_is_found_in_a_variable_of_parts(resource: Body) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}
    one = {"Type": ROLE_POLICY, "Properties": {"PolicyDocument": {"Statement": [statement]}}}
    template = Template.of({"Resources": {"One": one}})
    result = BY_NAME["colon-in-variable"].result(template.resources["One"], template)
    assert result.verdict is Verdict.NON_COMPLIANT


@pytest.mark.parametrize(
    ("kind", "policy", "properties"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", {"Bucket": "data"}),
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", {"Bucket": {"Fn::Sub": "${Kept}"}}),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", {"Queues": [{"Ref": "Kept"}]}),
        (
            "AWS::SecretsManager::Secret",
            "AWS::SecretsManager::ResourcePolicy",
            {"SecretId": {"Ref": "Kept"}},
        ),
    ],
)
def test_what_stays_keeps_its_policy_however_it_is_named(
    kind: str, policy: str, properties: Body
) -> None:
    stays = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    kept = {"Type": kind, **stays, "Properties": {"BucketName": "data"}}
    for states, verdict in (({}, Verdict.NON_COMPLIANT), (stays, Verdict.COMPLIANT)):
        one = {"Type": policy, "Properties": properties, **states}
        template = Template.of({"Resources": {"Kept": kept, "One": one}})
        result = BY_NAME["unstated-removal"].result(template.resources["One"], template)
        assert result.verdict is verdict


def test_what_cfn_lint_knows_to_hold_state_must_say_what_becomes_of_it() -> None:
    package = find_spec("cfnlint")
    assert package is not None
    assert package.origin is not None
    specs = Path(package.origin).parent / "data" / "AdditionalSpecs" / "StatefulResources.json"
    assert set(some(json.loads(specs.read_text())["ResourceTypes"])) <= set(STATEFUL)


@pytest.mark.parametrize(
    ("properties", "attributes", "verdict"),
    [
        ({"VPCZoneIdentifier": ["subnet-a"]}, {}, "compliant"),
        ({"AutoScalingGroupName": "b"}, {}, "non-compliant"),
        (
            {"VPCZoneIdentifier": ["subnet-a"]},
            {"UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": True}}},
            "non-compliant",
        ),
    ],
)
def test_a_name_beside_a_resource_is_stuck_where_that_one_is_replaced(
    properties: Body, attributes: Body, verdict: str
) -> None:
    group = {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": properties, **attributes}
    provider = {"Name": "a", "AutoScalingGroupProvider": {"AutoScalingGroupArn": {"Ref": "Group"}}}
    template = Template.of(
        {
            "Resources": {
                "Group": group,
                "Provider": {"Type": "AWS::ECS::CapacityProvider", "Properties": provider},
            }
        }
    )
    assert BY_NAME["stuck-name"].result(template.resources["Provider"], template).verdict == verdict


@pytest.mark.parametrize(
    ("service", "policy", "verdict"),
    [
        ("ecs-agent", {}, "compliant"),
        ("ecs-telemetry", {}, "compliant"),
        ("ecs", {}, "non-compliant"),
        ("ecs-agent", {"PolicyDocument": {"Statement": [ANY_PRINCIPAL]}}, "non-compliant"),
    ],
)
def test_an_endpoint_goes_without_a_policy_where_it_takes_none(
    service: str, policy: Body, verdict: str
) -> None:
    name = f"com.amazonaws.eu-west-1.{service}"
    one = {"VpcEndpointType": "Interface", "PrivateDnsEnabled": True, "ServiceName": name}
    body = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {**one, **policy}}
    template = Template.of({"Resources": {"One": body}})
    assert BY_NAME["open-endpoint"].result(template.resources["One"], template).verdict == verdict


def test_what_may_stand_beside_a_name_is_what_cloudformation_replaces() -> None:
    """Each exception is of a property that is there, and has a reason."""
    for (kind, pointer), reason in ACCEPTED.items():
        assert tuple(pointer.split("/")) in (create_only(kind) or ())
        assert len(reason.split()) > 8


def test_every_rule_is_in_a_file_named_after_it_and_says_how_to_mend_it() -> None:
    folder = Path(__file__).parents[2] / "constructs/starburst_assurance/rules"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "rule"}
    assert files == {name.replace("-", "_") for name in (*BY_NAME, "undeclared-wildcard")}
    assert all(rule.fix and rule.controls for rule in RULES)


@pytest.mark.parametrize(
    ("count", "size", "said"),
    [
        (501, 1, "its stack has 501 resources, and CloudFormation takes 500"),
        (
            1,
            999_000,
            "its stack's template has 1,001,125 bytes, and CloudFormation takes 1,000,000",
        ),
    ],
)
def test_a_stack_that_cloudformation_would_not_take_is_told_once(
    count: int, size: int, said: str, tmp_path: Path
) -> None:
    """The CDK counts resources as well, and nobody counts bytes."""
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle", "Metadata": {"x": "x" * size}}
    file = tmp_path / "one.template.json"
    body = {"Resources": {f"H{number}": handle for number in range(count)}}
    file.write_text(json.dumps(body, indent=1) + " " * (2_000 if size > 1 else 0))
    template = read_stage([file], stage="one")
    [found] = problems(BY_NAME["too-large"], template)
    assert said in found


def test_the_lengths_of_values_are_those_of_what_will_stand_there() -> None:
    """At most, where AWS makes the name; to the letter where it is known."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "starburst-prod-controller"}}
    template = Template.of({"Resources": {"Role": role, "Key": {"Type": "AWS::KMS::Key"}}})
    arn = "arn:aws:iam::222233334444:role/starburst-prod-controller"
    written = {"Resource": [{"Fn::GetAtt": ["Role", "Arn"]}, "*"], "Effect": "Allow", "x": {}}
    said = {**written, "Resource": [arn, "*"]}
    assert length(written, template) == len(json.dumps(said, separators=(",", ":")))
    joined = {"Fn::Join": ["/", ["a", {"Fn::GetAtt": ["Role", "Arn"]}]]}
    assert length(joined, template) == len(f"a/{arn}")
    assert length({"Fn::Sub": "${Key.Arn}/${AWS::AccountId}"}, template) == 84 + 1 + 12
    assert length({"Fn::ImportValue": "one"}, template) == 128
