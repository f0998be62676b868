"""Deliver ECS's events as unkindly as AWS, and keep functions busy that others use up.

Stock delivers each event once and at once, and has room for every invocation but for a function's
own limit.
"""

from __future__ import annotations

import contextvars
import json
import threading
from typing import Any, Protocol

from starburst.local.unkindness import Unkind

from .patching import Function, module, wrap

__all__ = ["Weather", "install_events"]


class Weather(Protocol):
    """What says whether AWS is unkind, and how its time passes."""

    pace: float
    unkind: Unkind | None

    def is_busy(self, function: str) -> bool:
        """Whether others use up what may run of a function at once."""
        ...


def install_events(weather: Weather) -> None:
    """Stand between EventBridge and its targets, and before every function."""

    def crowd(original: Function) -> Function:
        def execute(function: dict[str, Any], event: Any) -> Any:
            name = str((function.get("config") or function).get("FunctionName"))
            if not weather.is_busy(name):
                return original(function, event)
            reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
            return module("services.lambda_svc")._throttle_response(reason, "Rate Exceeded.")

        return execute

    def scatter(original: Function) -> Function:
        def put(data: dict[str, Any], **words: Any) -> Any:
            unkind = weather.unkind
            if not words.get("allow_aws_source") or unkind is None or unkind.events is None:
                return original(data, **words)
            for delay in unkind.events.delays(json.dumps(data, sort_keys=True)):
                context = contextvars.copy_context()
                timer = threading.Timer(delay / weather.pace, context.run, (original, data), words)
                timer.daemon = True
                timer.start()
            return None

        return put

    wrap(module("services.lambda_svc"), "_execute_function", crowd)
    wrap(module("services.eventbridge"), "_put_events", scatter)
