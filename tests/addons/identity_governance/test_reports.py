"""The audit's three reports: all instances, people in several stores, users of applications."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.addons.identity_governance.directory import (
    MANAGEMENT,
    OWN,
    REGION,
    ROLE,
    Organization,
    Store,
)
from tests.some import some

OTHER, THIRD = "333344445555", "444455556666"
EVENT = {"time": "2026-11-30T06:00:00Z"}
SETTINGS = {
    "GOVERNANCE_ACCOUNT": OWN,
    "GOVERNANCE_BUCKET": "reports",
    "GOVERNANCE_KEY": "arn:aws:kms:eu-west-1:222233334444:key/k",
    "GOVERNANCE_OVERDUE_DAYS": "8",
    "GOVERNANCE_REGIONS": REGION,
    "GOVERNANCE_ROLE": ROLE,
}
CENTRAL = Store(
    owner=MANAGEMENT,
    number="0000000001",
    users=[
        ("u-ada", "ada", ["Ada@Example.com"]),
        ("u-bob", "bob", ["bob@example.com", "bob@example.com"]),
        ("u-eve", "=cmd|' /C calc'!Z", ["eve@example.com"]),
    ],
    groups={"team": ["u-bob"]},
    applications={
        "arn:aws:sso::1:application/ssoins-1/apl-1": {
            "name": "wiki",
            "required": True,
            "assigned": [("USER", "u-ada"), ("GROUP", "g-team")],
        },
        "arn:aws:sso::1:application/ssoins-1/apl-2": {
            "name": "@SUM(1)",
            "required": False,
            "assigned": [],
        },
    },
)
SANDBOX = Store(
    owner=OTHER,
    number="0000000002",
    users=[("u-1", "ada.l", [" ada@EXAMPLE.com "]), ("u-2", "nobody", [])],
)


def organization(**words: Any) -> Organization:
    return Organization(
        accounts=[MANAGEMENT, OWN, OTHER, THIRD], stores=[CENTRAL, SANDBOX], **words
    )


def run(handler: ModuleType, of: Organization, *, event: Any = EVENT, **words: Any) -> Any:
    left, now = words.pop("left", lambda: 900.0), words.pop("now", None)
    told = {} if now is None else {"now": lambda: now}
    return handler.report(event, {**SETTINGS, **words}, client=of.client, left=left, **told)


def read(of: Organization, name: str) -> list[dict[str, str]]:
    [body] = [text for key, text in of.reports.items() if key.endswith(f"-{name}.csv")]
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_every_instance_of_every_account_has_its_row(handler: ModuleType) -> None:
    """The post kept one per account, and none of them where it was this one."""
    of = organization()
    run(handler, of)
    rows = read(of, "instances")
    assert list(rows[0])[:2] == ["AccountId", "IdentityCenterInstance"]
    found = {(row["AccountId"], row["IdentityCenterInstance"], row["Kind"]) for row in rows}
    organizations, sandbox = ("d-0000000001", "organization"), ("d-0000000002", "account")
    assert found == {
        (MANAGEMENT, *organizations),
        (OWN, *organizations),
        (OTHER, *organizations),
        (OTHER, *sandbox),
        (THIRD, *organizations),
    }


def as_in_the_post(of: Organization) -> dict[str, list[str]]:
    """What AWS's post makes of the same organization."""
    found: dict[str, list[str]] = {}
    for account in of.accounts:
        for each in of.visible(account, REGION):
            if account == OWN:
                found = {OWN: [each.id, each.arn]}
            elif each.owner != OWN:
                found[account] = [each.id, each.arn]
    return found


def test_the_post_loses_instances_that_this_reports(handler: ModuleType) -> None:
    of = organization()
    run(handler, of)
    reported = {(row["AccountId"], row["IdentityCenterInstance"]) for row in read(of, "instances")}
    posted = {(account, known[0]) for account, known in as_in_the_post(of).items()}
    lost = {(MANAGEMENT, "d-0000000001"), (OTHER, "d-0000000001")}
    assert reported - posted == lost


def test_a_person_in_two_stores_is_found_whatever_the_case(handler: ModuleType) -> None:
    of = organization()
    run(handler, of)
    rows = read(of, "duplicates")
    assert list(rows[0])[:2] == ["User_email", "IdentityStoreId"]
    named = [(row["User_email"], row["IdentityStoreId"], row["UserName"]) for row in rows]
    assert named == [
        ("ada@example.com", "d-0000000001", "ada"),
        ("ada@example.com", "d-0000000002", "ada.l"),
        ("", "d-0000000002", ""),
    ]
    assert rows[2]["Note"] == "1 users have no e-mail address"


def test_one_users_address_twice_is_no_duplicate(handler: ModuleType) -> None:
    of = organization()
    run(handler, of)
    assert not [row for row in read(of, "duplicates") if row["User_email"] == "bob@example.com"]


def test_users_of_an_application_are_told_through_their_group(handler: ModuleType) -> None:
    of = organization()
    run(handler, of)
    wiki = [row for row in read(of, "applications") if row["Application"] == "wiki"]
    assert [(row["PrincipalType"], row["Principal"], row["ThroughGroup"]) for row in wiki] == [
        ("USER", "ada", ""),
        ("GROUP", "team", ""),
        ("USER", "bob", "team"),
    ]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ({}, "no longer in the store"),
        ({"team": ["u-bob"]}, "not read: ThrottlingException at ListGroupMemberships"),
    ],
)
def test_a_group_that_cannot_be_read_hides_no_other_user(
    handler: ModuleType, group: dict[str, list[str]], said: str
) -> None:
    """A deleted group stays assigned, and Identity Center answers for its members by an error."""
    of = Organization(stores=[replace(CENTRAL, groups=group)])
    code = "ThrottlingException" if group else "ResourceNotFoundException"
    of.refused = {(MANAGEMENT, "ListGroupMemberships"): code}
    told = run(handler, of)
    wiki = [row for row in read(of, "applications") if row["Application"] == "wiki"]
    assert [(row["PrincipalType"], row["Principal"], row["Note"]) for row in wiki] == [
        ("USER", "ada", ""),
        ("GROUP", "team" if group else "", said),
    ]
    assert told["not_read"] == len(group)


def test_a_spreadsheet_knows_how_names_are_written(handler: ModuleType) -> None:
    of = organization()
    run(handler, of)
    assert all(body.startswith(b"\xef\xbb\xbf") for body in some(of.reports.values()))


def test_an_application_that_asks_for_no_assignment_is_everybodys(handler: ModuleType) -> None:
    of = organization()
    run(handler, of)
    [row] = [row for row in read(of, "applications") if "SUM" in row["Application"]]
    assert row["PrincipalType"] == "EVERYBODY"
    assert "every user" in row["Note"]


def test_no_cell_is_a_formula(handler: ModuleType) -> None:
    of = organization()
    of.stores[1:] = [
        Store(owner=OTHER, number="0000000002", users=[("u", "=1+1", ["eve@example.com"])])
    ]
    run(handler, of)
    cells = [
        cell for name in ("instances", "duplicates", "applications") for row in read(of, name)
        for cell in row.values()
    ]  # fmt: skip
    assert not [cell for cell in some(cells) if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {"'=1+1", "'@SUM(1)"} <= set(cells)


def test_the_same_event_again_changes_nothing(handler: ModuleType) -> None:
    of = organization()
    first = run(handler, of)
    before = dict(of.reports)
    of.stores[0] = Store(owner=MANAGEMENT, number="0000000001")
    again = run(handler, of)
    assert len(first["written"]) == 3
    assert again["written"] == []
    assert again["kept"] == first["written"]
    assert of.reports == before
    later = run(handler, of, event={"time": "2026-12-07T06:00:00Z"})
    assert len(later["written"]) == 3


def test_reports_are_dated_by_their_event(handler: ModuleType) -> None:
    of = organization()
    run(handler, of, event={"time": "2026-11-30T23:30:00-01:00"})
    assert sorted(of.reports)[0] == "reports/2026/12/01/20261201T003000Z-applications.csv"


def test_reports_that_are_overdue_are_made_and_no_others(handler: ModuleType) -> None:
    """Whatever keeps the schedule from calling, they are made within the days and half a day."""
    of, overdue = organization(), {"overdue": True}

    def at(day: int) -> int:
        now = datetime(2026, 11, day, 20, tzinfo=UTC)
        return len(run(handler, of, event=overdue, now=now)["written"])

    assert [at(day) for day in (1, 2, 8, 10)] == [3, 0, 0, 3]
    # One of three is missing, as where S3 failed between: that is no report.
    run(handler, of, event={"time": "2026-11-16T06:00:00Z"})
    asked = len(of.calls)
    assert at(20) == 0
    assert "ListInstances" not in {call for _, _, call in of.calls[asked:]}
    [lost] = [key for key in of.reports if key.endswith("20261116T060000Z-duplicates.csv")]
    del of.reports[lost]
    assert at(20) == 3


def test_reports_that_lack_something_say_so_in_the_line_that_rings(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that nobody opens would be silent about accounts that it could not look into."""
    for refused, said in (({}, "whole"), ({(OTHER, "AssumeRole"): "AccessDenied"}, "partial")):
        run(handler, organization(refused=refused))
        assert json.loads(capsys.readouterr().out)["reports"] == said


def test_where_nobody_can_tell_whether_they_are_due_it_fails(handler: ModuleType) -> None:
    of = organization(refused={(OWN, "ListObjectsV2"): "AccessDenied"})
    with pytest.raises(ClientError):
        run(handler, of, event={"overdue": True})
    assert of.reports == {}


@pytest.mark.parametrize("event", [{}, {"time": "soon"}, {"time": None}])
def test_an_event_without_a_time_writes_nothing(handler: ModuleType, event: Any) -> None:
    of = organization()
    with pytest.raises(handler.EventError, match="no report was written"):
        run(handler, of, event=event)
    assert of.reports == {}


@pytest.mark.parametrize("code", ["AccessDenied", "ThrottlingException"])
def test_an_account_that_refuses_is_told_and_all_others_are_read(
    handler: ModuleType, code: str
) -> None:
    of = organization(refused={(OTHER, "AssumeRole"): code})
    told = run(handler, of)
    [row] = [row for row in read(of, "instances") if row["AccountId"] == OTHER]
    assert row["Note"] == f"not read: {code} at AssumeRole"
    assert {row["AccountId"] for row in read(of, "instances")} == set(of.accounts)
    assert told["not_read"] >= 1


def test_a_store_that_its_owner_refuses_is_read_by_who_administers_it(handler: ModuleType) -> None:
    of = organization(refused={(MANAGEMENT, "AssumeRole"): "AccessDenied"})
    run(handler, of)
    assert [row for row in read(of, "duplicates") if row["UserName"] == "ada"]


def test_a_store_that_nobody_may_read_is_told_as_such(handler: ModuleType) -> None:
    of = organization(
        refused={
            (OTHER, "ListUsers"): "ThrottlingException",
            (OWN, "ListUsers"): "AccessDeniedException",
            (OTHER, "ListApplications"): "AccessDeniedException",
            (OWN, "ListApplications"): "AccessDeniedException",
        }
    )
    run(handler, of)
    [row] = [row for row in read(of, "duplicates") if row["IdentityStoreId"] == "d-0000000002"]
    assert row["Note"] == f"not read: ThrottlingException at ListUsers in {OTHER}"
    [row] = [row for row in read(of, "applications") if row["IdentityStoreId"] == "d-0000000002"]
    assert row["Note"] == f"not read: AccessDeniedException at ListApplications in {OTHER}"


def test_a_closed_account_is_told_and_not_asked(handler: ModuleType) -> None:
    of = organization(states={THIRD: "SUSPENDED"})
    run(handler, of)
    [row] = [row for row in read(of, "instances") if row["AccountId"] == THIRD]
    assert row["Note"] == "not read: the account is SUSPENDED"
    assert not [call for call in of.calls if call[0] == THIRD]


def test_without_the_list_of_accounts_there_is_no_report(handler: ModuleType) -> None:
    of = organization(refused={(OWN, "ListAccounts"): "AccessDeniedException"})
    with pytest.raises(ClientError, match="AccessDenied"):
        run(handler, of)
    assert of.reports == {}


def test_an_account_without_an_organization_makes_no_report(handler: ModuleType) -> None:
    code = "AWSOrganizationsNotInUseException"
    of = Organization(refused={(OWN, "DescribeOrganization"): code})
    with pytest.raises(ClientError, match=code):
        run(handler, of)
    assert of.reports == {}


def test_no_instance_anywhere_is_said_of_each_account(handler: ModuleType) -> None:
    of = Organization()
    told = run(handler, of)
    assert [row["Note"] for row in read(of, "instances")] == ["no instance"] * 2
    assert read(of, "duplicates") == read(of, "applications") == []
    assert told["not_read"] == 0


def test_each_region_is_asked(handler: ModuleType) -> None:
    of = Organization(stores=[Store(owner=OWN, number="0000000004", region="eu-central-1")])
    run(handler, of, GOVERNANCE_REGIONS="eu-west-1,eu-central-1")
    [row] = [row for row in read(of, "instances") if row["IdentityCenterInstance"]]
    assert row["Region"] == "eu-central-1"


def test_when_time_is_over_what_is_left_is_told_and_written(handler: ModuleType) -> None:
    of = organization()
    clock = iter([900.0] * 4 + [10.0] * 10_000)
    run(handler, of, left=lambda: next(clock))
    notes = {row["AccountId"]: row["Note"] for row in read(of, "instances")}
    assert notes[MANAGEMENT] == ""
    assert notes[THIRD] == "not read: the function's time was over"
    assert len(of.reports) == 3


def test_ten_thousand_users_and_two_hundred_accounts_are_all_there(handler: ModuleType) -> None:
    users = [(f"u{n}", f"user{n}", [f"user{n}@example.com"]) for n in range(10_000)]
    mine = [(f"v{n}", f"other{n}", [f"USER{n}@example.com"]) for n in range(0, 10_000, 100)]
    accounts = [MANAGEMENT, OWN, *(str(300_000_000_000 + n) for n in range(198))]
    of = Organization(
        accounts=accounts,
        stores=[
            Store(owner=MANAGEMENT, number="0000000001", users=users),
            Store(owner=accounts[-1], number="0000000002", users=mine),
        ],
    )
    told = run(handler, of)
    assert told["not_read"] == 0
    assert len({row["AccountId"] for row in read(of, "instances")}) == 200
    rows = read(of, "duplicates")
    assert len({row["User_email"] for row in rows}) == 100
    assert len(rows) == 200
    assert len([call for call in of.calls if call[2] == "ListUsers"]) == 2
