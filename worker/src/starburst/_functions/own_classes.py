"""Classes that travel by value have the same name in every process: the hash of what they are.

cloudpickle names each by chance, so that a worker knows which it has already. Then nothing that
holds an instance of a script's class would be the same work tomorrow.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from cloudpickle import cloudpickle

from .showing.sources import without_places

__all__ = ["name_by_content"]

_NAME_DIGITS: Final = 32
_library: Any = cloudpickle
_here = threading.local()


def name_by_content(cls: type, dumps: Callable[[object], bytes]) -> None:
    """Give a class its name, if it has none yet and travels by value.

    Args:
        cls: any class.
        dumps: pickles it, with all that it is made of. Classes that are met then have the names of
            their definitions meanwhile.
    """
    names = _library._DYNAMIC_CLASS_TRACKER_BY_CLASS
    if cls in names or _library._should_pickle_by_reference(cls):
        return
    met: dict[type, str] | None = getattr(_here, "met", None)
    if met is not None:
        met[cls] = names[cls] = f"{cls.__module__}:{cls.__qualname__}:{len(met)}"
        return
    _here.met = met = {}
    content = b""
    try:
        # What cannot travel is told of when it is pickled to be sent.
        with suppress(Exception), without_places():
            content = dumps(cls)
    finally:
        _here.met = None
        for each in met:
            names.pop(each, None)
    if content:
        name = hashlib.sha256(content).hexdigest()[:_NAME_DIGITS]
        classes = _library._DYNAMIC_CLASS_TRACKER_BY_ID
        with _library._DYNAMIC_CLASS_TRACKER_LOCK:
            # Of two equal ones, such as before and after a cell ran again, it is the present one's.
            if _is_found(cls) or name not in classes:
                names[cls], classes[name] = name, cls


def _is_found(cls: type) -> bool:
    """Whether a class is what its module has under its name."""
    found: object = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls
