"""Keep the tags of a template's event source mapping; stock drops them."""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, after_create

__all__ = ["PATCH"]


def _apply() -> None:
    mappings = module("services.lambda_svc")._esms

    def complete(identifier: str, properties: Properties) -> None:
        tags = {each["Key"]: each["Value"] for each in properties.get("Tags", [])}
        mappings[identifier]["Tags"] = tags

    after_create("AWS::Lambda::EventSourceMapping", complete)


PATCH = Patch(
    name="mapping_tags", stock="drops Tags of AWS::Lambda::EventSourceMapping", apply=_apply
)
