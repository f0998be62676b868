"""Two environments: one with a trail of its own, and one that goes by another's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import app
from environments import PROD, REGULATED
from stacks.settings import Audit
from tests.monitoring.noticed.world import World

OWN = replace(PROD, data_role_arns=(f"arn:aws:iam::{PROD.account}:role/eraser",))
FORWARDED = replace(
    REGULATED,
    audit=Audit(trail=False, log_days=400),
    trusted_cidrs=("140.107.0.0/16",),
    data_role_arns=(f"arn:aws:iam::{REGULATED.account}:role/security/restorer",),
)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    outdir = tmp_path_factory.mktemp("worlds")
    app.build([OWN, FORWARDED], outdir=str(outdir), validate=False).synth()
    templates = {
        stack["displayName"]: json.loads((manifest.parent / properties["templateFile"]).read_text())
        for manifest in outdir.glob("assembly-*/manifest.json")
        for stack in json.loads(manifest.read_text())["artifacts"].values()
        if stack["type"] == "aws:cloudformation:stack"
        for properties in [stack["properties"]]
    }
    return {each.name: World(each, templates) for each in (OWN, FORWARDED)}


@pytest.fixture(scope="session")
def own(worlds: dict[str, World]) -> World:
    return worlds[OWN.name]


@pytest.fixture(scope="session")
def forwarded(worlds: dict[str, World]) -> World:
    return worlds[FORWARDED.name]


@pytest.fixture(params=["own", "forwarded"])
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)
