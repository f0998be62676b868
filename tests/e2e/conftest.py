"""The LOCAL environment, deployed once a session by the real CDK CLI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local import Deployment
from starburst.local import LocalEnvironment
from starburst.local.place import STATE_VARIABLE


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Destroy the deployment last, whatever order the others are in."""
    items.sort(key=lambda item: item.name == "test_what_was_deployed_and_used_can_be_destroyed")


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Bootstrap and stacks, as ``python -m deploy local up`` makes them."""
    with LocalEnvironment() as local:
        deployment = Deployment(local=local, outdir=tmp_path_factory.mktemp("assembly"))
        deployment.up()
        yield deployment


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
