"""Accept ``AWS::ECR::RegistryScanningConfiguration``; stock refuses it, and scans nothing.

It is recorded with its stack only.
"""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, add_type

__all__ = ["PATCH"]


def _apply() -> None:
    def create(
        _logical_id: str, _properties: Properties, _stack: str
    ) -> tuple[str, dict[str, str]]:
        account = str(module("core.responses").get_account_id())
        return account, {"RegistryId": account}

    def delete(_physical_id: str, _properties: Properties) -> None:
        return

    add_type("AWS::ECR::RegistryScanningConfiguration", create=create, delete=delete)


PATCH = Patch(
    name="registry_scanning",
    stock="refuses AWS::ECR::RegistryScanningConfiguration",
    apply=_apply,
)
