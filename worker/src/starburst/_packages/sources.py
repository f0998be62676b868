"""What ``packages=`` may be: a lock by its path, requirements, or what is installed here."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from packaging.pylock import is_valid_pylock_path
from packaging.requirements import InvalidRequirement, Requirement

from starburst.errors import PackagesRefused

from .uses import normalized

__all__ = ["Source", "read_source", "requirements"]

Kind = Literal["lock", "pylock", "hashed", "names", "installed"]

_HASH: Final = re.compile(r"--hash[= ]sha256:([0-9a-fA-F]{64})")
_OTHER_HASH: Final = re.compile(r"--hash[= ]\S+")
_CONTINUED: Final = re.compile(r"\\\r?\n")
_COMMENT: Final = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the list of packages comes from.

    Attributes:
        kind: ``lock`` is uv's, ``pylock`` that of PEP 751, ``hashed`` a requirements.txt.
        path: of the file; None for requirements.
        texts: the requirements.
        excludes: names of what is not to be brought, whoever needs it.
        options: of a requirements.txt, its indexes for one; they may hold credentials.
        hashes: of a requirements.txt: the hashes that a distribution may have.
        content: what of files the list is made from.
    """

    kind: Kind
    path: Path | None = None
    texts: tuple[str, ...] = ()
    excludes: tuple[str, ...] = field(default=(), repr=False)
    options: tuple[str, ...] = field(default=(), repr=False)
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """How sentences call it."""
        if self.path is not None:
            return str(self.path)
        return "what is installed here" if self.kind == "installed" else "packages="

    @property
    def pinned(self) -> bool:
        """Whether it has one answer only, today and tomorrow."""
        return self.kind != "names" or all(_is_pin(text) for text in self.texts)

    @property
    def digest(self) -> str:
        """Tells it from any other."""
        parts = [self.kind, str(self.path), self.texts, self.excludes]
        return hashlib.sha256(json.dumps(parts).encode() + self.content).hexdigest()


def read_source(packages: str | os.PathLike[str] | Sequence[str]) -> Source:
    """Return what was asked for.

    Args:
        packages: the path of a lock, or requirements.

    Raises:
        PackagesRefused: there is no such file, it is another kind of one, or what stands in it, or
            in the sequence, is no requirement.
    """
    if not isinstance(packages, str | os.PathLike):
        return requirements(packages)
    path = Path(packages)
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = ""
        if isinstance(packages, str) and _is_requirement(packages):
            hint = f"; for a requirement, write packages=[{packages!r}]"
        raise PackagesRefused(
            f"packages={str(packages)!r} cannot be read ({error.strerror}){hint}"
        ) from error
    path = path.resolve()
    if path.name == "uv.lock":
        project = path.parent / "pyproject.toml"
        more = project.read_bytes() if project.is_file() else b""
        return Source(kind="lock", path=path, content=content + more)
    if is_valid_pylock_path(path):
        return Source(kind="pylock", path=path, content=content)
    if path.suffix in (".txt", ".lock", ".in"):
        return _hashed(path, content)
    raise PackagesRefused(
        f"packages={str(packages)!r} is no lock that is known here: name a uv.lock, a pylock.toml "
        "or a requirements.txt with hashes"
    )


def requirements(texts: Sequence[str]) -> Source:
    """Return a source of requirements.

    Raises:
        PackagesRefused: one of them is none.
    """
    for text in texts:
        try:
            found = Requirement(text)
        except InvalidRequirement as error:
            raise PackagesRefused(
                f"packages= holds {_bare(text)!r}, which is no requirement such as "
                "'humanize==4.9.0'. A file is given by its path, not in a list"
            ) from error
        if found.url is not None:
            _check_url(found)
    return Source(kind="names", texts=tuple(texts))


def _check_url(found: Requirement) -> None:
    url = str(found.url)
    if url.startswith(("git+", "hg+", "svn+", "bzr+")):
        raise PackagesRefused(
            f"{found.name} is asked for from a repository of its source, and only wheels travel: "
            "build one, publish it on an index, and name it by its version"
        )
    if not url.partition("#")[0].partition("?")[0].endswith(".whl"):
        raise PackagesRefused(
            f"{found.name} is asked for by a URL that is no wheel's, and only wheels travel: build "
            "one, publish it on an index, and name it by its version. A folder of your own "
            "travels by itself where your function imports it, or by include="
        )


def _hashed(path: Path, content: bytes) -> Source:
    hashes: dict[str, frozenset[str]] = {}
    texts: list[str] = []
    options: list[str] = []
    for line in _lines(content):
        if line.startswith(("-e", "--editable")):
            continue  # a project of one's own travels as modules
        if line.startswith(("-r", "-c", "--requirement", "--constraint")):
            raise PackagesRefused(
                f"{path} names another file ({_bare(line)}); name one that has all"
            )
        if line.startswith("-"):
            options.append(line)
            continue
        if line.startswith((".", "/")):
            raise PackagesRefused(
                f"{path} holds {_bare(line)!r}, which is no wheel of an index: one's own project "
                "is named as editable (-e), and travels as modules"
            )
        text = _OTHER_HASH.sub("", line).strip()
        try:
            found = Requirement(text)
        except InvalidRequirement as error:
            raise PackagesRefused(
                f"{path} holds {_bare(text)!r}, which is no requirement"
            ) from error
        if found.url is not None:
            _check_url(found)
        name = normalized(found.name)
        hashes[name] = hashes.get(name, frozenset()) | {h.lower() for h in _HASH.findall(line)}
        texts.append(text)
    bare = sorted(name for name, found in hashes.items() if not found)
    if bare:
        raise PackagesRefused(
            f"{path} gives no sha256 for {', '.join(bare)}: make it with `uv export --format "
            "requirements.txt` or `uv pip compile --generate-hashes`, or name the packages in "
            "a list, packages=[…]"
        )
    return Source(
        kind="hashed",
        path=path,
        texts=tuple(texts),
        options=tuple(options),
        hashes=hashes,
        content=content,
    )


def _lines(content: bytes) -> Iterator[str]:
    text = _CONTINUED.sub(" ", content.decode("utf-8", "replace"))
    for line in text.splitlines():
        bare = _COMMENT.sub("", line).strip()
        if bare:
            yield bare


def _bare(text: object) -> str:
    """Return what was written, without a password that may stand in it."""
    return re.sub(r"://[^/@\s]*@", "://", str(text))


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _is_pin(text: str) -> bool:
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return False
    return found.url is not None or any(
        each.operator in ("==", "===") and not each.version.endswith(".*")
        for each in found.specifier
    )
