"""What travels beside the modules that are reached: what ``include=`` and projects name.

Never a dotfile, a key, a virtual environment, a link that leaves its root, or what git ignores.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from starburst.errors import ConfigurationError, UnpicklableInput

from .finding import Found, find, travels
from .git import ignored
from .metadata import data_patterns
from .places import is_installed, may_be_root, project_root
from .source import Imported, read_source

__all__ = ["Beside", "beside", "check_allowed", "package_data"]

_SECRETS: Final = (
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p12", "*.pfx"),
    *("*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.asc", "*.gpg", "credentials", "*.tfstate"),
)
_FOLDERS: Final = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_TAKEN: Final = sys.stdlib_module_names | {
    *("boto3", "botocore", "cloudpickle", "cryptography", "msgpack", "tqdm", "zstandard")
}
_MOST_FILES: Final = 20_000
_FRESH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Beside:
    """Modules and files that nothing imports.

    Attributes:
        modules: names of modules.
        files: each with its root and why it travels.
        code: what of these is code, by where it really is.
    """

    modules: tuple[str, ...] = ()
    files: tuple[tuple[str, str, str], ...] = ()
    code: frozenset[str] = frozenset()

    def loaded(self) -> list[str]:
        """Return the modules that were made of these files here: they may have been changed."""
        if not self.code:
            return []
        found = []
        for name, module in [*sys.modules.items()]:
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and _real(file) in self.code:
                found.append(name)
        return found


_NOTHING = Beside()
_known: dict[tuple[frozenset[str], tuple[str, ...], str], tuple[float, Beside]] = {}


def beside(dynamic: frozenset[str], include: tuple[str, ...]) -> Beside:
    """Return what travels beside what is reached.

    Args:
        dynamic: files that import what cannot be read off them.
        include: files, folders, and names of modules.

    Raises:
        ConfigurationError: what ``include`` names is not there, or may not travel.
    """
    if not (dynamic or include):
        return _NOTHING
    key = dynamic, include, os.getcwd()
    known = _known.get(key)
    if known is not None and time.monotonic() - known[0] < _FRESH_SECONDS:
        return known[1]
    modules: list[str] = []
    files: list[tuple[str, str, str]] = []
    for path in sorted(dynamic):
        files += _project_of(path)
    for named in include:
        more, found = _included(named)
        modules += more
        files += found
    modules += _imported_by(path for path, _, _ in files if path.endswith(".py"))
    code = frozenset(_real(path) for path, _, _ in files if path.endswith(".py"))
    result = Beside(tuple(dict.fromkeys(modules)), tuple(files), code)
    if known is not None and known[1] == result:
        result = known[1]
    _known[key] = time.monotonic(), result
    return result


@functools.lru_cache(maxsize=100_000)
def _real(path: str) -> str:
    return os.path.realpath(path)


def _imported_by(paths: Iterable[str]) -> Iterator[str]:
    """Yield the own modules that files import by their full names."""
    seen: set[Imported] = set()
    for path in paths:
        source = read_source(path)
        for imported in source.imports if source is not None else ():
            if imported in seen:
                continue
            seen.add(imported)
            if not imported.level and travels(imported.module):
                yield imported.module
                yield from (
                    name for each in imported.names if travels(name := f"{imported.module}.{each}")
                )


def _project_of(path: str) -> Iterator[tuple[str, str, str]]:
    """Yield the source files of the project in which code imports what only running it tells."""
    here = os.path.dirname(path) if os.path.isfile(path) else os.getcwd()
    root = project_root(here)
    if not may_be_root(root):
        return
    why = f"under {root}, of which {os.path.basename(path)} imports what only running it tells"
    for each in _walk(root, root):
        if each.endswith(".py"):
            yield each, root, why


def _included(named: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    path = os.path.abspath(os.path.expanduser(named))
    why = f"include={named!r}"
    if os.path.isfile(path):
        _refuse_link(path, project_root(os.path.dirname(path)), named)
        if _is_secret(os.path.basename(path)):
            raise ConfigurationError(
                f"include={named!r}: a dotfile or a key never travels; pass what is needed of it "
                "as an input, or read it from a store of secrets inside the function"
            )
        return [], [(path, project_root(os.path.dirname(path)), why)]
    if os.path.isdir(path):
        if not may_be_root(path):
            raise ConfigurationError(
                f"include={named!r} is no project: a home folder, a system's folder and one of "
                "installed packages never travel; name a folder in it"
            )
        root = project_root(path)
        _refuse_link(path, root, named)
        return [], [(each, root, why) for each in _walk(path, root)]
    found = find(named) if all(part.isidentifier() for part in named.split(".")) else None
    if found is None:
        raise ConfigurationError(
            f"include={named!r} is no file, no folder and no module of your own; paths count from "
            f"{os.getcwd()}"
        )
    if not found.folders:
        return [named], []
    root = project_root(found.entries[0] if found.entries else found.folders[0])
    return [named], [(f, root, why) for folder in found.folders for f in _walk(folder, root)]


def _refuse_link(path: str, root: str, named: str) -> None:
    if not _is_within(path, root):
        raise ConfigurationError(
            f"include={named!r} is a link that leaves {root}; name what it leads to"
        )


def _is_within(path: str, root: str) -> bool:
    real, top = os.path.realpath(path), os.path.realpath(root)
    return real == top or real.startswith(top + os.sep)


def _is_secret(name: str) -> bool:
    return name.startswith(".") or any(fnmatch.fnmatch(name.lower(), each) for each in _SECRETS)


def _walk(folder: str, root: str) -> list[str]:
    """Return the files below a folder that may travel."""
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _FOLDERS
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))
            and not os.path.islink(os.path.join(place, name))
        )
        for name in sorted(files):
            path = os.path.join(place, name)
            if not _is_secret(name) and os.path.isfile(path) and _is_within(path, root):
                found.append(path)
        if len(found) > _MOST_FILES:
            raise ConfigurationError(
                f"more than {_MOST_FILES:,} files are under {folder}; name less in include="
            )
    left_out = ignored(found)
    return [path for path in found if path not in left_out]


_allowed: dict[str, bool] = {}


def check_allowed(modules: Mapping[str, Found], include: tuple[str, ...]) -> None:
    """Refuse modules that are reached and may not travel, before anything is sent.

    Raises:
        UnpicklableInput: git ignores one, a link leads out of its project to it, or a worker has
            another one of that name.
    """
    files = {found.file: name for name, found in modules.items() if found.file is not None}
    asked = [path for path in files if path not in _allowed]
    if asked:
        try:
            left_out = ignored(asked)
        except ConfigurationError:
            left_out = set()  # without git: what is imported is code, and has been named by code
        _allowed.update((path, path not in left_out) for path in asked)
    named = {os.path.abspath(os.path.expanduser(each)) for each in include}
    for path, name in files.items():
        if name in _TAKEN:
            raise UnpicklableInput(
                f"your module {name} cannot be sent: every worker has another one of that name, "
                f"of the standard library or of Starburst's own. Rename {path}."
            )
        if not _allowed[path] and path not in named:
            raise UnpicklableInput(
                f"your module {name} cannot be sent: git ignores {path}. If it holds nothing "
                f"secret, name it: include=[{os.path.relpath(path)!r}]."
            )
        entries = modules[name].entries
        if entries and not is_installed(entries[0] + os.sep):
            root = project_root(entries[0])
            if not _is_within(path, root):
                raise UnpicklableInput(
                    f"your module {name} cannot be sent: {path} is a link that leaves {root}. Put "
                    "a copy there, or have it imported from where it is."
                )


def package_data(modules: Mapping[str, Found]) -> Iterator[tuple[str, str, str]]:
    """Yield the data files that the metadata of a project names for packages of it."""
    for name, found in modules.items():
        if not found.folders or not found.entries:
            continue
        root = project_root(found.entries[0])
        patterns = data_patterns(root, name)
        if not patterns or not may_be_root(root):
            continue
        for folder in found.folders:
            for path in _walk(folder, root):
                inside = os.path.relpath(path, folder).replace(os.sep, "/")
                if not path.endswith((".py", ".pyc")) and _matches(inside, path, root, patterns):
                    yield path, root, f"package data of {name}"


def _matches(inside: str, path: str, root: str, patterns: Iterable[tuple[str, bool]]) -> bool:
    """Whether a pattern that counts from the package, or from the root, names a file."""
    whole = os.path.relpath(path, root).replace(os.sep, "/")
    return any(_fits(whole if from_root else inside, pattern) for pattern, from_root in patterns)


def _fits(path: str, pattern: str) -> bool:
    """Match as setuptools does: ``*`` stays within a folder, ``**`` does not."""
    return _fit(path.split("/"), pattern.rstrip("/").split("/"))


def _fit(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fit(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatch(parts[0], pattern[0]) and _fit(parts[1:], pattern[1:])
