"""An account in moto with one small environment that is as its code has it, for tests to spoil."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from deploy.audit.subject import Subject
from environments import DEV
from starburst.contract import RuntimeDocument, WorkspaceDocument
from tests.audit.fakes import (
    ACCOUNT,
    ACTIVE,
    BUCKET,
    ENDED,
    ENDPOINTS,
    MAIN,
    NAME,
    REGION,
    RULE,
    Formation,
    Lambda,
    Parameters,
    People,
    Refusing,
)
from tests.quick_moto import quick_aws, quick_client

__all__ = ["NOTIFICATION", "Scene", "a_scene", "register"]

SERVICES: Final = (
    *("s3", "kms", "ec2", "cloudtrail", "logs", "budgets", "ecr", "iam", "sqs", "sns", "ecs"),
)


@dataclass(kw_only=True)
class Scene:
    """What tests hold in their hand."""

    made: dict[str, Any]
    formation: Formation
    officers: Lambda
    parameters: Parameters
    ids: dict[str, str]
    expected: dict[str, Any]
    subject: Subject

    def __getattr__(self, service: str) -> Any:
        return self.made[service]

    def refuse(self, service: str, *calls: str) -> None:
        self.subject._made.pop(service, None)
        self.made[service] = Refusing(client=self.made[service], calls=set(calls))


@contextmanager
def a_scene() -> Iterator[Scene]:
    """Make the environment, and yield it as its code has it."""
    with quick_aws():
        made: dict[str, Any] = {name: quick_client(name, REGION) for name in SERVICES}
        ids = _make(made)
        template = _template(ids)
        endpoints = {"Resources": {}}
        expected: dict[str, Any] = {MAIN: template, ENDPOINTS: endpoints}
        formation = Formation(
            templates=json.loads(json.dumps(expected)),
            physical={MAIN: {name: ids[name] for name in template["Resources"]}, ENDPOINTS: {}},
        )
        document = RuntimeDocument(
            environment=NAME,
            account=ACCOUNT,
            region=REGION,
            bucket=BUCKET,
            key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{ids['Key']}",
            controller=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:starburst-{NAME}-controller",
            python="3.13",
            architecture="X86_64",
            workspaces={
                one.name: WorkspaceDocument(
                    analyst_role_arn=f"arn:aws:iam::{ACCOUNT}:role/a",
                    task_definition=f"starburst-{NAME}-{one.name}",
                    limits=one.limits,
                )
                for one in DEV.workspaces
            },
        )
        officers, parameters = Lambda(), Parameters(document=document)
        made["iam"] = People(client=made["iam"])
        made |= {"cloudformation": formation, "lambda": officers, "ssm": parameters}
        yield Scene(
            made=made,
            formation=formation,
            officers=officers,
            parameters=parameters,
            ids=ids,
            expected=expected,
            subject=Subject(
                environment=DEV,
                clients=lambda service: made[service],
                expected=expected,
                pause=lambda _: None,
            ),
        )


POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
        }
    ],
}


def _make(aws: dict[str, Any]) -> dict[str, str]:
    ids: dict[str, str] = {"Bucket": BUCKET}
    key = aws["kms"].create_key(Policy=json.dumps(POLICY))["KeyMetadata"]["KeyId"]
    aws["kms"].enable_key_rotation(KeyId=key)
    ids["Key"] = key
    s3 = aws["s3"]
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(
        Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [encryption]}
    )
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    shut = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(shut, True)
    )
    for session in (ACTIVE, ENDED):
        s3.put_object(Bucket=BUCKET, Key=f"sessions/genomics/alice/{session}/manifest.json")
    ec2 = aws["ec2"]
    ids["Vpc"] = vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ids["Subnet"] = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    ids["Endpoint"] = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.logs",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]["VpcEndpointId"]
    group = ec2.create_security_group(GroupName="workers", Description="of workers", VpcId=vpc)
    ids["Group"] = group["GroupId"]
    own = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    for one in own["SecurityGroups"]:
        for kind, rules in (
            ("ingress", one["IpPermissions"]),
            ("egress", one["IpPermissionsEgress"]),
        ):
            if rules:
                revoke = getattr(ec2, f"revoke_security_group_{kind}")
                revoke(GroupId=one["GroupId"], IpPermissions=rules)
        if one["GroupName"] == "default":
            ids["default"] = one["GroupId"]
    s3.create_bucket(Bucket="trail-files", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws["cloudtrail"].create_trail(
        Name="starburst-dev",
        S3BucketName="trail-files",
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        KmsKeyId=key,
    )
    aws["cloudtrail"].start_logging(Name="starburst-dev")
    ids["Trail"] = "starburst-dev"
    ids["Log"] = log = f"/aws/ecs/starburst/{NAME}/genomics"
    aws["logs"].create_log_group(logGroupName=log, kmsKeyId=key)
    aws["logs"].put_retention_policy(logGroupName=log, retentionInDays=30)
    ids["Budget"] = f"starburst-{NAME}-genomics"
    aws["budgets"].create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": ids["Budget"],
            "BudgetLimit": {"Amount": "5", "Unit": "USD"},
            "TimeUnit": "MONTHLY",
            "BudgetType": "COST",
        },
        NotificationsWithSubscribers=[
            {"Notification": NOTIFICATION, "Subscribers": [SUBSCRIBER]},
        ],
    )
    ids["Repository"] = repository = f"starburst-{NAME}-worker"
    aws["ecr"].create_repository(
        repositoryName=repository,
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
    )
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": 14,
        },
        "action": {"type": "expire"},
    }
    aws["ecr"].put_lifecycle_policy(
        repositoryName=repository, lifecyclePolicyText=json.dumps({"rules": [rule]})
    )
    ids["Topic"] = aws["sns"].create_topic(Name=f"starburst-{NAME}-budgets")["TopicArn"]
    ids["Wakes"] = aws["sqs"].create_queue(QueueName=f"starburst-{NAME}-wakes")["QueueUrl"]
    aws["sqs"].create_queue(QueueName=f"starburst-{NAME}-genomics-{ACTIVE}")
    ids["Function"] = f"starburst-{NAME}-controller"
    ids["Service"] = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{ids['Function']}:service"
    ids["Rule"] = RULE.rpartition("/")[2]
    ids["Permission"] = "starburst-main-Permission-1A2B3C"
    aws["ecs"].create_cluster(clusterName=f"starburst-{NAME}")
    made = register(aws["ecs"], f"starburst-{NAME}-genomics")
    ids["Worker"] = made
    return ids


NOTIFICATION: Final = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
}
SUBSCRIBER: Final = {"SubscriptionType": "EMAIL", "Address": "team@example.com"}


def register(ecs: Any, family: str) -> str:
    """Make a task definition, and return its ARN."""
    answer = ecs.register_task_definition(
        family=family,
        containerDefinitions=[{"name": "worker", "image": "worker", "memory": 512}],
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _template(ids: dict[str, str]) -> dict[str, Any]:
    sealed = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "Bucket": (
            "AWS::S3::Bucket",
            {
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [sealed]},
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        ),
        "Key": ("AWS::KMS::Key", {}),
        "Vpc": ("AWS::EC2::VPC", {}),
        "Subnet": ("AWS::EC2::Subnet", {}),
        "Endpoint": ("AWS::EC2::VPCEndpoint", {"PrivateDnsEnabled": True}),
        "Group": ("AWS::EC2::SecurityGroup", {}),
        "Trail": ("AWS::CloudTrail::Trail", {}),
        "Log": ("AWS::Logs::LogGroup", {"RetentionInDays": 30, "KmsKeyId": {"Ref": "Key"}}),
        "Budget": ("AWS::Budgets::Budget", {"Budget": {"BudgetName": ids["Budget"]}}),
        "Repository": ("AWS::ECR::Repository", {"LifecyclePolicy": {}}),
        "Topic": ("AWS::SNS::Topic", {}),
        "Wakes": ("AWS::SQS::Queue", {}),
        "Function": ("AWS::Lambda::Function", {}),
        "Service": (
            "AWS::Lambda::Alias",
            {"FunctionName": {"Ref": "Function"}, "Name": "service"},
        ),
        "Rule": ("AWS::Events::Rule", {}),
        "Permission": (
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Service"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        ),
        "Worker": ("AWS::ECS::TaskDefinition", {}),
    }
    return {
        "Resources": {
            name: {"Type": kind, "Properties": properties}
            for name, (kind, properties) in kinds.items()
        }
    }
