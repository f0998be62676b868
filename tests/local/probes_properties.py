"""One probe per patch of what a template asks for; True where an emulator holds it as AWS does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from starburst.local.emulator import ACCOUNT, REGION
from tests.local.scene import (
    ALLOW,
    EVERYTHING,
    Scene,
    denied,
    error_code,
    eventually,
    invoked_by,
    outputs_of,
)

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}}


def function(scene: Scene, program: str, **more: Any) -> dict[str, Any]:
    properties = {
        "Code": {"ZipFile": program},
        "Handler": "index.handler",
        "Role": scene.role(EVERYTHING, service="lambda.amazonaws.com"),
        "Runtime": "python3.13",
        **more,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def made(scene: Scene, **resources: Mapping[str, Any]) -> dict[str, str]:
    """Return the physical ids of resources that every emulator can make."""
    found = outputs_of(scene, dict(resources))
    assert found is not None, resources
    return found


def role_boundaries(scene: Scene) -> bool:
    iam = scene.root("iam")
    only_s3 = {"Version": "2012-10-17", "Statement": [{**EVERYTHING, "Action": "s3:*"}]}
    boundary = iam.create_policy(
        PolicyName=scene.name("boundary"), PolicyDocument=json.dumps(only_s3)
    )["Policy"]["Arn"]
    trust = {**ALLOW, "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    everything = {"PolicyName": "all", "PolicyDocument": {"Statement": [EVERYTHING]}}
    properties = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "PermissionsBoundary": boundary,
        "Policies": [everything],
    }
    name = made(scene, R={"Type": "AWS::IAM::Role", "Properties": properties})["R"]
    aws = scene.become(iam.get_role(RoleName=name)["Role"]["Arn"])
    s3, sqs = (scene.local.client(aws, service) for service in ("s3", "sqs"))
    return not denied(s3.list_buckets) and denied(sqs.list_queues)


def session_durations(scene: Scene) -> bool:
    iam, role = scene.root("iam"), scene.role(EVERYTHING)
    iam.update_role(RoleName=role.rpartition("/")[2], MaxSessionDuration=7200)

    def refusal(aws: Any, seconds: int) -> str:
        sts = scene.local.client(aws, "sts")
        return error_code(
            sts.assume_role, RoleArn=role, RoleSessionName="probe", DurationSeconds=seconds
        )

    first, chained = scene.local.root_session(), scene.become(role)
    found = [refusal(first, 7200), refusal(first, 7201), refusal(chained, 3601)]
    return found == ["", "ValidationError", "ValidationError"]


def bucket_lifecycles(scene: Scene) -> bool:
    rules = [
        {"Id": "a", "Status": "Enabled", "Prefix": "x/", "ExpirationInDays": 3},
        {"Id": "b", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 7}},
        {"Id": "c", "Status": "Disabled", "ExpiredObjectDeleteMarker": True},
    ]
    properties = {"LifecycleConfiguration": {"Rules": rules}}
    bucket = made(scene, B={"Type": "AWS::S3::Bucket", "Properties": properties})["B"]
    try:
        found = scene.root("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError:
        return False
    return [(each["ID"], each["Status"]) for each in found] == [
        ("a", "Enabled"),
        ("b", "Enabled"),
        ("c", "Disabled"),
    ] and (found[0]["Filter"], found[0]["Expiration"]) == ({"Prefix": "x/"}, {"Days": 3})


def bucket_locks(scene: Scene) -> bool:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    properties = {"ObjectLockEnabled": True, "ObjectLockConfiguration": {"Rule": rule}}
    bucket = made(scene, B={"Type": "AWS::S3::Bucket", "Properties": properties})["B"]
    s3, place = scene.root("s3"), {"Bucket": bucket, "Key": "x"}
    version = s3.put_object(**place, Body=b"x").get("VersionId", "null")
    return denied(s3.delete_object, **place, VersionId=version)


def object_locks(scene: Scene) -> bool:
    s3 = scene.root("s3")
    bucket = scene.name("bucket")
    s3.create_bucket(
        Bucket=bucket,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    place = {"Bucket": bucket, "Key": "x"}
    begun = s3.create_multipart_upload(**place, ObjectLockLegalHoldStatus="ON")["UploadId"]
    part = s3.upload_part(**place, UploadId=begun, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    held = s3.complete_multipart_upload(**place, UploadId=begun, MultipartUpload=parts)["VersionId"]
    whole = s3.put_object(**place, Body=b"y")["VersionId"]
    s3.put_object_legal_hold(**place, VersionId=whole, LegalHold={"Status": "ON"})
    both = [{"Key": "x", "VersionId": version} for version in (held, whole)]
    suspended = error_code(
        s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    kept = (
        all(denied(s3.delete_object, **place, VersionId=version) for version in (held, whole))
        and len(s3.delete_objects(Bucket=bucket, Delete={"Objects": both})["Errors"]) == len(both)
        and suspended == "InvalidBucketState"
    )
    if not kept:
        return False
    for version in (held, whole):
        s3.put_object_legal_hold(**place, VersionId=version, LegalHold={"Status": "OFF"})
    return not s3.delete_objects(Bucket=bucket, Delete={"Objects": both}).get("Errors")


def blocked_encryption(scene: Scene) -> bool:
    s3, bucket = scene.root("s3"), scene.bucket()
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    place = {"Bucket": bucket, "Key": "x"}
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    return (
        not denied(s3.put_object, **place)
        and denied(s3.put_object, **place, **own)
        and denied(s3.copy_object, **place, **own, CopySource=f"{bucket}/x")
        and denied(s3.create_multipart_upload, **place, **own)
    )


def topic_keys(scene: Scene) -> bool:
    key = scene.key()
    properties = {"KmsMasterKeyId": key}
    topic = made(scene, T={"Type": "AWS::SNS::Topic", "Properties": properties})["T"]
    attributes = scene.root("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    return bool(attributes.get("KmsMasterKeyId") == key)


def function_settings(scene: Scene) -> bool:
    _, queue = scene.queue()
    more = {"ReservedConcurrentExecutions": 0, "DeadLetterConfig": {"TargetArn": queue}}
    name = made(scene, F=function(scene, "def handler(*_): pass", **more))["F"]
    once = Config(retries={"total_max_attempts": 1})
    functions = scene.local.client(scene.local.root_session(), "lambda", config=once)
    found = functions.get_function_configuration(FunctionName=name)
    refused = error_code(functions.invoke, FunctionName=name)
    return (found.get("DeadLetterConfig", {}).get("TargetArn"), refused) == (
        queue,
        "TooManyRequestsException",
    )


def mapping_tags(scene: Scene) -> bool:
    _, queue = scene.queue()
    mapping = {
        "EventSourceArn": queue,
        "FunctionName": {"Ref": "F"},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    mapping_id = made(
        scene,
        F=function(scene, "def handler(*_): pass"),
        M={"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    )["M"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{mapping_id}"
    return bool(scene.root("lambda").list_tags(Resource=arn)["Tags"] == {"a": "b"})


def event_retries(scene: Scene) -> bool:
    """An event that fails goes where its function says; one that is throttled is tried again."""
    (url, queue), source = scene.queue(), scene.name("probe")
    config = {
        "FunctionName": {"Ref": "F"},
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": queue}},
    }
    rule = {
        "EventPattern": {"source": [source]},
        "Targets": [{"Id": "f", "Arn": {"Fn::GetAtt": ["F", "Arn"]}}],
    }
    program = (
        "import time\n"
        "def handler(event, _):\n"
        "    time.sleep(0.5)\n"
        "    raise ValueError(event['detail']['n'])\n"
    )
    made(
        scene,
        F=function(scene, program, ReservedConcurrentExecutions=1),
        C={"Type": "AWS::Lambda::EventInvokeConfig", "Properties": config},
        P=invoked_by("R", "F"),
        R={"Type": "AWS::Events::Rule", "Properties": rule},
    )
    entries = [
        {"Source": source, "DetailType": "probe", "Detail": json.dumps({"n": n})} for n in (1, 2)
    ]
    scene.root("events").put_events(Entries=entries)
    sqs, failed = scene.root("sqs"), dict[int, str]()

    def both() -> dict[int, str] | None:
        for each in sqs.receive_message(QueueUrl=url).get("Messages", ()):
            told = json.loads(each["Body"])
            number = told["requestPayload"]["detail"]["n"]
            failed[number] = told["responsePayload"].get("errorMessage", "")
        return failed if len(failed) > 1 else None

    try:
        # The one that had no room is no failure: it ran later, and said so itself.
        return eventually(both, seconds=scene.patience) == {1: "1", 2: "2"}
    except TimeoutError:
        return False


def event_permissions(scene: Scene) -> bool:
    """Of three queues, the one gets an event whose policy allows this rule to send it."""
    events, sqs = scene.root("events"), scene.root("sqs")
    rule, source = scene.name("rule"), scene.name("probe")
    arn = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
    queues = [scene.queue() for _ in range(3)]
    scene.let_send(f"{arn}-other", queues[1])
    scene.let_send(arn, queues[2])
    targets = [{"Id": str(index), "Arn": queue} for index, (_, queue) in enumerate(queues)]
    events.put_targets(Rule=rule, Targets=targets)
    entry = {"Source": source, "DetailType": "probe", "Detail": "{}"}
    events.put_events(Entries=[entry])
    received = [sqs.receive_message(QueueUrl=url).get("Messages", []) for url, _ in queues]
    return [len(each) for each in received] == [0, 0, 1]


def lambda_reads(scene: Scene) -> bool:
    alias = {"FunctionName": {"Ref": "F"}, "FunctionVersion": "$LATEST", "Name": "live"}
    name = made(
        scene,
        F=function(scene, "def handler(*_): pass"),
        A={"Type": "AWS::Lambda::Alias", "Properties": alias},
    )["F"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    reads = ["lambda:GetAlias", "lambda:GetFunctionConcurrency"]
    functions = scene.client("lambda", {**ALLOW, "Action": reads, "Resource": arn})
    return not denied(functions.get_alias, FunctionName=name, Name="live") and not denied(
        functions.get_function_concurrency, FunctionName=name
    )


def endpoint_properties(scene: Scene) -> bool:
    policy = {"Version": "2012-10-17", "Statement": [{**EVERYTHING, "Principal": "*"}]}
    properties = {
        "PolicyDocument": policy,
        "PrivateDnsEnabled": True,
        "SecurityGroupIds": ["sg-1"],
        "ServiceName": f"com.amazonaws.{REGION}.sqs",
        "VpcEndpointType": "Interface",
        "VpcId": {"Ref": "Vpc"},
    }
    endpoint = made(scene, Vpc=VPC, E={"Type": "AWS::EC2::VPCEndpoint", "Properties": properties})
    ec2 = scene.root("ec2")
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint["E"]])["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["E"]])
    return (
        json.loads(found.get("PolicyDocument", "{}")) == policy
        and found.get("PrivateDnsEnabled") is True
        and [group["GroupId"] for group in found.get("Groups", ())] == ["sg-1"]
    )


def endpoint_filters(scene: Scene) -> bool:
    """Who deletes what a filter found must not find the others."""
    service = f"com.amazonaws.{REGION}.sqs"
    ec2 = scene.root("ec2")
    vpc = made(scene, Vpc=VPC)["Vpc"]
    tags = ({"Key": "left", "Value": "behind"}, {"Key": "kept", "Value": "yes"})
    left, kept = (
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=service,
            VpcEndpointType="Interface",
            TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": [tag]}],
        )["VpcEndpoint"]["VpcEndpointId"]
        for tag in tags
    )

    def found(**filters: str) -> list[str]:
        named = [{"Name": name.replace("_", "-"), "Values": [v]} for name, v in filters.items()]
        described = ec2.describe_vpc_endpoints(Filters=named)["VpcEndpoints"]
        return [each["VpcEndpointId"] for each in described]

    held = (
        found(tag_key="left", vpc_id=vpc) == [left]
        and found(vpc_endpoint_id=kept) == [kept]
        and found(**{"tag:kept": "no"}) == []
        and sorted(found(vpc_id=vpc, service_name=service)) == sorted([left, kept])
    )
    ec2.delete_vpc_endpoints(VpcEndpointIds=[left, kept])
    return held


def endpoint_policies(scene: Scene) -> bool:
    """A worker may do what its role and the endpoint both allow."""
    narrow = {**EVERYTHING, "Principal": "*", "Action": "sqs:ListQueues"}
    properties = {
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [narrow]},
        "ServiceName": f"com.amazonaws.{REGION}.sqs",
        "VpcEndpointType": "Interface",
        "VpcId": {"Ref": "Vpc"},
    }
    endpoint = made(scene, Vpc=VPC, E={"Type": "AWS::EC2::VPCEndpoint", "Properties": properties})
    program = (
        "import boto3, sys\n"
        "sqs = boto3.client('sqs')\n"
        "sqs.list_queues()\n"
        f"try: sqs.create_queue(QueueName='{scene.name('queue')}')\n"
        "except sqs.exceptions.ClientError: sys.exit(3)\n"
    )
    cluster = scene.cluster()
    (task,) = scene.run(scene.task_definition(["python", "-c", program]), cluster)
    stopped = scene.task_when(task["taskArn"], cluster, "STOPPED")
    scene.root("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint["E"]])
    return bool(stopped["containers"][0].get("exitCode") == 3)


def data_protection(scene: Scene) -> bool:
    policy = {"Name": "p", "Version": "2021-06-01", "Statement": []}
    properties = {"DataProtectionPolicy": policy}
    group = made(scene, G={"Type": "AWS::Logs::LogGroup", "Properties": properties})["G"]
    try:
        found = scene.root("logs").get_data_protection_policy(logGroupIdentifier=group)
    except ClientError:
        return False
    return bool(json.loads(found["policyDocument"]) == policy)


def metric_math(scene: Scene) -> bool:
    count = {"Metric": {"MetricName": "m", "Namespace": "n"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "filled", "Expression": "FILL(m, 0)"},
        {"Id": "m", "MetricStat": count, "ReturnData": False},
    ]
    properties = {
        "ComparisonOperator": "LessThanThreshold",
        "EvaluationPeriods": 5,
        "Metrics": metrics,
        "Threshold": 1,
    }
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
    names = outputs_of(scene, {"A": alarm})
    if names is None:
        return False
    found = scene.root("cloudwatch").describe_alarms(AlarmNames=[names["A"]])["MetricAlarms"]
    return [each["Metrics"] for each in found] == [metrics]


def container_limits(scene: Scene) -> bool:
    container = {
        "Name": "worker",
        "Image": "none",
        "LinuxParameters": {"Capabilities": {"Drop": ["ALL"]}, "InitProcessEnabled": True},
        "Secrets": [{"Name": "TOKEN", "ValueFrom": "arn"}],
    }
    properties = {"ContainerDefinitions": [container], "Volumes": [{"Name": "scratch"}]}
    name = made(scene, T={"Type": "AWS::ECS::TaskDefinition", "Properties": properties})["T"]
    found = scene.root("ecs").describe_task_definition(taskDefinition=name)["taskDefinition"]
    kept = found["containerDefinitions"][0]
    return (kept.get("linuxParameters"), kept.get("secrets"), found["volumes"]) == (
        {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True},
        [{"name": "TOKEN", "valueFrom": "arn"}],
        [{"name": "scratch"}],
    )


def nat_gateways(scene: Scene) -> bool:
    gateway = {
        "SubnetId": {"Ref": "Subnet"},
        "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
    }
    made = outputs_of(
        scene,
        {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}},
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/28"},
            },
            "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
            "Gateway": {"Type": "AWS::EC2::NatGateway", "Properties": gateway},
        },
    )
    if made is None:
        return False
    ec2 = scene.root("ec2")
    (found,) = ec2.describe_nat_gateways(NatGatewayIds=[made["Gateway"]])["NatGateways"]
    addresses = {one["PublicIp"] for one in ec2.describe_addresses()["Addresses"]}
    return bool(found["SubnetId"] == made["Subnet"] and made["Address"] in addresses)
