"""Reading back what a session's tasks were sent with, as its client signed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import aws_errors
from starburst._protocol.sealed.chunks import Chunk, LedgerEntry, open_chunk, pack_key

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._protocol.sealed.session_key import SessionKey
    from starburst.contract import SessionKeys

__all__ = ["read_chunks"]

_FETCHES: Final = 8


def read_chunks(
    connection: Connection, keys: SessionKeys, entries: Sequence[LedgerEntry], *, key: SessionKey
) -> Iterator[Chunk]:
    """Yield chunks in the order of their entries; few are held at a time.

    Args:
        connection: where they are.
        keys: of their session.
        entries: where each is in its pack.
        key: the session's.

    Raises:
        IntegrityError: one is not what the session's client signed.
    """

    def read(entry: LedgerEntry) -> Chunk:
        pack = entry.name.partition("-")[0]
        span = f"bytes={entry.offset}-{entry.offset + entry.length - 1}"
        with aws_errors(f"read the tasks of pack {pack}"):
            answer = connection.s3.get_object(
                Bucket=connection.document.bucket, Key=pack_key(keys, pack), Range=span
            )
            signed = answer["Body"].read()
        return open_chunk(
            signed, name=entry.name, session=keys.session, key=key.data, public=key.public
        )

    with ThreadPoolExecutor(_FETCHES) as pool:
        for begin in range(0, len(entries), _FETCHES):
            yield from pool.map(read, entries[begin : begin + _FETCHES])
