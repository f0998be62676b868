"""What Airflow finds of us without importing anything: it is there, and true."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import starburst.airflow
from starburst.airflow.provider import form, provider_info
from tests.some import some

HOME = Path(starburst.airflow.__file__).parent


def test_the_entry_point_leads_to_what_airflow_reads() -> None:
    found = [
        each
        for each in entry_points(group="apache_airflow_provider")
        if each.value.startswith("starburst.")
    ]
    assert [each.load() for each in found] == [provider_info]


def test_each_class_that_it_names_is_there() -> None:
    info = provider_info()
    names = [each["hook-class-name"] for each in info["connection-types"]] + info["extra-links"]
    for name in some(names):
        module, _, wanted = name.rpartition(".")
        tree = ast.parse((HOME / f"{module.rpartition('.')[2]}.py").read_text())
        assert wanted in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_both_releases_are_told_the_same_of_the_form() -> None:
    (told,) = (each["ui-field-behaviour"] for each in provider_info()["connection-types"])
    assert {name.replace("-", "_"): said for name, said in told.items()} == form()


def test_the_package_is_there_without_airflow() -> None:
    code = "import sys, starburst.airflow.provider; print('airflow' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - the line above
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    assert dir(starburst.airflow) == sorted(starburst.airflow.__all__)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Burst'"):
        starburst.airflow.Burst  # noqa: B018
