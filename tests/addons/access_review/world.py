"""An account as the review sees it: roles, what was used of them, and AWS's service reference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from starburst_assurance.proofs.encoding.vocabulary import actions
from starburst_assurance.proofs.reading.policies import Policy, PolicySet

__all__ = ["NOW", "OLD", "FakeAnalyzer", "FakeIam", "FakeRole", "document", "reference", "standing"]

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
OLD = NOW - timedelta(days=1000)


@dataclass(kw_only=True)
class FakeRole:
    """A role, and what IAM says of its use."""

    arn: str
    tags: Mapping[str, str]
    managed: dict[str, dict[str, Any]] = field(default_factory=dict)
    inline: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: datetime = OLD
    written: datetime = OLD
    shared: int = 1
    used: set[str] = field(default_factory=set)
    services: set[str] | None = None
    answers: list[str] = field(default_factory=lambda: ["COMPLETED"])

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    def reached(self) -> list[str]:
        if self.services is not None:
            return sorted(self.services)
        documents = [*self.managed.values(), *self.inline.values()]
        found = {
            action.partition(":")[0].lower()
            for one in documents
            for statement in one["Statement"]
            for action in statement.get("Action", ())
        }
        return sorted(found)


def refused(code: str, call: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, call)


class FakeIam:
    """IAM as far as the review asks it, two things a page."""

    def __init__(self, *roles: FakeRole, refuses: Iterable[str] = ()) -> None:
        self.roles = {one.name: one for one in roles}
        self.refuses = set(refuses)
        self.asked: list[str] = []

    def get_paginator(self, call: str) -> Any:
        self._note(call)
        role = self.roles.get
        lists: dict[str, tuple[str, Any]] = {
            "list_roles": ("Roles", lambda _: [{"RoleName": one} for one in self.roles]),
            "list_attached_role_policies": (
                "AttachedPolicies",
                lambda name: [{"PolicyArn": arn} for arn in role(name).managed],  # type: ignore[union-attr]
            ),
            "list_role_policies": ("PolicyNames", lambda name: list(role(name).inline)),  # type: ignore[union-attr]
        }
        key, listed = lists[call]

        class Paginator:
            def paginate(self, RoleName: str = "") -> Iterator[dict[str, Any]]:
                found = listed(RoleName)
                for start in range(0, len(found), 2):
                    yield {key: found[start : start + 2]}
                if not found:
                    yield {key: []}

        return Paginator()

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        self._note(f"get_role {RoleName}")
        one = self.roles[RoleName]
        tags = [{"Key": key, "Value": value} for key, value in one.tags.items()]
        return {"Role": {"Arn": one.arn, "CreateDate": one.created, "Tags": tags}}

    def get_policy(self, *, PolicyArn: str) -> dict[str, Any]:
        [one] = [each for each in self.roles.values() if PolicyArn in each.managed]
        return {"Policy": {"DefaultVersionId": "v3", "AttachmentCount": one.shared}}

    def get_policy_version(self, *, PolicyArn: str, VersionId: str) -> dict[str, Any]:
        assert VersionId == "v3"
        [one] = [each for each in self.roles.values() if PolicyArn in each.managed]
        return {"PolicyVersion": {"Document": one.managed[PolicyArn], "CreateDate": one.written}}

    def get_role_policy(self, *, RoleName: str, PolicyName: str) -> dict[str, Any]:
        return {"PolicyDocument": self.roles[RoleName].inline[PolicyName]}

    def generate_service_last_accessed_details(
        self,
        *,
        Arn: str,
        Granularity: str,
    ) -> dict[str, str]:
        assert Granularity == "ACTION_LEVEL"
        self._note(f"generate {Arn.rpartition('/')[2]}")
        return {"JobId": Arn.rpartition("/")[2]}

    def get_service_last_accessed_details(
        self,
        *,
        JobId: str,
        MaxItems: int,
        Marker: str = "0",
    ) -> dict[str, Any]:
        assert MaxItems > 0
        one = self.roles[JobId]
        status = one.answers.pop(0) if len(one.answers) > 1 else one.answers[0]
        if status != "COMPLETED":
            error = {"Code": "InternalError", "Message": "try later"}
            return {"JobStatus": status, "JobType": "ACTION_LEVEL", "Error": error}
        reached, start = one.reached(), int(Marker)
        return {
            "JobStatus": status,
            "JobType": "ACTION_LEVEL",
            "ServicesLastAccessed": [self._service(one, each) for each in reached[start:][:2]],
            "IsTruncated": start + 2 < len(reached),
            "Marker": str(start + 2),
        }

    def _service(self, role: FakeRole, service: str) -> dict[str, Any]:
        used = [each for each in role.used if each.lower().startswith(f"{service}:")]
        found: dict[str, Any] = {"ServiceNamespace": service}
        if used:
            # A call that was refused is told like one that was allowed: an attempt is all it says.
            found["LastAuthenticated"] = OLD
            found["TrackedActionsLastAccessed"] = [
                {"ActionName": each.partition(":")[2], "LastAccessedTime": OLD} for each in used
            ]
        return found

    def _note(self, call: str) -> None:
        self.asked.append(call)
        if call in self.refuses:
            raise refused("AccessDenied", call)


class FakeAnalyzer:
    """IAM Access Analyzer with some findings, one a page."""

    def __init__(self, count: int = 0, *, status: str = "ACTIVE", there: bool = True) -> None:
        self.count, self.status, self.there = count, status, there

    def get_analyzer(self, *, analyzerName: str) -> dict[str, Any]:
        if not self.there:
            raise refused("ResourceNotFoundException", analyzerName)
        return {"analyzer": {"status": self.status}}

    def get_paginator(self, call: str) -> Any:
        assert call == "list_findings_v2"
        count = self.count

        class Paginator:
            def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
                for number in range(count):
                    yield {
                        "findings": [
                            {
                                "id": str(number),
                                "findingType": "UnusedPermission",
                                "resource": "=cmd|'/c calc'!A1",
                                "updatedAt": NOW,
                            }
                        ]
                    }

        return Paginator()


def reference(*, untracked: Iterable[str] = (), gone: Iterable[str] = ()) -> Any:
    """Return what reads a service's document: all its actions are tracked but these."""
    never = {each.lower() for each in untracked}
    without = set(gone)

    def fetch(service: str) -> bytes:
        if service in without:
            raise OSError("no way there")
        return json.dumps(
            {
                "Name": service,
                "Version": "v1.4",
                "Actions": [
                    {
                        "Name": action.partition(":")[2],
                        "SupportedBy": {"IAM Action Last Accessed": action.lower() not in never},
                    }
                    for action in actions(service)
                ],
            }
        ).encode()

    return fetch


def document(policy: Policy) -> dict[str, Any]:
    """Return a policy as IAM would return it."""
    statements = []
    for one in policy.statements:
        conditions: dict[str, dict[str, list[str]]] = {}
        for each in one.conditions:
            conditions.setdefault(each.operator, {})[each.key] = list(each.values)
        parts = {
            "Action": one.actions,
            "NotAction": one.not_actions,
            "Resource": one.resources,
            "NotResource": one.not_resources,
        }
        statements.append(
            {
                "Effect": one.effect,
                **({"Sid": one.sid} if one.sid else {}),
                **{name: list(each) for name, each in parts.items() if each},
                **({"Condition": conditions} if conditions else {}),
            }
        )
    return {"Version": policy.version, "Statement": statements}


def standing(policy_set: PolicySet, *purposes: str, used: Sequence[str] = ()) -> list[FakeRole]:
    """Return roles of an environment as they would stand in its account."""
    return [
        FakeRole(
            arn=role.arn,
            tags=role.tags,
            managed={
                policy_set.called[name]: document(policy_set.policies[name])
                for name in role.policies
            },
            used=set(used),
        )
        for role in policy_set.roles
        if role.purpose in purposes
    ]
