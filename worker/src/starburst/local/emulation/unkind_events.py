"""Deliver events as unkindly as AWS: late, twice, in disorder, again to a busy function.

Stock delivers each event once and at once, and repeats what failed after pauses of its own.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from typing import Any, Protocol

from starburst.local.unkindness import Unkind
from starburst.local.unkindness.invocations import retry_after_failure, retry_after_throttle

from .patching import Function, module, wrap

__all__ = ["Clock", "install_events"]


class Clock(Protocol):
    """What says whether AWS is unkind, and how its time passes."""

    pace: float
    unkind: Unkind | None

    def now(self) -> float:
        """Return AWS's time."""
        ...


def install_events(door: Clock) -> None:
    """Stand between EventBridge and its targets."""

    def repeat(original: Function) -> Function:
        def invoke(function: dict[str, Any], event: dict[str, Any]) -> Any:
            if door.unkind is None:
                return original(function, event)
            context = contextvars.copy_context()
            arguments = (context.run, _deliver, door, function, event)
            threading.Thread(target=arguments[0], args=arguments[1:], daemon=True).start()
            return None

        return invoke

    def scatter(original: Function) -> Function:
        def put(data: dict[str, Any], **words: Any) -> Any:
            unkind = door.unkind
            if not words.get("allow_aws_source") or unkind is None or unkind.events is None:
                return original(data, **words)
            for delay in unkind.events.delays(json.dumps(data, sort_keys=True)):
                context = contextvars.copy_context()
                timer = threading.Timer(delay / door.pace, context.run, (original, data), words)
                timer.daemon = True
                timer.start()
            return None

        return put

    wrap(module("services.lambda_svc"), "invoke_async_with_retry", repeat)
    wrap(module("services.eventbridge"), "_put_events", scatter)


def _deliver(door: Clock, function: dict[str, Any], event: dict[str, Any]) -> None:
    """Try an event until it succeeds, or Lambda would drop it."""
    functions = module("services.lambda_svc")
    config = function.get("config") or function
    settings = function.get("event_invoke_config") or {}
    most = settings.get("MaximumRetryAttempts")
    name, began, throttled, failed = str(config.get("FunctionName")), door.now(), 0, 0
    while True:
        unkind = door.unkind
        busy = unkind is not None and unkind.invocations.is_busy(name, at=door.now())
        result = {"throttle": True} if busy else functions._execute_function(function, event)
        if result.get("throttle"):
            throttled += 1
            pause = retry_after_throttle(throttled, age=door.now() - began)
        elif result.get("error"):
            failed += 1
            pause = retry_after_failure(failed) if most is None or failed <= most else None
        else:
            return
        if pause is None:
            _give_up(functions, config, settings, name=name, event=event, result=result)
            return
        time.sleep(pause / door.pace)


def _give_up(
    functions: Any,
    config: dict[str, Any],
    settings: dict[str, Any],
    *,
    name: str,
    event: dict[str, Any],
    result: dict[str, Any],
) -> None:
    """Hand a dropped event to where the function wants it, if anywhere."""
    target = (settings.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination")
    target = target or (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if target:
        functions._route_async_failure(target, name, event, result)
