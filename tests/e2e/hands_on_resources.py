"""Hands on resources: the policies of each, and what opens it beside them; undone after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.hands import (
    ACCOUNT,
    CONTROLLER,
    PLATFORM,
    STRANGER,
    Change,
    Doing,
    Hands,
    Policy,
    add,
    document,
    to,
)

__all__ = [
    "addressed",
    "bucket",
    "disabled",
    "granted",
    "invoked",
    "keyed",
    "listed",
    "logged",
    "new_endpoint",
    "open_session_queue",
    "open_to_all",
    "owned",
    "passed",
    "pulled",
    "queue",
    "run_by",
    "topic",
    "unblocked",
]


# Buckets.


def bucket(change: Change | None, name: str = "storage/Data") -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        s3, own = hands.client("s3"), hands.named[name].rpartition(":")[2]
        was = s3.get_bucket_policy(Bucket=own)["Policy"]
        if change is None:
            s3.delete_bucket_policy(Bucket=own)
        else:
            now = json.loads(was)
            change(now)
            s3.put_bucket_policy(Bucket=own, Policy=json.dumps(now))
        yield
        s3.put_bucket_policy(Bucket=own, Policy=was)

    return doing


@contextmanager
def unblocked(hands: Hands) -> Iterator[None]:
    s3 = hands.client("s3")
    was = s3.get_public_access_block(Bucket=hands.bucket)["PublicAccessBlockConfiguration"]
    open_to = dict.fromkeys(was, False)
    s3.put_public_access_block(Bucket=hands.bucket, PublicAccessBlockConfiguration=open_to)
    yield
    s3.put_public_access_block(Bucket=hands.bucket, PublicAccessBlockConfiguration=was)


@contextmanager
def open_to_all(hands: Hands) -> Iterator[None]:
    everybody = to("*", "s3:GetObject", f"{hands.named['storage/Data']}/*")
    with unblocked(hands), bucket(add(everybody))(hands):
        yield


def owned(rule: str) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        put = hands.client("s3").put_bucket_ownership_controls
        put(Bucket=hands.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": rule}]})
        yield
        rules = [{"ObjectOwnership": "BucketOwnerEnforced"}]
        put(Bucket=hands.bucket, OwnershipControls={"Rules": rules})

    return doing


@contextmanager
def listed(hands: Hands) -> Iterator[None]:
    s3 = hands.client("s3")
    with owned("ObjectWriter")(hands), unblocked(hands):
        s3.put_bucket_acl(Bucket=hands.bucket, ACL="public-read")
        yield
        s3.put_bucket_acl(Bucket=hands.bucket, ACL="private")


# Keys.


def granted(grantee: str, operations: list[str], name: str = "foundation/DataKey") -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        kms, key = hands.client("kms"), hands.named[name]
        made = kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=operations)
        yield
        kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])

    return doing


def keyed(change: Change, name: str = "foundation/DataKey") -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        kms, key = hands.client("kms"), hands.named[name]
        was = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        now = json.loads(was)
        change(now)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(now))
        yield
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=was)

    return doing


@contextmanager
def disabled(hands: Hands) -> Iterator[None]:
    kms, key = hands.client("kms"), hands.named["foundation/LogsKey"]
    kms.disable_key(KeyId=key)
    yield
    kms.enable_key(KeyId=key)


# Queues, topics, repositories.


def queue(change: Change, name: str = "control/Wakes") -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        sqs, url = hands.client("sqs"), hands.url(name)
        was = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        now = json.loads(was["Policy"])
        change(now)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(now)})
        yield
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": was["Policy"]})

    return doing


@contextmanager
def open_session_queue(hands: Hands) -> Iterator[None]:
    sqs, name = hands.client("sqs"), f"starburst-local-demo-{'z' * 20}"
    policy = document(to({"AWS": STRANGER}, "sqs:SendMessage"))
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    yield
    sqs.delete_queue(QueueUrl=url)


def topic(change: Change) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        sns, arn = hands.client("sns"), hands.named["control/Alerts"]
        was = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
        now = json.loads(was)
        change(now)
        put = sns.set_topic_attributes
        put(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(now))
        yield
        put(TopicArn=arn, AttributeName="Policy", AttributeValue=was)

    return doing


@contextmanager
def pulled(hands: Hands) -> Iterator[None]:
    ecr, name = hands.client("ecr"), hands.named["registry/Worker"].partition("repository/")[2]
    statement = to({"AWS": STRANGER}, ["ecr:BatchGetImage", "ecr:PutImage"])
    del statement["Resource"]
    was = ecr.get_repository_policy(repositoryName=name)["policyText"]
    ecr.set_repository_policy(repositoryName=name, policyText=document(statement))
    yield
    ecr.set_repository_policy(repositoryName=name, policyText=was)


# The function.


def invoked(principal: str, *, alias: str | None, **more: str) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        own, at = hands.client("lambda"), {"Qualifier": alias} if alias else {}
        own.add_permission(
            FunctionName=hands.function,
            StatementId="Quick",
            Action="lambda:InvokeFunction",
            Principal=principal,
            **at,
            **more,
        )
        yield
        own.remove_permission(FunctionName=hands.function, StatementId="Quick", **at)

    return doing


@contextmanager
def addressed(hands: Hands) -> Iterator[None]:
    own = hands.client("lambda")
    own.create_function_url_config(FunctionName=hands.function, AuthType="NONE")
    yield
    own.delete_function_url_config(FunctionName=hands.function)


@contextmanager
def run_by(hands: Hands) -> Iterator[None]:
    put = hands.client("lambda").update_function_configuration
    put(FunctionName=hands.function, Role=f"arn:aws:iam::{ACCOUNT}:role/{PLATFORM}")
    yield
    put(FunctionName=hands.function, Role=f"arn:aws:iam::{ACCOUNT}:role/{CONTROLLER}")


# The network, and logs.


def passed(change: Change) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        ec2 = hands.client("ec2")
        found = ec2.describe_vpc_endpoints(VpcEndpointIds=[hands.endpoint])["VpcEndpoints"]
        was = found[0]["PolicyDocument"]
        now = json.loads(was)
        change(now)
        put = ec2.modify_vpc_endpoint
        put(VpcEndpointId=hands.endpoint, PolicyDocument=json.dumps(now))
        yield
        put(VpcEndpointId=hands.endpoint, PolicyDocument=was)

    return doing


@contextmanager
def new_endpoint(hands: Hands) -> Iterator[None]:
    ec2 = hands.client("ec2")
    made = ec2.create_vpc_endpoint(
        VpcId=hands.vpc,
        ServiceName="com.amazonaws.eu-west-1.dynamodb",
        VpcEndpointType="Gateway",
        PolicyDocument=document(to("*", "*")),
    )["VpcEndpoint"]["VpcEndpointId"]
    yield
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])


def logged(statement: Policy) -> Doing:
    @contextmanager
    def doing(hands: Hands) -> Iterator[None]:
        logs = hands.client("logs")
        logs.put_resource_policy(policyName="Quick", policyDocument=document(statement))
        yield
        logs.delete_resource_policy(policyName="Quick")

    return doing
