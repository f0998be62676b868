"""Functions on their way to a worker, and the files of the modules that they need.

A *function* is one sealed, signed object: a table, what of the modules differs from their files,
files that the session had not stored before, and the pickle. The table names each file that the
function needs by its path and its digest, and the function that carries its content: this one, or
one that was stored earlier. So each content travels once in a session.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starburst._protocol.sealed.envelope import Buffer, Header, seal, unseal
from starburst._protocol.sealed.signing import SigningKey, verify
from starburst._protocol.sealed.tables import dump_table, load_table, text, whole
from starburst.errors import IntegrityError

__all__ = [
    "MOST_FILES_BYTES",
    "Function",
    "ModuleFile",
    "function_header",
    "is_safe",
    "open_function",
    "write_function",
]

MOST_FILES_BYTES: Final = 20_000_000
"""The files of a function's modules have so many bytes at most in all."""

_LENGTH: Final = struct.Struct(">I")
_DIGEST_BYTES: Final = 32
_MOST_FILES: Final = 20_000
_MOST_PATH: Final = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleFile:
    """A file that a function's modules need.

    Attributes:
        path: below the folder that all are put into, with forward slashes.
        digest: SHA-256 of its content.
        carrier: the function that carries it.
    """

    path: str
    digest: bytes
    carrier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A function as it travels.

    Attributes:
        name: of the object.
        pickle: of the function; only the worker's child may load it.
        files: of its modules.
        entries: the folders among them that modules are imported from, first ones first.
        changes: what of the modules differs from their files, pickled; empty for nothing.
        contents: of the files that it carries, by their digests.
        versions: of the distributions that it was pickled with, by their normalized names.
    """

    name: str
    pickle: Buffer
    files: tuple[ModuleFile, ...] = ()
    entries: tuple[str, ...] = ()
    changes: Buffer = b""
    contents: Mapping[bytes, Buffer] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def function_header(session: str, name: str) -> Header:
    """Return the header that a sealed function must carry."""
    return Header(session=session, kind="function", name=name, attempt=0, format="cloudpickle")


def is_safe(path: str) -> bool:
    """Whether a path leads to a place below the folder that it is put into, on every system."""
    parts = path.split("/")
    return (
        0 < len(path) <= _MOST_PATH
        and not any(part in ("", ".", "..") for part in parts)
        and not any(sign in path for sign in ("\\", "\0", ":"))
    )


def write_function(function: Function, *, session: str, key: bytes, signer: SigningKey) -> bytes:
    """Seal and sign a function."""
    carriers = list(dict.fromkeys(file.carrier for file in function.files))
    numbers = {carrier: number for number, carrier in enumerate(carriers)}
    files = [[file.path, file.digest, numbers[file.carrier]] for file in function.files]
    contents = list(function.contents.values())
    sizes = [len(part) for part in (function.changes, *contents)]
    versions = [[name, version] for name, version in sorted(function.versions.items())]
    # An earlier release reads four columns: one that names nobody's library is as it ever was.
    more = [versions] if versions else []
    table = dump_table([carriers, files, list(function.entries), sizes, *more])
    parts = [_LENGTH.pack(len(table)), table, function.changes, *contents, function.pickle]
    return signer.sign(seal(parts, key=key, header=function_header(session, function.name)))


def open_function(
    signed: Buffer, *, name: str, session: str, key: bytes, public: bytes
) -> Function:
    """Verify, decrypt and read a function; its pickle stays unread.

    Raises:
        IntegrityError: the bytes are not what the session's client signed under that name, or name
            a file outside the folder that it would be put into.
    """
    plain = unseal(verify(signed, public=public), key=key, expect=function_header(session, name))
    table, rest = _split(plain, name)
    try:
        carriers, rows, entries, sizes, *more = table
        (versions,) = more or ((),)
        bounds = [0, *itertools.accumulate(map(whole, sizes))]
        if bounds[-1] > len(rest):
            raise ValueError("it is cut short")
        parts = [rest[a:b] for a, b in itertools.pairwise(bounds)]
        files = tuple(
            ModuleFile(path=text(path), digest=digest, carrier=text(carriers[whole(number)]))
            for path, digest, number in rows
        )
        function = Function(
            name=name,
            pickle=rest[bounds[-1] :],
            files=files,
            entries=tuple(map(text, entries)),
            changes=parts[0],
            contents={hashlib.sha256(part).digest(): part for part in parts[1:]},
            versions={text(each): text(version) for each, version in versions},
        )
        _check(function, carried=bounds[-1] - bounds[1])
    except (TypeError, ValueError, LookupError) as error:
        raise IntegrityError(f"function {name} is malformed: {error}") from error
    return function


def _check(function: Function, *, carried: int) -> None:
    """Refuse files that no client would send; raise ValueError."""
    paths = [file.path for file in function.files]
    if len(paths) > _MOST_FILES or carried > MOST_FILES_BYTES:
        raise ValueError("its files are too many or too large")
    for path in (*paths, *function.entries):
        if not is_safe(path):
            raise ValueError(f"{path!r:.80} leads out of the folder of its modules")
    parts = [path.split("/") for path in paths]
    folders = {"/".join(each[:end]) for each in parts for end in range(1, len(each))}
    if len(set(paths)) < len(paths) or not folders.isdisjoint(paths):
        raise ValueError("two of its files have one path")
    for file in function.files:
        if type(file.digest) is not bytes or len(file.digest) != _DIGEST_BYTES:
            raise ValueError("a digest is none")
        if file.carrier == function.name and file.digest not in function.contents:
            raise ValueError(f"it does not carry {file.path!r:.80}")


def _split(plain: memoryview, name: str) -> tuple[Any, memoryview]:
    if len(plain) < _LENGTH.size:
        raise IntegrityError(f"function {name} is cut short")
    (length,) = _LENGTH.unpack_from(plain)
    start = _LENGTH.size
    try:
        return load_table(plain[start : start + length]), plain[start + length :]
    except ValueError as error:
        raise IntegrityError(f"function {name} is malformed: {error}") from error
