"""The audit's module as Lambda imports it, and one synthesis of production with governance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import app
from environments import PROD
from stacks.addons.identity_governance import IdentityGovernance
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.reading.policies import PolicySet
from tests.addons.lambda_folder import lambda_folder

SOURCE = Path(__file__).resolve().parents[3] / "stacks/addons/identity_governance/report"
ALLOWED = ("444455556666", "555566667777")
READER = f"arn:aws:iam::{PROD.account}:role/security/people"
ORGANIZATION = "o-a1b2c3d4e5"
ON = replace(
    PROD,
    addons=(
        IdentityGovernance(
            organization_id=ORGANIZATION,
            readers=(READER,),
            allowed_accounts=ALLOWED,
            policy_targets=("r-ab12",),
        ),
    ),
    # What records of a clean day name.
    data_role_arns=(f"arn:aws:iam::{PROD.account}:role/eraser",),
)


@pytest.fixture
def handler() -> Iterator[ModuleType]:
    """The function's module, imported as Lambda does: from its own folder."""
    with lambda_folder(SOURCE) as modules:
        yield modules["handler"]


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PolicySet]:
    """Where production with governance was synthesized to, by every gate, and its policies."""
    outdir = tmp_path_factory.mktemp("governance")
    # Which theorems hold of it is asked in the tests, of its own roles.
    built = app.build([ON], outdir=str(outdir), validate=True, prove=False)
    built.synth()
    [policy_set] = policy_sets_of(built, outdir)
    return outdir, policy_set


@pytest.fixture(scope="session")
def templates(synthesized: tuple[Path, PolicySet]) -> Mapping[str, Any]:
    manifest = synthesized[0] / f"assembly-{ON.name}" / "manifest.json"
    return {
        each["displayName"]: json.loads(
            (manifest.parent / each["properties"]["templateFile"]).read_text()
        )
        for each in json.loads(manifest.read_text())["artifacts"].values()
        if each["type"] == "aws:cloudformation:stack"
    }
