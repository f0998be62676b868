"""What S3 and the registry hold: encryption, lifecycle, locks, logging, policies and scanning."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.local.parity.reading import Held, Properties, Services, document, reads, tags

__all__: list[str] = []


@reads("AWS::S3::Bucket")
def bucket(aws: Services, ref: str, _asked: Properties) -> Held:
    def ask(operation: str, absent: str) -> Any:
        return aws.optional("s3", f"get_{operation}", absent, Bucket=ref)

    encryption = ask("bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError")
    lifecycle = ask("bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
    lock = ask("object_lock_configuration", "ObjectLockConfigurationNotFoundError")
    logging = ask("bucket_logging", "").get("LoggingEnabled", {})
    ownership = ask("bucket_ownership_controls", "OwnershipControlsNotFoundError")
    public = ask("public_access_block", "NoSuchPublicAccessBlockConfiguration")
    locked = lock.get("ObjectLockConfiguration", {})
    return {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                _encryption(rule)
                for rule in encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
            ]
        },
        "BucketName": ref,
        "LifecycleConfiguration": {
            "Rules": [_lifecycle(rule) for rule in lifecycle.get("Rules", ())]
        },
        "LoggingConfiguration": {
            "DestinationBucketName": logging.get("TargetBucket"),
            "LogFilePrefix": logging.get("TargetPrefix"),
        },
        "NotificationConfiguration": _notifications(ask("bucket_notification_configuration", "")),
        "ObjectLockConfiguration": locked,
        "ObjectLockEnabled": locked.get("ObjectLockEnabled") == "Enabled",
        "OwnershipControls": ownership.get("OwnershipControls"),
        "PublicAccessBlockConfiguration": public.get("PublicAccessBlockConfiguration"),
        "Tags": tags(ask("bucket_tagging", "NoSuchTagSet").get("TagSet", ())),
        "VersioningConfiguration": {"Status": ask("bucket_versioning", "").get("Status")},
    }


def _encryption(rule: Any) -> Held:
    return {
        "BlockedEncryptionTypes": rule.get("BlockedEncryptionTypes"),
        "BucketKeyEnabled": rule.get("BucketKeyEnabled"),
        "ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
    }


def _lifecycle(rule: Any) -> Held:
    expiration = rule.get("Expiration", {})
    given = rule.get("Filter", {})
    tagged = [given["Tag"]] if "Tag" in given else given.get("And", {}).get("Tags", [])
    return {
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
        "ExpirationInDays": expiration.get("Days"),
        "ExpiredObjectDeleteMarker": expiration.get("ExpiredObjectDeleteMarker"),
        "Id": rule.get("ID"),
        "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration"),
        "Prefix": given.get("Prefix", given.get("And", {}).get("Prefix", rule.get("Prefix"))),
        "Status": rule["Status"],
        "TagFilters": tagged,
        "Transitions": [
            {"StorageClass": each["StorageClass"], "TransitionInDays": each.get("Days")}
            for each in rule.get("Transitions", ())
        ],
    }


def _notifications(found: Any) -> Held:
    return {
        "EventBridgeConfiguration": {"EventBridgeEnabled": "EventBridgeConfiguration" in found},
        **{
            f"{kind}Configurations": [
                {
                    "Event": each["Events"][0],
                    **(
                        {"Filter": {"S3Key": {"Rules": each["Filter"]["Key"]["FilterRules"]}}}
                        if "Filter" in each
                        else {}
                    ),
                    target: each[arn],
                }
                for each in found.get(
                    f"{kind if kind != 'Lambda' else 'LambdaFunction'}Configurations", ()
                )
            ]
            for kind, target, arn in (
                ("Lambda", "Function", "LambdaFunctionArn"),
                ("Queue", "Queue", "QueueArn"),
                ("Topic", "Topic", "TopicArn"),
            )
        },
    }


@reads("AWS::S3::BucketPolicy")
def bucket_policy(aws: Services, _ref: str, asked: Properties) -> Held:
    name = asked["Bucket"]
    found = aws.optional("s3", "get_bucket_policy", "NoSuchBucketPolicy", Bucket=name)
    return {"Bucket": name, "PolicyDocument": document(found.get("Policy"))}


@reads("AWS::ECR::Repository")
def repository(aws: Services, ref: str, _asked: Properties) -> Held:
    ecr, name = aws["ecr"], {"repositoryName": ref}
    (found,) = ecr.describe_repositories(repositoryNames=[ref])["repositories"]
    lifecycle = aws.optional(
        "ecr", "get_lifecycle_policy", "LifecyclePolicyNotFoundException", **name
    )
    policy = aws.optional(
        "ecr", "get_repository_policy", "RepositoryPolicyNotFoundException", **name
    )
    encryption = found["encryptionConfiguration"]
    return {
        "EncryptionConfiguration": {
            "EncryptionType": encryption["encryptionType"],
            "KmsKey": encryption.get("kmsKey"),
        },
        "ImageScanningConfiguration": {
            "ScanOnPush": found["imageScanningConfiguration"]["scanOnPush"]
        },
        "ImageTagMutability": found["imageTagMutability"],
        "LifecyclePolicy": {"LifecyclePolicyText": lifecycle.get("lifecyclePolicyText")},
        "RepositoryName": found["repositoryName"],
        "RepositoryPolicyText": document(policy.get("policyText")),
        "Tags": tags(ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]),
    }


@reads("AWS::SSM::Parameter")
def parameter(aws: Services, ref: str, asked: Properties) -> Held:
    ssm = aws["ssm"]
    value = ssm.get_parameter(Name=ref)["Parameter"]
    by_name = [{"Key": "Name", "Values": [ref]}]
    (about,) = ssm.describe_parameters(ParameterFilters=by_name)["Parameters"]
    named = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=ref)
    return {
        "Description": about.get("Description"),
        "Name": value["Name"],
        # Of this type alone the template's tags are a map.
        "Tags": {each["Key"]: each["Value"] for each in tags(named["TagList"])},
        "Tier": about.get("Tier"),
        "Type": value["Type"],
        "Value": _with_the_images_python(value["Value"], asked["Value"]),
    }


def _with_the_images_python(held: str, asked: str) -> str:
    """Name the template's Python where the runtime document names this interpreter's."""
    document, template = json.loads(held), json.loads(asked)
    if document.get("python") == f"{sys.version_info.major}.{sys.version_info.minor}":
        document["python"] = template["python"]
    return asked if document == template else held
