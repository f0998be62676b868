"""Whether one statement of a policy applies to one request, as AWS's user guide says, in Python.

Nothing here is shared with the encoder: no formulas, no parsed policies, no regular expressions of
wildcards. Pages are of https://docs.aws.amazon.com/IAM/latest/UserGuide/ and named where they are
followed; where they leave two answers open, ``Reading`` says which is taken.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Asked", "Caller", "Document", "Reading", "applies", "listed", "names", "wild"]

Document = Mapping[str, Any]

Kind = Literal["session", "user", "service", "federated", "nobody"]

SEGMENTS = 6
"""Of an ARN; the last may hold colons."""

UNKEPT = "2008-10-17"
"""The version of a policy that names none: variables are text in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Attributes:
        kind: a role's session, a user, an AWS service, somebody of an identity provider, nobody.
        account: of a session or a user.
        arn: of the role behind a session, or of the user.
        name: the session's own ARN, the service, or the provider.
    """

    kind: Kind
    account: str = ""
    arn: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request.

    Attributes:
        caller: who asks.
        action: what is asked.
        resource: of it.
        owner: account of the resource.
        keys: values by name in lower case; a key that is not here is absent.
    """

    caller: Caller
    action: str
    resource: str
    owner: str
    keys: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read what the guide leaves open.

    Attributes:
        unlike_nothing: a negated pattern holds whose variable has no value. The page on variables
            says so of ``StringNotEquals`` and ``NotResource`` both, and further up that such a
            variable makes the whole statement invalid.
        half_excepted: ``NotPrincipal`` excepts a caller of whom it names the role, the session or
            the account, and not the role together with the account. The page says that such a
            policy "might deny access to the entire account".
    """

    unlike_nothing: bool = True
    half_excepted: bool = True
    asked: set[str] = field(default_factory=set, compare=False)

    def says(self, what: str) -> bool:
        """Return how something is read, and remember that it mattered."""
        self.asked.add(what)
        return bool(getattr(self, what))


def listed(value: Any) -> list[Any]:
    """Return what may be one thing or a list of them, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def applies(statement: Document, asked: Asked, *, version: str, reading: Reading) -> bool:
    """Return whether action, resource and every condition fit; principals aside.

    Args:
        statement: as in JSON.
        asked: the request.
        version: of the policy.
        reading: of what is left open.
    """
    fill = _Filler(asked, literal=version == UNKEPT)
    return (
        _fits_action(statement, asked)
        and _fits_resource(statement, asked, fill, reading)
        and all(
            _Test(operator).holds(asked.keys.get(key.lower(), ()), listed(values), fill, reading)
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        )
    )


def _fits_action(statement: Document, asked: Asked) -> bool:
    """``reference_policies_elements_action``: case does not matter in an action."""
    wanted = listed(statement.get("Action", statement.get("NotAction")))
    found = any(wild(asked.action.lower(), one.lower()) for one in wanted)
    return found is ("Action" in statement)


def _fits_resource(statement: Document, asked: Asked, fill: _Filler, reading: Reading) -> bool:
    """``reference_policies_elements_resource`` and ``…_notresource``."""
    if "Resource" in statement:
        patterns = (fill(one) for one in listed(statement["Resource"]))
        return any(one is not None and wild(asked.resource, one) for one in patterns)
    if "NotResource" not in statement:
        return True  # A trust policy has none: it speaks of the role that it hangs on.
    filled = [fill(one) for one in listed(statement["NotResource"])]
    if any(one is not None and wild(asked.resource, one) for one in filled):
        return False
    return None not in filled or reading.says("unlike_nothing")


class _Filler:
    """Puts values in the place of variables: ``reference_policies_variables``."""

    def __init__(self, asked: Asked, *, literal: bool) -> None:
        self._asked = asked
        self._literal = literal

    def __call__(self, pattern: str) -> str | None:
        """Return the pattern with values in it; None where a variable has neither one nor more."""
        if self._literal:
            return pattern
        done = ""
        while "${" in pattern:
            before, _, rest = pattern.partition("${")
            inside, _, pattern = rest.partition("}")
            name, comma, default = inside.partition(",")
            values = self._asked.keys.get(name.strip().lower(), ())
            if values:
                done += before + values[0]
            elif comma:
                done += before + default.strip().strip("'")
            else:
                return None
        return done + pattern


class _Test:
    """One condition operator, taken apart: ``reference_policies_elements_condition_operators``."""

    def __init__(self, written: str) -> None:
        base = written
        self.every = base.startswith("ForAllValues:")
        self.some = base.startswith("ForAnyValue:")
        base = base.partition(":")[2] if self.every or self.some else base
        self.optional = base.endswith("IfExists")
        base = base[: -len("IfExists")] if self.optional else base
        self.negated = "Not" in base
        self.base = base.replace("Not", "")

    def holds(
        self, values: Sequence[str], wanted: Sequence[Any], fill: _Filler, reading: Reading
    ) -> bool:
        """Return whether a key with these values, or without any, meets the condition."""
        said = [str(one).lower() if isinstance(one, bool) else str(one) for one in wanted]
        if self.base == "Null":
            return (not values) is (said[0].lower() == "true")
        if self.every and not any(values):
            return True  # No value, or nothing but an empty one.
        if not values:
            return self.optional or (self.negated and not self.some)
        judged = (self._fits(value, said, fill, reading) for value in values)
        return all(judged) if self.every else any(judged)

    def _fits(self, value: str, wanted: Sequence[str], fill: _Filler, reading: Reading) -> bool:
        """Return whether one value is, or is not, one of those that are wanted."""
        compare, filled = self._comparison(fill)
        patterns = [filled(one) for one in wanted]
        if any(one is not None and compare(value, one) for one in patterns):
            return not self.negated
        if not self.negated:
            return False
        return None not in patterns or reading.says("unlike_nothing")

    def _comparison(
        self, fill: _Filler
    ) -> tuple[Callable[[str, str], bool], Callable[[str], str | None]]:
        """Return how to compare, and what variables become: only text and ARNs have them."""
        if self.base.startswith("Numeric"):
            return _ordered(self.base[len("Numeric") :], float), str
        if self.base.startswith("Date"):
            return _ordered(self.base[len("Date") :], _moment), str
        plain: Mapping[str, Callable[[str, str], bool]] = {
            "BinaryEquals": lambda value, want: value == want,
            "Bool": lambda value, want: value.lower() == want.lower(),
            "IpAddress": _within,
        }
        if self.base in plain:
            return plain[self.base], str
        return {
            "ArnEquals": _arn,
            "ArnLike": _arn,
            "StringEquals": lambda value, want: value == want,
            "StringEqualsIgnoreCase": lambda value, want: value.lower() == want.lower(),
            "StringLike": wild,
        }[self.base], fill


def _ordered(how: str, read: Callable[[str], float]) -> Callable[[str, str], bool]:
    def compare(value: str, want: str) -> bool:
        one, other = read(value), read(want)
        return {
            "Equals": one == other,
            "LessThan": one < other,
            "LessThanEquals": one <= other,
            "GreaterThan": one > other,
            "GreaterThanEquals": one >= other,
        }[how]

    return compare


def _moment(text: str) -> float:
    """Return seconds of a date of ISO 8601, in UTC where it names no zone, or of an epoch."""
    if text.isdigit():
        return float(text)
    found = dt.datetime.fromisoformat(text.removesuffix("Z"))
    return found.replace(tzinfo=found.tzinfo or dt.UTC).timestamp()


def _within(value: str, want: str) -> bool:
    address, network = ipaddress.ip_address(value), ipaddress.ip_network(want, strict=False)
    return address.version == network.version and address in network


def _arn(value: str, want: str) -> bool:
    """Each of the six parts between colons is compared by itself; the last may have colons."""
    if want == "*":
        return True
    parts, patterns = value.split(":", SEGMENTS - 1), want.split(":", SEGMENTS - 1)
    return len(parts) == len(patterns) == SEGMENTS and all(map(wild, parts, patterns))


def wild(text: str, pattern: str) -> bool:
    """Return whether a text matches: ``*`` takes any characters, ``?`` exactly one.

    Example:
        >>> wild("a/b/c", "a/*"), wild("a", "a?"), wild("ab.c", "*?.?")
        (True, False, True)
    """
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


def names(element: Any, caller: Caller) -> Iterator[str]:
    """Yield how a principal element names a caller: all, account, role, session, user, service.

    ``reference_policies_elements_principal``. Nobody is named by ``*`` alone; an AWS service and
    an identity provider by their own kind as well.
    """
    if element == "*":
        yield "all"
        return
    for one in listed(element.get("AWS", ())):
        if one == "*":
            yield "all"
        elif caller.kind not in ("session", "user"):
            continue
        elif one in (caller.account, f"arn:aws:iam::{caller.account}:root"):
            yield "account"
        elif one == caller.arn:
            yield "role" if caller.kind == "session" else "user"
        elif one == caller.name:
            yield "session"
    for kind, word in (("service", "Service"), ("federated", "Federated")):
        if caller.kind == kind and caller.name in listed(element.get(word, ())):
            yield kind
