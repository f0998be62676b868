"""Keep the lifecycle rules of a template's bucket; stock drops them."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from .patching import Patch, module, put

__all__ = ["PATCH"]

_DAYS = {
    "AbortIncompleteMultipartUpload": ("DaysAfterInitiation",),
    "NoncurrentVersionExpiration": ("NoncurrentDays", "NewerNoncurrentVersions"),
}


def _apply() -> None:
    provisioners = module("services.cloudformation.provisioners")
    s3 = module("services.s3")
    name = "_S3_BUCKET_CONFIGURATIONS"
    lifecycle = (
        "LifecycleConfiguration",
        _lifecycle,
        s3._put_bucket_lifecycle,
        s3._delete_bucket_lifecycle,
    )
    put(provisioners, name, (*getattr(provisioners, name), lifecycle))


def _lifecycle(value: dict[str, Any]) -> bytes:
    root = Element("LifecycleConfiguration")
    for given in value["Rules"]:
        rule = SubElement(root, "Rule")
        if "Id" in given:
            SubElement(rule, "ID").text = str(given["Id"])
        SubElement(rule, "Status").text = str(given["Status"])
        _filter(SubElement(rule, "Filter"), given)
        _expiration(rule, given)
        for name, members in _DAYS.items():
            if name in given:
                element = SubElement(rule, name)
                for member in members:
                    if member in given[name]:
                        SubElement(element, member).text = str(given[name][member])
        for each in given.get("Transitions", []):
            transition = SubElement(rule, "Transition")
            SubElement(transition, "Days").text = str(each["TransitionInDays"])
            SubElement(transition, "StorageClass").text = str(each["StorageClass"])
    return tostring(root)


def _filter(element: Element, given: dict[str, Any]) -> None:
    tags = given.get("TagFilters", [])
    several = len(tags) + ("Prefix" in given) > 1
    inner = SubElement(element, "And") if several else element
    if "Prefix" in given:
        SubElement(inner, "Prefix").text = str(given["Prefix"])
    for each in tags:
        tag = SubElement(inner, "Tag")
        SubElement(tag, "Key").text = str(each["Key"])
        SubElement(tag, "Value").text = str(each["Value"])


def _expiration(rule: Element, given: dict[str, Any]) -> None:
    if "ExpirationInDays" in given:
        SubElement(SubElement(rule, "Expiration"), "Days").text = str(given["ExpirationInDays"])
    elif "ExpiredObjectDeleteMarker" in given:
        marker = str(given["ExpiredObjectDeleteMarker"]).lower()
        SubElement(SubElement(rule, "Expiration"), "ExpiredObjectDeleteMarker").text = marker


PATCH = Patch(
    name="bucket_lifecycles",
    stock="drops LifecycleConfiguration of AWS::S3::Bucket",
    apply=_apply,
)
