"""IAM's evaluation in plain Python, from the user guide alone: what the encoding is compared with.

It decides one concrete request by walking through JSON documents. It shares nothing with the
encoding: no formulas, no parsed policies, no patterns.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Asked", "allows", "decide"]

Document = Mapping[str, Any]
_NEGATED = re.compile(r"Not(?=Equals|Like|IpAddress)|^Not")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: who, what, on what, and with which keys.

    Attributes:
        role: ARN of the caller's role.
        session: ARN of the caller's session of it.
        action: what is asked.
        resource: of it.
        keys: values by name; a key that is not here is absent.
    """

    role: str
    session: str
    action: str
    resource: str
    keys: Mapping[str, tuple[str, ...]]


def decide(
    asked: Asked,
    *,
    identity: Document,
    boundary: Document | None = None,
    resource: Document | None = None,
    is_key: bool = False,
) -> bool:
    """Return whether a role of the resource's own account gets what it asks for.

    Args:
        asked: the request.
        identity: the role's policy.
        boundary: its permissions boundary.
        resource: the policy of the resource.
        is_key: KMS counts identity policies only where the key's policy names the account.
    """
    present = [one for one in (identity, boundary, resource) if one is not None]
    if any(_fits(one, asked, "Deny") for document in present for one in _listed(document)):
        return False
    within = boundary is None or allows(boundary, asked)
    by_identity = allows(identity, asked) and within
    grants = [one for one in _listed(resource or {}) if _fits(one, asked, "Allow")]
    if is_key:
        by_identity = by_identity and any(_names_account(one, asked) for one in grants)
    return (
        by_identity
        or any(_names_session(one, asked) for one in grants)
        or (within and any(_names_role(one, asked) for one in grants))
    )


def allows(document: Document, asked: Asked) -> bool:
    """Return whether some Allow of an identity policy applies."""
    return any(_fits(one, asked, "Allow") for one in _listed(document))


def _fits(statement: Document, asked: Asked, effect: str) -> bool:
    if statement["Effect"] != effect or not _named(statement, asked):
        return False
    patterns = [one.lower() for one in _many(statement.get("Action", statement.get("NotAction")))]
    if any(_glob(asked.action.lower(), one) for one in patterns) is ("NotAction" in statement):
        return False
    for word in ("Resource", "NotResource"):
        if word in statement:
            found = [_filled(one, asked) for one in _many(statement[word])]
            hit = any(one is not None and _glob(asked.resource, one) for one in found)
            if hit is (word == "NotResource"):
                return False
    return all(
        _holds(operator, asked.keys.get(key, ()), [str(one) for one in _many(values)], asked)
        for operator, block in statement.get("Condition", {}).items()
        for key, values in block.items()
    )


def _holds(operator: str, values: Sequence[str], wanted: Sequence[str], asked: Asked) -> bool:
    qualifier, _, base = operator.rpartition(":")
    if base == "Null":
        return (not values) is (wanted[0].lower() == "true")
    optional, base = base.endswith("IfExists"), base.removesuffix("IfExists")
    negated = _NEGATED.search(base) is not None
    if not values:
        if qualifier == "ForAllValues" or optional:
            return True
        return negated and not qualifier
    compare = _comparison(_NEGATED.sub("", base))
    found = [_filled(one, asked) for one in wanted]

    def matches(value: str) -> bool:
        hit = any(one is not None and compare(value, one) for one in found)
        return hit is not negated

    return all(map(matches, values)) if qualifier == "ForAllValues" else any(map(matches, values))


def _comparison(base: str) -> Callable[[str, str], bool]:
    for family, read in (("Numeric", float), ("Date", _moment)):
        if base.startswith(family):
            order: Mapping[str, Callable[[float, float], bool]] = {
                "Equals": lambda one, other: one == other,
                "LessThan": lambda one, other: one < other,
                "LessThanEquals": lambda one, other: one <= other,
                "GreaterThan": lambda one, other: one > other,
                "GreaterThanEquals": lambda one, other: one >= other,
            }
            how = order[base.removeprefix(family)]
            return lambda value, want: how(read(value), read(want))
    return {
        "ArnEquals": _glob,
        "ArnLike": _glob,
        "Bool": lambda value, want: value == want.lower(),
        "IpAddress": lambda value, want: (
            ipaddress.ip_address(value) in ipaddress.ip_network(want, strict=False)
        ),
        "StringEquals": lambda value, want: value == want,
        "StringLike": _glob,
    }[base]


def _moment(text: str) -> float:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _named(statement: Document, asked: Asked) -> bool:
    if "NotPrincipal" in statement:
        return not _among(statement["NotPrincipal"], asked)
    return "Principal" not in statement or _among(statement["Principal"], asked)


def _among(principal: Any, asked: Asked) -> bool:
    """Return whether a principal element names the caller; a role of ours is no service."""
    if principal == "*":
        return True
    account = asked.role.split(":")[4]
    ours = {"*", account, f"arn:aws:iam::{account}:root", asked.role, asked.session}
    return any(one in ours for one in _many(principal.get("AWS", ())))


def _names_account(statement: Document, asked: Asked) -> bool:
    account = asked.role.split(":")[4]
    named = _many(statement.get("Principal", {}).get("AWS", ()))
    return any(one in (account, f"arn:aws:iam::{account}:root") for one in named)


def _names_role(statement: Document, asked: Asked) -> bool:
    return asked.role in _many(statement.get("Principal", {}).get("AWS", ()))


def _names_session(statement: Document, asked: Asked) -> bool:
    if "NotPrincipal" in statement:
        return True
    named = _many(statement.get("Principal", {}).get("AWS", ()))
    return any(one in ("*", asked.session) for one in named)


def _filled(pattern: str, asked: Asked) -> str | None:
    """Return a pattern with its variables' values; None where one has none."""
    for name in re.findall(r"\$\{([^}]+)\}", pattern):
        values = asked.keys.get(name)
        if not values:
            return None
        pattern = pattern.replace(f"${{{name}}}", values[0])
    return pattern


def _glob(text: str, pattern: str) -> bool:
    # fnmatch knows sets too, which IAM does not: its [ is put into a set of its own.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _listed(document: Document) -> Sequence[Document]:
    return _many(document.get("Statement", ()))


def _many(value: Any) -> Sequence[Any]:
    if isinstance(value, bool):
        return [str(value).lower()]
    return list(value) if isinstance(value, list | tuple) else [value]
