"""Keep the KMS key of a template's topic; stock drops it."""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, after_create

__all__ = ["PATCH"]

_NAME = "KmsMasterKeyId"


def _apply() -> None:
    topics = module("services.sns")._topics

    def complete(arn: str, properties: Properties) -> None:
        attributes = topics[arn]["attributes"]
        attributes.pop(_NAME, None)
        if _NAME in properties:
            attributes[_NAME] = properties[_NAME]

    after_create("AWS::SNS::Topic", complete)


PATCH = Patch(name="topic_keys", stock="drops KmsMasterKeyId of AWS::SNS::Topic", apply=_apply)
