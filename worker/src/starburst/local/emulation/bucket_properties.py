"""Keep a template's bucket encryption, access logging and tags; stock drops all three.

``aws:kms`` without a key becomes ``AES256``: the emulator has no key ``alias/aws/s3``, and CDK's
bootstrap bucket asks for one.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from .patching import Patch, module, put

__all__ = ["PATCH"]


def _apply() -> None:
    provisioners = module("services.cloudformation.provisioners")
    s3 = module("services.s3")

    def forget_logging(bucket: str) -> None:
        s3._bucket_logging_config.pop(bucket, None)

    name = "_S3_BUCKET_CONFIGURATIONS"
    configurations = (
        *getattr(provisioners, name),
        ("BucketEncryption", _encryption, s3._put_bucket_encryption, s3._delete_bucket_encryption),
        ("LoggingConfiguration", _logging, s3._put_bucket_logging, forget_logging),
        ("Tags", _tags, s3._put_bucket_tagging, s3._delete_bucket_tagging),
    )
    put(provisioners, name, configurations)


def _encryption(value: dict[str, Any]) -> bytes:
    root = Element("ServerSideEncryptionConfiguration")
    for rule in value["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault", {})
        key = default.get("KMSMasterKeyID")
        algorithm = default.get("SSEAlgorithm", "AES256")
        element = SubElement(root, "Rule")
        applied = SubElement(element, "ApplyServerSideEncryptionByDefault")
        SubElement(applied, "SSEAlgorithm").text = algorithm if key else "AES256"
        if key:
            SubElement(applied, "KMSMasterKeyID").text = str(key)
        bucket_key = str(rule.get("BucketKeyEnabled", False)).lower()
        SubElement(element, "BucketKeyEnabled").text = bucket_key
        blocked = SubElement(element, "BlockedEncryptionTypes")
        for kind in rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", ()):
            SubElement(blocked, "EncryptionType").text = str(kind)
    return tostring(root)


def _logging(value: dict[str, Any]) -> bytes:
    root = Element("BucketLoggingStatus")
    enabled = SubElement(root, "LoggingEnabled")
    SubElement(enabled, "TargetBucket").text = str(value.get("DestinationBucketName", ""))
    SubElement(enabled, "TargetPrefix").text = str(value.get("LogFilePrefix", ""))
    return tostring(root)


def _tags(value: list[dict[str, str]]) -> bytes:
    root = Element("Tagging")
    tags = SubElement(root, "TagSet")
    for tag in value:
        element = SubElement(tags, "Tag")
        SubElement(element, "Key").text = tag["Key"]
        SubElement(element, "Value").text = tag["Value"]
    return tostring(root)


PATCH = Patch(
    name="bucket_properties",
    stock="drops BucketEncryption, LoggingConfiguration and Tags of AWS::S3::Bucket",
    apply=_apply,
)
