"""Every function that scikit-learn runs by ``n_jobs`` is known: it returns data, or estimators."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import sklearn

from starburst._codec import decode, encode
from starburst._joblib.estimators import FITTING
from tests.some import some

DATA = {
    *("_accumulate_prediction", "_calculate_permutation_scores", "_compute_mi"),
    *("_find_binning_thresholds", "_fit_and_predict", "_fit_and_score"),
    *("_fit_and_score_over_thresholds", "_incremental_fit_estimator", "_lars_path_residues"),
    *("_log_reg_scoring_path", "_lstsq", "_mean_shift_single_seed", "_omp_path_residues"),
    *("_parallel_compute_tree_depths", "_parallel_decision_function"),
    *("_parallel_predict_log_proba", "_parallel_predict_proba", "_parallel_predict_regression"),
    *("_path_residuals", "_permutation_test_score", "_rfe_single_fit", "_smacof_single"),
    *("_sparse_encode_precomputed", "_transform_one", "_transposed_dist_wrapper"),
    *("_update_doc_distribution", "cross_val_predict", "fit_binary", "getattr"),
    *("graphical_lasso_path", "lsqr", "partial_dependence"),
}
"""``_fit_and_score`` but for ``return_estimator=True``, which is refused by that name."""

ELSEWHERE = {"func"}
"""Names that stand for others: ``_fit_transform_one``, or ``_transform_one``."""


class Holder:
    """Not data, as an estimator is not."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


def delayed_names(path: Path) -> set[str]:
    calls = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
    return {
        call.args[0].id
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "delayed"
        if len(call.args) == 1 and isinstance(call.args[0], ast.Name)
    }


def test_every_function_is_known() -> None:
    root = Path(sklearn.__file__).parent
    sources = [p for p in root.rglob("*.py") if not {"tests", "externals"} & {*p.parts}]
    found = set().union(*(delayed_names(path) for path in some(sources)))
    assert found - FITTING - DATA == ELSEWHERE
    assert FITTING - found == {"_fit_one", "_fit_transform_one", "clone"}


def test_an_array_in_an_estimator_begins_where_compiled_code_takes_it_from() -> None:
    encoded = encode(Holder(np.eye(30)), mode="pickle")
    data = b"".join(encoded.parts)
    for shift in range(3):
        moved = memoryview(bytearray(shift) + bytearray(data))[shift:]
        found = decode(encoded.format, moved, mode="pickle")
        assert isinstance(found, Holder)
        assert found.array.flags.aligned
        assert found.array.flags.writeable
