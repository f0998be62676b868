"""A session's objects, seen from one worker: functions and chunks in, result nodes out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from starburst.aws import ABSENT, TAKEN, code_of
from starburst.chunks import Chunk, ChunkMessage, function_header, open_chunk, pack_key
from starburst.contract import SessionKeys
from starburst.envelope import Buffer, unseal
from starburst.errors import IntegrityError
from starburst.result_nodes import ResultNode, node_key, open_node
from starburst.signing import verify

from .cancelled import Cancelled

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Store"]


_KEPT_CHUNKS: Final = 4
_READS: Final = 3
"""What arrives damaged is read again: only what stays damaged is damaged in S3."""

_T = TypeVar("_T")


class Store:
    """Reads what the session's client signed; writes results once.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: the session's data key, 32 bytes.
        public: the client's Ed25519 key, from the manifest.

    Attributes:
        cancelled: which of the session's tasks were cancelled.
    """

    def __init__(
        self, s3: S3Client, bucket: str, *, keys: SessionKeys, key: bytes, public: bytes
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._key = key
        self._public = public
        self._chunks: dict[str, Chunk] = {}
        self.cancelled = Cancelled(s3, bucket, keys=keys, key=key, public=public)

    def function(self, name: str) -> Buffer:
        """Return a function's pickle, verified."""
        return _insist(lambda: self._read_function(name))

    def _read_function(self, name: str) -> Buffer:
        signed = self._get(self._keys.functions + name)
        if signed is None:
            raise IntegrityError(f"function {name} is missing from the session")
        sealed = verify(signed, public=self._public)
        return unseal(sealed, key=self._key, expect=function_header(self._keys.session, name))

    def chunk(self, message: ChunkMessage) -> Chunk:
        """Return the chunk that a message leases, verified.

        The copy in the message is a convenience: one that fails gives way to the pack in S3.
        """
        held = self._chunks.get(message.chunk)
        if held is not None:
            return held
        copies = self._copies(message)
        chunk = _insist(lambda: self._open(message.chunk, next(copies)))
        while len(self._chunks) >= _KEPT_CHUNKS:
            self._chunks.pop(next(iter(self._chunks)))
        self._chunks[message.chunk] = chunk
        return chunk

    def _copies(self, message: ChunkMessage) -> Iterator[Buffer | None]:
        if message.inline is not None:
            yield message.inline
        span = f"bytes={message.offset}-{message.offset + message.length - 1}"
        while True:
            yield self._get(pack_key(self._keys, message.pack), span=span)

    def _open(self, name: str, signed: Buffer | None) -> Chunk:
        if signed is None:
            raise IntegrityError(f"the pack of chunk {name} is missing from the session")
        return open_chunk(
            signed, name=name, session=self._keys.session, key=self._key, public=self._public
        )

    def node(self, chunk: str, lo: int, hi: int) -> ResultNode | None:
        """Return the committed node of a range, verified; None where there is none."""
        return _insist(lambda: self._read_node(chunk, lo, hi))

    def _read_node(self, chunk: str, lo: int, hi: int) -> ResultNode | None:
        sealed = self._get(node_key(self._keys, chunk, lo=lo, hi=hi))
        if sealed is None:
            return None
        return open_node(
            sealed, session=self._keys.session, chunk=chunk, lo=lo, hi=hi, key=self._key
        )

    def stands(self, chunk: str, lo: int, hi: int) -> bool:
        """Whether anything stands where the node of a range belongs."""
        return self._get(node_key(self._keys, chunk, lo=lo, hi=hi), span="bytes=0-0") is not None

    def commit(self, chunk: str, node: ResultNode, *, attempt: int) -> ResultNode:
        """Write a node once.

        Returns:
            the node that stands: this one, or the one that was there first.

        Raises:
            IntegrityError: what stands there is no worker's.
        """
        sealed = node.seal(session=self._keys.session, chunk=chunk, key=self._key, attempt=attempt)
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=node_key(self._keys, chunk, lo=node.lo, hi=node.hi),
                Body=io.BytesIO(sealed),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if code_of(error) not in TAKEN:
                raise
            standing = self.node(chunk, node.lo, node.hi)
            if standing is None:
                raise IntegrityError(
                    f"result {chunk}/{node.lo}-{node.hi} exists but cannot be read"
                ) from error
            return standing
        return node

    def _get(self, key: str, *, span: str | None = None) -> bytes | None:
        try:
            if span is None:
                response = self._s3.get_object(Bucket=self._bucket, Key=key)
            else:
                response = self._s3.get_object(Bucket=self._bucket, Key=key, Range=span)
            return response["Body"].read()
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise


def _insist(read: Callable[[], _T]) -> _T:
    for _ in range(_READS - 1):
        with suppress(IntegrityError):
            return read()
    return read()
