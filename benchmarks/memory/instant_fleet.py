"""AWS and a fleet inside the client's process: whatever is sent has its result at once.

For what a client itself takes, in memory and in CPU time, with millions of tasks. Keys, packs,
messages and result nodes are real, sealed and signed; what a worker does with a range is not: each
task's result is its number. Nothing is kept but where each chunk begins.
"""

from __future__ import annotations

import bisect
import io
import json
from typing import Any

from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._codec import encode_batch
from starburst._protocol.sealed.chunks import ChunkMessage, Ledger, open_ledger
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_key, parse_node_key
from starburst._protocol.sealed.signing import SigningKey
from starburst.contract import Limits, RuntimeDocument, SessionKeys
from starburst.contract.runtime_document import WorkspaceDocument

__all__ = ["InstantFleet"]

_KEY = bytes(32)


class InstantFleet:
    """What a connection calls; all four services are this one.

    Attributes:
        connection: to give to ``environment=``.
        works: whether there are workers.
        asked: what was asked of the controller, in order.
    """

    def __init__(self, *, python: str) -> None:
        aws: Any = self
        self.connection = Connection(
            document=RuntimeDocument(
                environment="instant",
                account="1" * 12,
                region="eu-west-1",
                bucket="bucket",
                key_arn="arn:aws:kms:eu-west-1:111111111111:key/1",
                controller="controller",
                python=python,
                architecture="x86_64",
                workspaces={"study": _workspace()},
            ),
            workspace="study",
            user="alice",
            s3=aws,
            sqs=aws,
            kms=aws,
            functions=aws,
        )
        self._signing = b""
        self._stored: dict[str, bytes] = {}
        self._firsts: dict[str, int] = {}
        self._results: list[str] = []
        self._keys: SessionKeys | None = None
        self.works = True
        self.asked: list[str] = []

    @property
    def session(self) -> str:
        """Id of the session that was asked for last."""
        return self._of.session

    # KMS and Lambda.

    def generate_data_key(self, **_: Any) -> dict[str, bytes]:
        """Make the data key, the same one always."""
        return {"Plaintext": _KEY, "CiphertextBlob": b"data"}

    def encrypt(self, *, Plaintext: bytes, **_: Any) -> dict[str, bytes]:
        """Remember the signing key."""
        self._signing = Plaintext
        return {"CiphertextBlob": b"signing"}

    def decrypt(self, *, CiphertextBlob: bytes, **_: Any) -> dict[str, bytes]:
        """Return either key."""
        return {"Plaintext": _KEY if CiphertextBlob == b"data" else self._signing}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        """Grant whatever is asked of the controller."""
        request = json.loads(Payload)
        self._keys = SessionKeys.parse(request["key"])
        self.asked.append(request["action"])
        answer = {"ok": True, "queue_url": f"queue of {FunctionName}"}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    # S3.

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> dict[str, str]:
        """Keep a small object; of a pack, where its chunks begin."""
        name = Key.rpartition("/")[2]
        if name.startswith("p0"):
            self._open(Key, name, Body)
        else:
            self._stored[Key] = bytes(Body)
        return {"ETag": f'"{len(self._stored)}"'}

    def _open(self, key: str, pack: str, body: bytes) -> None:
        self._keys = SessionKeys.parse(key.rpartition("/inputs/")[0] + "/manifest.json")
        public = SigningKey.from_seed(self._signing).public
        ledger = open_ledger(body, pack=pack, session=self._of.session, key=_KEY, public=public)
        if isinstance(ledger, Ledger):
            self._firsts.update((entry.name, entry.first) for entry in ledger.entries)

    @property
    def _of(self) -> SessionKeys:
        if self._keys is None:
            raise RuntimeError("nothing has begun")
        return self._keys

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        """Return what is kept, or make the result that is asked for."""
        name = parse_node_key(self._of, Key) if self._keys else None
        if name is None:
            if Key not in self._stored:
                raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
            return {"Body": io.BytesIO(self._stored[Key]), "ETag": '"1"'}
        chunk, lo, hi = name
        first = self._firsts[chunk]
        encoded, _count = encode_batch(list(range(first + lo, first + hi)), mode="data")
        node = ResultNode(
            lo=lo,
            hi=hi,
            covered=hi,
            children=(),
            batches=[Batch(first=lo, count=hi - lo, format=encoded.format, parts=encoded.parts)],
            failures={},
        )
        sealed = node.seal(session=self._of.session, chunk=chunk, key=_KEY, attempt=1)
        return {"Body": io.BytesIO(bytes(sealed)), "ETag": '"1"'}

    def list_objects_v2(
        self,
        *,
        Prefix: str,
        MaxKeys: int,
        StartAfter: str = "",
        ContinuationToken: str = "",
        **_: Any,
    ) -> dict[str, Any]:
        """List results, page by page."""
        if Prefix in self._stored:
            return {"Contents": [{"Key": Prefix}]}
        begin = bisect.bisect_right(self._results, ContinuationToken or StartAfter)
        page = self._results[begin : begin + MaxKeys]
        more = begin + len(page) < len(self._results)
        return {
            "Contents": [{"Key": key} for key in page],
            "IsTruncated": more,
            "NextContinuationToken": page[-1] if more else "",
        }

    def get_paginator(self, _: str) -> InstantFleet:
        """Return what lists versions."""
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """There is nothing to erase: nothing was stored."""
        return []

    # SQS.

    def send_message_batch(self, *, Entries: list[Any], **_: Any) -> dict[str, Any]:
        """Have the result of each range at once."""
        for entry in Entries if self.works else ():
            lease = ChunkMessage.from_body(entry["MessageBody"])
            key = node_key(self._of, lease.chunk, lo=lease.lo, hi=lease.hi)
            bisect.insort(self._results, key)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def receive_message(self, **_: Any) -> dict[str, Any]:
        """Find the queue empty: what was sent was done."""
        return {}


def _workspace() -> WorkspaceDocument:
    return WorkspaceDocument(analyst_role_arn="", task_definition="", limits=Limits())
