"""Notes of what the controller did to S3 and SQS: its records and statuses are read at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starburst.contract import CONTROL_PREFIX, SessionKeys
from starburst.controller.state.sessions import Record

from .notes import Notes, What

__all__ = ["note_controller"]

_RECORDS = (f"{CONTROL_PREFIX}active/", f"{CONTROL_PREFIX}ended/")


def note_controller(notes: Notes, name: str, words: Mapping[str, Any]) -> None:
    """Note one call of the controller that took effect.

    Args:
        notes: of the run.
        name: of the client's method.
        words: its parameters.
    """
    match name:
        case "put_object":
            _note_put(notes, words)
        case "create_queue":
            _note_queue(notes, What.QUEUE_MADE, words["QueueName"])
        case "delete_queue":
            _note_queue(notes, What.QUEUE_GONE, words["QueueUrl"])


def _note_put(notes: Notes, words: Mapping[str, Any]) -> None:
    key, body = words["Key"], words["Body"]
    only_if = words.get("IfMatch", words.get("IfNoneMatch", ""))
    if key.startswith(_RECORDS):
        record = Record.from_json(body)
        session, state = record.session, record.state
    else:
        record, keys = None, SessionKeys.parse(key)
        session = keys.session if keys else ""
        state = json.loads(body)["state"] if key.endswith("/status.json") else ""
    notes.add(
        notes.who,
        What.PUT,
        session=session,
        key=key,
        record=record,
        state=state,
        only_if=only_if,
    )


def _note_queue(notes: Notes, what: What, queue: str) -> None:
    notes.add(notes.who, what, session=queue.rpartition("-")[2], key=queue)
