"""As strict as AWS: a burst over data of the workspace, with a package that the image lacks."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import starburst
from starburst.errors import WorkerLost
from starburst.local import LocalEnvironment
from starburst.local.deploy_templates import deploy_templates
from starburst.local.emulator import STATE_VARIABLE
from starburst.local.image import image_packages
from tests.e2e.strict_work import counted, grows, sees
from tests.packages.wheels import only_offered, wheel

SMALL: dict[str, Any] = {"workspace": "demo", "user": "alice", "workers": 1, "cpu": 0.25}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    """One strict environment, which ``starburst`` finds."""
    state = tmp_path_factory.mktemp("strict") / "state.json"
    with LocalEnvironment(strict=True) as local, pytest.MonkeyPatch.context() as patch:
        deploy_templates(local)
        local.write_state(state)
        patch.setenv(STATE_VARIABLE, str(state))
        yield local


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is installed here, offered as a wheel, and in no image."""
    made = wheel(only_offered(tmp_path, monkeypatch), "starburst_gift", "3.1")
    site = tmp_path / "site-packages"
    zipfile.ZipFile(made).extractall(site)
    monkeypatch.syspath_prepend(str(site))


@pytest.mark.usefixtures("strict", "installed")
def test_a_fresh_map_over_data_brings_the_package_that_the_image_lacks(tmp_path: Path) -> None:
    for number in range(3):
        pd.DataFrame({"n": [number, 10]}).to_parquet(tmp_path / f"{number}.parquet")
        starburst.data.put(
            tmp_path / f"{number}.parquet",
            f"cohort/{number}.parquet",
            workspace="demo",
            user="alice",
        )
    found = starburst.data.glob("cohort/*.parquet", workspace="demo", user="alice")
    answers = starburst.map(counted, found, memory=1, **SMALL)
    assert [(version, total) for version, _, total in answers] == [
        ("3.1", 10),
        ("3.1", 11),
        ("3.1", 12),
    ]
    assert all("starburst-packages-" in file for _, file, _ in answers)
    with pytest.raises(ModuleNotFoundError, match="starburst_gift") as caught:
        starburst.map(counted, found[:1], memory=1, packages=(), **SMALL)
    assert "name it in packages=" in caught.value.__notes__[0]


@pytest.mark.usefixtures("strict")
def test_workers_have_what_the_published_list_says_and_the_memory_that_was_asked_for() -> None:
    python, names = starburst.map(sees, [0], memory=0.5, packages=(), **SMALL)[0]
    assert python != sys.executable
    assert {name.lower().replace("_", "-") for name in names} == set(image_packages())
    with (
        starburst.session(attempts=1, memory=0.5, packages=(), **SMALL) as session,
        pytest.raises(WorkerLost, match=r"killed \(SIGKILL\), most likely for want of memory"),
    ):
        session.submit(grows, 700).result(timeout=60)
