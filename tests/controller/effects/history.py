"""Every effect of the controller in one list, in the order and at the time in which it was had.

Clients are wrapped: what an invocation asks of AWS is recorded, and what a test does itself is not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import code_of

__all__ = ["Effect", "History", "Interfere", "Lines"]

_NOW: Final[ContextVar[int | None]] = ContextVar("invocation", default=None)

Interfere = Callable[[str, Mapping[str, Any], Callable[[], Any]], Any]
"""Given a call, its words and what does it: does it, or fails before or after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One call of AWS, or one line of the log.

    Attributes:
        invocation: number of the one that made it.
        call: such as ``s3.put_object``, or ``log``.
        words: arguments of the call.
        at: the controller's clock when it was begun.
        began: how many effects had been had by then.
        refused: the code of AWS's refusal, or the type of another error; empty where it was done.
        answer: of AWS.
        happened: whether it was done, also where AWS's answer was lost.
        fleet: workers that are to run, before and after: of the call's session, or of all.
    """

    invocation: int
    call: str
    words: Mapping[str, Any]
    at: float
    began: int
    refused: str = ""
    answer: Any = None
    happened: bool = True
    fleet: tuple[int, int] = (0, 0)

    @property
    def key(self) -> str:
        """The S3 key, or nothing."""
        return str(self.words.get("Key", ""))

    @property
    def done(self) -> bool:
        """Whether AWS said that it was done."""
        return not self.refused


@dataclass(kw_only=True)
class History:
    """The effects of one test.

    Attributes:
        clock: of the controller.
        fleet: counts the workers of a session that are to run; of all where none is named.
        effects: in the order in which they were had.
        until: by invocation, when it had to be done.
        interfere: what happens to each call; None lets all be done.
    """

    clock: Callable[[], float]
    fleet: Callable[[str], int]
    effects: list[Effect] = field(default_factory=list)
    until: list[float] = field(default_factory=list)
    interfere: Interfere | None = None

    def client(self, service: str, real: Any) -> Any:
        """Return a client that does as ``real`` does, and records what invocations ask of it."""
        return _Recorded(self, service, real)

    @contextmanager
    def invocation(self, *, seconds: float) -> Iterator[None]:
        """An invocation that Lambda ends after so many seconds."""
        self.until.append(self.clock() + max(0.0, seconds - 10))
        token = _NOW.set(len(self.until) - 1)
        try:
            yield
        finally:
            _NOW.reset(token)

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """What a test does of its own within an invocation."""
        token = _NOW.set(None)
        try:
            yield
        finally:
            _NOW.reset(token)

    def log(self, level: str, message: str) -> None:
        """Record a line of the log."""
        invocation = _NOW.get()
        if invocation is not None:
            self._add(invocation, "log", {"level": level, "message": message}, began=None)

    def _call(self, call: str, words: Mapping[str, Any], do: Callable[[], Any]) -> Any:
        invocation = _NOW.get()
        if invocation is None:
            return do()
        began, at = len(self.effects), self.clock()
        session = str(words.get("startedBy", ""))
        refused, answer, happened, before = "", None, False, 0

        def done() -> Any:
            nonlocal answer, happened, began, at, before
            # Another invocation may have had its turn since.
            began, at = len(self.effects), self.clock()
            before = self.fleet(session)
            answer = do()
            happened = True
            return answer

        try:
            with self.unrecorded():
                if self.interfere is None:
                    return done()
                return self.interfere(call, words, done)
        except (ClientError, BotoCoreError) as error:
            refused = code_of(error) or type(error).__name__
            raise
        except BaseException as error:
            refused = type(error).__name__
            raise
        finally:
            fleet = (before, self.fleet(session))
            more = {"refused": refused, "answer": answer, "happened": happened, "fleet": fleet}
            self._add(invocation, call, words, began=began, at=at, **more)

    def _add(
        self,
        invocation: int,
        call: str,
        words: Mapping[str, Any],
        *,
        began: int | None,
        at: float | None = None,
        **more: Any,
    ) -> None:
        self.effects.append(
            Effect(
                invocation=invocation,
                call=call,
                words=dict(words),
                at=self.clock() if at is None else at,
                began=len(self.effects) if began is None else began,
                **more,
            )
        )


_OWN: Final = frozenset({"_history", "_service", "_real"})


class _Recorded:
    """A client whose calls are recorded; what a test patches is patched in the real one."""

    def __init__(self, history: History, service: str, real: Any) -> None:
        self._history, self._service, self._real = history, service, real

    def __getattr__(self, name: str) -> Any:
        do = getattr(self._real, name)

        def call(**words: Any) -> Any:
            return self._history._call(f"{self._service}.{name}", words, lambda: do(**words))

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            super().__setattr__(name, value)
        else:
            setattr(self._real, name, value)

    def __delattr__(self, name: str) -> None:
        vars(self._real).pop(name, None)


class Lines(logging.Handler):
    """Passes on what the controller logs."""

    def __init__(self, history: History) -> None:
        super().__init__(logging.INFO)
        self._history = history

    def emit(self, record: logging.LogRecord) -> None:
        """Record one line."""
        self._history.log(record.levelname, record.getMessage())
