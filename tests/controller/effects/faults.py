"""What goes wrong at one effect of an operation, once or twice: the crash points, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

from .history import History

__all__ = ["Died", "Fault", "every_fault"]


class Died(BaseException):
    """The invocation ends here, as where Lambda's time is up: nothing of ours catches it."""


_THROTTLED: Final = {"ecs": "ThrottlingException", "s3": "SlowDown", "sqs": "ThrottlingException"}
_DENIED: Final = {"ecs": "AccessDeniedException"}


def _refusal(code: str, call: str) -> ClientError:
    words: Any = {"Code": code, "Message": "planted"}
    return ClientError({"Error": words}, call.rpartition(".")[2])


def _conditional(call: str, words: Mapping[str, Any]) -> bool:
    return call == "s3.put_object" and not {"IfMatch", "IfNoneMatch"}.isdisjoint(words)


def _dies(call: str, do: Callable[[], Any]) -> Any:
    do()
    raise Died


def _throttled(call: str, do: Callable[[], Any]) -> Any:
    raise _refusal(_THROTTLED.get(call.partition(".")[0], "Throttling"), call)


def _denied(call: str, do: Callable[[], Any]) -> Any:
    raise _refusal(_DENIED.get(call.partition(".")[0], "AccessDenied"), call)


def _lost(call: str, do: Callable[[], Any]) -> Any:
    do()
    raise ReadTimeoutError(endpoint_url=f"https://{call}")


def _met(call: str, do: Callable[[], Any]) -> Any:
    """S3 refuses a write that meets another one, and may then hold neither."""
    raise _refusal("ConditionalRequestConflict", call)


def _outrun_by_itself(call: str, do: Callable[[], Any]) -> Any:
    """The answer to the first try was lost, and the SDK's second try comes second."""
    do()
    raise _refusal("PreconditionFailed", call)


KINDS: Final[Mapping[str, Callable[[str, Callable[[], Any]], Any]]] = {
    "dies": _dies,
    "throttled": _throttled,
    "denied": _denied,
    "lost": _lost,
    "met": _met,
    "outrun by itself": _outrun_by_itself,
}
"""How it fails."""

_OF_READS: Final = ("throttled", "denied")
"""What is lost of a read, or who dies after it, changes nothing more."""

_OF_WRITES: Final = (*_OF_READS, "dies", "lost")
_OF_CONDITIONAL_WRITES: Final = (*_OF_WRITES, "met", "outrun by itself")
_READS: Final = ("describe_", "get_", "head_", "list_")


def kinds(call: str, words: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what may become of a call."""
    if call.partition(".")[2].startswith(_READS):
        return _OF_READS
    return _OF_CONDITIONAL_WRITES if _conditional(call, words) else _OF_WRITES


@dataclass(kw_only=True)
class Fault:
    """What is to go wrong.

    Attributes:
        kind: one of ``KINDS``; empty where nothing is to.
        at: number of the effect that it befalls, counted from 0.
        times: how often it befalls that call; the second time is the next time that it is made.
        calls: those that were made so far, and what could have become of each.
        struck: the call that it befell, or empty.
    """

    kind: str = ""
    at: int = -1
    times: int = 1
    calls: list[tuple[str, ...]] = field(default_factory=list)
    struck: str = ""

    def begin(self, history: History) -> None:
        """Count from here."""
        history.interfere = self._interfere

    def _interfere(self, call: str, words: Mapping[str, Any], do: Callable[[], Any]) -> Any:
        place, possible = f"{call} {words.get('Key', '')}".strip(), kinds(call, words)
        self.calls.append(possible)
        here = len(self.calls) - 1 == self.at or place == self.struck
        if not here or not self.times or self.kind not in possible:
            return do()
        self.times, self.struck = self.times - 1, place
        return KINDS[self.kind](call, do)


def every_fault(calls: Sequence[tuple[str, ...]]) -> Iterator[Fault]:
    """Yield all that may befall so many effects, once and twice."""
    for at, possible in enumerate(calls):
        for kind in possible:
            for times in (2,) if possible == _OF_READS else (1, 2):
                yield Fault(kind=kind, at=at, times=times)
