"""Keep the data protection policy of a template's log group; stock drops it and tells of none."""

from __future__ import annotations

import json
from typing import Any

from .bodies import json_object
from .patching import Function, Patch, module, wrap
from .resource_types import Properties, after_create

__all__ = ["PATCH"]

_KEPT = "dataProtectionPolicy"


def _apply() -> None:
    logs = module("services.cloudwatch_logs")
    responses = module("core.responses")

    def complete(name: str, properties: Properties) -> None:
        logs._log_groups[name][_KEPT] = properties.get("DataProtectionPolicy")

    def answer(identifier: str) -> Any:
        name = identifier.partition(":log-group:")[2].partition(":")[0] or identifier
        policy = (logs._log_groups.get(name) or {}).get(_KEPT)
        if policy is None:
            return responses.error_response_json(
                "ResourceNotFoundException", "The log group has no data protection policy", 400
            )
        text = policy if isinstance(policy, str) else json.dumps(policy)
        return responses.json_response({"logGroupIdentifier": identifier, "policyDocument": text})

    def make(original: Function) -> Function:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Any
        ) -> Any:
            if headers.get("x-amz-target", "").endswith(".GetDataProtectionPolicy"):
                return answer(str(json_object(body).get("logGroupIdentifier", "")))
            return await original(method, path, headers, body, query)

        return handle

    after_create("AWS::Logs::LogGroup", complete)
    wrap(logs, "handle_request", make)


PATCH = Patch(
    name="data_protection",
    stock="drops DataProtectionPolicy of AWS::Logs::LogGroup",
    apply=_apply,
)
