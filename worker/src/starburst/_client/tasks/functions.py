"""The functions of a session: pickled, sealed and stored once each, and called by a name."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.patience import Patience
from starburst._functions.payload import dump_function
from starburst._protocol.sealed.chunks import function_header
from starburst._protocol.sealed.envelope import seal
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey
from starburst.aws.write_once import write_once

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Functions"]


class Functions:
    """What one client has stored, and under which names.

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
        self._known: dict[int, tuple[Callable[..., Any], str]] = {}

    def name(self, function: Callable[..., Any]) -> str:
        """Return a function's name. It is stored at its first use, with what it captures then.

        Raises:
            UnpicklableInput: it cannot travel.
        """
        held = self._known.get(id(function))
        if held is None or held[0] is not function:
            return self.add(function, dump_function(function))
        return held[1]

    def add(self, function: Callable[..., Any], data: bytes) -> str:
        """Store a function that has been pickled already; return its name."""
        name = self._store(data)
        self._known[id(function)] = (function, name)
        return name

    def forget(self, function: Callable[..., Any]) -> None:
        """Have a function pickled anew, with what it uses then, when it is next submitted."""
        self._known.pop(id(function), None)

    def _store(self, data: bytes) -> str:
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

    def _put(self, key: str, body: bytes) -> None:
        with aws_errors("store the function"):
            write_once(self._connection.s3, self._connection.document.bucket, key, body=body)
