"""How a patch teaches the emulator's CloudFormation another resource type."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from .patching import module

__all__ = ["Properties", "add_type", "after_create", "call", "new_id"]

Properties = dict[str, Any]
Create = Callable[[str, Properties, str], tuple[str, dict[str, str]]]
"""Takes the logical id, the properties and the stack's name; returns the physical id and what
``Fn::GetAtt`` may ask for."""


def add_type(name: str, *, create: Create, delete: Callable[[str, Properties], None]) -> None:
    """Register a type; an update deletes the old resource and creates the new one."""

    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Any:
        delete(physical_id, old)
        return create(physical_id, new, stack)

    handlers = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    handlers[name] = {"create": create, "update": update, "delete": delete}


def after_create(name: str, complete: Callable[[str, Properties], None]) -> None:
    """Call ``complete`` with the physical id and properties whenever a ``name`` is created."""
    handlers = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS[name]
    stock_create, stock_update = handlers["create"], handlers.get("update")

    def create(logical_id: str, properties: Properties, stack: str) -> Any:
        created = stock_create(logical_id, properties, stack)
        complete(created[0], properties)
        return created

    handlers["create"] = create
    if stock_update is None:
        return

    def update(physical_id: str, old: Properties, new: Properties, *place: Any) -> Any:
        updated = stock_update(physical_id, old, new, *place)
        complete(updated[0], new)
        return updated

    handlers["update"] = update


def call(function: Callable[[Any], Any], request: Any) -> Properties:
    """Call an operation of the emulator in process; raise ValueError with its refusal."""
    status, _, body = function(request)[:3]
    text = body.decode() if isinstance(body, bytes) else body
    text = text if isinstance(text, str) else json.dumps(text)
    if status >= 300:  # noqa: PLR2004 - HTTP
        raise ValueError(text)
    answer: Properties = json.loads(text or "{}")
    return answer


def new_id(prefix: str) -> str:
    """Return an id as EC2 makes them."""
    return f"{prefix}-{secrets.token_hex(9)[:17]}"
