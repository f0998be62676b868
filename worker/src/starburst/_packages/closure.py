"""What installed distributions need in their turn, as of a worker; and what Starburst itself needs.

What is asked for is pinned to the versions that are installed here. Who installed a distribution
from where no wheel can be had is told so by name.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from packaging.requirements import InvalidRequirement, Requirement

from starburst._functions.own.places import OURS
from starburst.errors import PackagesRefused

from .target import Target
from .uses import normalized

__all__ = ["installed_closure", "of_starburst"]

_Wanted = tuple[str, frozenset[str]]
_EXTRA: Final = "extra"


def installed_closure(
    names: Iterable[str], target: Target, *, without: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return requirements for what is installed here under some names, with all that it needs.

    One's own project is left out, since it travels as modules; what it needs is not. So is what
    workers have: its names come second, so that nobody brings another version of it.

    Args:
        names: normalized.
        target: whose markers count.
        without: names and versions of what is there already.

    Raises:
        PackagesRefused: names all that cannot be had as a wheel.
    """
    pins: dict[str, str] = {}
    refused: list[str] = []
    ours = of_starburst()
    there: set[str] = set(ours)
    for name, found in _reached(names, target, without={*ours, OURS}):
        if without.get(name) == found.version:
            there.add(name)
            continue
        try:
            pin = _pin(name, found)
            if pin:
                pins[name] = pin
            else:
                there.add(name)
        except PackagesRefused as error:
            refused.append(str(error))
    if refused:
        raise PackagesRefused(
            f"not all that is used here can travel: {'; '.join(refused)}. Publish it as a wheel "
            "on an index, have the worker image carry it, or pass packages= without it"
        )
    return tuple(pins[name] for name in sorted(pins)), tuple(sorted(there))


@functools.cache
def of_starburst() -> Mapping[str, str]:
    """Return names and versions of what Starburst itself needs, which never travels."""
    found = {OURS: ""}
    with suppress(importlib.metadata.PackageNotFoundError):
        found[OURS] = importlib.metadata.version(OURS)
    found |= {name: each.version for name, each in _reached([OURS], None, without=set())}
    return found


def _reached(
    names: Iterable[str], target: Target | None, *, without: set[str]
) -> Iterator[tuple[str, importlib.metadata.Distribution]]:
    pending: list[_Wanted] = [(name, frozenset()) for name in names]
    seen: set[_Wanted] = set()
    known: dict[str, importlib.metadata.Distribution] = {}
    while pending:
        wanted = name, extras = pending.pop()
        if wanted in seen or name in without:
            continue
        seen.add(wanted)
        try:
            found = known.get(name) or importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of a platform that this is not; uv finds it
        if name not in known:
            known[name] = found
            yield name, found
        pending += _requirements(found, extras, target)


def _requirements(
    found: importlib.metadata.Distribution, extras: frozenset[str], target: Target | None
) -> Iterator[_Wanted]:
    environment = cast("dict[str, str]", {} if target is None else dict(target.environment))
    for text in found.requires or ():
        try:
            each = Requirement(text)
        except InvalidRequirement:
            continue
        marker = each.marker
        if marker is None or any(
            marker.evaluate({**environment, _EXTRA: extra}) for extra in ("", *extras)
        ):
            yield normalized(each.name), frozenset(map(normalized, each.extras))


def _pin(name: str, found: importlib.metadata.Distribution) -> str:
    """Return a requirement for what is installed; empty for one's own project."""
    direct = _direct_url(found)
    url = str(direct.get("url", "")).partition("#")[0]
    if "dir_info" in direct:
        if direct["dir_info"].get("editable"):
            return ""
        raise PackagesRefused(
            f"{name} was installed from a folder, and not as editable, as one's own project is"
        )
    if "vcs_info" in direct:
        raise PackagesRefused(f"{name} was installed from a repository of its source")
    if "archive_info" in direct:
        if not url.endswith(".whl"):
            raise PackagesRefused(f"{name} was built here from an archive of its source")
        return f"{name} @ {url}"
    return f"{name}=={found.version}"


def _direct_url(found: importlib.metadata.Distribution) -> dict[str, Any]:
    with suppress(ValueError, OSError):
        said = json.loads(found.read_text("direct_url.json") or "{}")
        if isinstance(said, dict):
            return said
    return {}
