"""AWS's models, read once a process: botocore unpacks and parses them anew for each session."""

from __future__ import annotations

import functools
import sys
from typing import Any

__all__ = ["read_models_once"]

_MOST = 64
"""Files that are kept; one test reads the models of all services."""


def read_models_once() -> None:
    """Let sessions share the files of models, where something has imported the SDK.

    Nobody writes into them: clients of one session have always shared them.
    """
    loaders: Any = sys.modules.get("botocore.loaders")
    if loaders is None or hasattr(loaders.JSONFileLoader.load_file, "__wrapped__"):
        return
    read = loaders.JSONFileLoader.load_file

    @functools.lru_cache(maxsize=_MOST)
    def read_once(path: str) -> Any:
        return read(loaders.JSONFileLoader(), path)

    @functools.wraps(read)
    def load_file(loader: Any, file_path: str) -> Any:
        del loader
        return read_once(file_path)

    loaders.JSONFileLoader.load_file = load_file
