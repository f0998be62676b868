"""The evidence of one small environment, gathered once and written once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.evidence.folder import write
from deploy.evidence.gather import Evidence, gather
from deploy.evidence.testing import CaseCount
from environments import DEV
from starburst_assurance.proofs.theorems import ALL


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """DEV by the quickest judges, one theorem, and tests that were run by nobody."""
    small = replace(DEV, packs=("ControlTower",))
    quick = [theorem for theorem in ALL if theorem.name == "nothing_under_tls_1_2"]
    found = gather(small, tmp_path_factory.mktemp("gathered"), run_tests=False, theorems=quick)
    budgets = "tests/monitoring/test_budgets.py::test_each_workspace_has_its_budget"
    return replace(found, tests={budgets: CaseCount(passed=1)})


@pytest.fixture(scope="session")
def folder(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it would be archived."""
    into = tmp_path_factory.mktemp("evidence") / "dev"
    write(evidence, into)
    return into
