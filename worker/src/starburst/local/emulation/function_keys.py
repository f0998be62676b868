"""Give each Lambda function keys that cannot be worked out.

Stock makes a function's key, secret and session token of the hash of its ARN and its role's: who
knows the names could sign as the controller.
"""

from __future__ import annotations

import secrets
import threading
from typing import Any

from .patching import Function, Patch, module, wrap
from .tasks import role_credentials

__all__ = ["PATCH"]

_lock = threading.Lock()
_given: dict[tuple[str, str], dict[str, str]] = {}


def _apply() -> None:
    def make(_original: Function) -> Function:
        def credentials(config: dict[str, Any]) -> dict[str, str]:
            function, role = str(config.get("FunctionArn", "")), str(config.get("Role", ""))
            with _lock:
                if (function, role) not in _given:
                    name = str(config.get("FunctionName") or secrets.token_hex(8))
                    _given[function, role] = role_credentials(role, session=name[:64])
                return dict(_given[function, role])

        return credentials

    wrap(module("core.lambda_runtime"), "execution_credentials", make)
    wrap(module("services.lambda_svc"), "execution_credentials", make)


PATCH = Patch(
    name="function_keys",
    stock="makes a function's keys of its name and its role's, so any caller can compute them",
    apply=_apply,
)
