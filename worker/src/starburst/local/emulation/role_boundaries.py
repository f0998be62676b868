"""Give a template's roles their permissions boundary.

Stock drops it, so that a role may do all that its policies allow.
"""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, after_create

__all__ = ["PATCH"]


def _apply() -> None:
    iam = module("services.iam")

    def complete(name: str, properties: Properties) -> None:
        iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")

    after_create("AWS::IAM::Role", complete)


PATCH = Patch(
    name="role_boundaries",
    stock="drops PermissionsBoundary of AWS::IAM::Role",
    apply=_apply,
)
