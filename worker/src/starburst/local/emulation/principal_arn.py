"""Give ``aws:PrincipalArn`` of a role session the role's ARN.

Stock gives the session's STS ARN, so that every ``ArnNotLike aws:PrincipalArn <role>`` exception
of a Deny locks out the very role that it excepts.
"""

from __future__ import annotations

import re
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_SESSION = re.compile(r"(arn:[^:]+):sts::(\d+):assumed-role/([^/]+)/")


def _apply() -> None:
    roles = module("services.iam")._roles

    def make(original: Function) -> Function:
        def resolve(key: str, context: Any) -> Any:
            if key.lower() == "aws:principalarn":
                session = _SESSION.match(context.principal_arn)
                if session:
                    role = roles.get_scoped(session[2], None, session[3]) or {}
                    return role.get("Arn") or f"{session[1]}:iam::{session[2]}:role/{session[3]}"
            return original(key, context)

        return resolve

    wrap(module("core.iam_evaluator"), "_resolve_condition_key", make)


PATCH = Patch(
    name="principal_arn",
    stock="gives aws:PrincipalArn of a role session the STS session's ARN",
    apply=_apply,
)
