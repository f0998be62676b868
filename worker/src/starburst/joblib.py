"""joblib's ``Parallel`` on cloud workers, so that scikit-learn's ``n_jobs`` bursts unchanged.

Importing this module registers the backend ``"starburst"`` with joblib, and does nothing else.

Example:
    >>> import joblib
    >>> import starburst.joblib                                  # doctest: +SKIP
    >>> with joblib.parallel_config("starburst", workers=50):    # doctest: +SKIP
    ...     GridSearchCV(model, grid).fit(X, y)

The session begins with the first call in the block and is the same for all of them. It ends when
the block is left, after an error or Ctrl-C, with the program, and where no call came for
``idle_timeout`` seconds; the next call begins another one then.
"""

from __future__ import annotations

from typing import Final

from joblib import register_parallel_backend

from starburst._joblib.backend import StarburstBackend

__all__ = ["BACKEND", "StarburstBackend"]

BACKEND: Final = "starburst"
"""The name by which joblib knows it."""

register_parallel_backend(BACKEND, StarburstBackend)
