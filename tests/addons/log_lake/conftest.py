"""What an environment with a lake saves and tells, and its tables in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from starburst_assurance.proofs.reading.resolve import Resolver
from tests.addons.conftest import ON, with_one
from tests.addons.log_lake.asking import Lake
from tests.monitoring.noticed.world import World


@pytest.fixture(scope="session")
def world(templates: Mapping[str, Any]) -> World:
    """What the traces of attacks need to know of the environment, and of the lake in it."""
    return World(ON, with_one(templates, "lake"))


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
