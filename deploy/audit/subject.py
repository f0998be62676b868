"""What is audited: the settings and templates of an environment, and the account it is in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deploy.incident.command import Clients
from deploy.rehearsal.asking.subject import Resource, resources_of, stacks_of

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Check", "Finding", "Subject", "Template", "is_public", "limits_of"]

Template = Mapping[str, Any]

_LIMITING = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
)
"""Keys that bind a policy's reader to accounts that somebody named."""

_POSITIVE = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "StringEqualsIgnoreCase")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, as a sentence.

    Attributes:
        resource: what it is about.
        what: is wrong.
        why: that matters.
        do: what to do.
    """

    resource: str
    what: str
    why: str
    do: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.resource} {self.what}; {self.why}: {self.do}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One kind of look.

    Attributes:
        name: in the answer.
        items: of the security guide's list, which it answers.
        look: yields what is wrong; a call that AWS refuses ends it, and is told.
    """

    name: str
    look: Callable[[Subject], Iterator[Finding]]
    items: tuple[int, ...] = ()


@dataclass(kw_only=True)
class Subject:
    """A deployed environment, and what it should be.

    Attributes:
        environment: its settings.
        clients: of who audits.
        expected: by the name of each stack, the template that its code makes.
        clock, pause: the time, in seconds since the epoch, and a wait.
    """

    environment: Environment
    clients: Clients
    expected: Mapping[str, Template]
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def client(self, service: str) -> Any:  # noqa: ANN401 - any client of boto3
        """Return the client of a service, made once."""
        if service not in self._made:
            self._made[service] = self.clients(service)
        return self._made[service]

    @cached_property
    def stacks(self) -> dict[str, str]:
        """The state of each stack that is deployed, by its name."""
        return stacks_of(self.environment.name, self.client)

    @cached_property
    def resources(self) -> Sequence[Resource]:
        """What the deployed stacks hold."""
        return [one for one in resources_of(self.environment.name, self.client) if one.physical]

    def of_kind(self, kind: str) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
        """Yield the resources of a kind, each with the properties that its code gives it."""
        for one in self.resources:
            if one.kind == kind:
                made = self.expected.get(one.stack, {}).get("Resources", {})
                yield one, made.get(one.logical, {}).get("Properties", {})

    def expects(self, kind: str) -> bool:
        """Whether the code has a resource of a kind."""
        return any(
            one["Type"] == kind
            for template in self.expected.values()
            for one in template.get("Resources", {}).values()
        )


def is_public(policy: Mapping[str, Any]) -> bool:
    """Whether a resource's policy lets anybody in whom no condition binds to a named account.

    Example:
        >>> is_public({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}]})
        True
    """
    statements = policy.get("Statement", [])
    every = statements if isinstance(statements, list) else [statements]
    return any(
        one.get("Effect") == "Allow"
        and ("NotPrincipal" in one or _anybody(one.get("Principal")))
        and not limits_of(one.get("Condition", {}))
        for one in every
    )


def _anybody(principal: object) -> bool:
    if isinstance(principal, Mapping):
        named = principal.get("AWS", [])
        return "*" in (named if isinstance(named, list) else [named])
    return principal == "*"


def limits_of(condition: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return what binds a statement to accounts that somebody named, by the condition's key.

    Example:
        >>> limits_of({"ArnLike": {"AWS:SourceArn": "arn:aws:sns:eu-west-1:111122223333:t"}})
        {'aws:sourcearn': ('arn:aws:sns:eu-west-1:111122223333:t',)}
    """
    return {
        key.lower(): tuple(named)
        for operator, keys in condition.items()
        for key, values in keys.items()
        for named in [values if isinstance(values, list) else [values]]
        if operator.removeprefix("ForAnyValue:") in _POSITIVE
        and key.lower() in _LIMITING
        and "*" not in named
    }
