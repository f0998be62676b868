"""Areas, workspaces and users stay apart, and a policy that lets one into another is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Condition, PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()


def signed(*how: str) -> Condition:
    return Condition(operator="StringEquals", key="s3:authType", values=how)


USER, WORKSPACE = "${aws:PrincipalTag/userName}", "${aws:PrincipalTag/starburst-workspace}"
AREAS = "each_area_has_its_own_writers"
THREE = "the_controller_keeps_to_three_names"


WORKERS = "workers_stay_in_their_workspace"
PEOPLE = "people_stay_in_their_workspace"
HOMES = "homes_are_their_users"
PACKAGES = "packages_come_from_whom_the_workspace_says"
DATA = "data_come_from_whom_the_workspace_says"


@pytest.mark.parametrize(
    ("role", "sid", "resource", "theorem"),
    [
        ("worker", "WriteResults", "/data/genomics/*", AREAS),
        ("worker", "WriteResults", "/data/genomics/*", "workers_write_neither_packages_nor_data"),
        ("worker", "WriteResults", "/packages/*", "workers_write_neither_packages_nor_data"),
        ("worker", "ReadSessions", "/home/genomics/*", AREAS),
        ("worker", "ReadSessions", "/home/genomics/*", HOMES),
        ("worker", "ReadSessions", "/*", AREAS),
        ("worker", "ReadPackagesAndData", "/packages/markets/*", WORKERS),
        ("worker", "ReadPackagesAndData", "/data/gen*", WORKERS),
        ("analyst", "WriteWhatAClientWrites", "/packages/genomics/*", PACKAGES),
        ("analyst", "WriteWhatAClientWrites", "/data/genomics/*", DATA),
        ("analyst", "ReadPackagesAndData", "/data/markets/*", PEOPLE),
        ("analyst", "ReadPackagesAndData", "/packages/*", PEOPLE),
        ("analyst", "KeepAHome", "/home/genomics/*", "own_objects_only_by_identity"),
        ("analyst", "KeepAHome", "/home/genomics/*", "people_reach_what_is_theirs"),
        ("analyst", "KeepAHome", f"/home/markets/{USER}/*", PEOPLE),
        ("analyst", "KeepAHome", f"/{USER}/*", "no_name_is_an_area"),
        ("steward", "WritePackagesAndData", "/data/markets/*", PEOPLE),
        ("steward", "WritePackagesAndData", "/packages/gen*", PEOPLE),
        ("steward", "WritePackagesAndData", "/_control/*", AREAS),
        ("steward", "ReadAndErasePackagesAndData", "/home/genomics/*", HOMES),
        ("steward", "ReadAndErasePackagesAndData", f"/home/genomics/{USER}/*", HOMES),
        ("steward", "ReadAndErasePackagesAndData", f"/sessions/genomics/{USER}/*", HOMES),
        ("controller", "KeepRecords", "/home/*", HOMES),
        ("analyst", "ReadAndEraseOwnFolder", f"/genomics/{USER}/*", AREAS),
        ("controller", "KeepRecords", "/packages/*", AREAS),
        ("controller", "WriteStatus", "/sessions/*.json", THREE),
        ("controller", "ReadWhatIsAsked", "/sessions/*/*/*/inputs/*", THREE),
        ("analyst", "ReadAndEraseOwnFolder", f"/{USER}/*", "no_name_is_an_area"),
        (
            "analyst",
            "ReadAndEraseOwnFolder",
            f"/home/{USER}/genomics/*",
            "people_reach_what_is_theirs",
        ),
    ],
)
def test_a_role_that_leaves_its_area_is_noticed(
    policy_sets: Mapping[str, PolicySet], role: str, sid: str, resource: str, theorem: str
) -> None:
    policy_set = policy_sets["prod"]
    [name] = {
        name
        for one in policy_set.roles_for(role)
        for name in one.policies
        if any(statement.sid == sid for statement in policy_set.policies[name].statements)
        and one.workspace in (None, "genomics")
    }
    policy = policy_set.policies[name]
    wide = (f"{policy_set.named['storage/Data']}{resource}",)
    statements = tuple(
        replace(one, resources=(*one.resources, *wide)) if one.sid == sid else one
        for one in policy.statements
    )
    item = next(item for item in ALL if item.name == theorem)
    wider = policy_set.with_policy(replace(policy, statements=statements))
    assert prove(item, wider, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize(
    ("sid", "but", "theorem"),
    [
        ("DenyOtherUsersObjects", f"/{WORKSPACE}/{USER}/*", "people_reach_what_is_theirs"),
        ("DenyOtherUsersObjects", f"/home/{WORKSPACE}/*", "people_reach_what_is_theirs"),
        ("DenyOtherUsersObjects", "/data/*", "people_reach_what_is_theirs"),
        ("DenyOtherWorkspacesToWorkers", "/packages/*", WORKERS),
        ("DenyOtherWorkspacesToWorkers", f"/home/{WORKSPACE}/*", WORKERS),
        ("DenyOtherAreasToStewardsObjects", f"/home/{WORKSPACE}/{USER}/*", HOMES),
        ("DenyOtherUsersObjects", f"/{USER}/*", "no_name_is_an_area"),
        ("DenyOtherWorkspacesToWorkers", f"/{WORKSPACE}/*", "no_name_is_an_area"),
    ],
)
def test_a_bucket_where_names_come_first_is_noticed(
    policy_sets: Mapping[str, PolicySet], sid: str, but: str, theorem: str
) -> None:
    """As the layout once was: who is called ``data`` would own an area."""
    policy_set = policy_sets["prod"]
    policy = policy_set.policies[policy_set.at("storage/Data").policy]
    wide = (f"{policy_set.named['storage/Data']}{but}",)
    statements = tuple(
        replace(one, not_resources=(*one.not_resources, *wide)) if one.sid == sid else one
        for one in policy.statements
    )
    item = next(item for item in ALL if item.name == theorem)
    weaker = policy_set.with_policy(replace(policy, statements=statements))
    assert prove(item, weaker, logic=LOGIC).answer == "refuted"


def test_where_workers_have_their_image_alone_no_steward_puts_a_wheel(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    policy_set = policy_sets["prod"]
    allowed, image = (policy_set.role("steward", one) for one in ("genomics", "markets"))
    [own], [other] = (
        [policy_set.policies[name] for name in role.policies] for role in (image, allowed)
    )
    renamed = tuple(
        replace(
            one, resources=tuple(text.replace("/genomics", "/markets") for text in one.resources)
        )
        for one in other.statements
    )
    item = next(item for item in ALL if item.name == PACKAGES)
    assert prove(item, policy_set, logic=LOGIC).answer == "proved"
    wider = policy_set.with_policy(replace(own, statements=renamed))
    assert prove(item, wider, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize(
    ("environment", "workspace", "change"),
    [
        ("prod", "genomics", None),
        ("prod", "genomics", {"actions": ("s3:PutObject",)}),
        ("prod", "genomics", {"resources": ("arn:aws:s3:::bucket/home/*",)}),
        ("prod", "genomics", {"conditions": (signed("POST"),)}),
        (
            "prod",
            "genomics",
            {"conditions": (signed("REST-QUERY-STRING"),)},
        ),
        ("prod", "genomics", {"actions": (), "not_actions": ("s3:GetObject",)}),
        ("local", "demo", None),
        ("local", "demo", {"actions": ("s3:PutObject", "s3:DeleteObject")}),
    ],
)
def test_a_link_where_none_is_allowed_is_noticed(
    policy_sets: Mapping[str, PolicySet],
    environment: str,
    workspace: str,
    change: Mapping[str, Any] | None,
) -> None:
    policy_set = policy_sets[environment]
    sids = {"NoLinks", "NoLinksButToRead"}
    known = map(policy_set.policies.get, policy_set.role("analyst", workspace).policies)
    [policy] = [one for one in known if one and sids & {each.sid for each in one.statements}]
    statements = tuple(
        replace(one, **change or {}) if one.sid in sids else one
        for one in policy.statements
        if one.sid not in sids or change is not None
    )
    item = next(item for item in ALL if item.name == "links_lead_into_homes_where_allowed")
    weaker = policy_set.with_policy(replace(policy, statements=statements))
    assert prove(item, weaker, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize(
    ("sid", "theorem"),
    [
        ("DenyOtherUsersObjects", "people_reach_what_is_theirs"),
        ("DenyOtherUsersNames", "own_names_only"),
        ("DenyOtherAreasToStewardsObjects", HOMES),
        ("DenyOtherAreasToStewardsNames", "own_names_only"),
        ("DenyOtherWorkspacesToWorkers", WORKERS),
        ("DenyAllButReadingToWorkers", "workers_write_neither_packages_nor_data"),
        ("DenyTheBucketToWorkers", WORKERS),
        ("DenyOtherNamesToWorkers", WORKERS),
    ],
)
def test_the_bucket_alone_keeps_areas_and_workspaces_apart(
    policy_sets: Mapping[str, PolicySet], sid: str, theorem: str
) -> None:
    """Each of these denials stands for itself, whatever identity policies allow."""
    policy_set = policy_sets["prod"]
    policy = policy_set.policies[policy_set.at("storage/Data").policy]
    kept = tuple(one for one in policy.statements if one.sid != sid)
    assert len(kept) == len(policy.statements) - 1
    item = next(item for item in ALL if item.name == theorem)
    weaker = policy_set.with_policy(replace(policy, statements=kept))
    assert prove(item, weaker, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize(
    "sid", ["DenySecondWrite", "DenyCopies", "DenyExchanges", "DenyForms", "DenyArchives"]
)
def test_a_denial_that_forgets_packages_lets_a_wheel_be_replaced(
    policy_sets: Mapping[str, PolicySet], sid: str
) -> None:
    policy_set = policy_sets["prod"]
    policy = policy_set.policies[policy_set.at("storage/Data").policy]

    def without(resources: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one for one in resources if not one.endswith("/packages/*"))

    statements = tuple(
        replace(one, resources=without(one.resources)) if one.sid == sid else one
        for one in policy.statements
    )
    assert statements != policy.statements
    item = next(item for item in ALL if item.name == "written_once")
    weaker = policy_set.with_policy(replace(policy, statements=statements))
    assert prove(item, weaker, logic=LOGIC).answer == "refuted"
