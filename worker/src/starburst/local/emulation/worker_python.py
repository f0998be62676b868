"""Publish the Python that workers have here: this interpreter's, not that of a worker image.

A template names the image's Python, and the runtime document passes it on to clients and to the
controller, which refuse another. A local worker runs under this interpreter, whichever it is.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from starburst.contract import runtime_parameter
from starburst.local.emulator import ENVIRONMENT

from .patching import Patch, module
from .resource_types import Properties

__all__ = ["PATCH"]


def _apply() -> None:
    handlers = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    stock = handlers["AWS::SSM::Parameter"]

    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        return stock["create"](logical_id, _ours(properties), stack)

    def update(physical_id: str, old: Properties, new: Properties, *place: Any) -> Any:
        return stock["update"](physical_id, old, _ours(new), *place)

    handlers["AWS::SSM::Parameter"] = {**stock, "create": create, "update": update}


def _ours(properties: Properties) -> Properties:
    if properties.get("Name") != runtime_parameter(ENVIRONMENT):
        return properties
    document = json.loads(properties["Value"])
    document["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
    # In the form of RuntimeDocument.to_json.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return {**properties, "Value": text}


PATCH = Patch(
    name="worker_python",
    stock="publishes the worker image's Python, though workers run under this interpreter",
    apply=_apply,
)
