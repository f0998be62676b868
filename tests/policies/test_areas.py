"""The areas of the data bucket: five names, and no user's or workspace's name is one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from starburst.contract import PRINCIPAL_NAME, SessionKeys
from starburst.contract.areas import AREAS, CONTROL
from starburst_assurance.proofs.theorems.roles import tables
from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import analyst_area_statements, analyst_statements
from starburst_constructs.storage.buckets import CONTROL_DAYS
from tests.some import some

BUCKET = "arn:aws:s3:::data"
SID = "a1" * 10
NAMES = ("sessions", "packages", "data", "home")
PAGE = Path(__file__).parents[2] / "docs/key-layout.md"


def test_the_proofs_know_the_areas_by_themselves() -> None:
    told = {area.prefix(): (area.writers, area.readers) for area in AREAS}
    assert told == dict(tables.AREAS)


def test_the_page_shows_every_area_as_it_is() -> None:
    section = PAGE.read_text().partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [row(area) for area in AREAS]


def row(area: Any) -> str:
    owner = "".join(f"<{part}>/" for part in area.owner)
    cells = (
        f"`{area.name}/{owner}`",
        ", ".join(area.writers) or "nobody yet",
        ", ".join(area.readers) or "nobody yet",
        area.kept,
        area.sealed,
        area.erased_by,
    )
    return f"| {' | '.join(cells)} |"


def test_records_are_kept_as_long_as_it_says() -> None:
    assert CONTROL.kept.startswith(f"{CONTROL_DAYS} days")


def test_the_controllers_area_is_no_name() -> None:
    assert not PRINCIPAL_NAME.fullmatch(CONTROL.name)
    assert [area.name for area in AREAS if PRINCIPAL_NAME.fullmatch(area.name)] == list(NAMES)


@pytest.mark.parametrize("workspace", NAMES)
@pytest.mark.parametrize("user", NAMES)
def test_keys_of_somebody_called_like_an_area_say_whose_they_are(workspace: str, user: str) -> None:
    keys = SessionKeys(workspace=workspace, user=user, session=SID)
    assert keys.prefix == f"sessions/{workspace}/{user}/{SID}/"
    assert SessionKeys.parse(keys.manifest) == keys
    assert SessionKeys.parse(keys.manifest.removeprefix("sessions/")) is None
    # A folder's own name is no key below it.
    assert SessionKeys.parse(keys.prefix.removesuffix("/")) is None


@pytest.mark.parametrize("area", ["packages", "data", "home", "_control", "session", ""])
def test_what_lies_in_another_area_is_no_session(area: str) -> None:
    assert SessionKeys.parse(f"{area}/genomics/alice/{SID}/manifest.json") is None


def _keys(user: str, workspace: str) -> Iterator[str]:
    for area in (*NAMES, "_control"):
        for owner in (user, workspace, f"other/{user}", f"{workspace}/{user}", f"{workspace}/zoe"):
            for rest in (f"{SID}/results/0", f"{SID}/manifest.json", f"{SID}/inputs/0", "0"):
                yield f"{area}/{owner}/{rest}"
    yield f"{workspace}/{user}/{SID}/inputs/0"


def _may(action: str, key: str, *, user: str, workspace: str) -> bool:
    """What the layout says, read apart from all policies: who writes where all are allowed to."""
    area, first, *rest = key.split("/")
    if first != workspace or area not in NAMES:
        return False
    if area in ("packages", "data"):
        # A wheel's deletion is a steward's, and so are the versions of data.
        return action in ("s3:GetObject", "s3:PutObject")
    mine = rest[0] == user and len(rest) > 1
    written = area == "home" or (len(rest) == 4 and rest[2] == "inputs")
    written |= area == "sessions" and len(rest) == 3 and rest[2] == "manifest.json"
    return mine and (action != "s3:PutObject" or written)


@pytest.mark.parametrize("workspace", [*NAMES, "genomics"])
@pytest.mark.parametrize("user", [*NAMES, "results", "requests"])
def test_who_is_called_like_an_area_reaches_no_other_area(
    documents: Callable[..., list[dict[str, Any]]],
    reaches: Callable[..., bool],
    workspace: str,
    user: str,
) -> None:
    statements = [
        statement
        for statement in documents(
            [
                *analyst_statements(
                    "prod",
                    workspace,
                    placement=Placement(account="222233334444", region="eu-west-1"),
                    bucket_arn=BUCKET,
                    key_arn="arn:aws:kms:eu-west-1:222233334444:key/k",
                ),
                *analyst_area_statements(
                    workspace,
                    bucket_arn=BUCKET,
                    packages="any",
                    data_writers="analysts",
                    home_links=True,
                ),
            ]
        )
        # Conditions of these hold for a session without a name, or for a signed address.
        if statement["Sid"] not in ("NothingWithoutAName", "NoLinksButToRead")
    ]
    for key in some(_keys(user, workspace)):
        for action in ("s3:GetObject", "s3:DeleteObjectVersion", "s3:PutObject"):
            found = reaches(statements, action, f"{BUCKET}/{key}", userName=user)
            assert found is _may(action, key, user=user, workspace=workspace), (action, key)


def test_the_page_is_the_only_place_that_shows_the_areas_as_a_table() -> None:
    docs = PAGE.parent
    table = re.compile(r"^\| `(?:packages|_control)/", re.MULTILINE)
    assert [one for one in docs.rglob("*.md") if table.search(one.read_text())] == [PAGE]
