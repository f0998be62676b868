"""A session's objects, seen from one worker: functions and chunks in, result nodes out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws import ABSENT, code_of
from starburst.chunks import Chunk, ChunkMessage, function_header, open_chunk, pack_key
from starburst.contract import SessionKeys
from starburst.envelope import Buffer, unseal
from starburst.errors import IntegrityError
from starburst.result_nodes import ResultNode, node_key, open_node
from starburst.signing import verify

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Store"]


_KEPT_CHUNKS: Final = 4


class Store:
    """Reads what the session's client signed; writes results once.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: the session's data key, 32 bytes.
        public: the client's Ed25519 key, from the manifest.
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

    def function(self, name: str) -> Buffer:
        """Return a function's pickle, verified."""
        signed = self._get(self._keys.functions + name)
        if signed is None:
            raise IntegrityError(f"function {name} is missing from the session")
        sealed = verify(signed, public=self._public)
        return unseal(sealed, key=self._key, expect=function_header(self._keys.session, name))

    def chunk(self, message: ChunkMessage) -> Chunk:
        """Return the chunk that a message leases, verified."""
        held = self._chunks.get(message.chunk)
        if held is not None:
            return held
        signed: Buffer | None = message.inline
        if signed is None:
            end = message.offset + message.length - 1
            span = f"bytes={message.offset}-{end}"
            signed = self._get(pack_key(self._keys, message.pack), span=span)
        if signed is None:
            raise IntegrityError(f"pack {message.pack} is missing from the session")
        chunk = open_chunk(
            signed,
            name=message.chunk,
            session=self._keys.session,
            key=self._key,
            public=self._public,
        )
        while len(self._chunks) >= _KEPT_CHUNKS:
            self._chunks.pop(next(iter(self._chunks)))
        self._chunks[message.chunk] = chunk
        return chunk

    def node(self, chunk: str, lo: int, hi: int) -> ResultNode | None:
        """Return the committed node of a range, verified; None where there is none."""
        sealed = self._get(node_key(self._keys, chunk, lo=lo, hi=hi))
        if sealed is None:
            return None
        return open_node(
            sealed, session=self._keys.session, chunk=chunk, lo=lo, hi=hi, key=self._key
        )

    def commit(self, chunk: str, node: ResultNode, *, attempt: int) -> ResultNode:
        """Write a node once.

        Returns:
            the node that stands: this one, or the one that was there first.
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
            if code_of(error) not in ("PreconditionFailed", "412"):
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
