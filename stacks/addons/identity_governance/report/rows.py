"""Three reports as rows: instances by account, people in several stores, applications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from survey import Application, Person, Store, Survey

__all__ = ["HEADINGS", "applications", "duplicates", "instances"]

Row = tuple[str, ...]

HEADINGS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "instances": (
            *("AccountId", "IdentityCenterInstance", "InstanceArn", "Kind", "OwnerAccountId"),
            *("Region", "Name", "Status", "Note"),
        ),
        "duplicates": (
            *("User_email", "IdentityStoreId", "OwnerAccountId", "UserName", "UserId", "Note"),
        ),
        "applications": (
            *("OwnerAccountId", "IdentityStoreId", "InstanceArn", "ApplicationArn", "Application"),
            *("Provider", "Status", "PrincipalType", "PrincipalId", "Principal", "ThroughGroup"),
            "Note",
        ),
    }
)
"""The first line of each report."""


def instances(found: Survey) -> Iterator[Row]:
    """Yield each account with each instance that it shows, or why there is none."""
    for each in found.sightings:
        one = each.instance
        if one is None:
            yield (each.account, "", "", "", "", each.region, "", "", each.note)
            continue
        yield (
            *(each.account, one.store, one.arn, one.kind, one.owner),
            *(each.region, one.name, one.status, each.note),
        )


def duplicates(found: Survey) -> Iterator[Row]:
    """Yield who has one e-mail address in several stores: a row for each store, and each user.

    Addresses are compared without regard to upper and lower case. Of a store that was not read, and
    of users without an address, a row says that nothing is known.
    """
    met: dict[str, dict[str, list[tuple[Store, Person]]]] = {}
    for store in found.stores:
        for person in store.people.values():
            # One user with an address twice is no duplicate.
            for email in {one.strip().casefold() for one in person.emails} - {""}:
                stores = met.setdefault(email, {})
                stores.setdefault(store.instance.store, []).append((store, person))
    for email in sorted(met):
        if len(met[email]) > 1:
            for identity_store in sorted(met[email]):
                for store, person in met[email][identity_store]:
                    owner = store.instance.owner
                    yield (email, identity_store, owner, person.name, person.id, "")
    for store in found.stores:
        where = (store.instance.store, store.instance.owner)
        if store.note:
            yield ("", *where, "", "", store.note)
        nameless = sum(
            not any(one.strip() for one in each.emails) for each in store.people.values()
        )
        if nameless:
            yield ("", *where, "", "", f"{nameless} users have no e-mail address")


def applications(found: Survey) -> Iterator[Row]:
    """Yield who may use each application, by themselves or through a group."""
    for store in found.stores:
        one = store.instance
        where = (one.owner, one.store, one.arn)
        if store.applications_note:
            yield (*where, *("",) * 8, store.applications_note)
        elif not store.applications:
            yield (*where, *("",) * 8, "no application")
        for each in store.applications:
            what = (*where, each.arn, each.name, each.provider, each.status)
            for row in _users(store, each):
                yield (*what, *row)


def _users(store: Store, each: Application) -> Iterator[Row]:
    if each.note:
        yield ("", "", "", "", each.note)
        return
    if each.everybody:
        yield ("EVERYBODY", "", "", "", "needs no assignment: every user of the store may use it")
    for kind, principal in each.assigned:
        if kind == "GROUP":
            group = store.groups.get(principal, "")
            note = _unknown(group, store) or store.unread.get(principal, "")
            yield (kind, principal, group, "", note)
            for user in store.members.get(principal, ()):
                yield _user(store, user, through=group or principal)
        else:
            yield _user(store, principal)
    if not each.everybody and not each.assigned:
        yield ("", "", "", "", "nobody is assigned")


def _user(store: Store, user: str, *, through: str = "") -> Row:
    person = store.people.get(user)
    name = person.name if person is not None else ""
    return ("USER", user, name, through, _unknown(name, store))


def _unknown(name: str, store: Store) -> str:
    return "" if name else store.note or "no longer in the store"
