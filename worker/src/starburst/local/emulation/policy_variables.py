"""Substitute IAM policy variables in resources and conditions.

Stock compares ``${aws:PrincipalTag/userName}`` literally: it refuses an analyst their own prefix
and lets them read a key of that literal name. As in AWS, a statement whose variable has no value
does not match: the text that takes the variable's place can be no ARN and no value.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "expand"]

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_UNRESOLVED = "\0unresolved"


def expand(text: str, context: Any) -> str:
    """Return ``text`` with its variables replaced; never-matching text when one has no value."""
    if "${" not in text:
        return text
    evaluator = module("core.iam_evaluator")
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] in ("*", "?", "$"):
            return str(match[1])
        name, _, default = match[1].partition(",")
        found = evaluator._resolve_condition_key(name.strip(), context)
        if found is None and default:
            found = default.strip().strip("'")
        if found is None or isinstance(found, list):
            missing = True
            return ""
        return str(found)

    expanded = _VARIABLE.sub(value, text)
    return _UNRESOLVED if missing else expanded


def _apply() -> None:
    evaluator = module("core.iam_evaluator")

    def conditions_met(original: Function) -> Function:
        def check(conditions: Any, context: Any) -> Any:
            if not conditions or "${" not in json.dumps(conditions):
                return original(conditions, context)
            return original(_expanded(conditions, context), context)

        return check

    def first_match(original: Function) -> Function:
        def match(context: Any, statements: list[Any], effect: str) -> Any:
            return original(context, [_with_values(s, context) for s in statements], effect)

        return match

    wrap(evaluator, "_conditions_met", conditions_met)
    wrap(evaluator, "_first_match", first_match)


def _with_values(statement: Any, context: Any) -> Any:
    if not any("${" in text for text in (*statement.resources, *statement.not_resources)):
        return statement
    return dataclasses.replace(
        statement,
        resources=[expand(text, context) for text in statement.resources],
        not_resources=[expand(text, context) for text in statement.not_resources],
    )


def _expanded(conditions: Any, context: Any) -> Any:
    if isinstance(conditions, dict):
        return {key: _expanded(value, context) for key, value in conditions.items()}
    if isinstance(conditions, list):
        return [_expanded(value, context) for value in conditions]
    return expand(conditions, context) if isinstance(conditions, str) else conditions


PATCH = Patch(
    name="policy_variables",
    stock="compares ${…} in resources and conditions literally",
    apply=_apply,
)
