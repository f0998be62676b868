"""One probe per patch: what AWS does, asked of an emulator; True where it does it."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from starburst.contract import runtime_parameter
from starburst.local.emulator import ACCOUNT, ENVIRONMENT, REGION
from starburst.local.roles import session
from tests.local.raw import Door, keys
from tests.local.scene import EVERYTHING, Scene, code_of, denied, document, eventually

PLAIN_STACK = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
ALLOW = {"Effect": "Allow"}
DENY = {"Effect": "Deny"}


def policy_variables(scene: Scene) -> bool:
    bucket = scene.bucket()
    own = f"arn:aws:s3:::{bucket}/${{aws:PrincipalTag/userName}}/*"
    s3 = scene.client("s3", {**ALLOW, "Action": "s3:*Object", "Resource": own}, userName="alice")
    literal = "${aws:PrincipalTag/userName}/x"
    return (
        not denied(s3.put_object, Bucket=bucket, Key="alice/x")
        and denied(s3.put_object, Bucket=bucket, Key="bob/x")
        and denied(s3.put_object, Bucket=bucket, Key=literal)
    )


def principal_arn(scene: Scene) -> bool:
    arn = scene.role(EVERYTHING)
    name = arn.rpartition("/")[2]
    excepted = {
        **DENY,
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": arn}},
    }
    scene.root("iam").put_role_policy(
        RoleName=name, PolicyName="deny", PolicyDocument=json.dumps({"Statement": [excepted]})
    )
    s3 = scene.local.client(scene.become(arn), "s3")
    return not denied(s3.list_buckets)


def principal_keys(scene: Scene) -> bool:
    no_service = {"Bool": {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}}
    s3 = scene.client(
        "s3", EVERYTHING, {**DENY, "Action": "s3:*", "Resource": "*", "Condition": no_service}
    )
    return denied(s3.list_buckets)


def root_key(scene: Scene) -> bool:
    def refused(key: str) -> bool:
        client = scene.local.client(session(key, "any", region=REGION), "iam")
        try:
            client.list_roles()
        except ClientError:
            return True
        return False

    return refused("test") and refused(ACCOUNT)


def gate(scene: Scene) -> bool:
    root = keys(scene.local.root_session())
    nobody = keys(scene.become(scene.role()))
    forged = Credentials(root.access_key, "forged")
    with Door(scene.local.endpoint) as door:
        refused = (
            door.knock("POST", "/tasks", body=b"{}"),
            door.knock("POST", "/oauth2/token"),
            door.knock("OPTIONS", "/"),
            door.signed(forged, "s3", "GET", "/"),
            door.signed(nobody, "ecs", "POST", "/taskdefinitions", body=b"{}"),
            door.signed(nobody, "s3", "GET", "/v2/credentials/x"),
        )
        return door.signed(root, "s3", "GET", "/").status == 200 and all(
            answer.refused for answer in refused
        )


def resources(scene: Scene) -> bool:
    bucket, (url, arn), (victim, _) = scene.bucket(), scene.queue(), scene.queue()
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:none"
    role = scene.role(
        {**ALLOW, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/a/b"},
        {**ALLOW, "Action": "sqs:SendMessage", "Resource": arn},
        {**ALLOW, "Action": "lambda:InvokeFunction", "Resource": function},
    )
    aws = scene.become(role)
    s3, sqs, functions = (scene.local.client(aws, each) for each in ("s3", "sqs", "lambda"))
    other = f"{victim}?/{ACCOUNT}/{arn.rpartition(':')[2]}"
    return (
        not denied(s3.put_object, Bucket=bucket, Key="a/b")
        and denied(s3.put_object, Bucket=bucket, Key="a//b")
        and denied(s3.put_object, Bucket=bucket, Key="a/b/")
        and not denied(sqs.send_message, QueueUrl=url, MessageBody="x")
        and denied(sqs.send_message, QueueUrl=other, MessageBody="x")
        and _code(functions.invoke, FunctionName="none") == "ResourceNotFoundException"
        and denied(functions.invoke, FunctionName="none", Qualifier="1")
    )


def function_keys(scene: Scene) -> bool:
    role = scene.role(service="lambda.amazonaws.com")
    program = "import os\ndef handler(*_):\n    return os.environ['AWS_ACCESS_KEY_ID']\n"
    properties = {
        "Code": {"ZipFile": program},
        "Handler": "index.handler",
        "Role": role,
        "Runtime": "python3.13",
    }
    made = _stack(scene, {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}})
    if made is None:
        return False
    functions = scene.root("lambda")
    arn = functions.get_function_configuration(FunctionName=made["F"])["FunctionArn"]
    key = json.load(functions.invoke(FunctionName=made["F"])["Payload"])
    guess = hashlib.sha256(f"{arn}:{role}".encode()).hexdigest()[:16].upper()
    return key.startswith("ASIA") and key != f"ASIA{guess}"


def sqs_batches(scene: Scene) -> bool:
    url, arn = scene.queue()
    actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
    sqs = scene.client("sqs", {**ALLOW, "Action": actions, "Resource": arn})
    entries = [{"Id": "a", "MessageBody": "x"}]
    return not denied(sqs.send_message_batch, QueueUrl=url, Entries=entries)


def queue_policies(scene: Scene) -> bool:
    url, arn = scene.queue()
    send = {**ALLOW, "Action": "sqs:SendMessage", "Resource": arn}
    worker, stranger, analyst = scene.role(send), scene.role(send), scene.role(send)
    everybody = {**DENY, "Principal": "*", "Resource": arn, "Action": "sqs:SendMessage"}
    tag = "aws:PrincipalTag/userName"
    tagged = {"Null": {tag: "false"}, "StringNotEquals": {tag: "alice"}}
    untagged = {"Null": {tag: "true"}, "ArnNotEquals": {"aws:PrincipalArn": worker}}
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    statements = [{**everybody, "Condition": c} for c in (tagged, untagged, insecure)]
    scene.root("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": document(*statements)}
    )

    def may_send(role: str, **tags: str) -> bool:
        sqs = scene.local.client(scene.become(role, **tags), "sqs")
        return not denied(sqs.send_message, QueueUrl=url, MessageBody="x")

    answers = {
        "alice": may_send(analyst, userName="alice"),
        "bob": may_send(analyst, userName="bob"),
        "worker": may_send(worker),
        "stranger": may_send(stranger),
    }
    return answers == {"alice": True, "bob": False, "worker": True, "stranger": False}


def kms_context(scene: Scene) -> bool:
    key = scene.key()
    same = {"StringEquals": {"kms:EncryptionContext:user": "${aws:PrincipalTag/userName}"}}
    literal = {"StringEquals": {"kms:EncryptionContext:user": "alice"}}
    answers = []
    for condition in (same, literal):
        statement = {**ALLOW, "Action": "kms:*", "Resource": key, "Condition": condition}
        kms = scene.client("kms", statement, userName="alice")
        request = {"KeyId": key, "KeySpec": "AES_256"}
        answers += [
            not denied(kms.generate_data_key, **request, EncryptionContext={"user": "alice"}),
            denied(kms.generate_data_key, **request, EncryptionContext={"user": "bob"}),
            denied(kms.generate_data_key, **request),
        ]
    return all(answers)


def s3_keys(scene: Scene) -> bool:
    bucket, key = scene.bucket(), scene.key()
    everything = {**DENY, "Action": "s3:PutObject", "Resource": "*"}
    encryption_key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    s3 = scene.client(
        "s3",
        EVERYTHING,
        {**everything, "Condition": {"Null": {"s3:if-none-match": "true"}}},
        {**everything, "Condition": {"Null": {"s3:TlsVersion": "true"}}},
        {**everything, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        {**everything, "Condition": {"StringNotEqualsIfExists": {encryption_key: key}}},
    )
    once = {"Bucket": bucket, "Key": "x", "IfNoneMatch": "*"}
    kms = {"ServerSideEncryption": "aws:kms"}
    return (
        denied(s3.put_object, Bucket=bucket, Key="x")
        and denied(s3.put_object, **once, **kms, SSEKMSKeyId=scene.key())
        and not denied(s3.put_object, **once, **kms, SSEKMSKeyId=key)
        and _write_keys(scene, {"Bucket": bucket, "Key": "new"}, source=f"{bucket}/x")
    )


def _write_keys(scene: Scene, place: dict[str, str], *, source: str) -> bool:
    """Whether every write but a first one is told apart, and parts of an upload are not writes."""
    everything = {**DENY, "Action": "s3:PutObject", "Resource": "*"}
    once = {
        "StringNotEquals": {"s3:if-none-match": "*"},
        "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
    }
    s3 = scene.client(
        "s3",
        EVERYTHING,
        {**everything, "Condition": once},
        {**everything, "Condition": {"Null": {"s3:x-amz-copy-source": "false"}}},
        {**everything, "Condition": {"Null": {"s3:if-match": "false"}}},
        {**everything, "Condition": {"StringNotEquals": {"s3:authType": "REST-HEADER"}}},
    )
    part = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    tag = s3.upload_part(**part, PartNumber=1, Body=b"x")["ETag"]
    done = {**part, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": tag}]}}
    return (
        denied(s3.put_object, **place)
        and denied(s3.put_object, **place, IfNoneMatch='"abc"')
        and denied(s3.put_object, **place, IfNoneMatch="*", IfMatch="*")
        and denied(s3.copy_object, **place, IfNoneMatch="*", CopySource=source)
        and denied(s3.upload_part_copy, **part, PartNumber=2, CopySource=source)
        and denied(s3.complete_multipart_upload, **done)
        and not denied(s3.complete_multipart_upload, **done, IfNoneMatch="*")
    )


def write_conditions(scene: Scene) -> bool:
    s3, place = scene.root("s3"), {"Bucket": scene.bucket(), "Key": "x"}
    s3.put_object(**place, Body=b"first", IfNoneMatch="*")
    refused = _code(s3.put_object, **place, Body=b"second", IfNoneMatch='"abc"')
    stays = s3.get_object(**place)["Body"].read() == b"first"
    return refused == "NotImplemented" and stays


def copy_conditions(scene: Scene) -> bool:
    s3, bucket = scene.root("s3"), scene.bucket()
    for key in ("x", "y"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    copy = {"Bucket": bucket, "CopySource": f"{bucket}/y", "IfNoneMatch": "*"}
    refused = _code(s3.copy_object, **copy, Key="x")
    stays = s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"x"
    s3.copy_object(**copy, Key="z")
    return refused == "PreconditionFailed" and stays


def s3_names(scene: Scene) -> bool:
    bucket, s3 = scene.bucket(), scene.root("s3")
    names = ["a\x1b[31m", "a+b &<c>/é"]
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    try:
        found = s3.list_object_versions(Bucket=bucket)["Versions"]
    except ClientError:
        return False
    return [each["Key"] for each in found] == sorted(names)


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
        _code(ecs.run_task, **request, count=11),
        _code(ecs.run_task, **{**request, "cluster": "no-such-cluster"}),
        _code(ecs.run_task, **request, count=1, clientToken="t", tags=ecs_tags),
        _code(ecs.run_task, **{k: v for k, v in request.items() if not k.startswith("network")}),
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
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
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
        rule = {
            "EventPattern": {"source": ["probe"]},
            "Targets": [{"Id": "f", "Arn": {"Ref": "A"}}],
        }
        made = _stack(
            scene,
            {
                "F": {"Type": "AWS::Lambda::Function", "Properties": properties},
                "A": {"Type": "AWS::Lambda::Alias", "Properties": alias},
                "R": {"Type": "AWS::Events::Rule", "Properties": rule},
            },
        )
        if made is None:
            return False
        entry = {"Source": "probe", "DetailType": "any", "Detail": "{}"}
        scene.root("events").put_events(Entries=[entry])
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
    made = _stack(scene, resources)
    if made is None:
        return False
    groups = scene.root("ec2").describe_security_groups(GroupIds=[made["Group"]])
    found = groups["SecurityGroups"][0]
    return [
        [entry["CidrIp"] for rule in found[key] for entry in rule["IpRanges"]]
        for key in ("IpPermissions", "IpPermissionsEgress")
    ] == [["10.0.0.0/24"], ["10.0.0.0/24"]]


def flow_logs(scene: Scene) -> bool:
    properties = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": "flow",
    }
    made = _stack(
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
    made = _stack(scene, {"Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": properties}})
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
    made = _stack(scene, {"Budget": resource})
    if made is None:
        return False
    found = scene.root("budgets").describe_budget(AccountId=ACCOUNT, BudgetName=made["Budget"])
    return float(found["Budget"]["BudgetLimit"]["Amount"]) == 500


def bucket_properties(scene: Scene) -> bool:
    key, logs = scene.key(), scene.bucket()
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    made = _stack(
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
    made = _stack(scene, {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}})
    if made is None:
        return False
    found = scene.root("ecs").describe_task_definition(taskDefinition=made["T"])["taskDefinition"]
    platform = found.get("runtimePlatform", {}).get("cpuArchitecture")
    return (platform, found.get("ephemeralStorage")) == ("ARM64", {"sizeInGiB": 21})


def worker_python(scene: Scene) -> bool:
    name = runtime_parameter(ENVIRONMENT)
    value = json.dumps({"environment": ENVIRONMENT, "python": "3.0"})
    properties = {"Name": name, "Type": "String", "Value": value}
    made = _stack(scene, {"Runtime": {"Type": "AWS::SSM::Parameter", "Properties": properties}})
    if made is None:
        return False
    ssm = scene.root("ssm")
    found = json.loads(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    ssm.delete_parameter(Name=name)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return bool(found == {"environment": ENVIRONMENT, "python": here})


def _stack(scene: Scene, resources: dict[str, Any]) -> dict[str, str] | None:
    try:
        return scene.stack(resources)
    except (ClientError, ValueError):
        return None


def _code(call: Any, **arguments: Any) -> str:
    try:
        call(**arguments)
    except ClientError as error:
        return code_of(error)
    return ""
