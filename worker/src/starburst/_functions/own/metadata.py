"""The data files that a project's packaging metadata names for its packages."""

from __future__ import annotations

import configparser
import os
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any, Final

from .source import Stamp, stamp_of

__all__ = ["data_patterns"]

_FILES: Final = ("pyproject.toml", "setup.cfg", "MANIFEST.in")
_known: dict[str, tuple[tuple[Stamp | None, ...], list[tuple[str, str, bool]]]] = {}


def data_patterns(root: str, package: str) -> list[tuple[str, bool]]:
    """Return the patterns of a package's data files; whether each counts from the root.

    Reads setuptools' ``package-data`` and ``include-package-data`` with ``MANIFEST.in``, in
    ``pyproject.toml`` and ``setup.cfg``, and the ``include`` of hatch and poetry. What a
    ``setup.py`` says only running it would tell: name it in ``include=``.
    """
    stamps = tuple(stamp_of(os.path.join(root, name)) for name in _FILES)
    known = _known.get(root)
    if known is None or known[0] != stamps:
        known = _known[root] = stamps, list(_rules(root))
    return [(each, whole) for of, each, whole in known[1] if of in ("", "*", package)]


def _rules(root: str) -> Iterator[tuple[str, str, bool]]:
    """Yield packages, or ``*`` for all, patterns, and whether these count from the root."""
    project = _toml(os.path.join(root, "pyproject.toml"))
    tools = _table(project, "tool")
    setuptools = _table(tools, "setuptools")
    for package, patterns in _table(setuptools, "package-data").items():
        yield from ((package, pattern, False) for pattern in _texts(patterns))
    hatch = _table(_table(tools, "hatch"), "build")
    for table in (hatch, _table(_table(hatch, "targets"), "wheel")):
        shown = (*_texts(table.get("include")), *_texts(table.get("artifacts")))
        for pattern in (*shown, *_table(table, "force-include")):
            yield from (("*", each, True) for each in _as_git(pattern))
    for each in _table(tools, "poetry").get("include") or ():
        named = each.get("path") if isinstance(each, dict) else each
        yield from (("*", part, True) for text in _texts(named) for part in _as_git(text))
    config = _config(os.path.join(root, "setup.cfg"))
    if config.has_section("options.package_data"):
        for package, patterns in config.items("options.package_data"):
            for pattern in patterns.replace(",", "\n").split():
                yield package, pattern, False
    whole = config.get("options", "include_package_data", fallback="").strip().lower() == "true"
    declared = bool(setuptools) or "setuptools" in str(_table(project, "build-system"))
    if whole or (declared and setuptools.get("include-package-data", True) is True):
        yield from (("*", pattern, True) for pattern in _manifest(root))


def _as_git(pattern: str) -> Iterator[str]:
    """Yield what a pattern of ``.gitignore``'s kind means: any depth, and all below a folder."""
    start = "" if "/" in pattern.rstrip("/") else "**/"
    yield start + pattern.strip("/")
    yield f"{start}{pattern.strip('/')}/**"


def _manifest(root: str) -> Iterator[str]:
    try:
        with open(os.path.join(root, "MANIFEST.in"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        words = shlex.split(line, comments=True) if line.strip() else []
        match words:
            case ["include", *patterns]:
                yield from patterns
            case ["recursive-include", folder, *patterns]:
                yield from (f"{folder.rstrip('/')}/**/{pattern}" for pattern in patterns)
            case ["graft", folder]:
                yield f"{folder.rstrip('/')}/**"
            case ["global-include", *patterns]:
                yield from (f"**/{pattern}" for pattern in patterns)


def _toml(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def _config(path: str) -> configparser.RawConfigParser:
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment,method-assign]  # names of packages have cases
    try:
        config.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return config


def _table(of: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
