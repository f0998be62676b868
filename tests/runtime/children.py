"""What a worker tells its child, for tests that have no worker."""

from __future__ import annotations

from collections.abc import Callable

from starburst._functions.bundle import bundle, read_file
from starburst._functions.capturing import needs_of
from starburst._functions.payload import dump_function
from starburst.worker.child.process import Child

__all__ = ["tell"]


def tell(child: Child, function: Callable[..., object]) -> None:
    """Have a child know a function as ``f``, with the files of the modules that it needs."""
    data = dump_function(function)
    needed = bundle(needs_of(data))
    header = {
        "do": "function",
        "name": "f",
        "folder": child.modules,
        "paths": [file.path for file in needed.tree.files],
        "entries": list(needed.tree.entries),
    }
    contents = [read_file(file) for file in needed.tree.files]
    child.send(header, [data, needed.changes, *contents])
