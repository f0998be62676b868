"""Have each Python that a test of joblib starts know the backend: the test imports joblib alone.

Not those that run the local environment and its workers, which have nothing to do with it.
"""

from __future__ import annotations

import sys

_OTHERS = ("starburst", "ministack")

if not any(
    each == "-m" and module.startswith(_OTHERS)
    for each, module in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
):
    import starburst.joblib  # noqa: F401
