"""Two environments: one with a trail of its own, and one that goes by another's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

import app
from environments import PROD, REGULATED
from stacks.settings import Audit
from tests.monitoring.noticed.world import World

FORWARDED = replace(
    REGULATED, audit=Audit(trail=False, log_days=400), trusted_cidrs=("140.107.0.0/16",)
)


@pytest.fixture(scope="session")
def own(templates: Mapping[str, Any]) -> World:
    return World(PROD, templates)


@pytest.fixture(scope="session")
def forwarded(tmp_path_factory: pytest.TempPathFactory) -> World:
    outdir = tmp_path_factory.mktemp("forwarded")
    app.build([FORWARDED], outdir=str(outdir), validate=False).synth()
    templates = {
        stack["displayName"]: json.loads((manifest.parent / properties["templateFile"]).read_text())
        for manifest in outdir.glob("assembly-*/manifest.json")
        for stack in json.loads(manifest.read_text())["artifacts"].values()
        if stack["type"] == "aws:cloudformation:stack"
        for properties in [stack["properties"]]
    }
    return World(FORWARDED, templates)


@pytest.fixture(params=["own", "forwarded"])
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)
