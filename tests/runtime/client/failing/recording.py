"""All that a client asks of AWS, in order; and what must be there before something else is done."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from starburst._client.access.connection import Connection
from starburst.contract import SessionKeys

__all__ = ["Call", "Recorder", "disorder"]

_READS = ("get_object", "list_objects_v2", "list_object_versions", "get_queue_url", "get_paginator")


@dataclasses.dataclass(frozen=True)
class Call:
    """One call that was made.

    Attributes:
        name: boto3's name of it.
        words: its arguments.
        failed: whether AWS refused it.
    """

    name: str
    words: dict[str, Any]
    failed: bool = False

    @property
    def what(self) -> str:
        """Say in a few words what it does, as the tests here name effects."""
        match self.name:
            case "put_object":
                return f"put {_kind(self.words['Key'], self.words['Body'])}"
            case "invoke":
                return f"ask {json.loads(self.words['Payload'])['action']}"
            case "send_message_batch":
                return "send"
            case "delete_message_batch":
                return "take out"
            case "delete_objects" | "delete_object":
                return "erase"
        return self.name

    @property
    def named(self) -> Iterator[str]:
        """The effects that must have been before this one: what it names, or makes final."""
        match self.what:
            case "ask start" | "ask refresh" | "ask extend" | "ask stop" as asked:
                yield f"put request to {asked.removeprefix('ask ')}"
                yield "put manifest"
            case "send":
                for entry in self.words["Entries"]:
                    yield f"put {json.loads(entry['MessageBody'])['at'][0]}"
                yield "put function"
            case "take out":
                yield "put cancelled"
            case "erase":
                yield "ask stop"


def _kind(key: str, body: Any) -> str:
    """Return what an object is by its key below its session; packs have names of their own."""
    keys = SessionKeys.parse(key)
    assert keys is not None, key
    area, _, name = key.removeprefix(keys.prefix).partition("/")
    match area:
        case "inputs":
            return name
        case "functions":
            return "function"
        case "requests" if name == "report":
            return name
        case "requests":
            return f"request to {json.loads(body)['action']}"
    return area.removesuffix(".json")


def disorder(calls: Sequence[Call]) -> list[str]:
    """Return what was done out of order; nothing where all is well.

    What a call names is done before it, and nothing is stored or sent once objects are erased.
    """
    done: set[str] = set()
    found = []
    for call in calls:
        if "erase" in done and call.what.startswith(("put", "send")):
            found.append(f"{call.what} after the end")
        found += [f"{call.what} before {need}" for need in call.named if need not in done]
        if not call.failed:
            done.add(call.what)
    return found


class Recorder:
    """Stands before an analyst's clients, and notes what is asked of them.

    Attributes:
        calls: those that change something, in order, as they ended.
        judge: asked before each; returns an error that the call is to meet, or None.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.judge: Callable[[Call], BaseException | None] = lambda _: None
        self._lock = threading.Lock()

    def over(self, connection: Connection) -> Connection:
        """Return a connection whose calls are noted here."""
        names = ("s3", "sqs", "functions")
        made: dict[str, Any] = {name: _Client(getattr(connection, name), self) for name in names}
        return dataclasses.replace(connection, **made)

    @property
    def done(self) -> list[str]:
        """What was done, in order."""
        return [call.what for call in self.calls if not call.failed]

    def call(self, name: str, make: Callable[..., Any], words: dict[str, Any]) -> Any:
        """Make a call, and note how it ended."""
        asked = Call(name, words)
        error = self.judge(asked)
        try:
            if error is not None:
                raise error
            answer = make(**words)
        except BaseException:
            self._note(dataclasses.replace(asked, failed=True))
            raise
        self._note(asked)
        return answer

    def _note(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)


class _Client:
    def __init__(self, client: Any, recorder: Recorder) -> None:
        self._client = client
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._client, name)
        if name in _READS or not callable(made):
            return made
        return lambda **words: self._recorder.call(name, made, words)
