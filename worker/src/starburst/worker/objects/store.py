"""A session's objects, seen from one worker: functions and chunks in, result nodes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._protocol.sealed.chunks import (
    Chunk,
    ChunkMessage,
    Ledger,
    LedgerEntry,
    open_chunk,
    open_ledger,
    pack_key,
)
from starburst._protocol.sealed.code.parcels import object_header
from starburst._protocol.sealed.code.preparation import Preparation, preparation_key
from starburst._protocol.sealed.envelope import Buffer, unseal
from starburst._protocol.sealed.result_nodes import ResultNode, node_key, open_children, open_node
from starburst._protocol.sealed.signing import verify
from starburst.aws.calls import MISSING, TAKEN, code_of, is_permanent, words_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.aws.write_once import put_new
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.worker.settings.timings import Timings

from .attempts import Attempts
from .cancelled import Cancelled
from .damage import read_again
from .functions import StoredFunctions
from .reading import Reader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["NoSuchChunk", "Store", "Unseen"]


_KEPT_CHUNKS: Final = 4
_KEPT_LEDGERS: Final = 4
_HINTED_BYTES: Final = 8 << 20
"""So much is read where a message says that it is; for more, the signed ledger is asked first."""

_LEDGER_BYTES: Final = 65_536
_START_BYTES: Final = (1 << 20) + 8192
"""The first segment of a sealed object, with what stands before it."""


class NoSuchChunk(Exception):
    """The session's client has signed no chunk of that name, or not yet."""


class Unseen(NoSuchChunk):
    """S3 refuses the pack of a chunk: it is not there, or a policy is on its way."""


class Store:
    """Reads what the session's client signed; writes results once.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: the session's data key, 32 bytes.
        public: the client's Ed25519 key, from the manifest, 32 bytes.
        timings: of the worker.
        clock: by which what it knows ages.

    Attributes:
        functions: of the session, and the files of their modules.
        attempts: what workers wrote down of ranges that they run.
        cancelled: which of the session's tasks were cancelled.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        keys: SessionKeys,
        key: bytes,
        public: bytes,
        timings: Timings | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._key = key
        self._public = public
        self._chunks: dict[str, tuple[Chunk, Buffer | None]] = {}
        self._ledgers: dict[str, dict[str, LedgerEntry]] = {}
        timings = timings or Timings()
        self._reader = Reader(s3, bucket, keys=keys, timings=timings, clock=clock)
        self.functions = StoredFunctions(self._reader, keys=keys, key=key, public=public)
        absent = self._reader.is_absent
        self.attempts = Attempts(s3, bucket, keys=keys, key=key, absent=absent)
        self.cancelled = Cancelled(
            s3,
            bucket,
            keys=keys,
            key=key,
            public=public,
            fresh_seconds=timings.cancel_list_seconds,
            absent=absent,
            clock=clock,
        )

    def object(self, name: str) -> Buffer:
        """Return what tasks share under a name, verified."""
        return read_again(lambda: self._read_object(name))

    def _read_object(self, name: str) -> Buffer:
        signed = self._reader.promised(self._keys.functions + name, f"object {name}")
        sealed = verify(signed, public=self._public)
        return unseal(sealed, key=self._key, expect=object_header(self._keys.session, name))

    def preparation(self) -> Preparation:
        """Return what the client wants each process to begin with, verified."""
        return read_again(self._read_preparation)

    def _read_preparation(self) -> Preparation:
        key = preparation_key(self._keys)
        return Preparation.open(
            self._reader.promised(key, "what the session's processes begin with"),
            session=self._keys.session,
            key=self._key,
            public=self._public,
        )

    def chunk(self, message: ChunkMessage) -> tuple[Chunk, ChunkMessage]:
        """Return the chunk that a message leases, verified, and the message without false hints.

        What the message says of it is tried first. Where that fails, the ledger that the client
        signed says where the chunk is, so that no hint decides what becomes of a task.

        Raises:
            NoSuchChunk: there is no such chunk; nothing may be committed for it. Unseen, where its
                pack may be refused for now.
            IntegrityError: it is there, and damaged.
        """
        if message.chunk not in self._chunks:
            found = self._find(message)
            while len(self._chunks) >= _KEPT_CHUNKS:
                self._chunks.pop(next(iter(self._chunks)))
            self._chunks[message.chunk] = found
        chunk, copy = self._chunks[message.chunk]
        return chunk, message if message.inline == copy else replace(message, inline=None)

    def _find(self, message: ChunkMessage) -> tuple[Chunk, Buffer | None]:
        """Return the chunk, and the copy of it in the message where that is a true one."""
        for copy in self._hinted(message):
            with suppress(IntegrityError):
                chunk = self._open(message.chunk, copy)
                return chunk, copy if copy is message.inline else None
        entry = self.ledger(message.pack).get(message.chunk)
        if entry is None:
            raise NoSuchChunk(f"the client signed no chunk {message.chunk}")
        key, what = pack_key(self._keys, message.pack), f"the pack of chunk {message.chunk}"
        span = entry.offset, entry.length

        def read() -> Chunk:
            return self._open(message.chunk, self._reader.promised(key, what, span))

        return read_again(read), None

    def _hinted(self, message: ChunkMessage) -> Iterator[Buffer]:
        if message.inline is not None:
            yield message.inline
        if message.length > _HINTED_BYTES:
            return
        try:
            part = self._part(message)
        except ClientError as error:
            if not is_permanent(error):
                raise
        else:
            if part is not None:
                yield part

    def _part(self, message: ChunkMessage) -> bytes | None:
        key, span = pack_key(self._keys, message.pack), (message.offset, message.length)
        return self._reader.get(key, span)

    def ledger(self, pack: str) -> dict[str, LedgerEntry]:
        """Return the chunks of a pack by name, as the client signed them.

        Raises:
            NoSuchChunk: there is no such pack; Unseen, where it may be refused for now.
            IntegrityError: it is there, and damaged.
        """
        held = self._ledgers.get(pack)
        if held is None:
            ledger = read_again(lambda: self._read_ledger(pack))
            held = {entry.name: entry for entry in ledger.entries}
            while len(self._ledgers) >= _KEPT_LEDGERS:
                self._ledgers.pop(next(iter(self._ledgers)))
            self._ledgers[pack] = held
        return held

    def _read_ledger(self, pack: str) -> Ledger:
        length = _LEDGER_BYTES
        while True:
            try:
                start = self._reader.fetch(pack_key(self._keys, pack), (0, length))
            except ClientError as error:
                if is_permanent(error):
                    raise IntegrityError(
                        f"pack {pack} cannot be read: {words_of(error)}"
                    ) from error
                if not self._reader.is_absent(error):
                    raise
                kind = NoSuchChunk if code_of(error) in MISSING else Unseen
                raise kind(f"the session has no pack {pack}") from error
            found = open_ledger(
                start, pack=pack, session=self._keys.session, key=self._key, public=self._public
            )
            if isinstance(found, Ledger):
                return found
            if found <= length:
                raise IntegrityError(f"pack {pack} is cut short")
            length = found

    def _open(self, name: str, signed: Buffer) -> Chunk:
        return open_chunk(
            signed, name=name, session=self._keys.session, key=self._key, public=self._public
        )

    def node(self, chunk: str, lo: int, hi: int) -> ResultNode | None:
        """Return the committed node of a range, verified; None where there is none."""
        return read_again(lambda: self._read_node(chunk, lo, hi))

    def _read_node(self, chunk: str, lo: int, hi: int) -> ResultNode | None:
        try:
            sealed = self._reader.get(node_key(self._keys, chunk, lo=lo, hi=hi))
        except ClientError as error:
            if is_permanent(error):
                raise _unreadable(chunk, lo, hi, error) from error
            raise
        if sealed is None:
            return None
        return open_node(
            sealed, session=self._keys.session, chunk=chunk, lo=lo, hi=hi, key=self._key
        )

    def children(self, chunk: str, lo: int, hi: int) -> tuple[tuple[int, int], ...] | None:
        """Return what the committed node of a range handed on; None where there is no node.

        Reads the node's beginning, and all of it only where its table is longer.

        Raises:
            IntegrityError: what stands there is no worker's.
        """
        return read_again(lambda: self._read_children(chunk, lo, hi))

    def _read_children(self, chunk: str, lo: int, hi: int) -> tuple[tuple[int, int], ...] | None:
        try:
            answer = self._s3.get_object(
                Bucket=self._bucket,
                Key=node_key(self._keys, chunk, lo=lo, hi=hi),
                Range=f"bytes=0-{_START_BYTES - 1}",
            )
        except ClientError as error:
            if self._reader.is_absent(error):
                return None
            if is_permanent(error):  # as of an empty object, which has no bytes to ask for
                raise _unreadable(chunk, lo, hi, error) from error
            raise
        found = open_children(
            answer["Body"].read(),
            nbytes=int(answer["ContentRange"].rpartition("/")[2]),
            session=self._keys.session,
            chunk=chunk,
            lo=lo,
            hi=hi,
            key=self._key,
        )
        if found is not None:
            return found
        node = self._read_node(chunk, lo, hi)
        return None if node is None else node.children

    def stands(self, chunk: str, lo: int, hi: int) -> bool:
        """Whether anything stands where the node of a range belongs."""
        try:
            self._s3.head_object(Bucket=self._bucket, Key=node_key(self._keys, chunk, lo=lo, hi=hi))
        except ClientError as error:
            if self._reader.is_absent(error):
                return False
            raise
        return True

    def commit(self, chunk: str, node: ResultNode, *, attempt: int) -> ResultNode:
        """Write a node once.

        Returns:
            the node that stands: this one, or the one that was there first.

        Raises:
            IntegrityError: what stands there is no worker's.
        """
        sealed = node.seal(session=self._keys.session, chunk=chunk, key=self._key, attempt=attempt)
        try:
            key = node_key(self._keys, chunk, lo=node.lo, hi=node.hi)
            put_new(self._s3, self._bucket, key, body=sealed)
        except ClientError as error:
            if code_of(error) not in TAKEN:
                raise
            standing = self.node(chunk, node.lo, node.hi)
            if standing is None:  # S3 has just said that it is there
                raise
            return standing
        return node

    def missing(self, what: str) -> IntegrityError:
        """Return the error for what is not there: the session may be gone, or was tampered with."""
        return self._reader.missing(what)


def _unreadable(chunk: str, lo: int, hi: int, error: ClientError) -> IntegrityError:
    return IntegrityError(f"result {chunk}/{lo}-{hi} cannot be read: {words_of(error)}")
