"""Refuse a session that is longer than its role allows, or than an hour for who is a role itself.

Stock gives any length. See ``DurationSeconds`` of
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_CHAINED_SECONDS = 3600
_BAD_REQUEST = 400


def _apply() -> None:
    sts = module("services.sts")
    roles = module("services.iam")._roles
    caller = module("core.iam_evaluator").caller_arn

    def refusal(body: bytes) -> str:
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if fields.get("Action") != "AssumeRole" or "DurationSeconds" not in fields:
            return ""
        seconds = int(fields["DurationSeconds"])
        role = roles.get(fields.get("RoleArn", "").rpartition("/")[2]) or {}
        if ":assumed-role/" in caller() and seconds > _CHAINED_SECONDS:
            return "the 1 hour session limit for roles assumed by role chaining."
        if seconds > int(role.get("MaxSessionDuration", _CHAINED_SECONDS)):
            return "the MaxSessionDuration set for this role."
        return ""

    def make(original: Function) -> Function:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: Any
        ) -> Any:
            if limit := refusal(body or b""):
                message = f"The requested DurationSeconds exceeds {limit}"
                return sts._error(_BAD_REQUEST, "ValidationError", message, ns="sts")
            return await original(method, path, headers, body, query)

        return handle

    wrap(sts, "handle_request", make)


PATCH = Patch(
    name="session_durations",
    stock="gives sessions of any length, whatever MaxSessionDuration of the role says",
    apply=_apply,
)
