"""The LOCAL environment, deployed once a session by the real CDK CLI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

import starburst
from deploy.tools.local import Deployment
from starburst.local import LocalEnvironment, roles
from starburst.local.emulator import STATE_VARIABLE
from tests.e2e.on_workers import steal

GUARD_SECONDS = 900
"""A guard against what hangs, never a verdict: whichever test is first waits for the deployment."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Change the deployment last but one, and destroy it last, whatever order the others are in.

    Both by the narrow bootstrap, which replaces the CDK's own before.
    """
    late = (
        "test_a_bootstrap_without_an_administrator_takes_the_place_of_the_cdks",
        "test_changed_settings_are_taken_in_place",
        "test_what_was_deployed_and_used_can_be_destroyed",
    )
    items.sort(key=lambda item: late.index(item.name) if item.name in late else -1)
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(GUARD_SECONDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """A deployment, and who asked what while it was made."""

    deployment: Deployment
    asked: Mapping[str, Mapping[str, int]]


@pytest.fixture(scope="session")
def just_deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Bootstrap and stacks, as ``python -m deploy local up`` makes them."""
    with LocalEnvironment() as local:
        deployment = Deployment(local=local, outdir=tmp_path_factory.mktemp("assembly"))
        deployment.up()
        yield Deployed(deployment=deployment, asked=local.request_counts())


@pytest.fixture(scope="session")
def deployment(just_deployed: Deployed) -> Deployment:
    """What all tests here share."""
    return just_deployed.deployment


@pytest.fixture(scope="session")
def local_environment(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalEnvironment]:
    """The deployed environment, which ``starburst``'s own ``ensure`` finds too."""
    state = tmp_path_factory.mktemp("state") / "state.json"
    deployment.local.write_state(state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(state))
        yield deployment.local


@pytest.fixture(scope="session")
def worker_sessions(local_environment: LocalEnvironment) -> dict[str, boto3.Session]:
    """The worker roles' credentials by workspace, stolen as code on a worker could steal them."""
    found = {}
    for workspace in ("demo", "other"):
        (keys,) = starburst.map(
            steal, [0], workspace=workspace, user="mallory", workers=1, cpu=0.25, memory=0.5
        )
        found[workspace] = roles.session(
            keys["AWS_ACCESS_KEY_ID"],
            keys["AWS_SECRET_ACCESS_KEY"],
            region=local_environment.region,
            token=keys["AWS_SESSION_TOKEN"],
        )
    return found


@pytest.fixture
def worker(local_environment: LocalEnvironment, worker_sessions: dict[str, boto3.Session]) -> Any:
    """Return a function from service and workspace to a client with the worker role's rights."""

    def client_of(service: str, workspace: str = "demo") -> Any:
        return local_environment.client(worker_sessions[workspace], service)

    return client_of
