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

from starburst.local.unkindness.invocations import retry_after_failure, retry_after_throttle

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_MOST_ATTEMPTS = 2
_MOST_AGE = 6 * 3600


def _apply() -> None:
    functions = module("services.lambda_svc")

    def with_settings(record: dict[str, Any]) -> dict[str, Any]:
        """Return a function's record with the event configuration of the alias it was called by."""
        config = record["config"]
        _, _, qualifier = config["FunctionArn"].partition(f":function:{config['FunctionName']}:")
        found = functions._event_invoke_config(record, qualifier or "$LATEST")
        return {**record, "event_invoke_config": found or {}}

    def deliver(record: dict[str, Any], event: Any) -> None:
        settings = record["event_invoke_config"]
        most = int(settings.get("MaximumRetryAttempts", _MOST_ATTEMPTS))
        longest = int(settings.get("MaximumEventAgeInSeconds", _MOST_AGE))
        began, throttled, failed = time.monotonic(), 0, 0
        while (result := functions._execute_function(record, event)).get("error"):
            age = time.monotonic() - began
            if result.get("throttle"):
                throttled += 1
                pause = retry_after_throttle(throttled, age=age)
            else:
                failed += 1
                pause = retry_after_failure(failed) if failed <= most else None
            if pause is None or age + pause > longest:
                give_up(record, event, result)
                return
            time.sleep(pause)

    def give_up(record: dict[str, Any], event: Any, result: dict[str, Any]) -> None:
        settings, config = record["event_invoke_config"], record["config"]
        failed = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        target = failed or config.get("DeadLetterConfig", {}).get("TargetArn")
        if target:
            functions._route_async_failure(target, config["FunctionName"], event, result)

    def again(_original: Function) -> Function:
        def invoke(record: dict[str, Any], event: Any) -> None:
            scoped = functions._run_with_function_config_scope
            run = contextvars.copy_context().run
            found = with_settings(record)
            thread = threading.Thread(
                target=run, args=(scoped, found, deliver, found, event), daemon=True
            )
            thread.start()

        return invoke

    def through_the_queue(original: Function) -> Function:
        def dispatch(arn: str, payload: str) -> None:
            record, config, _ = functions._get_func_record_for_ref(arn)
            if not record or not config:
                original(arn, payload)
                return
            found = with_settings(functions._execution_record_for_config(record, config))
            functions.invoke_async_with_retry(found, json.loads(payload))

        return dispatch

    wrap(functions, "invoke_async_with_retry", again)
    wrap(module("services.eventbridge"), "_dispatch_to_lambda", through_the_queue)


PATCH = Patch(
    name="event_retries",
    stock="forgets an event of EventBridge that its function fails or cannot take",
    apply=_apply,
)
