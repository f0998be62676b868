"""AWS as unkind as it documents itself to be, between each process of a run and the emulator."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.local.unkindness import KINDS, Unkind
from starburst.local.unkindness.calls import Call, Refused
from starburst.local.unkindness.invocations import retry_after_failure, retry_after_throttle

from .clock import Clock
from .plan import Plan

__all__ = ["ATTEMPTS", "UnkindAWS"]

ATTEMPTS: Final[Mapping[str, int]] = {"client": 6, "worker": 6, "controller": 4, "launches": 2}
"""So often botocore tries a call, as each part of the runtime configures it."""

_PASSING: Final = frozenset(
    {"ThrottlingException", "TooManyRequestsException", "SlowDown", "InternalError"}
)
"""What botocore's standard mode repeats by itself, of what is refused here."""

_LONGEST_PAUSE: Final = 20.0


@dataclass
class _Tried:
    began: float
    throttled: int = 0
    failed: int = 0


class UnkindAWS:
    """The account's own weather, as a function of the seed.

    Args:
        plan: of the run.
        clock: its time.
    """

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.plan = plan
        self.clock = clock
        self.unkind = Unkind(plan.seed, kinds=KINDS if plan.unkind else ())
        for role, when in plan.policy_changes:
            clock.call_in(when, lambda role=role: self._change(role))

    def call(
        self,
        service: str,
        operation: str,
        words: Mapping[str, Any],
        *,
        who: str,
        act: Callable[[Mapping[str, Any]], Any],
    ) -> Any:
        """Call AWS, and again as botocore would.

        Args:
            service: whose.
            operation: as AWS's model names it.
            words: its parameters.
            who: calls; one of ``ATTEMPTS``.
            act: has the emulator answer.
        """
        if self.plan.calm:
            return act(words)
        for attempt in range(1, ATTEMPTS[who] + 1):
            try:
                return self._once(service, operation, words, who=who, act=act)
            except ClientError as error:
                passing = error.response["Error"].get("Code") in _PASSING
                if attempt == ATTEMPTS[who] or not passing or "Unkind" not in error.response:
                    raise
            drawn = self.plan.number("retry", service, operation, attempt, self.clock.monotonic())
            self.clock.sleep(min(_LONGEST_PAUSE, drawn * 2.0 ** (attempt - 1)))
        raise AssertionError("it was tried")

    def deliver(self, event: Mapping[str, Any], handle: Callable[[], dict[str, Any]]) -> None:
        """Have each copy of an event handled when it arrives, and again where that fails."""
        delays: tuple[float, ...] = (0.0,)
        if self.plan.unkind and self.unkind.events is not None and not self.plan.calm:
            delays = self.unkind.events.delays(json.dumps(event, sort_keys=True, default=str))
            self.plan.struck["repeated_events"] += len(delays) > 1
        for delay in delays:
            self.clock.sleep(delay)
            self.invoke_later(handle)

    def invoke_later(self, handle: Callable[[], dict[str, Any]]) -> None:
        """Invoke asynchronously: now, and again later where the function is busy or fails."""
        tried = _Tried(began=self.clock.monotonic())

        def attempt() -> None:
            now = self.clock.monotonic()
            busy = self.plan.unkind and not self.plan.calm
            if busy and self.unkind.invocations.is_busy("controller", at=now):
                self._note("invocations")
                tried.throttled += 1
                pause = retry_after_throttle(tried.throttled, age=now - tried.began)
            elif "raised" in handle():
                tried.failed += 1
                pause = retry_after_failure(tried.failed)
            else:
                return
            if pause is not None and not self.plan.calm:
                again = threading.Thread(target=attempt, daemon=True)
                self.clock.call_in(pause, again.start)

        attempt()

    def _once(
        self,
        service: str,
        operation: str,
        words: Mapping[str, Any],
        *,
        who: str,
        act: Callable[[Mapping[str, Any]], Any],
    ) -> Any:
        now, raised = self.clock.monotonic(), None
        told: Any = None
        call = Call(
            service=service,
            operation=operation,
            words=words,
            caller=_ROLES[who],
            at=now,
            expires=self.plan.login_ends(now) if who == "client" else None,
        )

        def ask(given: Mapping[str, Any]) -> Any:
            nonlocal raised
            nonlocal told
            try:
                told = act(given)
                return told
            except ClientError as error:
                raised = error
                said = error.response.get("Error", {})
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                raise Refused(
                    str(said.get("Code")), str(said.get("Message")), status=status
                ) from error

        try:
            answer = self.unkind.perform(call, ask, struck=self._note)
            if service == "ecs" and operation != "RunTask" and answer != told:
                self._note("task_delays")
            return answer
        except Refused as refused:
            if raised is not None:
                if refused.code == raised.response["Error"].get("Code"):
                    raise raised from None
                self._note("missing_keys")
            raise _error(refused, operation) from None

    def _note(self, kind: str) -> None:
        self.plan.struck[kind] += 1

    def _change(self, role: str) -> None:
        self.plan.struck["policy_change"] += 1
        self.unkind.policies.changed(role, at=self.clock.monotonic())


_ROLES: Final[Mapping[str, str]] = {
    "client": "analyst",
    "worker": "worker",
    "controller": "controller",
    "launches": "controller",
}


def _error(refused: Refused, operation: str) -> ClientError:
    """Return what boto3 raises: SQS's older code is the one that it names."""
    code = refused.query_code or refused.code
    answer: Any = {
        "Error": {"Code": code, "Message": refused.message},
        "ResponseMetadata": {"HTTPStatusCode": refused.status},
        "Unkind": True,
        **refused.fields,
    }
    return ClientError(answer, operation)
