"""Try an event again as its function asks, and hand it to the dead-letter queue in the end.

Stock runs an event of EventBridge once, whatever becomes of it, and takes a throttled one for a
failed one. Times are Lambda's own:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_AFTER_FAILURE = (60.0, 120.0)
_AFTER_THROTTLE, _LONGEST = 1.0, 300.0
_MOST_ATTEMPTS = 2
_MOST_AGE = 6 * 3600


def _apply() -> None:
    functions = module("services.lambda_svc")

    def settings_of(record: dict[str, Any]) -> dict[str, Any]:
        config = record["config"]
        _, _, qualifier = config["FunctionArn"].partition(f":function:{config['FunctionName']}:")
        return functions._event_invoke_config(record, qualifier or "$LATEST") or {}

    def deliver(record: dict[str, Any], event: Any) -> None:
        settings, config = settings_of(record), record["config"]
        retries = int(settings.get("MaximumRetryAttempts", _MOST_ATTEMPTS))
        pauses = [*_AFTER_FAILURE[:retries]]
        give_up = time.monotonic() + int(settings.get("MaximumEventAgeInSeconds", _MOST_AGE))
        throttled = _AFTER_THROTTLE
        while (result := functions._execute_function(record, event)).get("error"):
            if result.get("throttle"):
                pause, throttled = throttled, min(2 * throttled, _LONGEST)
            elif pauses:
                pause = pauses.pop(0)
            else:
                break
            if time.monotonic() + pause > give_up:
                break
            time.sleep(pause)
        else:
            return
        failed = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        target = failed or config.get("DeadLetterConfig", {}).get("TargetArn")
        if target:
            functions._route_async_failure(target, config["FunctionName"], event, result)

    def again(_original: Function) -> Function:
        def invoke(record: dict[str, Any], event: Any) -> None:
            scoped = functions._run_with_function_config_scope
            run = contextvars.copy_context().run
            thread = threading.Thread(
                target=run, args=(scoped, record, deliver, record, event), daemon=True
            )
            thread.start()

        return invoke

    def through_the_queue(original: Function) -> Function:
        def dispatch(arn: str, payload: str) -> None:
            record, config, _ = functions._get_func_record_for_ref(arn)
            if not record or not config:
                original(arn, payload)
                return
            found = functions._execution_record_for_config(record, config)
            functions.invoke_async_with_retry(found, json.loads(payload))

        return dispatch

    wrap(functions, "invoke_async_with_retry", again)
    wrap(module("services.eventbridge"), "_dispatch_to_lambda", through_the_queue)


PATCH = Patch(
    name="event_retries",
    stock="forgets an event of EventBridge that its function fails or cannot take",
    apply=_apply,
)
