"""Damage in S3 that stays, and that no retry repairs."""

from __future__ import annotations

from typing import Any, Final

from starburst._client.session import Session
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_key
from tests.runtime.fleet import BUCKET
from tests.session_internals import chunks, data_key

from .faulty import CANARY

__all__ = ["damage"]

_DAMAGED_CHUNK: Final = 1


def damage(session: Session, how: str, s3: Any) -> range:
    """Damage what the plan says; return the numbers of the tasks that it costs."""
    if not how:
        return range(0)
    entry = list(chunks(session).values())[_DAMAGED_CHUNK]
    keys = session.manifest.keys
    if how == "input":
        place = keys.inputs + entry.name.partition("-")[0]
        body = bytearray(s3.get_object(Bucket=BUCKET, Key=place)["Body"].read())
        body[entry.offset + entry.length // 2] ^= 1
        s3.put_object(Bucket=BUCKET, Key=place, Body=bytes(body))
    else:
        key = node_key(keys, entry.name, lo=0, hi=entry.tasks)
        s3.put_object(Bucket=BUCKET, Key=key, Body=_wrong_node(session, how, tasks=entry.tasks))
    return range(entry.first, entry.first + entry.tasks)


def _wrong_node(session: Session, how: str, *, tasks: int) -> bytes:
    """Return what is no result of the range: forged, cut, or of another range or session."""
    if how == "forged":
        return b"\x80\x04" + CANARY * 20
    node = ResultNode(
        lo=0,
        hi=tasks,
        covered=tasks,
        children=(),
        batches=[Batch(first=0, count=tasks, format="data", parts=[CANARY])],
        failures={},
    )
    chunk = list(chunks(session))[_DAMAGED_CHUNK]
    sealed = node.seal(
        session="z" * 20 if how == "replayed" else session.id,
        chunk="p000001-00099" if how == "swapped" else chunk,
        key=data_key(session),
        attempt=1,
    )
    return bytes(sealed[: len(sealed) // 2] if how == "cut" else sealed)
