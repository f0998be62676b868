"""The functions of a session: those that are used often are stored once each, and have a name.

One that is used once or twice, as a lambda in a loop, a partial or a bound method may be, travels
with its tasks instead: these call what calls it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.patience import Patience
from starburst._functions.bundle import bundle, read_file
from starburst._functions.calls import CALL, with_function
from starburst._functions.capturing import NOTHING, named_of, needs_of, uses_of
from starburst._packages.agreeing import Worker
from starburst._packages.uses import uses_of_work, versions_of
from starburst._protocol.sealed.code.functions import Function, ModuleFile, write_function
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey
from starburst.aws.write_once import write_once

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Functions"]

_ONCE_BYTES: Final = 1 << 20
"""A function up to this size travels with the first task that calls it."""

_OFTEN_BYTES: Final = 1 << 16
"""Once it would have taken so much in all, it is stored."""

_REMEMBERED: Final = 10_000


class Functions:
    """What one client has stored, and under which names.

    No function is held here: what one is now, its pickle tells at each use.

    Args:
        connection: where to.
        keys: the session.
        key: its keys.
        signer: the signing key.
        include: what of the analyst's own files travels beside what is reached.
        always: names of own modules that each function is to bring.
        told: told what is waited for, and the empty text when it no longer is.
        worker: what packages workers have; None where that is not known.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: SessionKey,
        signer: SigningKey,
        include: tuple[str, ...] = (),
        always: frozenset[str] = NOTHING,
        told: Callable[[str], None] = lambda _: None,
        worker: Worker | None = None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._signer = signer
        self._include = include
        self._always = always
        self._patience = Patience(connection, told=told)
        self._stored: dict[bytes, str] = {}
        self._carriers: dict[bytes, str] = {}
        self._often: set[bytes] = set()
        self._sent: dict[bytes, int] = {}
        self._worker = worker
        self._agreed: set[tuple[frozenset[str], frozenset[str]]] = set()
        self._versions: dict[frozenset[str], Mapping[str, str]] = {NOTHING: {}}

    def name(
        self, data: bytes, needs: frozenset[str] = NOTHING, named: frozenset[str] = NOTHING
    ) -> str:
        """Return the name of a function that has been pickled; it is stored where it is new.

        Args:
            data: what ``dump_function`` returned.
            needs: names of own modules that its inputs need.
            named: names of modules of others that the pickles of its inputs name.

        Raises:
            UnpicklableInput: the files of its modules cannot travel.
            PackagesRefused: workers lack a package that it needs.
            VersionMismatch: they have one in another version.
        """
        carried = bundle(self._always | needs | needs_of(data), self._include)
        pickled = hashlib.sha256(data).digest()
        self._often.add(pickled)
        versions = self._versions_of(named | named_of(data))
        digest = carried.digest + pickled + repr(sorted(versions.items())).encode()
        held = self._stored.get(digest)
        if held is not None:
            return held
        self._agree(needs | needs_of(data), data)
        name = f"f{secrets.token_hex(8)}"  # two clients of one session must not meet here
        new = {f.digest: f for f in carried.tree.files if f.digest not in self._carriers}
        carriers = {**self._carriers, **dict.fromkeys(new, name)}
        function = Function(
            name=name,
            pickle=data,
            files=tuple(
                ModuleFile(path=file.path, digest=file.digest, carrier=carriers[file.digest])
                for file in carried.tree.files
            ),
            entries=carried.tree.entries,
            changes=carried.changes,
            contents={digest: read_file(file) for digest, file in new.items()},
            versions=versions,
        )
        body = write_function(
            function, session=self._keys.session, key=self._key.data, signer=self._signer
        )
        # As with tasks: a moment of trouble is waited out, and fails no map.
        self._patience.outlast(
            lambda: self._put(self._keys.functions + name, body), nbytes=len(body)
        )
        self._stored[digest] = name
        self._carriers = carriers
        return name

    def names(
        self, data: bytes, inputs: Iterable[bytes], needs: frozenset[str] = NOTHING
    ) -> Iterator[tuple[str, bytes]]:
        """Yield each input with the name of a function that brings what it needs."""
        name, named = "", NOTHING
        for each in inputs:
            more, others = needs_of(each), named_of(each)
            if not (name and more <= needs and others <= named):
                needs |= more
                named |= others
                name = self.name(data, needs, named)
            yield name, each

    def call(self, function: bytes, data: bytes) -> tuple[str, bytes]:
        """Return under which name a single call finds its function, and its input.

        Args:
            function: pickled.
            data: its ``(args, kwargs)``, pickled.
        """
        if self._is_used_often(function):
            return self.name(function, needs_of(data), named_of(data)), data
        needs = needs_of(function) | needs_of(data)
        self._agree(needs, function)
        named = named_of(function) | named_of(data)
        return self.name(CALL, needs, named), with_function(function, data)

    def _versions_of(self, named: frozenset[str]) -> Mapping[str, str]:
        """Return the versions that a worker compares: of what pickles name."""
        if named not in self._versions:
            self._versions[named] = versions_of(named)
        return self._versions[named]

    def _agree(self, needs: frozenset[str], function: bytes) -> None:
        """Refuse what workers could not load for want of a package."""
        asked = needs, uses_of(function)
        if self._worker is None or self._worker.is_silent or asked in self._agreed:
            return
        self._worker.check(uses_of_work(*asked, named_of(function)))
        self._agreed.add(asked)

    def _is_used_often(self, function: bytes) -> bool:
        """Whether a function is stored, or pays to be now."""
        digest = hashlib.sha256(function).digest()
        if digest in self._often or len(function) > _ONCE_BYTES:
            return True
        before = self._sent.pop(digest, 0)
        if before and before + len(function) > _OFTEN_BYTES:
            return True
        if len(self._sent) >= _REMEMBERED:
            self._sent.pop(next(iter(self._sent)))
        self._sent[digest] = before + len(function)
        return False

    def _put(self, key: str, body: bytes) -> None:
        with aws_errors("store the function"):
            write_once(self._connection.s3, self._connection.document.bucket, key, body=body)
