"""The examples say on workers what the same functions say in this process, on real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import starburst
from examples import gene_expression, grid_search, portfolio
from starburst.local import LocalEnvironment
from tests.some import some

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_futures_of_a_portfolio_are_those_of_one_process(
    local_environment: LocalEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    found = portfolio.main(tasks=3, seed=7)
    months = portfolio.load()
    generators = (starburst.rng(seed=7, task=number) for number in range(9))
    for name, mix in portfolio.MIXES.items():
        here = [portfolio.futures_of(months, mix, next(generators)) for _ in range(3)]
        assert found[name] == portfolio.outlook(here)
    assert "3,000 futures each" in capsys.readouterr().out


def test_a_grid_search_finds_what_one_process_finds(
    local_environment: LocalEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    found = grid_search.main(every=6)
    pictures, digits = grid_search.load(every=6)
    here = grid_search.search(n_jobs=1).fit(pictures, digits)
    told = [name for name in here.cv_results_ if not name.endswith("_time")]
    for name in some(told):
        np.testing.assert_array_equal(found.cv_results_[name], here.cv_results_[name])
    assert found.best_params_ == here.best_params_
    np.testing.assert_array_equal(found.predict(pictures), here.predict(pictures))
    assert f"36 fits on {len(digits)} pictures" in capsys.readouterr().out


def test_genes_are_tested_as_one_process_tests_them(
    local_environment: LocalEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    found = gene_expression.main(every=25)
    data = gene_expression.load()
    contrasts = gene_expression.shuffles(data.myeloid)
    here = [gene_expression.tested(data.levels, contrasts, row) for row in range(0, 5000, 25)]
    assert [gene.row for gene in found] == [gene.row for gene in here]
    for name in ("higher", "p"):
        told = [getattr(gene, name) for gene in found]
        assert told == pytest.approx([getattr(gene, name) for gene in here])
    assert "of 200 genes differ" in capsys.readouterr().out


def test_every_example_is_told_of() -> None:
    page = (EXAMPLES / "README.md").read_text()
    for path in some(EXAMPLES.glob("[a-z]*.py")):
        assert f"[{path.name}]({path.name})" in page
