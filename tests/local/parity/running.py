"""What ECS, Lambda, EventBridge, SQS and SNS hold: what runs, and what wakes it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from starburst.local.emulator import ACCOUNT, REGION
from tests.local.parity.differences import differences
from tests.local.parity.reading import (
    Held,
    Properties,
    Services,
    document,
    reads,
    tags,
    unlowered,
)

__all__: list[str] = []


@reads("AWS::ECS::Cluster")
def cluster(aws: Services, ref: str, _asked: Properties) -> Held:
    everything = ["CONFIGURATIONS", "SETTINGS", "TAGS"]
    (found,) = aws["ecs"].describe_clusters(clusters=[ref], include=everything)["clusters"]
    return {
        "CapacityProviders": found.get("capacityProviders"),
        "ClusterName": found["clusterName"],
        "ClusterSettings": unlowered(found.get("settings")),
        "Configuration": unlowered(found.get("configuration")),
        "DefaultCapacityProviderStrategy": unlowered(found.get("defaultCapacityProviderStrategy")),
        "Tags": tags(found.get("tags", ())),
    }


@reads("AWS::ECS::TaskDefinition")
def task_definition(aws: Services, ref: str, _asked: Properties) -> Held:
    found = aws["ecs"].describe_task_definition(taskDefinition=ref, include=["TAGS"])
    return {**unlowered(found["taskDefinition"]), "Tags": tags(found.get("tags", ()))} | {
        "ContainerDefinitions": [
            # Names of a driver's options and of labels are data, not properties.
            {**unlowered(each), **_as_given(each)}
            for each in found["taskDefinition"]["containerDefinitions"]
        ]
    }


def _as_given(container: Any) -> Held:
    logs = container.get("logConfiguration")
    labels = container.get("dockerLabels")
    return {
        **(
            {"LogConfiguration": {**unlowered(logs), "Options": logs.get("options")}}
            if logs
            else {}
        ),
        **({"DockerLabels": labels} if labels else {}),
    }


@reads("AWS::Lambda::Function")
def function(aws: Services, ref: str, asked: Properties) -> Held:
    functions = aws["lambda"]
    found = functions.get_function_configuration(FunctionName=ref)
    limits = functions.get_function_concurrency(FunctionName=ref)
    code = aws["s3"].get_object(Bucket=asked["Code"]["S3Bucket"], Key=asked["Code"]["S3Key"])
    digest = base64.b64encode(hashlib.sha256(code["Body"].read()).digest()).decode()
    return {
        **found,
        "Code": asked["Code"] if digest == found["CodeSha256"] else {},
        "ReservedConcurrentExecutions": limits.get("ReservedConcurrentExecutions"),
        "Tags": tags(functions.list_tags(Resource=found["FunctionArn"])["Tags"]),
    }


@reads("AWS::Lambda::Alias")
def alias(aws: Services, ref: str, _asked: Properties) -> Held:
    name, qualifier = ref.rsplit(":", 2)[1:]
    found = aws["lambda"].get_alias(FunctionName=name, Name=qualifier)
    return {
        "FunctionName": name,
        "FunctionVersion": found["FunctionVersion"],
        "Name": found["Name"],
    }


@reads("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(aws: Services, _ref: str, asked: Properties) -> Held:
    place = {"FunctionName": asked["FunctionName"], "Qualifier": asked["Qualifier"]}
    found = aws.optional(
        "lambda", "get_function_event_invoke_config", "ResourceNotFoundException", **place
    )
    return {**place, **found} if found else {}


@reads("AWS::Lambda::Permission")
def permission(aws: Services, _ref: str, asked: Properties) -> Held:
    name, _, qualifier = asked["FunctionName"].partition(":function:")[2].partition(":")
    place = {"FunctionName": name or asked["FunctionName"]}
    place |= {"Qualifier": qualifier} if qualifier else {}
    found = aws.optional("lambda", "get_policy", "ResourceNotFoundException", **place)
    statements = [
        {
            "Action": each["Action"],
            "FunctionName": each["Resource"],
            "Principal": each["Principal"].get("Service", each["Principal"].get("AWS")),
            "SourceAccount": each["Condition"].get("StringEquals", {}).get("AWS:SourceAccount"),
            "SourceArn": each["Condition"].get("ArnLike", {}).get("AWS:SourceArn"),
        }
        for each in (document(found.get("Policy")) or {}).get("Statement", ())
    ]
    return min(statements, key=lambda each: len(differences(asked, each)), default={})


@reads("AWS::Lambda::EventSourceMapping")
def event_source_mapping(aws: Services, ref: str, asked: Properties) -> Held:
    functions = aws["lambda"]
    found = functions.get_event_source_mapping(UUID=ref)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{ref}"
    invoked = found["FunctionArn"]
    by_arn = asked["FunctionName"].startswith("arn:")
    return {
        **found,
        "Enabled": found["State"] in ("Enabled", "Enabling", "Creating"),
        "FunctionName": invoked if by_arn else invoked.partition(":function:")[2],
        "Tags": tags(functions.list_tags(Resource=arn)["Tags"]),
    }


@reads("AWS::Events::Rule")
def rule(aws: Services, ref: str, _asked: Properties) -> Held:
    events = aws["events"]
    found = events.describe_rule(Name=ref)
    return {
        "Description": found.get("Description"),
        "EventPattern": document(found.get("EventPattern")),
        "Name": found["Name"],
        "ScheduleExpression": found.get("ScheduleExpression"),
        "State": found["State"],
        "Tags": tags(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]),
        "Targets": events.list_targets_by_rule(Rule=ref)["Targets"],
    }


@reads("AWS::SQS::Queue")
def queue(aws: Services, ref: str, _asked: Properties) -> Held:
    sqs = aws["sqs"]
    found = sqs.get_queue_attributes(QueueUrl=ref, AttributeNames=["All"])["Attributes"]
    named = sqs.list_queue_tags(QueueUrl=ref).get("Tags", {})
    return {
        **found,
        "QueueName": found["QueueArn"].rpartition(":")[2],
        "RedriveAllowPolicy": document(found.get("RedriveAllowPolicy")),
        "RedrivePolicy": document(found.get("RedrivePolicy")),
        "Tags": tags(named),
    }


@reads("AWS::SQS::QueuePolicy")
def queue_policy(aws: Services, _ref: str, asked: Properties) -> Held:
    """Each queue holds it: what one of them lacks is not held."""
    found = {
        url: aws["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        for url in asked["Queues"]
    }
    policies = [document(each.get("Attributes", {}).get("Policy")) for each in found.values()]
    return {
        "PolicyDocument": next(
            (each for each in policies if each != asked["PolicyDocument"]), policies[0]
        ),
        "Queues": [*found],
    }


@reads("AWS::SNS::Topic")
def topic(aws: Services, ref: str, _asked: Properties) -> Held:
    sns = aws["sns"]
    found = sns.get_topic_attributes(TopicArn=ref)["Attributes"]
    subscribed = sns.list_subscriptions_by_topic(TopicArn=ref)["Subscriptions"]
    return {
        **found,
        "Subscription": [
            {"Endpoint": each["Endpoint"], "Protocol": each["Protocol"]} for each in subscribed
        ],
        "Tags": tags(sns.list_tags_for_resource(ResourceArn=ref)["Tags"]),
        "TopicName": ref.rpartition(":")[2],
    }


@reads("AWS::SNS::TopicPolicy")
def topic_policy(aws: Services, _ref: str, asked: Properties) -> Held:
    found = {
        arn: aws["sns"].get_topic_attributes(TopicArn=arn)["Attributes"] for arn in asked["Topics"]
    }
    policies = [document(each.get("Policy")) for each in found.values()]
    return {
        "PolicyDocument": next(
            (each for each in policies if each != asked["PolicyDocument"]), policies[0]
        ),
        "Topics": [*found],
    }


@reads("AWS::SNS::Subscription")
def subscription(aws: Services, ref: str, _asked: Properties) -> Held:
    found = aws["sns"].get_subscription_attributes(SubscriptionArn=ref)["Attributes"]
    read = ("DeliveryPolicy", "FilterPolicy", "RedrivePolicy")
    return {**found, **{name: document(found.get(name)) for name in read}}
