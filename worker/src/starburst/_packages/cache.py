"""What is kept in the user's cache folder: wheels by hash, and uv's answers by what it was asked.

No address of a wheel is kept, since it may hold credentials: who needs one asks again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

__all__ = [
    "cache_folder",
    "forget_answer",
    "keep_answer",
    "kept_by",
    "known_answer",
    "remember_verified",
    "verified",
    "wheel_path",
    "writing",
]

_FORMAT: Final = "1"
_MOST_VERIFIED: Final = 20_000
_ASKS: Final = ("UV_", "PIP_")


def cache_folder() -> Path:
    """Return the folder: ``STARBURST_CACHE``, or ``starburst`` where this system keeps caches."""
    named = os.environ.get("STARBURST_CACHE")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/starburst"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "starburst"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "starburst"


def wheel_path(sha256: str) -> Path:
    """Return where a wheel is, or would be."""
    return cache_folder() / "wheels" / sha256[:2] / sha256


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield where to write a file that appears under its path once it is whole.

    Raises:
        OSError: there is no room, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


def known_answer(
    question: list[Any], *, seconds: float | None = None
) -> list[dict[str, Any]] | None:
    """Return what was answered to a question before; None where that is not known.

    Args:
        question: of JSON; the settings of uv and pip belong to it.
        seconds: how long an answer stands; None for as long as it is kept.
    """
    path = _answer(question)
    try:
        if seconds is not None and time.time() - path.stat().st_mtime > seconds:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) else None


def keep_answer(question: list[Any], rows: list[Any]) -> None:
    """Keep an answer; where nothing can be written, it is asked for again."""
    with suppress(OSError), writing(_answer(question)) as part:
        part.write_text(json.dumps(rows), encoding="utf-8")


def forget_answer(question: list[Any]) -> None:
    """Keep no answer any longer: it no longer holds."""
    with suppress(OSError):
        _answer(question).unlink()


def kept_by(question: object, answer: Callable[[], Mapping[str, list[str]]]) -> Any:  # noqa: ANN401
    """Return an answer that stands for as long as its question does, asked for once."""
    name = hashlib.sha256(json.dumps([_FORMAT, question]).encode()).hexdigest()
    path = cache_folder() / "modules" / f"{name}.json"
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    found = answer()
    with suppress(OSError), writing(path) as part:
        part.write_text(json.dumps(found), encoding="utf-8")
    return found


def verified(bucket: str) -> dict[str, str]:
    """Return the objects of a bucket that S3 said hold what their names say, and their ETags."""
    try:
        found = json.loads(_verified(bucket).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def remember_verified(bucket: str, found: Mapping[str, str]) -> None:
    """Keep that, so that it need not be asked again of the same objects."""
    kept = dict(list({**verified(bucket), **found}.items())[-_MOST_VERIFIED:])
    with suppress(OSError), writing(_verified(bucket)) as part:
        part.write_text(json.dumps(kept), encoding="utf-8")


def _verified(bucket: str) -> Path:
    return cache_folder() / "verified" / f"{bucket}.json"


def _answer(question: list[Any]) -> Path:
    settings = sorted(pair for pair in os.environ.items() if pair[0].startswith(_ASKS))
    name = hashlib.sha256(json.dumps([_FORMAT, *question, settings]).encode()).hexdigest()
    return cache_folder() / "resolved" / f"{name}.json"
