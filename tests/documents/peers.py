"""What other libraries' functions take: asked of them where they are installed, else as noted.

``peers.json`` is what this prints where Lithops and distributed are installed in the versions that
the benchmarks lock: ``python -m tests.documents.peers``. What staRburst takes was read from its
``NAMESPACE`` and its pages of 0.3.9.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import inspect
import json
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["NOTED", "asked", "noted"]

NOTED: Final = Path(__file__).with_name("peers.json")
_CALLS: Final[dict[str, tuple[str, ...]]] = {
    "joblib": ("Parallel", "parallel_config"),
    "distributed": ("Client", "Client.submit", "Client.map", "LocalCluster"),
    "lithops": (
        "FunctionExecutor",
        *(
            f"FunctionExecutor.{name}"
            for name in ("call_async", "map", "map_reduce", "wait", "get_result", "plot", "clean")
        ),
        "FunctionExecutor.job_summary",
    ),
}
_METHODS: Final[dict[str, tuple[str, ...]]] = {
    "joblib": (),
    "distributed": ("Client", "Future"),
    "lithops": ("RetryingFunctionExecutor", "Storage"),
}


def noted() -> dict[str, Any]:
    """Return what is noted, by library: its version, arguments by call, methods, names."""
    return json.loads(NOTED.read_text())


def asked(library: str) -> dict[str, Any]:
    """Return what an installed library says of itself."""
    module = importlib.import_module(library)
    return {
        "version": importlib.metadata.version(library),
        "arguments": {call: _arguments(_found(module, call)) for call in _CALLS[library]},
        "methods": {name: _methods(_found(module, name)) for name in _METHODS[library]},
        "names": sorted(name for name in module.__all__ if not name.startswith("_")),
    }


def _found(module: Any, path: str) -> Any:
    return functools.reduce(getattr, path.split("."), module)


def _arguments(call: Any) -> list[str]:
    return [name for name in inspect.signature(call).parameters if name != "self"]


def _methods(kind: type) -> list[str]:
    every = inspect.getmembers(kind, lambda each: callable(each) or isinstance(each, property))
    return [name for name, _ in every if not name.startswith("_")]


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(noted() | {name: asked(name) for name in ("distributed", "lithops")}, indent=1)
        + "\n"
    )
