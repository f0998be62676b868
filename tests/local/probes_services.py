"""One probe per patch of ECS, Lambda and CloudFormation; True where an emulator does as AWS."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from starburst.contract import runtime_parameter
from starburst.local.emulator import ACCOUNT, ENVIRONMENT, REGION
from tests.local.scene import (
    ALLOW,
    EVERYTHING,
    PLAIN_STACK,
    Scene,
    denied,
    error_code,
    eventually,
    invoked_by,
    outputs_of,
)


def ecs_resources(scene: Scene) -> bool:
    cluster = scene.cluster()
    definition = scene.task_definition(["sleep", "30"])
    family = definition["family"]
    in_cluster = {"ArnEquals": {"ecs:cluster": cluster}}
    task_definitions = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:*"
    tasks = cluster.replace(":cluster/", ":task/") + "/*"
    ecs = scene.client(
        "ecs",
        {
            **ALLOW,
            "Action": "ecs:RunTask",
            "Resource": task_definitions,
            "Condition": in_cluster,
        },
        {
            **ALLOW,
            "Action": ["ecs:StopTask", "ecs:DescribeTasks"],
            "Resource": tasks,
            "Condition": in_cluster,
        },
        {**ALLOW, "Action": "ecs:ListTasks", "Resource": "*", "Condition": in_cluster},
        {**ALLOW, "Action": "iam:PassRole", "Resource": "*"},
    )
    other = scene.run_request(scene.task_definition(["sleep", "30"]), cluster)
    request = scene.run_request(definition, cluster)
    if denied(ecs.run_task, **request) or not denied(ecs.run_task, **other):
        return False
    task = ecs.list_tasks(cluster=cluster)["taskArns"][0]
    ecs.describe_tasks(cluster=cluster, tasks=[task])
    return not denied(ecs.stop_task, cluster=cluster, task=task) and denied(
        ecs.run_task, **{**request, "cluster": scene.cluster()}
    )


def pass_role(scene: Scene) -> bool:
    cluster = scene.cluster()
    definition = scene.task_definition(["true"])
    request = scene.run_request(definition, cluster)
    role = definition["taskRoleArn"]
    run = {**ALLOW, "Action": "ecs:RunTask", "Resource": "*"}
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    may_pass = {**ALLOW, "Action": "iam:PassRole", "Resource": role, "Condition": to_tasks}
    execution = {**may_pass, "Resource": definition["executionRoleArn"]}
    message = ""
    try:
        scene.client("ecs", run, execution).run_task(**request)
    except ClientError as error:
        message = str(error)
    other = {"taskRoleArn": scene.role(EVERYTHING)}
    allowed = scene.client("ecs", run, may_pass, execution)
    handed = {"TemplateBody": PLAIN_STACK, "RoleARN": role}
    make = {**ALLOW, "Action": "cloudformation:CreateStack", "Resource": "*"}
    to_stacks = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    no_right = scene.client("cloudformation", make, may_pass)
    right = scene.client("cloudformation", make, {**may_pass, "Condition": to_stacks})
    return (
        "iam:PassRole" in message
        and role in message
        and not denied(allowed.run_task, **request)
        and denied(allowed.run_task, **request, overrides=other)
        and denied(no_right.create_stack, StackName=scene.name("stack"), **handed)
        and not denied(right.create_stack, StackName=scene.name("stack"), **handed)
    )


def stack_keys(scene: Scene) -> bool:
    role, other = (scene.role(EVERYTHING, service="cloudformation.amazonaws.com") for _ in "ab")
    named = {"ArnEquals": {"cloudformation:RoleArn": role}}
    update = {**ALLOW, "Action": "cloudformation:*Stack", "Resource": "*", "Condition": named}
    pass_any = {**ALLOW, "Action": "iam:PassRole", "Resource": "*"}
    formation = scene.client("cloudformation", update, pass_any)
    request = {"StackName": scene.name("stack"), "TemplateBody": PLAIN_STACK}
    return (
        denied(formation.create_stack, **request)
        and denied(formation.create_stack, **request, RoleARN=other)
        and not denied(formation.create_stack, **request, RoleARN=role)
    )


def run_task(scene: Scene) -> bool:
    cluster = scene.cluster()
    definition = scene.task_definition(["sleep", "30"])
    request = scene.run_request(definition, cluster)
    ecs = scene.root("ecs")
    size = {"cpu": "512", "memory": "1024"}
    first, second = (
        ecs.run_task(**request, count=2, clientToken="t", overrides=size)["tasks"] for _ in range(2)
    )
    ecs_tags = [{"key": "a", "value": "b"}]
    codes = [
        error_code(ecs.run_task, **request, count=11),
        error_code(ecs.run_task, **{**request, "cluster": "no-such-cluster"}),
        error_code(ecs.run_task, **request, count=1, clientToken="t", tags=ecs_tags),
        error_code(
            ecs.run_task, **{k: v for k, v in request.items() if not k.startswith("network")}
        ),
    ]
    arns = [task["taskArn"] for task in first]
    for arn in arns:
        ecs.stop_task(cluster=cluster, task=arn)
    return (
        arns == [task["taskArn"] for task in second]
        and {task["cpu"] for task in first} == {"512"}
        and first[0]["group"] == f"family:{definition['family']}"
        and codes
        == [
            "InvalidParameterException",
            "ClusterNotFoundException",
            "ConflictException",
            "InvalidParameterException",
        ]
    )


def stop_task(scene: Scene) -> bool:
    cluster = scene.cluster()
    deaf = "import signal, pathlib, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    codes = []
    for start in ("import pathlib, signal, sys; ", deaf):
        up = Path(tempfile.mkdtemp()) / "up"
        program = start + "pathlib.Path(sys.argv[1]).touch(); signal.pause()"
        command = [sys.executable, "-c", program, str(up)]
        task = scene.run(scene.task_definition(command, stopTimeout=1), cluster)[0]["taskArn"]
        try:
            eventually(lambda up=up: up.exists() or None, seconds=3)
        except TimeoutError:
            return False
        scene.task_when(task, cluster, "RUNNING")
        answer = scene.root("ecs").stop_task(cluster=cluster, task=task, reason="enough")["task"]
        stopped = scene.task_when(task, cluster, "STOPPED")
        codes.append(stopped["containers"][0]["exitCode"])
        if (answer["desiredStatus"], stopped["stoppedReason"]) != ("STOPPED", "enough"):
            return False
    return codes == [143, 137]


def task_events(scene: Scene) -> bool:
    url, arn = scene.queue()
    events = scene.root("events")
    cluster = scene.cluster()
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {"clusterArn": [cluster], "lastStatus": ["STOPPED"]},
    }
    rule = scene.name("rule")
    made = events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    scene.let_send(made["RuleArn"], (url, arn))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    definition = scene.task_definition([sys.executable, "-c", "raise SystemExit(3)"])
    task = scene.run(definition, cluster, startedBy="session")[0]["taskArn"]
    scene.task_when(task, cluster, "STOPPED")
    found = scene.root("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
    if len(found) != 1:
        return False
    detail = json.loads(found[0]["Body"])["detail"]
    return (
        detail["taskArn"] == task
        and detail["startedBy"] == "session"
        and detail["containers"][0]["exitCode"] == 3
        and detail["stopCode"] == "EssentialContainerExited"
    )


def lambda_aliases(scene: Scene) -> bool:
    def rule(made: dict[str, Any]) -> dict[str, Any]:
        target = {"Id": "f", "Arn": {"Ref": "A"}}
        properties = {"EventPattern": {"source": ["probe"]}, "Targets": [target]}
        rule = {"Type": "AWS::Events::Rule", "Properties": properties}
        return {**made, "P": invoked_by("R", "A"), "R": rule}

    def put() -> None:
        entry = {"Source": "probe", "DetailType": "any", "Detail": "{}"}
        scene.root("events").put_events(Entries=[entry])

    return _hears_of_its_alias(scene, rule, put)


def mapping_aliases(scene: Scene) -> bool:
    url, arn = scene.queue()

    def mapping(made: dict[str, Any]) -> dict[str, Any]:
        name = {"Fn::Join": ["", [{"Ref": "F"}, ":door"]]}
        properties = {"EventSourceArn": arn, "FunctionName": name}
        source = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
        return {**made, "M": {**source, "DependsOn": "A"}}

    return _hears_of_its_alias(
        scene, mapping, lambda: scene.root("sqs").send_message(QueueUrl=url, MessageBody="{}")
    )


def _hears_of_its_alias(
    scene: Scene, source: Callable[[dict[str, Any]], dict[str, Any]], wake: Callable[[], Any]
) -> bool:
    """Whether a function that something invokes by an alias is told the alias' ARN."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        program = (
            "from pathlib import Path\ndef handler(event, context):\n"
            f"    Path({str(told)!r}).write_text(context.invoked_function_arn)\n"
        )
        properties = {
            "Code": {"ZipFile": program},
            "Handler": "index.handler",
            "Role": scene.role(service="lambda.amazonaws.com"),
            "Runtime": "python3.13",
        }
        alias = {"FunctionName": {"Ref": "F"}, "FunctionVersion": "$LATEST", "Name": "door"}
        function = {
            "F": {"Type": "AWS::Lambda::Function", "Properties": properties},
            "A": {"Type": "AWS::Lambda::Alias", "Properties": alias},
        }
        made = outputs_of(scene, source(function))
        if made is None:
            return False
        wake()
        heard = eventually(lambda: told.read_text() or None if told.exists() else None)
        return bool(heard == made["A"])


def tasks(scene: Scene) -> bool:
    cluster = scene.cluster()
    definition = scene.task_definition([sys.executable, "-c", "raise SystemExit(3)"])
    task = scene.run(definition, cluster)[0]["taskArn"]
    try:
        stopped = eventually(
            lambda: (
                found
                if (
                    found := scene.root_ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][
                        0
                    ]
                )["lastStatus"]
                == "STOPPED"
                else None
            ),
            seconds=3,
        )
    except TimeoutError:
        return False
    return bool(stopped["containers"][0].get("exitCode") == 3)


def requests(scene: Scene) -> bool:
    url, arn = scene.queue()
    role = scene.role({**ALLOW, "Action": "sqs:*", "Resource": arn})
    sqs = scene.local.client(scene.become(role), "sqs")
    for _ in range(3):
        try:
            sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])
        except ClientError:
            return False
    counted = scene.local.request_counts().get(role.rpartition("/")[2], {})
    return counted == {"sqs:SendMessageBatch": 3}


def object_reads(scene: Scene) -> bool:
    s3, place = scene.root("s3"), {"Bucket": scene.bucket(), "Key": "counted/x"}
    s3.put_object(**place, Body=b"x" * 100)
    s3.get_object(**place, Range="bytes=10-19")
    return scene.local.bytes_read().get("counted") == 10


def security_group_rules(scene: Scene) -> bool:
    group = {"Fn::GetAtt": ["Group", "GroupId"]}
    rule = {"GroupId": group, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "x", "VpcId": {"Ref": "Vpc"}},
        },
        "In": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {**rule, "CidrIp": "10.0.0.0/24"},
        },
        "Out": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": {**rule, "CidrIp": "10.0.0.0/24"},
        },
    }
    made = outputs_of(scene, resources)
    if made is None:
        return False
    ec2 = scene.root("ec2")
    found = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"][0]
    there = [
        [entry["CidrIp"] for rule in found[key] for entry in rule["IpRanges"]]
        for key in ("IpPermissions", "IpPermissionsEgress")
    ] == [["10.0.0.0/24"], ["10.0.0.0/24"]]
    return there and rules_come_and_go(ec2, made["Group"])


def rules_come_and_go(ec2: Any, group: str) -> bool:
    """Whether what EC2 says of rules can be revoked and authorized again, as it was."""
    port = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    to_a_list = {**port, "PrefixListIds": [{"PrefixListId": "pl-1", "Description": "to S3"}]}
    to_a_group = {**port, "UserIdGroupPairs": [{"GroupId": group, "Description": "to others"}]}

    def rules() -> Any:
        found = ec2.describe_security_groups(GroupIds=[group])
        return found["SecurityGroups"][0]["IpPermissionsEgress"]

    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[to_a_list, to_a_group])
    before = rules()
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=before)
    left = rules()
    for rule in before:
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    lists = [one["PrefixListId"] for rule in before for one in rule["PrefixListIds"]]
    return (left, rules(), lists) == ([], before, ["pl-1"])


def flow_logs(scene: Scene) -> bool:
    properties = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": "flow",
    }
    made = outputs_of(
        scene,
        {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}},
            "Flow": {"Type": "AWS::EC2::FlowLog", "Properties": properties},
        },
    )
    if made is None:
        return False
    found = scene.root("ec2").describe_flow_logs(FlowLogIds=[made["Flow"]])["FlowLogs"]
    return bool(found[0]["ResourceId"] == made["Vpc"])


def trails(scene: Scene) -> bool:
    properties = {"S3BucketName": scene.bucket(), "IsLogging": True, "IsMultiRegionTrail": True}
    made = outputs_of(
        scene, {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": properties}}
    )
    if made is None:
        return False
    return bool(scene.root("cloudtrail").get_trail_status(Name=made["Trail"])["IsLogging"])


def budgets(scene: Scene) -> bool:
    budget = {
        "BudgetName": scene.name("budget"),
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 500, "Unit": "USD"},
    }
    resource = {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": budget}}
    made = outputs_of(scene, {"Budget": resource})
    if made is None:
        return False
    found = scene.root("budgets").describe_budget(AccountId=ACCOUNT, BudgetName=made["Budget"])
    return float(found["Budget"]["BudgetLimit"]["Amount"]) == 500


def bucket_properties(scene: Scene) -> bool:
    key, logs = scene.key(), scene.bucket()
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    made = outputs_of(
        scene,
        {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
                    "LoggingConfiguration": {"DestinationBucketName": logs},
                    "Tags": [{"Key": "a", "Value": "b"}],
                },
            }
        },
    )
    if made is None:
        return False
    s3, bucket = scene.root("s3"), made["Bucket"]
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        stored = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        target = s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"]
    except (ClientError, KeyError):
        return False
    applied = stored["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
    return (applied["KMSMasterKeyID"], target, own) == (key, logs, [{"Key": "a", "Value": "b"}])


def task_platform(scene: Scene) -> bool:
    properties = {
        "RequiresCompatibilities": ["FARGATE"],
        "NetworkMode": "awsvpc",
        "Cpu": "256",
        "Memory": "512",
        "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
        "EphemeralStorage": {"SizeInGiB": 21},
        "ContainerDefinitions": [{"Name": "worker", "Image": "none", "Command": ["true"]}],
    }
    made = outputs_of(scene, {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}})
    if made is None:
        return False
    found = scene.root("ecs").describe_task_definition(taskDefinition=made["T"])["taskDefinition"]
    platform = found.get("runtimePlatform", {}).get("cpuArchitecture")
    return (platform, found.get("ephemeralStorage")) == ("ARM64", {"sizeInGiB": 21})


def worker_python(scene: Scene) -> bool:
    name = runtime_parameter(ENVIRONMENT)
    value = json.dumps({"environment": ENVIRONMENT, "python": "3.0"})
    properties = {"Name": name, "Type": "String", "Value": value}
    made = outputs_of(scene, {"Runtime": {"Type": "AWS::SSM::Parameter", "Properties": properties}})
    if made is None:
        return False
    ssm = scene.root("ssm")
    found = json.loads(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    ssm.delete_parameter(Name=name)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return bool(found == {"environment": ENVIRONMENT, "python": here})


def refused_deletions(scene: Scene) -> bool:
    made = outputs_of(
        scene, {"Files": {"Type": "AWS::S3::Bucket"}, "Cluster": {"Type": "AWS::ECS::Cluster"}}
    )
    if made is None:
        return False
    scene.root("s3").put_object(Bucket=made["Files"], Key="one", Body=b"1")
    (task,) = scene.run(scene.task_definition(["sleep", "30"]), made["Cluster"])
    scene.task_when(task["taskArn"], made["Cluster"], "RUNNING")
    if scene.unstack() != {"Files", "Cluster"}:
        return False
    scene.root("s3").delete_object(Bucket=made["Files"], Key="one")
    scene.root_ecs.stop_task(cluster=made["Cluster"], task=task["taskArn"])
    scene.task_when(task["taskArn"], made["Cluster"], "STOPPED")
    return scene.unstack() == set()
