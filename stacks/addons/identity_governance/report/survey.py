"""What Identity Center has in an organization, and of what of it nothing could be read, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from organization import ACTIVE, TROUBLE, Doors, Places, said

__all__ = ["Application", "Instance", "Person", "Sighting", "Store", "Survey", "survey"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One instance of Identity Center.

    Attributes:
        arn: of it.
        store: id of its identity store.
        owner: account that it belongs to.
        region: in which it was found.
        kind: ``organization`` or ``account``.
        name: that somebody gave it.
        status: such as ACTIVE.
    """

    arn: str
    store: str
    owner: str
    region: str
    kind: str
    name: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """What one account shows in one Region: an instance, none, or why that is not known."""

    account: str
    region: str
    instance: Instance | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A user of one identity store."""

    id: str
    name: str
    emails: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """An application of one instance, and who may use it.

    Attributes:
        arn: of it.
        name: as people see it.
        provider: what kind of application it is.
        status: ENABLED or DISABLED.
        everybody: whether it asks for no assignment, so that each user of the store may use it.
        assigned: kind, id of each user and group that is assigned.
        note: what could not be read of it.
    """

    arn: str
    name: str
    provider: str
    status: str
    everybody: bool = False
    assigned: Sequence[tuple[str, str]] = ()
    note: str = ""


@dataclass(kw_only=True, slots=True)
class Store:
    """What one instance holds.

    Attributes:
        instance: whose.
        people: its users, by id.
        groups: names of its groups, by id.
        members: ids of users, by the id of a group that is assigned to an application.
        unread: why users of such a group could not be read, by its id.
        applications: of the instance.
        note: why users could not be read.
        applications_note: why applications could not be.
    """

    instance: Instance
    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    members: dict[str, Sequence[str]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    applications: Sequence[Application] = ()
    note: str = ""
    applications_note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """All that was found."""

    sightings: Sequence[Sighting]
    stores: Sequence[Store]


def survey(doors: Doors, regions: Sequence[str]) -> Survey:
    """Look into every account, then into every instance once.

    Args:
        doors: to the accounts.
        regions: in which to look; an instance is shown in its own alone.
    """
    places = doors.places()
    sightings = [
        each
        for account in places.accounts
        for region in regions
        for each in _sightings(doors, places, account.id, account.state, region)
    ]
    instances = {each.instance.arn: each.instance for each in sightings if each.instance}
    return Survey(
        sightings=sightings,
        stores=[_store(doors, instances[arn]) for arn in sorted(instances)],
    )


def _sightings(
    doors: Doors, places: Places, account: str, state: str, region: str
) -> Iterator[Sighting]:
    if state != ACTIVE:
        yield Sighting(account=account, region=region, note=f"not read: the account is {state}")
        return
    try:
        found = list(doors.pages("sso-admin", account, region, "list_instances", "Instances"))
    except TROUBLE as error:
        yield Sighting(account=account, region=region, note=said(error))
        return
    for each in found:
        instance = _instance(each, places.management, region)
        yield Sighting(account=account, region=region, instance=instance)
    if not found:
        yield Sighting(account=account, region=region, note="no instance")


def _instance(each: Mapping[str, Any], management: str, region: str) -> Instance:
    owner = each.get("OwnerAccountId", "")
    return Instance(
        arn=each["InstanceArn"],
        store=each.get("IdentityStoreId", ""),
        owner=owner,
        region=region,
        # AWS makes no account instance in the management account: CreateInstance is refused there.
        kind="organization" if owner == management else "account",
        name=each.get("Name") or "",
        status=each.get("Status", ""),
    )


def _store(doors: Doors, instance: Instance) -> Store:
    """Read one instance: in its owner's account, or in this one, which may administer it."""
    store = Store(instance=instance)
    for account in dict.fromkeys((instance.owner, doors.own)):
        try:
            _read_users(doors, store, account)
            store.note = ""
            break
        except TROUBLE as error:
            store.note = store.note or f"{said(error)} in {account}"
    for account in dict.fromkeys((instance.owner, doors.own)):
        try:
            store.applications = list(_applications(doors, store, account))
            store.applications_note = ""
            break
        except TROUBLE as error:
            store.applications_note = store.applications_note or f"{said(error)} in {account}"
    return store


def _read_users(doors: Doors, store: Store, account: str) -> None:
    of = {"IdentityStoreId": store.instance.store}
    where = ("identitystore", account, store.instance.region)
    people = {
        each["UserId"]: Person(
            id=each["UserId"],
            name=each.get("UserName") or "",
            emails=tuple(one["Value"] for one in each.get("Emails") or () if one.get("Value")),
        )
        for each in doors.pages(*where, "list_users", "Users", **of)
    }
    groups = {
        each["GroupId"]: each.get("DisplayName") or ""
        for each in doors.pages(*where, "list_groups", "Groups", **of)
    }
    store.people, store.groups = people, groups


def _applications(doors: Doors, store: Store, account: str) -> Iterator[Application]:
    where = ("sso-admin", account, store.instance.region)
    listed = doors.pages(
        *where, "list_applications", "Applications", InstanceArn=store.instance.arn
    )
    for each in list(listed):
        arn = each["ApplicationArn"]
        known = {
            "arn": arn,
            "name": each.get("Name") or "",
            "provider": each.get("ApplicationProviderArn", "").rpartition("/")[2],
            "status": each.get("Status", ""),
        }
        try:
            settings = doors.at(*where).get_application_assignment_configuration(ApplicationArn=arn)
            listing = "list_application_assignments", "ApplicationAssignments"
            assigned = [
                (one["PrincipalType"], one["PrincipalId"])
                for one in doors.pages(*where, *listing, ApplicationArn=arn)
            ]
            for principal in dict.fromkeys(who for kind, who in assigned if kind == "GROUP"):
                _read_members(doors, store, account, principal)
        except TROUBLE as error:
            yield Application(**known, note=said(error))
        else:
            everybody = not settings.get("AssignmentRequired", True)
            yield Application(**known, everybody=everybody, assigned=assigned)


def _read_members(doors: Doors, store: Store, account: str, group: str) -> None:
    """Read who is in a group; of one that was deleted, its application's other users are told."""
    where = ("identitystore", account, store.instance.region)
    if group in store.members:
        return
    try:
        listed = doors.pages(
            *(*where, "list_group_memberships", "GroupMemberships"),
            IdentityStoreId=store.instance.store,
            GroupId=group,
        )
        store.members[group] = [
            each["MemberId"]["UserId"] for each in listed if "UserId" in each["MemberId"]
        ]
        store.unread.pop(group, None)
    except TROUBLE as error:
        store.unread[group] = said(error)
