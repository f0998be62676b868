"""The objects of a session that several tasks share: sealed, signed, stored once each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.patience import Patience
from starburst._functions.objects.handles import Handle
from starburst._functions.sharing import Sharing
from starburst._protocol.sealed.code.parcels import Parcel, object_header, read_parcel
from starburst._protocol.sealed.envelope import seal, unseal
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey, verify
from starburst.aws.calls import MISSING, code_of
from starburst.aws.write_once import write_once
from starburst.errors import SessionEnded

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Objects"]

T = TypeVar("T")


class Objects:
    """Where one client's shared objects are.

    Args:
        connection: where to.
        keys: the session.
        key: its keys.
        signer: the signing key.
        sharing: what finds and names them; it becomes the session's.
        told: told what is waited for, and the empty text when it no longer is.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: SessionKey,
        signer: SigningKey,
        sharing: Sharing,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._signer = signer
        self._patience = Patience(connection, told=told)
        self._storing = threading.Lock()
        self.use(sharing)

    def use(self, sharing: Sharing) -> None:
        """Go on with what was found and named before the session began."""
        sharing.session = self._keys.session
        self.sharing = sharing

    def store_waiting(self) -> None:
        """Store what tasks need that are to be sent now, and is not stored yet."""
        if self.sharing.is_all_stored:
            return
        with self._storing:  # of two threads, one stores, and the other waits for it
            for name, parcel in self.sharing.waiting():
                self._store(name, parcel)

    def put(self, value: T) -> Handle[T]:
        """Store a value; return its handle."""
        with self._storing:
            return self.sharing.put(value, store=self._store, read=self.read)

    def _store(self, name: str, parcel: Parcel) -> None:
        header = object_header(self._keys.session, name)
        signed = self._signer.sign(seal([*parcel.parts()], key=self._key.data, header=header))
        # As with tasks: a moment of trouble is waited out, and fails no map.
        self._patience.outlast(
            lambda: self._write(self._keys.functions + name, signed), nbytes=len(signed)
        )

    def _write(self, key: str, body: bytes) -> None:
        with aws_errors("store what tasks share"):
            write_once(self._connection.s3, self._connection.document.bucket, key, body=body)

    def read(self, name: str) -> Parcel:
        """Read an object back.

        Raises:
            SessionEnded: it is not there any more.
            IntegrityError: it is not what was stored.
        """
        session, bucket = self._keys.session, self._connection.document.bucket
        with aws_errors("read what was put"):
            try:
                answer = self._connection.s3.get_object(
                    Bucket=bucket, Key=self._keys.functions + name
                )
                signed = answer["Body"].read()
            except ClientError as error:
                if code_of(error) not in MISSING:
                    raise
                raise SessionEnded(
                    f"session {session} was erased, and with it what was put into it. "
                    "starburst.put(x) returns a handle that no session's end takes away"
                ) from error
        sealed = verify(signed, public=self._signer.public)
        return read_parcel(
            unseal(sealed, key=self._key.data, expect=object_header(session, name)).toreadonly()
        )
