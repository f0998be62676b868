"""Twenty scientific packages and an editable project: a first start, a second, and a worker's.

The wheels come from PyPI, or from whichever index this machine has set up; nothing was fetched or
asked for before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import starburst
from benchmarks.harness import FLEET, Row, best_of
from starburst._packages.extras import find_uv
from starburst.local.sharing import share

if TYPE_CHECKING:
    from starburst.local import LocalEnvironment

__all__ = ["measure"]

_PACKAGES: Final = (
    *("numpy", "scipy", "pandas", "scikit-learn", "statsmodels", "matplotlib", "seaborn", "sympy"),
    *("networkx", "scikit-image", "xarray", "pyarrow", "polars", "h5py", "numexpr", "cftime"),
    *("shapely", "imageio", "lmfit", "bottleneck"),
)
_COLD_SECONDS: Final = 15.0
_WARM_SECONDS: Final = 0.5
_PER_BYTES: Final = 100e6
_BRING: Final = """
import json, sys, time
from starburst._client.access.connection import connect
from starburst._client.packages.bringing import bring
connection = connect()
began = time.perf_counter()
found = bring(connection, sys.argv[1], None, machine=None, progress=False)
print(json.dumps([time.perf_counter() - began, len(found.sent.wheels), found.sent.size]))
"""
_PROJECT: Final = """
[project]
name = "mine"
version = "1"
requires-python = ">=3.11"
dependencies = {packages}
[build-system]
requires = ["uv_build"]
build-backend = "uv_build"
"""


def measure(local: LocalEnvironment) -> list[Row]:
    """Return the rows of this workload.

    Args:
        local: where; processes that start anew find it.
    """
    with (
        share(local) as variables,
        tempfile.TemporaryDirectory(prefix="starburst-bench-") as folder,
    ):
        project = Path(folder, "mine")
        (project / "src/mine").mkdir(parents=True)
        (project / "src/mine/__init__.py").touch()
        listed = json.dumps(list(_PACKAGES))
        (project / "pyproject.toml").write_text(_PROJECT.format(packages=listed))
        caches = {
            "STARBURST_CACHE": str(Path(folder, "cache")),
            "UV_CACHE_DIR": str(Path(folder, "uv")),
            **variables,
        }
        _run([find_uv(), "lock", "--quiet", "--directory", str(project)], caches)
        lock = str(project / "uv.lock")
        cold, wheels, size = _brought(lock, caches)
        warm = min(_brought(lock, caches)[0] for _ in range(5))
        with mock.patch.dict(os.environ, caches):
            bare, full = (best_of(3, lambda p=p: _first(p)) for p in ((), lock))
    scaled = cold / (size / _PER_BYTES)
    what = f"{wheels} wheels of {len(_PACKAGES)} packages, {size / 1e6:,.0f} MB"
    return [
        Row(
            workload=f"{what}: first start, for each 100 MB",
            goal=f"≤ {_COLD_SECONDS:.0f} s",
            ours=f"{scaled:.1f} s ({cold:.1f} s in all)",
            theirs="",
            met=scaled <= _COLD_SECONDS,
        ),
        Row(
            workload="the same: second start, in a new process",
            goal=f"≤ {_WARM_SECONDS:g} s",
            ours=f"{warm:.2f} s",
            theirs="",
            met=warm <= _WARM_SECONDS,
        ),
        Row(
            workload="from a call of `map` to its result: without packages, and with these",
            goal="",
            ours=f"{bare:.1f} s, {full:.1f} s",
            theirs="",
        ),
    ]


def _first(packages: Any) -> None:  # noqa: ANN401 - as of ``packages=``
    fleet: Any = {**FLEET, "workers": 1}
    if starburst.map(abs, [-1], packages=packages, **fleet) != [1]:
        raise SystemExit("a wrong result: the time means nothing")


def _brought(lock: str, caches: dict[str, str]) -> tuple[float, int, int]:
    seconds, wheels, size = json.loads(_run([sys.executable, "-c", _BRING, lock], caches))
    return float(seconds), int(wheels), int(size)


def _run(words: list[str], more: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - uv, and this Python
        words, capture_output=True, text=True, check=False, env={**os.environ, **more}
    )
    if done.returncode:
        raise SystemExit(f"{words[0]} failed: {done.stderr}")
    return done.stdout
