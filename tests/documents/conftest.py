"""The local environment, as code that names none finds it; what a page leaves behind is ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import starburst
from starburst.local import LocalEnvironment
from starburst.local.emulator import STATE_VARIABLE
from tests.documents.running import few_workers
from tests.runtime.endings import all_ended


@pytest.fixture(scope="module")
def reachable(
    deployed: LocalEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    state = tmp_path_factory.mktemp("state") / "state.json"
    deployed.write_state(state)
    with pytest.MonkeyPatch.context() as patch, few_workers():
        for name in ("STARBURST_ENVIRONMENT", "STARBURST_WORKSPACE", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv(STATE_VARIABLE, str(state))
        yield


@pytest.fixture
def place(reachable: None, tmp_path: Path) -> Iterator[Path]:
    """A page's own folder; sessions that its code leaves are ended after it."""
    with all_ended():  # executors by their own ends: none is to be erased under who attaches
        yield tmp_path
    for session in starburst.sessions():
        if session.state != "ended":
            starburst.attach(session.id).cleanup(force=True)
