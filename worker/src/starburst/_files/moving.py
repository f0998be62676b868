"""Putting and getting as people ask for it: with a bar, and a word where something was replaced."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tqdm import tqdm

from starburst.errors import ConfigurationError
from starburst.untrusted.terminal_text import one_line, tell

from .fetching import fetch, wanted_of
from .sending import Sent, Told, send
from .sources import sources_of

if TYPE_CHECKING:
    from .places import Place

__all__ = ["Moved", "get", "put"]

_NAMED: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What was put or got.

    Attributes:
        target: path of all of it, there or here.
        files: how many.
        nbytes: of all of them.
        replaced: names that were taken before.
    """

    target: str
    files: int
    nbytes: int
    replaced: tuple[str, ...] = ()


def put(place: Place, source: object, name: str | None, *, progress: bool | None) -> Moved:
    """Put what a person names; say on stderr what it replaced."""
    if name is not None:
        name = place.name(name, whole=True)
    sources, target = sources_of(source, name)
    for each in sources:
        place.name(each.name)
    known = [each.size for each in sources if each.size is not None]
    total = sum(known) if len(known) == len(sources) else None
    with _bar(f"put {target}", total, progress) as told:
        sent = send(place, sources, told=told)
    _say_replaced(place, sent)
    return Moved(
        target=place.path(target), files=sent.files, nbytes=sent.nbytes, replaced=sent.replaced
    )


def get(
    place: Place, name: str, target: str | os.PathLike[str] | None, *, progress: bool | None
) -> Moved:
    """Get what a person names."""
    name = place.name(name, whole=True)
    into, path = False, None
    if target is not None:
        said = os.fspath(target)
        if not isinstance(said, str) or not said:
            raise ConfigurationError(f"{target!r} is no path (text) of a file or folder here")
        path = Path(said).expanduser()
        into = said.endswith(("/", os.sep)) or path.is_dir()
    wanted, root = wanted_of(place, name, path, into=into and bool(name))
    if root.is_dir() and wanted[0][1] == root:
        raise ConfigurationError(f"{str(root)!r} is a folder here: name the file that is to be")
    with _bar(f"get {name}", None, progress) as told:
        nbytes = fetch(place, wanted, told=told)
    return Moved(target=str(root), files=len(wanted), nbytes=nbytes)


@contextmanager
def _bar(label: str, total: int | None, progress: bool | None) -> Iterator[Told]:
    from starburst._client.display.progress import wants_progress  # noqa: PLC0415 - no task needs it

    watched = wants_progress() if progress is None else progress
    lock = threading.Lock()
    with tqdm(
        total=total,
        desc=one_line(label, most=40),
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=not watched,
        leave=False,
        file=sys.stderr,
    ) as bar:

        def told(nbytes: int) -> None:
            with lock:
                bar.update(nbytes)

        yield told


def _say_replaced(place: Place, sent: Sent) -> None:
    if not sent.replaced:
        return
    shown = ", ".join(sent.replaced[:_NAMED])
    more = len(sent.replaced) - _NAMED
    text = shown + (f" and {more:,} more" if more > 0 else "")
    were = (
        "it held is an older version" if len(sent.replaced) == 1 else "they held are older versions"
    )
    tell(one_line(f"starburst: replaced {text}; what {were} now"), sys.stderr)
