"""The functions of a session: those that are used often are stored once each, and have a name.

One that is used once or twice, as a lambda in a loop, a partial or a bound method may be, travels
with its tasks instead: these call what calls it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.patience import Patience
from starburst._functions.calls import CALL, with_function
from starburst._protocol.sealed.chunks import function_header
from starburst._protocol.sealed.envelope import seal
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
        told: told what is waited for, and the empty text when it no longer is.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: SessionKey,
        signer: SigningKey,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._signer = signer
        self._patience = Patience(connection, told=told)
        self._stored: dict[bytes, str] = {}
        self._sent: dict[bytes, int] = {}

    def name(self, data: bytes) -> str:
        """Return the name of a function that has been pickled; it is stored where it is new."""
        digest = hashlib.sha256(data).digest()
        name = self._stored.get(digest)
        if name is not None:
            return name
        name = f"f{secrets.token_hex(8)}"  # two clients of one session must not meet here
        header = function_header(self._keys.session, name)
        signed = self._signer.sign(seal([data], key=self._key.data, header=header))
        # As with tasks: a moment of trouble is waited out, and fails no map.
        self._patience.outlast(lambda: self._put(self._keys.functions + name, signed))
        self._stored[digest] = name
        return name

    def call(self, function: bytes, data: bytes) -> tuple[str, bytes]:
        """Return under which name a single call finds its function, and its input.

        Args:
            function: pickled.
            data: its ``(args, kwargs)``, pickled.
        """
        if self._is_used_often(function):
            return self.name(function), data
        return self.name(CALL), with_function(function, data)

    def _is_used_often(self, function: bytes) -> bool:
        """Whether a function is stored, or pays to be now."""
        digest = hashlib.sha256(function).digest()
        if digest in self._stored or len(function) > _ONCE_BYTES:
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
