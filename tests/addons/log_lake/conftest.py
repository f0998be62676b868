"""One environment with a lake, synthesized once, and its tables in DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import PROD
from stacks.addons.log_lake import LogLake
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.reading.resolve import Resolver
from tests.addons.log_lake.asking import Lake
from tests.monitoring.noticed.world import World

CUSTODIAN = "999988887777"
READER = f"arn:aws:iam::{PROD.account}:role/security/lake"
ON = replace(
    PROD,
    addons=(LogLake(readers=(READER,), custodian_account=CUSTODIAN),),
    data_role_arns=(f"arn:aws:iam::{PROD.account}:role/eraser",),
    trusted_cidrs=("140.107.0.0/16",),
)


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PolicySet]:
    """Where production with a lake was synthesized to, by every gate, and its policies."""
    outdir = tmp_path_factory.mktemp("lake")
    built = app.build([ON], outdir=str(outdir), validate=True)
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


@pytest.fixture(scope="session")
def world(templates: Mapping[str, Any]) -> World:
    """What the traces of attacks need to know of the environment."""
    return World(ON, templates)


@pytest.fixture(scope="session")
def saved(templates: Mapping[str, Any], world: World) -> dict[str, str]:
    """The saved queries, with every name that CloudFormation fills in."""
    stacks = {f"starburst-{name.replace('/', '-')}": each for name, each in templates.items()}
    resolver = Resolver(stacks, ON.account, ON.region)
    del world
    return {
        query["Name"]: query["QueryString"]
        for each in templates[f"{ON.name}/lake"]["Resources"].values()
        if each["Type"] == "AWS::Athena::NamedQuery"
        for query in [resolver.value(f"starburst-{ON.name}-lake", each["Properties"])]
    }


@pytest.fixture(scope="session")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("duck"))


@pytest.fixture
def lake(lakes: Lake) -> Iterator[Lake]:
    """Empty tables."""
    yield lakes
    lakes.clear()
