"""The Python of strict workers: what the worker image has, as far as it is installed here.

It is a virtual environment of links to these distributions alone, so that no other package of this
interpreter is found: not by its ``site-packages``, ``.pth`` files, ``PYTHONPATH`` or the user's own
folder, and neither in programs that a task starts with ``sys.executable``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import venv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Final

from starburst.errors import LocalEnvironmentError

__all__ = ["image_packages", "make_image"]

_OURS: Final = "starburst"
_EXTRAS: Final = frozenset({"arrow", "data"})
"""Of Starburst's extras, what ``worker/Dockerfile`` puts into an image."""

_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_ASKED: Final = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def make_image(folder: Path) -> Path:
    """Make a Python that sees the image's packages; return its interpreter.

    Raises:
        LocalEnvironmentError: Starburst is not installed here, so what it needs is not known.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    found = _closure()
    (site / _OURS).symlink_to(Path(__file__).resolve().parents[1])
    owners = _owners()
    for each in found.values():
        _link(each, site, owners=owners, those=found.keys())
    return folder / "bin" / "python"


def image_packages() -> Mapping[str, str]:
    """Return normalized names and versions of what a strict worker has.

    Raises:
        LocalEnvironmentError: Starburst is not installed here.
    """
    return {name: found.version for name, found in sorted(_closure().items())}


def _closure() -> dict[str, Distribution]:
    """Return Starburst, its extras in the image, and what they need, as far as they are here."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    pending = [(_OURS, _EXTRAS)]
    while pending:
        wanted = name, extras = pending.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        try:
            found[name] = found.get(name) or importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if name == _OURS:
                raise LocalEnvironmentError(
                    "a strict local environment needs to know what Starburst needs, and it is not "
                    'installed here: install it, with pip install "starburst[local]"'
                ) from None
            continue
        pending += _needs(found[name], extras)
    return found


def _needs(found: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in found.requires or ():
        requirement, _, marker = text.partition(";")
        name = _REQUIREMENT.match(requirement)
        if name is not None and _applies(marker, extras):
            asked = frozenset(_normalized(each) for each in (name[2] or "").split(",") if each)
            yield _normalized(name[1]), asked


def _applies(marker: str, extras: frozenset[str]) -> bool:
    if not marker.strip():
        return True
    judge = _marker()
    if judge is None:  # then what is here counts as needed, unless by an extra that nobody wants
        asked = set(map(_normalized, _ASKED.findall(marker)))
        return not asked or not asked.isdisjoint(extras)
    return any(judge(marker).evaluate({"extra": extra}) for extra in ("", *extras))


@cache
def _marker() -> Any:  # noqa: ANN401 - a package that nearly everybody has
    if importlib.util.find_spec("packaging") is None:
        return None
    from packaging.markers import Marker  # noqa: PLC0415 - it may not be here

    return Marker


def _owners() -> dict[str, set[str]]:
    """Return whose each folder is, of all that is installed: several share one now and then."""
    owners: dict[str, set[str]] = {}
    for each in importlib.metadata.distributions():
        name = _normalized(each.metadata["Name"] or "")
        for top in {path.partition("/")[0] for path in _files(each) if "/" in path}:
            owners.setdefault(top, set()).add(name)
    return owners


def _link(found: Distribution, site: Path, *, owners: Mapping[str, set[str]], those: Any) -> None:  # noqa: ANN401 - a view of names
    for path in _files(found):
        top, deeper, _ = path.partition("/")
        if top.startswith(".") or top == "__pycache__" or (not deeper and top.endswith(".pth")):
            continue
        shared = bool(deeper) and not owners[top] <= those
        link = site / (path if shared else top)
        if os.path.lexists(link):
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(str(found.locate_file(path if shared else top))).absolute())


def _files(found: Distribution) -> list[str]:
    """Return what a distribution put beside others, as its installer wrote it down."""
    record = found.read_text("RECORD")
    if record is None:
        return [path.as_posix() for path in found.files or ()]
    lines = (line.strip() for line in record.splitlines())
    paths = (line.rsplit(",", 2)[0].strip('"') for line in lines if line)
    return [path for path in paths if not os.path.isabs(path)]


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
