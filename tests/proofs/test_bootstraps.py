"""An environment is proved with the bootstrap that deploys it, whatever its qualifier is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

LOGIC = Logic()
DEFAULT, OWN = "hnb659fds", "team1"
ABOUT = [
    each
    for each in ALL
    if each.name in ("engineers_can_operate", "engineers_become_deployers_only")
]


@pytest.fixture
def folder(assembly: CloudAssembly, tmp_path: Path) -> Path:
    """DEV's synthesis, to be changed as another qualifier in cdk.json would change it."""
    into = tmp_path / "assembly-dev"
    shutil.copytree(Path(assembly.directory) / "assembly-dev", into)
    return into


def put(qualifier: str, *files: Path) -> None:
    for file in files:
        file.write_text(file.read_text().replace(DEFAULT, qualifier))


def answers(folder: Path) -> dict[str, str]:
    policy_set = read_policy_set(folder.parent, "dev")
    return {each.name: prove(each, policy_set, logic=LOGIC).answer for each in ABOUT}


@pytest.mark.parametrize("qualifier", [DEFAULT, OWN])
def test_the_platform_team_deploys_by_its_own_bootstrap(folder: Path, qualifier: str) -> None:
    put(qualifier, *folder.glob("*.json"))
    assert read_policy_set(folder.parent, "dev").qualifier == qualifier
    assert answers(folder) == {each.name: "proved" for each in ABOUT}


def test_the_roles_of_another_bootstrap_are_noticed(folder: Path) -> None:
    """The stacks are deployed by one bootstrap, and the role names another's."""
    put(OWN, folder / "manifest.json")
    assert answers(folder) == {each.name: "refuted" for each in ABOUT}


def test_stacks_of_two_bootstraps_are_told(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    first = next(
        each
        for each in manifest["artifacts"].values()
        if each["type"] == "aws:cloudformation:stack"
    )
    first["properties"]["bootstrapStackVersionSsmParameter"] = f"/cdk-bootstrap/{OWN}/version"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ProofError, match="by several bootstraps, hnb659fds and team1, and a proof"):
        read_policy_set(folder.parent, "dev")
