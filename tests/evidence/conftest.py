"""The evidence of one small environment, gathered once and written once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.evidence import gather as gathering
from deploy.evidence.folder import write
from deploy.evidence.gather import Evidence
from deploy.evidence.testing import CaseCount
from environments import DEV
from starburst_assurance.proofs.theorems import ALL
from tests.evidence.planted import FOREIGN, LINTED, OURS, REFUSED


@pytest.fixture(scope="session")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """DEV by the quickest judges, a theorem of ours and one of an add-on's, and two findings."""
    small = replace(DEV, packs=("ControlTower",))
    quick = {each.name: each for each in ALL if each.name in (OURS, FOREIGN)}
    real_findings, real_lint = gathering.open_findings, gathering.lint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "open_findings", lambda at: [*real_findings(at), REFUSED])
        patch.setattr(gathering, "lint", lambda *at, **of: [*real_lint(*at, **of), LINTED])
        patch.setattr(gathering, "theorems_of", lambda app, name: (quick[FOREIGN],))
        return gathering.gather(
            small,
            tmp_path_factory.mktemp("gathered"),
            run_tests=False,
            theorems=[quick[OURS]],
        )


@pytest.fixture(scope="session")
def evidence(gathered: Evidence) -> Evidence:
    """The same without what is wrong, one theorem, and tests that were run by nobody."""
    linted = [each for each in gathered.reports["cfn-lint.json"] if each["rule"] != LINTED.rule]
    budgets = "tests/monitoring/test_budgets.py::test_each_workspace_has_its_budget"
    return replace(
        gathered,
        refused=[each for each in gathered.refused if each not in (REFUSED, LINTED)],
        reports={**gathered.reports, "cfn-lint.json": linted},
        verdicts=[each for each in gathered.verdicts if each.theorem.name == OURS],
        tests={budgets: CaseCount(passed=1)},
    )


@pytest.fixture(scope="session")
def folder(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it would be archived."""
    into = tmp_path_factory.mktemp("evidence") / "dev"
    write(evidence, into)
    return into
