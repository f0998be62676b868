"""An organization with Identity Center in its accounts, as AWS's clients show it, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

PAGE = 100
OWN = "222233334444"
MANAGEMENT = "111122223333"
REGION = "eu-west-1"
ROLE = "starburst-prod-governance-reader"


def error(code: str, call: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, call)


@dataclass(kw_only=True)
class Store:
    """One instance and what is in it."""

    owner: str
    number: str
    region: str = REGION
    users: list[tuple[str, str, list[str]]] = field(default_factory=list)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    applications: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:sso:::instance/ssoins-{self.number}"

    @property
    def id(self) -> str:
        return f"d-{self.number}"


@dataclass(kw_only=True)
class Organization:
    """Accounts, their instances, and what is refused where."""

    accounts: list[str] = field(default_factory=lambda: [MANAGEMENT, OWN])
    states: dict[str, str] = field(default_factory=dict)
    stores: list[Store] = field(default_factory=list)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    """Code by account and call."""

    reports: dict[str, bytes] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def client(
        self, service: str, region: str | None, credentials: Mapping[str, str] | None = None
    ) -> Any:
        account = credentials["AccessKeyId"] if credentials else OWN
        return _Client(self, service, account, region or REGION)

    def visible(self, account: str, region: str) -> list[Store]:
        """What an account shows: its own, and the organization's."""
        return [
            one
            for one in self.stores
            if one.region == region and one.owner in (account, MANAGEMENT)
        ]


class _Client:
    def __init__(self, of: Organization, service: str, account: str, region: str) -> None:
        self._of, self._service, self._account, self._region = of, service, account, region

    def _called(self, call: str) -> None:
        self._of.calls.append((self._account, self._region, call))
        code = self._of.refused.get((self._account, call))
        if code is not None:
            raise error(code, call)

    def describe_organization(self) -> Any:
        self._called("DescribeOrganization")
        return {"Organization": {"MasterAccountId": MANAGEMENT}}

    def assume_role(self, *, RoleArn: str, RoleSessionName: str) -> Any:
        assert RoleSessionName
        account, name = RoleArn.split(":")[4], RoleArn.rpartition("/")[2]
        assert name == ROLE
        code = self._of.refused.get((account, "AssumeRole"))
        if code is not None:
            raise error(code, "AssumeRole")
        return {"Credentials": {"AccessKeyId": account}}

    def get_application_assignment_configuration(self, *, ApplicationArn: str) -> Any:
        self._called("GetApplicationAssignmentConfiguration")
        for store in self._of.stores:
            if ApplicationArn in store.applications:
                return {"AssignmentRequired": store.applications[ApplicationArn]["required"]}
        raise error("ResourceNotFoundException", "GetApplicationAssignmentConfiguration")

    def put_object(self, **words: Any) -> None:
        assert words["ServerSideEncryption"] == "aws:kms"
        assert words["IfNoneMatch"] == "*"
        assert words["ExpectedBucketOwner"] == OWN
        self._called("PutObject")
        if words["Key"] in self._of.reports:
            raise error("PreconditionFailed", "PutObject")
        self._of.reports[words["Key"]] = words["Body"]

    def get_paginator(self, call: str) -> _Pages:
        return _Pages(self, call)

    def listed(  # noqa: PLR0911 - one answer for each call
        self, call: str, words: Mapping[str, Any]
    ) -> tuple[str, list[Any]]:
        self._called("".join(part.capitalize() for part in call.split("_")))
        of = self._of
        match call:
            case "list_objects_v2":
                assert words["ExpectedBucketOwner"] == OWN
                return "Contents", [
                    {"Key": key}
                    for key in sorted(of.reports)
                    if key.startswith(words["Prefix"]) and key > words["StartAfter"]
                ]
            case "list_accounts":
                return "Accounts", [
                    {"Id": one, "State": of.states.get(one, "ACTIVE")} for one in of.accounts
                ]
            case "list_instances":
                return "Instances", [
                    {
                        "InstanceArn": one.arn,
                        "IdentityStoreId": one.id,
                        "OwnerAccountId": one.owner,
                        "Status": "ACTIVE",
                    }
                    for one in of.visible(self._account, self._region)
                ]
            case "list_users":
                return "Users", [
                    {"UserId": i, "UserName": name, "Emails": [{"Value": e} for e in emails]}
                    for i, name, emails in self._store(words).users
                ]
            case "list_groups":
                return "Groups", [
                    {"GroupId": f"g-{name}", "DisplayName": name}
                    for name in self._store(words).groups
                ]
            case "list_group_memberships":
                members = self._store(words).groups[words["GroupId"].removeprefix("g-")]
                return "GroupMemberships", [{"MemberId": {"UserId": one}} for one in members]
            case "list_applications":
                [store] = [one for one in of.stores if one.arn == words["InstanceArn"]]
                return "Applications", [
                    {
                        "ApplicationArn": arn,
                        "Name": one["name"],
                        "ApplicationProviderArn": "arn:aws:sso::aws:applicationProvider/custom",
                        "Status": "ENABLED",
                    }
                    for arn, one in store.applications.items()
                ]
            case "list_application_assignments":
                [found] = [
                    one.applications[words["ApplicationArn"]]
                    for one in of.stores
                    if words["ApplicationArn"] in one.applications
                ]
                return "ApplicationAssignments", [
                    {"PrincipalType": kind, "PrincipalId": who} for kind, who in found["assigned"]
                ]
        raise AssertionError(call)

    def _store(self, words: Mapping[str, Any]) -> Store:
        [store] = [one for one in self._of.stores if one.id == words["IdentityStoreId"]]
        # Only who owns a store, and who administers the organization's, reads it.
        if self._account not in (store.owner, OWN):
            raise error("AccessDeniedException", "ListUsers")
        return store


class _Pages:
    def __init__(self, client: _Client, call: str) -> None:
        self._client, self._call = client, call

    def paginate(self, **words: Any) -> Iterator[dict[str, Any]]:
        key, found = self._client.listed(self._call, words)
        for start in range(0, max(len(found), 1), PAGE):
            yield {key: found[start : start + PAGE]}
