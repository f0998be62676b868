"""What workers do to the world, in order: one record of every call, log line and run of tasks.

A call has two moments, for two of them may be under way at once: what must come first has to have
ended before the other begins. :mod:`tests.runtime.protocol_order` says what must come first.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from unittest import mock

from botocore.exceptions import ClientError

from starburst._protocol.sealed.cancel_list import cancel_key, open_cancel_list
from starburst._protocol.sealed.result_nodes import open_node, parse_node_key
from starburst.aws.calls import code_of
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.worker.leases.lease import Lease
from starburst.worker.ranges import Ranges

__all__ = ["NEVER", "Effect", "Effects", "Hands", "listening"]

NEVER: Final = sys.maxsize
"""The moment of what has not ended."""

_CALLS: Final = {
    "put_object": "put",
    "get_object": "get",
    "head_object": "head",
    "receive_message": "receive",
    "send_message_batch": "send",
    "delete_message": "delete",
    "change_message_visibility": "extend",
}


@dataclass(kw_only=True)
class Effect:
    """One thing that a worker did.

    Attributes:
        who: the worker's name.
        session: whose worker it is.
        what: ``put``, ``get``, ``head``, ``receive``, ``send``, ``delete``, ``extend``, ``log``,
            ``run`` or ``end``.
        facts: what it was done with, and what came of it.
        began: its place in the order of all that begins and ends.
        ended: likewise; NEVER while it is under way.
        at: when it began, by the recorder's clock.
        until: when it ended, likewise.
        error: why it failed: AWS's code, or the exception's name; empty where it did not.
    """

    who: str
    session: str
    what: str
    facts: dict[str, Any]
    began: int
    at: float
    ended: int = NEVER
    until: float = float("inf")
    error: str = ""


@dataclass
class Effects:
    """The record of all workers that share it.

    Args:
        now: seconds, by the clock that the workers have.

    Attributes:
        all: in the order in which they began.
    """

    now: Callable[[], float] = time.monotonic
    all: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._moments = itertools.count()

    def hands(self, who: str, keys: SessionKeys, *, key: bytes, public: bytes) -> Hands:
        """Return what notes the effects of one worker.

        Args:
            who: its name.
            keys: its session.
            key: the session's data key.
            public: the client's public key.
        """
        return Hands(self, who, keys, key=key, public=public)

    def begin(self, who: str, session: str, what: str, facts: dict[str, Any]) -> Effect:
        """Record that something begins."""
        effect = Effect(
            who=who,
            session=session,
            what=what,
            facts=facts,
            began=next(self._moments),
            at=self.now(),
        )
        self.all.append(effect)
        return effect

    def end(self, effect: Effect, error: BaseException | None = None, **facts: Any) -> None:
        """Record that it has ended, and how."""
        effect.facts.update(facts)
        if error is not None:
            code = code_of(error) if isinstance(error, ClientError) else ""
            effect.error = code or type(error).__name__
        effect.until = self.now()
        effect.ended = next(self._moments)

    def of(self, *what: str) -> list[Effect]:
        """Return those of some kinds."""
        return [effect for effect in list(self.all) if effect.what in what]


class Hands:
    """One worker's hands: what passes through them is recorded."""

    def __init__(
        self, effects: Effects, who: str, keys: SessionKeys, *, key: bytes, public: bytes
    ) -> None:
        self.effects, self.who, self.keys = effects, who, keys
        self._key, self._public = key, public

    def client(self, client: Any) -> Any:
        """Return an AWS client whose calls are recorded."""
        return _Recorded(client, self)

    def ranges(self, ranges: type[Ranges]) -> type[Ranges]:
        """Return a class whose ranges are recorded when their tasks are given to the child."""
        hands = self

        class Watched(ranges):  # type: ignore[valid-type, misc]
            def range_run(self, lease: Lease, chunk: Any) -> Any:
                run: Any = super().range_run(lease, chunk)
                if chunk is not None:
                    start, told = run.child, hands.runs(lease, chunk)
                    run.child = lambda: _WatchedChild(start(), told)
                return run

        return Watched

    def runs(self, lease: Lease, chunk: Any) -> Callable[[dict[str, Any], int], None]:
        """Return what notes that a child gets tasks of a leased range."""

        def told(header: dict[str, Any], count: int) -> None:
            if header["do"] == "run":
                lo = header["lo"]
                facts = {"chunk": chunk.name, "first": chunk.first, "receipt": lease.receipt}
                self.note("run", {**facts, "lo": lo, "hi": lo + count})

        return told

    def begin(self, what: str, facts: dict[str, Any]) -> Effect:
        """Record that this worker begins something."""
        _AT.hands = self
        return self.effects.begin(self.who, self.keys.session, what, facts)

    def note(self, what: str, facts: dict[str, Any] | None = None) -> None:
        """Record what takes no time."""
        self.effects.end(self.begin(what, facts or {}))

    def node(self, key: str, body: Any) -> dict[str, Any]:
        """Return what a sealed node says, where it is one."""
        place = parse_node_key(self.keys, key)
        if place is None:
            return {}
        chunk, lo, hi = place
        facts: dict[str, Any] = {"range": place}
        with contextlib.suppress(IntegrityError):
            node = open_node(
                body, session=self.keys.session, chunk=chunk, lo=lo, hi=hi, key=self._key
            )
            facts["children"] = tuple((chunk, *child) for child in node.children)
        return facts

    def cancels(self, key: str, body: bytes) -> dict[str, Any]:
        """Return what a cancel list says, where it is one."""
        if key != cancel_key(self.keys):
            return {}
        with contextlib.suppress(IntegrityError):
            return {
                "cancelled": open_cancel_list(
                    body, session=self.keys.session, key=self._key, public=self._public
                )
            }
        return {}


class _Recorded:
    def __init__(self, client: Any, hands: Hands) -> None:
        self._client, self._hands = client, hands

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in _CALLS:
            return call
        what, hands = _CALLS[name], self._hands

        def recorded(**words: Any) -> Any:
            effect = hands.begin(what, _asked(what, words, hands))
            try:
                answer = call(**words)
            except BaseException as error:
                hands.effects.end(effect, error)
                raise
            hands.effects.end(effect, **_answered(what, words, answer, hands))
            return answer

        return recorded


def _asked(what: str, words: dict[str, Any], hands: Hands) -> dict[str, Any]:
    """Return what is worth keeping of a request."""
    if what == "put":
        body = words["Body"]
        data = body.getvalue() if isinstance(body, io.BytesIO) else body
        free = words.get("IfNoneMatch") == "*"
        return {"key": words["Key"], "free": free, **hands.node(words["Key"], data)}
    if what in ("get", "head"):
        place = parse_node_key(hands.keys, words["Key"])
        return {"key": words["Key"], **({} if place is None else {"range": place})}
    if what == "extend":
        return {"receipt": words["ReceiptHandle"], "seconds": words["VisibilityTimeout"]}
    if what == "delete":
        return {"receipt": words["ReceiptHandle"]}
    return {}


def _answered(what: str, words: dict[str, Any], answer: Any, hands: Hands) -> dict[str, Any]:
    """Return what is worth keeping of an answer."""
    if what == "receive":
        return {
            "messages": [
                (
                    raw["ReceiptHandle"],
                    raw["Body"],
                    int(raw.get("Attributes", {}).get("ApproximateReceiveCount", "1")),
                )
                for raw in answer.get("Messages", [])
            ]
        }
    if what == "send":
        refused = {entry["Id"] for entry in answer.get("Failed", [])}
        return {
            "bodies": [
                entry["MessageBody"] for entry in words["Entries"] if entry["Id"] not in refused
            ]
        }
    key = words.get("Key", "")
    whole = what == "get" and "Range" not in words
    if whole and (parse_node_key(hands.keys, key) or key == cancel_key(hands.keys)):
        body = answer["Body"].read()
        answer["Body"] = io.BytesIO(body)
        return {**hands.node(key, body), **hands.cancels(key, body)}
    return {}


class _WatchedChild:
    """A child of which it is known what it is told to run."""

    def __init__(self, child: Any, told: Callable[[dict[str, Any], int], None]) -> None:
        self._child, self._told = child, told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._child, name)

    def send(self, header: dict[str, Any], buffers: Any) -> None:
        self._told(header, len(buffers))
        self._child.send(header, buffers)


_AT = threading.local()
"""Whose hands a thread has last used: the lines that it writes are that worker's."""


class _Tee:
    """A worker's way to its log, along which the lines are recorded."""

    @property
    def stdout(self) -> _Tee:
        return self

    def write(self, text: str) -> None:
        sys.stdout.write(text)
        hands: Hands | None = getattr(_AT, "hands", None)
        if hands is not None:
            hands.note("log", json.loads(text))

    def flush(self) -> None:
        sys.stdout.flush()


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Record what workers log meanwhile."""
    _AT.__dict__.clear()
    with mock.patch("starburst.worker.logs.log.sys", _Tee()):
        yield
