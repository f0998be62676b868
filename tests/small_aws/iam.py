"""IAM as far as inline policies of roles go; reads may lag behind the last write."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from tests.small_aws.errors import AwsError
from tests.small_aws.pages import page

__all__ = ["InlineIam"]


class InlineIam:
    """Roles and their inline policies.

    Attributes:
        roles: documents by role and policy.
        lags: whether a read sees all but the last change, as IAM's own documentation warns.
    """

    def __init__(self, roles: Iterable[str]) -> None:
        self.roles: dict[str, dict[str, Any]] = {role: {} for role in roles}
        self.lags = False
        self._before = copy.deepcopy(self.roles)

    def get_role_policy(self, *, RoleName: str, PolicyName: str) -> dict[str, Any]:
        found = self._seen(RoleName)
        if PolicyName not in found:
            raise _none(f"The role policy with name {PolicyName} cannot be found.")
        return {"PolicyDocument": copy.deepcopy(found[PolicyName])}

    def list_role_policies(self, *, RoleName: str, Marker: str | None = None) -> dict[str, Any]:
        names, after = page(sorted(self._seen(RoleName)), Marker)
        more = {"Marker": after} if after else {}
        return {"PolicyNames": names, "IsTruncated": bool(after), **more}

    def put_role_policy(self, *, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:
        self._role(RoleName)
        self._before = copy.deepcopy(self.roles)
        self.roles[RoleName][PolicyName] = json.loads(PolicyDocument)

    def delete_role_policy(self, *, RoleName: str, PolicyName: str) -> None:
        if PolicyName not in self._role(RoleName):
            raise _none(f"The role policy with name {PolicyName} cannot be found.")
        self._before = copy.deepcopy(self.roles)
        del self.roles[RoleName][PolicyName]

    def _seen(self, role: str) -> dict[str, Any]:
        self._role(role)
        return (self._before if self.lags else self.roles)[role]

    def _role(self, name: str) -> dict[str, Any]:
        if name not in self.roles:
            raise _none(f"The role with name {name} cannot be found.")
        return self.roles[name]


def _none(said: str) -> AwsError:
    return AwsError("NoSuchEntity", said, 404)
