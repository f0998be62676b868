"""The areas of the data bucket: five names, and no user's or workspace's name is one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from starburst.contract import PRINCIPAL_NAME, SessionKeys
from starburst.contract.areas import AREAS, CONTROL
from starburst_assurance.proofs.theorems import tables
from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import analyst_statements
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


def _prefixes(user: str, workspace: str) -> Iterator[tuple[str, bool]]:
    yield f"sessions/{workspace}/{user}/", True
    for area in (*NAMES, "_control"):
        yield f"{area}/", False
        yield f"{area}/{user}/", False
        yield f"{area}/{workspace}/", False
        yield f"{area}/other/{user}/", False
        if area != "sessions":
            yield f"{area}/{workspace}/{user}/", False
    yield f"{workspace}/{user}/", False


@pytest.mark.parametrize("workspace", [*NAMES, "genomics"])
@pytest.mark.parametrize("user", [*NAMES, "results", "requests"])
def test_who_is_called_like_an_area_owns_their_sessions_only(
    documents: Callable[..., list[dict[str, Any]]],
    reaches: Callable[..., bool],
    workspace: str,
    user: str,
) -> None:
    statements = [
        statement
        for statement in documents(
            analyst_statements(
                "prod",
                workspace,
                placement=Placement(account="222233334444", region="eu-west-1"),
                bucket_arn=BUCKET,
                key_arn="arn:aws:kms:eu-west-1:222233334444:key/k",
            )
        )
        # Its condition holds only for a session without a name.
        if statement["Sid"] != "NothingWithoutAName"
    ]
    own = f"sessions/{workspace}/{user}/"
    for prefix, mine in some(_prefixes(user, workspace)):
        for action, rest in (
            ("s3:GetObject", f"{SID}/results/0"),
            ("s3:DeleteObjectVersion", f"{SID}/manifest.json"),
            ("s3:PutObject", f"{SID}/inputs/0"),
        ):
            key = f"{prefix}{rest}"
            if mine or not key.startswith(own):
                found = reaches(statements, action, f"{BUCKET}/{key}", userName=user)
                assert found is mine, key


def test_the_page_is_the_only_place_that_shows_the_areas_as_a_table() -> None:
    docs = PAGE.parent
    table = re.compile(r"^\| `(?:packages|_control)/", re.MULTILINE)
    assert [one for one in docs.rglob("*.md") if table.search(one.read_text())] == [PAGE]
