"""Libraries that start a thread for each core of the machine start one for each of the worker's."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["thread_limits"]

_NAMES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "PYTHON_CPU_COUNT",
)
"""What BLAS, OpenMP, numexpr, numba, polars, Rust, joblib, and Python 3.13 and later read."""


def thread_limits(cpu: float) -> dict[str, str]:
    """Return the variables for a worker of so many vCPU.

    Example:
        >>> thread_limits(0.25)["OMP_NUM_THREADS"], thread_limits(4)["RAYON_NUM_THREADS"]
        ('1', '4')
    """
    return dict.fromkeys(_NAMES, str(max(1, math.ceil(cpu))))
