"""Both distributions as they would be published, built once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheels of the runtime and of the kit."""
    out = tmp_path_factory.mktemp("dist")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(  # noqa: S603 - our own build
        [uv, "build", "--wheel", "--all-packages", "--offline", "--quiet", "-o", out],
        cwd=ROOT,
        check=True,
    )
    return out
