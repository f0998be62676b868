"""Forbids a wildcard in a role's policy that its design does not declare (IAM.1, IAM.21).

cdk-nag's IAM5 only sees that a pattern is there. Acknowledging it for ``*`` would admit whatever
action that is added to that statement later; this rule compares pattern and actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import documents, listed
from starburst_assurance.templates.template import Resource, Template
from starburst_constructs.policies.wildcards import EVERYTHING, Wildcard

__all__ = ["undeclared_wildcard", "unused_wildcards"]

_HOLDERS = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User")


def undeclared_wildcard(declared: Sequence[Wildcard]) -> Rule:
    """Return the rule for one environment's declarations."""
    by_place = {(each.policy, each.resource): each for each in declared}

    def judge(resource: Resource, template: Template) -> Iterator[str]:
        for statement in _allows(resource):
            yield from _open_ended(statement)
            actions = {str(action) for action in listed(statement.get("Action"))}
            for pattern in _patterns(statement, template):
                known = by_place.get((resource.path, pattern))
                if known is None:
                    yield f"nobody declared the resource {pattern} for {', '.join(sorted(actions))}"
                elif pattern == EVERYTHING:
                    for action in sorted(actions - set(known.actions)):
                        yield f"nobody declared {action} on every resource"

    return Rule(
        name="undeclared-wildcard",
        controls=("FSBP IAM.21", "CIS 1.15", "NIST AC-6", "AwsSolutions-IAM5"),
        kinds=_HOLDERS,
        fix="Name the resource; or declare the pattern, and why, where the statement has it.",
        judge=judge,
    )


def unused_wildcards(declared: Sequence[Wildcard], template: Template) -> Iterator[str]:
    """Yield declarations, and actions in them, that no policy needs any more."""
    used: dict[tuple[str, str], set[str]] = {}
    for resource in template.all_of(*_HOLDERS):
        for statement in _allows(resource):
            for pattern in _patterns(statement, template):
                actions = used.setdefault((resource.path, pattern), set())
                actions.update(str(action) for action in listed(statement.get("Action")))
    for each in declared:
        actions = used.get((each.policy, each.resource))
        if actions is None:
            yield f"{each}: no policy has it; delete the declaration"
        else:
            for action in sorted(set(each.actions) - actions):
                yield f"{each}: the policy does not allow {action}; delete it there"


def _allows(resource: Resource) -> Iterator[Mapping[str, Any]]:
    for document in documents(resource):
        for statement in listed(document.get("Statement")):
            if statement["Effect"] == "Allow":
                yield statement


def _open_ended(statement: Mapping[str, Any]) -> Iterator[str]:
    sid = statement.get("Sid", "a statement")
    for word in ("NotAction", "NotResource"):
        if word in statement:
            yield f"{sid} allows all but what {word} names"
    for action in listed(statement.get("Action")):
        if "*" in str(action) or "?" in str(action):
            yield f"{sid} allows the actions {action}"


def _patterns(statement: Mapping[str, Any], template: Template) -> Iterator[str]:
    for value in listed(statement.get("Resource")):
        text = template.text(value)
        if "*" in text:
            yield text
