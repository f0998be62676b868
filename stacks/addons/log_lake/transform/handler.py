"""What Firehose calls before it writes: each record becomes OCSF events, or is set aside whole.

A record holds one batch of log lines, compressed, as CloudWatch Logs sends them, or one event of
EventBridge. Its answer holds an event for each line, one JSON object after the other, which is how
Firehose's format conversion takes several. Nothing is dropped: what cannot be read, or would make
the answer larger than Lambda returns, comes back as failed, and Firehose keeps it below ``errors/``
as it was.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from ocsf_events import Unreadable, flow, line, task

__all__ = ["MOST_BYTES", "MOST_UNPACKED", "handle"]

MOST_BYTES: Final = 5_500_000
"""Of an answer, in base64; Lambda returns 6 MB at most, and the rest of it needs room."""

MOST_UNPACKED: Final = 30_000_000
"""Of one record's lines, unpacked. A batch is of 1 MB at most, which may hold a thousand times."""

_MALFORMED: Final = (Unreadable, AttributeError, LookupError, TypeError, ValueError)
"""What a record that is not what its sender writes makes of the code that reads it."""

Event = dict[str, Any]


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer a call of Firehose: every record by its id, transformed, dropped or failed.

    Args:
        event: ``deliveryStreamArn`` says which events these become.
        context: of the call.
    """
    del context
    make = _KINDS[event["deliveryStreamArn"].rpartition("-")[2]]
    room, answers = MOST_BYTES, []
    for record in event["records"]:
        answer = _answer(record, make, room)
        room -= len(answer.get("data", "")) if answer["result"] == "Ok" else 0
        answers.append(answer)
    failed = sum(answer["result"] == "ProcessingFailed" for answer in answers)
    if failed:
        said = {"event": "lake-records-set-aside", "records": failed, "of": len(answers)}
        print(json.dumps(said))
    return {"records": answers}


def _answer(
    record: Mapping[str, str], make: Callable[[bytes], list[Event]], room: int
) -> dict[str, str]:
    try:
        events = make(base64.b64decode(record["data"], validate=True))
    except _MALFORMED:
        return {"recordId": record["recordId"], "result": "ProcessingFailed"} | _kept(record)
    if not events:
        return {"recordId": record["recordId"], "result": "Dropped"} | _kept(record)
    text = "\n".join(json.dumps(one, separators=(",", ":")) for one in events)
    data = base64.b64encode(f"{text}\n".encode()).decode()
    if len(data) > room:
        return {"recordId": record["recordId"], "result": "ProcessingFailed"} | _kept(record)
    return {"recordId": record["recordId"], "result": "Ok", "data": data}


def _kept(record: Mapping[str, str]) -> dict[str, str]:
    return {"data": record["data"]}


def _lines(
    make: Callable[[Mapping[str, Any], Mapping[str, Any]], Event | None],
) -> Callable[[bytes], list[Event]]:
    def batch(data: bytes) -> list[Event]:
        sent = _read(_unpacked(data))
        if sent.get("messageType") != "DATA_MESSAGE":  # CloudWatch Logs asks whether one is there
            return []
        made = (make(sent, each) for each in sent["logEvents"])
        return [one for one in made if one is not None]

    return batch


def _one(data: bytes) -> list[Event]:
    return [task(_read(data))]


def _unpacked(data: bytes) -> bytes:
    """Return what a batch holds; refuse one that unpacks to more than there is room for."""
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpack.decompress(data, MOST_UNPACKED)
    except zlib.error as error:
        raise Unreadable("the batch is not gzip") from error
    if not unpack.eof:
        raise Unreadable("the batch is cut short, or unpacks to too much")
    return text


def _read(data: bytes) -> Event:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no JSON") from error
    if not isinstance(found, dict):
        raise Unreadable("it is no object")
    return found


_KINDS: Final[Mapping[str, Callable[[bytes], list[Event]]]] = {
    "flows": _lines(flow),
    "lines": _lines(line),
    "tasks": _one,
}
