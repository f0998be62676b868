"""How long a value gets once AWS has put in what a template does not know yet: an upper bound."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from starburst_assurance.templates.template import Resource, Template

__all__ = ["length"]

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")

_LONGEST: Final = {
    "AWS::EC2::SecurityGroup": 20,
    "AWS::EC2::Subnet": 24,
    "AWS::EC2::VPC": 21,
    "AWS::EC2::VPCEndpoint": 22,
    # arn:aws:kms:<region>:<account>:key/<uuid>
    "AWS::KMS::Key": 84,
    # arn:aws:iam::<account>:role/, and 64 characters
    "AWS::IAM::Role": 95,
    # arn:aws:s3:::, and 63 characters
    "AWS::S3::Bucket": 76,
}
_ANY: Final = 128
"""Of what is named by AWS, whatever it is."""

_PSEUDO: Final = {
    "AWS::AccountId": 12,
    "AWS::Partition": 3,
    "AWS::Region": 14,
    "AWS::URLSuffix": 13,
}
_PREFIX: Final = {
    # property with the name: what an ARN has in front of it, at most
    "AWS::IAM::Role": ("RoleName", len("arn:aws:iam::111122223333:role/")),
    "AWS::S3::Bucket": ("BucketName", len("arn:aws:s3:::")),
}


def length(value: object, template: Template) -> int:
    """Return how many characters a value takes as JSON without white space, at most.

    Args:
        value: of a template: a policy, or a text.
        template: for what it refers to.

    Example:
        >>> length({"a": ["b", 1]}, Template.of({})), length("text", Template.of({}))
        (13, 4)
    """
    return _text(value, template) if _is_text(value) else _json(value, template)


def _is_text(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, Mapping) and _function(value) is not None)


def _function(value: Mapping[Any, Any]) -> str | None:
    if len(value) != 1:
        return None
    [name] = value
    return name if name == "Ref" or str(name).startswith("Fn::") else None


def _json(value: object, template: Template) -> int:
    if _is_text(value):
        return _text(value, template) + 2
    if isinstance(value, Mapping):
        parts = [len(json.dumps(key)) + 1 + _json(each, template) for key, each in value.items()]
    elif isinstance(value, list):
        parts = [_json(each, template) for each in value]
    else:
        return len(json.dumps(value))
    return sum(parts) + max(1, len(parts)) + 1


def _text(value: object, template: Template) -> int:
    if isinstance(value, str):
        return len(json.dumps(value, ensure_ascii=False)) - 2
    if not isinstance(value, Mapping):
        return len(json.dumps(value))
    name, inner = _function(value), next(iter(value.values()))
    match name:
        case "Fn::Join":
            between = len(inner[0]) * max(0, len(inner[1]) - 1)
            return between + sum(_text(part, template) for part in inner[1])
        case "Fn::Sub" if isinstance(inner, str):
            parts = _VARIABLE.findall(inner)
            return len(_VARIABLE.sub("", inner)) + sum(_named(part, template) for part in parts)
        case "Ref" | "Fn::GetAtt":
            return _named(".".join(inner) if isinstance(inner, list) else str(inner), template)
        case _:
            return _ANY


def _named(reference: str, template: Template) -> int:
    """Return how long a reference gets: to a resource, or one of AWS's own parameters."""
    if reference in _PSEUDO:
        return _PSEUDO[reference]
    found = template.resources.get(reference.partition(".")[0])
    return _ANY if found is None else _of(found)


def _of(resource: Resource) -> int:
    key, prefix = _PREFIX.get(resource.kind, ("", 0))
    known = resource.properties.get(key) if key else None
    if isinstance(known, str):
        return prefix + len(known)
    return _LONGEST.get(resource.kind, _ANY)
