"""Whether a text is a service control policy in form, as Organizations takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starburst.untrusted.strict_json import read_object
from starburst_constructs.policies.organization_policies import PolicySizeError, compact

__all__ = ["PolicyFormError", "read_policy"]

_VERSION: Final = "2012-10-17"
_TOP: Final = {"Id", "Statement", "Version"}
_ELEMENTS: Final = {
    *("Action", "Condition", "Effect", "NotAction", "NotResource", "Resource", "Sid"),
}
_ACTION: Final = r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+"
_ORDERS: Final = "(Not)?Equals|(Less|Greater)Than(Equals)?"
_OPERATOR: Final = (
    r"Null|(For(All|Any)Values:)?("
    r"String(Not)?(Equals(IgnoreCase)?|Like)|Arn(Not)?(Equals|Like)|"
    rf"Numeric({_ORDERS})|Date({_ORDERS})|(Not)?IpAddress|Bool|BinaryEquals)(IfExists)?"
)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""


class PolicyFormError(ValueError):
    """A text is no policy that Organizations would take; nothing was made of it."""


def read_policy(text: str) -> dict[str, Any]:
    """Return a policy that is written as IAM's grammar has it.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html

    Args:
        text: JSON.

    Raises:
        PolicyFormError: says where it is not.
    """
    try:
        found = read_object(text)
    except ValueError as error:
        raise PolicyFormError(
            f"the policy is no JSON ({error}); print a valid one with python -m "
            "deploy.credentials.organization_policy"
        ) from error
    said = found.get("Statement")
    statements = [said] if isinstance(said, dict) else said
    if (
        not isinstance(statements, list)
        or not statements
        or not all(isinstance(one, dict) for one in statements)
    ):
        raise PolicyFormError("the policy has no list of statements; give it one under Statement")
    if found.get("Version") != _VERSION:
        raise PolicyFormError(f"the policy is of no version; write Version, {_VERSION}")
    _require_known("the policy", found, _TOP)
    for one in statements:
        _require_elements(one)
        _require_conditions(one.get("Condition", {}))
    names = [one["Sid"] for one in statements if "Sid" in one]
    for name in names:
        if names.count(name) > 1:
            raise PolicyFormError(f"two statements are called {name}; give each a Sid of its own")
    try:
        compact(found)
    except PolicySizeError as error:
        raise PolicyFormError(str(error)) from error
    return found


def _require_known(called: str, found: Mapping[str, Any], known: set[str]) -> None:
    for name in found:
        if name not in known:
            raise PolicyFormError(
                f"{called} has {name}, which no such policy may; leave it out, or write one of "
                f"{', '.join(sorted(known))}"
            )


def _require_elements(statement: Mapping[str, Any]) -> None:
    """Require what Organizations asks of every statement."""
    sid = statement.get("Sid", "")
    called = f"statement {sid}" if sid else "a statement"
    if not isinstance(sid, str) or not re.fullmatch("[A-Za-z0-9]*", sid):
        raise PolicyFormError(f"{called} has a Sid that is none; write letters and digits")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicyFormError(f"{called} has no Effect; write Allow or Deny")
    for name in ("Action", "Resource"):
        if (name in statement) == (f"Not{name}" in statement):
            raise PolicyFormError(f"{called} needs one of {name} and Not{name}; write one")
    for name, form, example in (
        ("Action", _ACTION, "sso:CreateInstance"),
        ("NotAction", _ACTION, "sso:CreateInstance"),
        ("Resource", r"\*|arn:.+", "*"),
        ("NotResource", r"\*|arn:.+", "arn:aws:s3:::bucket/*"),
    ):
        for one in _listed(statement.get(name, example)) or [None]:
            if not isinstance(one, str) or not re.fullmatch(form, one):
                raise PolicyFormError(f"{called} has {one!r} under {name}; write such as {example}")
    _require_known(called, statement, _ELEMENTS)


def _require_conditions(block: object) -> None:
    if not isinstance(block, Mapping):
        raise PolicyFormError("Condition is no map of operators; write {operator: {key: [values]}}")
    for operator, keys in block.items():
        if not re.fullmatch(_OPERATOR, operator):
            raise PolicyFormError(
                f"{operator} is no operator of IAM; write such as StringNotEquals"
            )
        if not isinstance(keys, Mapping):
            raise PolicyFormError(
                f"{operator} holds no map of condition keys, so Organizations refuses the policy; "
                "write {key: [values]} behind it"
            )
        for key, values in keys.items():
            listed = _listed(values)
            if not listed or not all(isinstance(value, str | int | float) for value in listed):
                raise PolicyFormError(f"{key} holds no values; write a text or a list of texts")


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]
