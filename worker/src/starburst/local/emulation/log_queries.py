"""Accept ``AWS::Logs::QueryDefinition``; stock refuses it, and has no saved queries at all.

The query is recorded with its stack only: run it by its text.
"""

from __future__ import annotations

import uuid

from .patching import Patch
from .resource_types import Properties, add_type

__all__ = ["PATCH"]


def _apply() -> None:
    def create(
        _logical_id: str, _properties: Properties, _stack: str
    ) -> tuple[str, dict[str, str]]:
        identifier = str(uuid.uuid4())
        return identifier, {"QueryDefinitionId": identifier}

    def delete(_physical_id: str, _properties: Properties) -> None:
        return

    add_type("AWS::Logs::QueryDefinition", create=create, delete=delete)


PATCH = Patch(name="log_queries", stock="refuses AWS::Logs::QueryDefinition", apply=_apply)
