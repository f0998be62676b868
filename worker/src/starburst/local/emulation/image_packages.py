"""Publish what strict workers have as the list of the worker image's packages.

A template names none, since nobody has listed the image of ``local``. In an environment that is not
strict workers have all that this interpreter has, and nothing is published.
"""

from __future__ import annotations

import json
from typing import Any

from starburst.contract import packages_parameter
from starburst.local.emulator import ENVIRONMENT
from starburst.local.image import image_packages

from .patching import Patch, module
from .resource_types import Properties

__all__ = ["PATCH"]

_PREFIX = packages_parameter(ENVIRONMENT, "")


def _apply() -> None:
    handlers = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    stock = handlers["AWS::SSM::Parameter"]
    found = dict(image_packages())

    def ours(properties: Properties) -> Properties:
        if not str(properties.get("Name")).startswith(_PREFIX):
            return properties
        document = {**json.loads(properties["Value"]), "image": found}
        # In the form of PackagesDocument.to_json.
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return {**properties, "Value": text}

    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        return stock["create"](logical_id, ours(properties), stack)

    def update(physical_id: str, old: Properties, new: Properties, *place: Any) -> Any:
        return stock["update"](physical_id, old, ours(new), *place)

    handlers["AWS::SSM::Parameter"] = {**stock, "create": create, "update": update}


PATCH = Patch(
    name="image_packages",
    stock="publishes no packages of an image, though strict workers have some and no others",
    apply=_apply,
)
