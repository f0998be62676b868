"""Wildcards, declared where a statement has them: what a pattern matches, and why not less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from aws_cdk import aws_iam as iam
from constructs import Construct

__all__ = [
    "EVERYTHING",
    "NO_RESOURCE",
    "WILDCARDS_KEY",
    "Allow",
    "DeclaredPolicy",
    "Wildcard",
    "WildcardError",
    "declare_wildcards",
    "patterns",
]

EVERYTHING: Final = "*"
"""The resource of actions that have none to name."""

NO_RESOURCE: Final = "These actions have no resource to name; "
"""How the reason for ``EVERYTHING`` begins."""

WILDCARDS_KEY: Final = "starburst:wildcards"
"""Construct metadata of a policy that holds its declarations; it is in no template."""

_SHORTEST_REASON: Final = 20


class WildcardError(ValueError):
    """A declaration says too little; nothing was synthesized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wildcard:
    """One pattern in a policy, and why it cannot be narrower.

    Attributes:
        resource: the pattern; what is known at deployment only reads ``<Data.Arn>`` in reports.
        reason: why it is as narrow as it can be.
        actions: where ``resource`` is ``*``, all that the policy may allow on it.
        policy: construct path below the environment, of the policy's resource; empty beside a
            statement, which does not know where it will stand.
    """

    resource: str
    reason: str
    actions: tuple[str, ...] = ()
    policy: str = ""

    def __str__(self) -> str:
        """Return the declaration as one line of a report."""
        return f"wildcard {self.resource} of {self.policy or 'a statement'}"

    @property
    def problems(self) -> tuple[str, ...]:
        """What the declaration leaves open; none where it says enough."""
        found = []
        if len(self.reason) < _SHORTEST_REASON:
            found.append(f"{self}: needs a reason of {_SHORTEST_REASON} characters or more")
        if (self.resource == EVERYTHING) != bool(self.actions):
            found.append(f"{self}: names actions where the resource is *, and only there")
        if any("*" in action for action in self.actions) or "*" in self.policy:
            found.append(f"{self}: names single actions and a single policy")
        return tuple(found)


def patterns(reason: str, *resources: str) -> list[Wildcard]:
    """Return a declaration of each pattern, all for one reason.

    Example:
        >>> [one.resource for one in patterns("Task ids are made at run time.", "a/*", "b/*")]
        ['a/*', 'b/*']
    """
    return [Wildcard(resource=resource, reason=reason) for resource in resources]


class Allow(iam.PolicyStatement):
    """An Allow that declares its own patterns.

    Args:
        sid: statement id.
        actions: single actions, none of them a pattern.
        resources: ARNs as they are, patterns as ``Wildcard``; one for ``*`` admits exactly
            ``actions``.
        conditions: IAM condition block.

    Attributes:
        wildcards: its declarations, complete but for the policy that it will stand in.

    Raises:
        WildcardError: a declaration is no pattern, or says too little.
    """

    def __init__(
        self,
        *,
        sid: str,
        actions: Sequence[str],
        resources: Sequence[str | Wildcard],
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            sid=sid,
            actions=list(actions),
            resources=[one.resource if isinstance(one, Wildcard) else one for one in resources],
            conditions=conditions,
        )
        self.wildcards: tuple[Wildcard, ...] = tuple(
            replace(one, actions=tuple(actions)) if one.resource == EVERYTHING else one
            for one in resources
            if isinstance(one, Wildcard)
        )
        problems = [problem for one in self.wildcards for problem in one.problems]
        problems += [f"{one}: is no pattern" for one in self.wildcards if "*" not in one.resource]
        if problems:
            raise WildcardError("\n".join(f"{sid}: {problem}" for problem in problems))


class DeclaredPolicy(iam.ManagedPolicy):
    """A managed policy that takes the declarations of its statements with it.

    Args:
        scope: parent construct.
        construct_id: its id there.
        statements: all that it says; patterns in them are declared by ``Allow``.
        options: of ``iam.ManagedPolicy``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        statements: Sequence[iam.PolicyStatement],
        **options: Any,
    ) -> None:
        super().__init__(scope, construct_id, statements=list(statements), **options)
        declare_wildcards(
            self,
            (one for known in statements if isinstance(known, Allow) for one in known.wildcards),
        )


def declare_wildcards(policy: iam.ManagedPolicy, wildcards: Iterable[Wildcard]) -> None:
    """Write declarations into the metadata of a policy, where the judges read them.

    A pattern that several statements have is one declaration: actions and reasons add up.
    """
    known: dict[str, Wildcard] = {}
    for one in wildcards:
        before = known.get(one.resource)
        if before is None:
            known[one.resource] = one
            continue
        reason = before.reason if one.reason in before.reason else f"{before.reason} {one.reason}"
        actions = dict.fromkeys((*before.actions, *one.actions))
        known[one.resource] = replace(before, reason=reason, actions=tuple(actions))
    resource = policy.node.default_child
    if known and resource is not None:
        entries = [{**asdict(one), "actions": list(one.actions)} for one in known.values()]
        resource.node.add_metadata(WILDCARDS_KEY, entries)
