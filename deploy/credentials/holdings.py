"""What a person has in Identity Center: groups, accounts and applications, in each instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from deploy.incident.command import Clients, IncidentError
from deploy.incident.steps import Steps
from starburst_constructs.policies.incident_statements import allow, document

__all__ = ["Holding", "Places", "as_record", "found_by", "holdings", "looking_document"]

Places = Mapping[str, Mapping[str, Clients]]
"""Clients of an account in a Region, by what the account is called and the Region."""

_LISTING: Final = (
    "sso:ListAccountAssignmentsForPrincipal",
    "sso:ListApplicationAssignmentsForPrincipal",
    "sso:ListInstances",
)
_PEOPLE: Final = (
    "identitystore:DescribeGroup",
    "identitystore:ListGroupMembershipsForMember",
    "identitystore:ListUsers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One thing that a person has.

    Attributes:
        kind: ``user``, ``group``, ``account`` or ``application``.
        instance: ARN of the instance of Identity Center.
        store: id of its identity store.
        user: id of the person there.
        what: name of the user or group, account with permission set, or ARN of the application.
        through: id of the group by which they have it; empty for themselves.
    """

    kind: str
    instance: str
    store: str
    user: str
    what: str
    through: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        by = f" through group {self.through}" if self.through else ""
        return f"{self.kind} {self.what}{by} (store {self.store})"


def looking_document() -> dict[str, Any]:
    """Return the permissions to look, for a role of the account that administers the instance."""
    return document(allow("SeeWhatTheyHave", ["ec2:DescribeRegions", *_PEOPLE, *_LISTING], ["*"]))


def holdings(email: str, places: Places, steps: Steps) -> list[Holding]:
    """Return what whoever has an e-mail address has, in all instances that some accounts show.

    Args:
        email: compared without regard to upper and lower case.
        places: each of which is asked.
        steps: what AWS refuses of one instance is told there, and keeps no other from being read.
    """
    found: dict[Holding, None] = {}
    for account, regions in places.items():
        read = [
            (clients, instance)
            for region, clients in regions.items()
            for instance in steps.take(
                f"list instances by {account} in {region}", partial(_instances, clients)
            )
            or ()
        ]
        if not read:
            steps.take(f"find an instance by {account}", partial(_nobody_looked_for, regions))
        for clients, each in read:
            arn, store = each["InstanceArn"], each["IdentityStoreId"]
            users = steps.take(f"look for {email} in {store}", partial(_users, clients, store))
            for user in users or ():
                if not found_by(user, email):
                    continue
                about = {"instance": arn, "store": store, "user": user["UserId"]}
                found[Holding(kind="user", what=user.get("UserName", ""), **about)] = None
                for what, listing in (
                    ("groups", _groups),
                    ("accounts", _accounts),
                    ("applications", _applications),
                ):
                    read = partial(_listed, listing, clients, about)
                    of_them = steps.take(f"list {what} of {email} in {store}", read)
                    found.update(dict.fromkeys(of_them or ()))
    return list(found)


def found_by(user: Mapping[str, Any], email: str) -> bool:
    """Return whether a user has an e-mail address.

    Example:
        >>> found_by({"Emails": [{"Value": "Ada@example.com"}]}, "ada@EXAMPLE.com ")
        True
    """
    wanted = email.strip().casefold()
    known = (one.get("Value") or "" for one in user.get("Emails") or ())
    return any(one.strip().casefold() == wanted for one in known)


def as_record(found: Sequence[Holding]) -> list[dict[str, str]]:
    """Return holdings as a record has them."""
    return [asdict(one) for one in found]


def _listed(listing: Any, clients: Clients, about: Mapping[str, str]) -> list[Holding]:  # noqa: ANN401 - one of three
    return list(listing(clients, about))


def _pages(client: Any, call: str, key: str, **words: Any) -> Iterator[Any]:  # noqa: ANN401 - any client of boto3
    for page in client.get_paginator(call).paginate(**words):
        yield from page[key]


def _instances(clients: Clients) -> list[Any]:
    """Return the instances of one Region: an account has one at most in each."""
    return list(_pages(clients("sso-admin"), "list_instances", "Instances"))


def _nobody_looked_for(regions: Mapping[str, Clients]) -> None:
    raise IncidentError(
        f"no Region that answered has an instance ({', '.join(regions)} were asked), so nobody was "
        "looked for there; name an account that shows it by --identity-profile"
    )


def _users(clients: Clients, store: str) -> list[Any]:
    return list(_pages(clients("identitystore"), "list_users", "Users", IdentityStoreId=store))


def _groups(clients: Clients, about: Mapping[str, str]) -> Iterator[Holding]:
    client, store = clients("identitystore"), about["store"]
    listed = _pages(
        *(client, "list_group_memberships_for_member", "GroupMemberships"),
        IdentityStoreId=store,
        MemberId={"UserId": about["user"]},
    )
    for each in listed:
        group = client.describe_group(IdentityStoreId=store, GroupId=each["GroupId"])
        name = f"{group.get('DisplayName', '')} {each['GroupId']}".strip()
        yield Holding(kind="group", what=name, **about)


def _accounts(clients: Clients, about: Mapping[str, str]) -> Iterator[Holding]:
    call = "list_account_assignments_for_principal"
    for each in _assigned(clients, about, call, "AccountAssignments"):
        what = f"{each['AccountId']} by {each['PermissionSetArn']}"
        yield Holding(kind="account", what=what, through=_group(each), **about)


def _applications(clients: Clients, about: Mapping[str, str]) -> Iterator[Holding]:
    call = "list_application_assignments_for_principal"
    for each in _assigned(clients, about, call, "ApplicationAssignments"):
        what = each["ApplicationArn"]
        yield Holding(kind="application", what=what, through=_group(each), **about)


def _assigned(clients: Clients, about: Mapping[str, str], call: str, key: str) -> Iterator[Any]:
    return _pages(
        *(clients("sso-admin"), call, key),
        InstanceArn=about["instance"],
        PrincipalId=about["user"],
        PrincipalType="USER",
    )


def _group(each: Mapping[str, Any]) -> str:
    return str(each["PrincipalId"]) if each.get("PrincipalType") == "GROUP" else ""
