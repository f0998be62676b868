"""Which settings read handwritten digits best? scikit-learn's own grid search, on workers.

The digits (1,797 pictures of 8 by 8) come with scikit-learn. The search is code that bursts
unchanged: one import, and the name of the backend around ``fit``.
"""

from __future__ import annotations

from typing import Any

import joblib
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import starburst.joblib  # noqa: F401 - makes the backend known to joblib

__all__ = ["load", "main", "search"]

GRID = {"svc__C": [0.3, 1, 3, 10], "svc__gamma": [0.003, 0.01, 0.03]}


def load(every: int = 1) -> tuple[Any, Any]:
    """Return pictures (a row of 64 brightnesses each) and the digits that they show."""
    pictures, digits = load_digits(return_X_y=True)
    return pictures[::every], digits[::every]


def search(n_jobs: int) -> GridSearchCV:
    """Return the search, as it would be without Starburst."""
    return GridSearchCV(make_pipeline(StandardScaler(), SVC()), GRID, cv=3, n_jobs=n_jobs)


def main(every: int = 1) -> GridSearchCV:
    """Search on workers, print what was found, and return the fitted search.

    Args:
        every: take each so manieth picture, for a quick try.
    """
    pictures, digits = load(every)
    with joblib.parallel_config("starburst", workers=2, cpu=0.25, memory=1):
        found = search(n_jobs=-1).fit(pictures, digits)
    fits = len(found.cv_results_["params"]) * found.n_splits_
    print(f"{fits} fits on {len(digits):,} pictures")
    print(f"best: {found.best_params_}, right in {found.best_score_:.1%}")
    return found


if __name__ == "__main__":
    main()
