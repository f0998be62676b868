"""One probe per patch: what AWS does, asked of an emulator; True where it does it."""

from __future__ import annotations

import hashlib
import json

from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from starburst.local.emulator import ACCOUNT, REGION
from starburst.local.roles import session
from tests.local.raw import Door, keys
from tests.local.scene import (
    ALLOW,
    DENY,
    EVERYTHING,
    Scene,
    denied,
    document,
    error_code,
    outputs_of,
)


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
        and error_code(functions.invoke, FunctionName="none") == "ResourceNotFoundException"
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
    made = outputs_of(scene, {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}})
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
    refused = error_code(s3.put_object, **place, Body=b"second", IfNoneMatch='"abc"')
    stays = s3.get_object(**place)["Body"].read() == b"first"
    return refused == "NotImplemented" and stays


def copy_conditions(scene: Scene) -> bool:
    s3, bucket = scene.root("s3"), scene.bucket()
    for key in ("x", "y"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    copy = {"Bucket": bucket, "CopySource": f"{bucket}/y", "IfNoneMatch": "*"}
    refused = error_code(s3.copy_object, **copy, Key="x")
    stays = s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"x"
    s3.copy_object(**copy, Key="z")
    return refused == "PreconditionFailed" and stays


def whole_checksums(scene: Scene) -> bool:
    s3, place = scene.root("s3"), {"Bucket": scene.bucket(), "Key": "x"}
    started = s3.create_multipart_upload(
        **place, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )
    upload = {**place, "UploadId": started["UploadId"]}
    # "123456789", of which every table of checksums says CRC-32 is cbf43926.
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in ((1, b"12345"), (2, b"6789"))
    ]
    done = {**upload, "MultipartUpload": {"Parts": parts}, "ChecksumType": "FULL_OBJECT"}
    refused = error_code(s3.complete_multipart_upload, **done, ChecksumCRC32="AAAAAA==")
    kept = error_code(s3.complete_multipart_upload, **done, ChecksumCRC32="y/Q5Jg==")
    if refused != "BadDigest" or kept:
        return False
    head = s3.head_object(**place, ChecksumMode="ENABLED")
    return (head["ChecksumCRC32"], head["ChecksumType"]) == ("y/Q5Jg==", "FULL_OBJECT")


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
