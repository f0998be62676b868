"""A Lambda function with a limit of concurrency, and asynchronous calls that are repeated.

AWS: an invocation beyond the function's reserved concurrency is refused with 429
``TooManyRequestsException``. An event that is refused so, or meets AWS's own error, goes back to
the queue and is tried again for six hours: after one second at first, then ever later, up to five
minutes apart. One whose function fails is tried twice more, after one and after two minutes. An
event may reach the function twice although it succeeded.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html and
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance

__all__ = ["Invocations", "retry_after_failure", "retry_after_throttle"]

_THROTTLED: Final = 429
_SPELL_SECONDS: Final = 4.0
_BUSY: Final = 0.1
_LONGEST_PAUSE: Final = 300.0
_PAUSES: Final = (60.0, 120.0)
_SIX_HOURS: Final = 6 * 3600.0


@dataclass
class Invocations(Kind):
    """Refuses what comes while as many invocations run as may.

    Attributes:
        limit: how many run at once, of a function; 0 knows no limit.
        chance: of the run: in some spells others use all there are; None for nobody else.
        running: how many run now, of each function.
    """

    limit: int = 0
    chance: Chance | None = None
    running: dict[str, int] = field(default_factory=dict)

    def before(self, call: Call) -> Answer | None:
        """Let an invocation begin."""
        if call.service != "lambda" or call.operation != "Invoke":
            return None
        name = _function(call)
        if self.is_busy(name, at=call.at):
            raise Refused(
                "TooManyRequestsException",
                "Rate Exceeded.",
                status=_THROTTLED,
                fields={
                    "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                    "Type": "User",
                },
            )
        self.running[name] = self.running.get(name, 0) + 1
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Note that an invocation has ended."""
        self._ended(call)
        return answer

    def failed(self, call: Call, refused: Refused) -> Refused:
        """Note likewise."""
        if refused.status != _THROTTLED:
            self._ended(call)
        return refused

    def is_busy(self, name: str, *, at: float) -> bool:
        """Whether there is no room for one more."""
        if self.limit and self.running.get(name, 0) >= self.limit:
            return True
        spell = int(at // _SPELL_SECONDS)
        return self.chance is not None and self.chance.number("busy", spell) < _BUSY

    def _ended(self, call: Call) -> None:
        if call.service == "lambda" and call.operation == "Invoke":
            name = _function(call)
            self.running[name] = max(0, self.running.get(name, 0) - 1)


def retry_after_throttle(attempt: int, *, age: float) -> float | None:
    """Return the pause before an event that was refused is tried again; None where it is dropped.

    Example:
        >>> [retry_after_throttle(n, age=0) for n in (1, 2, 3, 20)]
        [1.0, 2.0, 4.0, 300.0]
        >>> retry_after_throttle(30, age=21_600) is None
        True
    """
    return min(_LONGEST_PAUSE, 2.0 ** (attempt - 1)) if age < _SIX_HOURS else None


def retry_after_failure(attempt: int) -> float | None:
    """Return the pause before an event whose function failed is tried again; None for the last.

    Example:
        >>> [retry_after_failure(n) for n in (1, 2, 3)]
        [60.0, 120.0, None]
    """
    return _PAUSES[attempt - 1] if attempt <= len(_PAUSES) else None


def _function(call: Call) -> str:
    name = call.text("FunctionName")
    return name.rpartition(":function:")[2].partition(":")[0]
