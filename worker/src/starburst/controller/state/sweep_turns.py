"""Whose turn it is to sweep: of many that are asked at once, exactly one begins.

The turn is a small record, changed by compare-and-set before the sweep begins. One that dies in the
middle keeps no other waiting for longer than its turn is fresh.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from typing import Final

from starburst.contract import CONTROL_PREFIX, PROTOCOL
from starburst.untrusted.strict_json import Moment, fill, read_object

from .documents import Conflict, Documents
from .environment import Environment

__all__ = ["Turns"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """When the last one began, whose it was, and the ETag that the next must match."""

    began: Moment = 0
    claim: str = ""
    etag: str | None = None


class Turns:
    """The turns of one environment. Where one container sweeps on and on, each costs one PUT.

    Args:
        environment: in which it acts.
    """

    def __init__(self, environment: Environment) -> None:
        self._clock = environment.clock
        self._documents = Documents(environment)
        self._last: dict[str, _Turn] = {}

    def take(self, kind: str, *, fresh: float) -> float | None:
        """Take the turn and return None, or how many seconds ago another took it.

        Args:
            kind: of sweep; each has its own turns.
            fresh: a turn keeps others out for so many seconds.
        """
        claim = uuid.uuid4().hex
        for known in (self._last.pop(kind, None), None):
            last = known or self._read(kind)
            # The answer to our own write may have been lost, and the SDK's second try outrun by it.
            if last.claim != claim:
                # Two clocks differ a little; one that is far ahead must not keep us out.
                ago = self._clock() - last.began
                if abs(ago) < fresh:
                    self._last[kind] = last
                    return max(0.0, ago)
                try:
                    last = self._write(kind, claim, replaces=last.etag)
                except Conflict:
                    continue
            self._last[kind] = last
            return None
        return 0.0

    def _read(self, kind: str) -> _Turn:
        found = self._documents.read(_key(kind))
        if found is None:
            return _Turn()
        try:
            fields = read_object(found.body)
            fields.pop("protocol", None)
            return fill(_Turn, {**fields, "etag": found.etag})
        except ValueError:
            _LOG.exception("the record of the last %s is damaged and counts for nothing", kind)
            return _Turn(etag=found.etag)

    def _write(self, kind: str, claim: str, *, replaces: str | None) -> _Turn:
        began = self._clock()
        body = json.dumps({"protocol": PROTOCOL, "began": began, "claim": claim}).encode()
        etag = self._documents.write(_key(kind), body, replaces=replaces)
        return _Turn(began=began, claim=claim, etag=etag)


def _key(kind: str) -> str:
    return f"{CONTROL_PREFIX}turns/{kind}.json"
