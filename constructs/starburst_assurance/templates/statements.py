"""Reading policy statements the way that IAM means them, as far as the rules need it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starburst_assurance.templates.template import Resource, Template

__all__ = [
    "Statement",
    "attached_policy",
    "covers_actions",
    "denies_everyone",
    "documents",
    "listed",
    "policy_of",
    "statements",
    "tested",
]

Statement = Mapping[str, Any]

_ATTACHED = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
}
_INLINE = {
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::ECR::Repository": "RepositoryPolicyText",
}


def listed(value: object) -> list[Any]:
    """Return a list of what IAM lets one write alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def statements(document: object) -> Iterator[Statement]:
    """Yield the statements of a policy document; nothing where there is none."""
    if isinstance(document, Mapping):
        yield from listed(document.get("Statement"))


def attached_policy(resource: Resource, template: Template) -> Resource | None:
    """Return the resource that holds the policy of a bucket, queue or topic."""
    kind, field = _ATTACHED[resource.kind]
    for policy in template.all_of(kind):
        if any(template.referred(each) is resource for each in listed(policy.properties[field])):
            return policy
    return None


def policy_of(resource: Resource, template: Template) -> list[Statement]:
    """Return the statements of a resource's own policy, wherever the template keeps it."""
    if resource.kind in _INLINE:
        return list(statements(resource.properties.get(_INLINE[resource.kind])))
    policy = attached_policy(resource, template)
    return list(statements(policy.properties["PolicyDocument"])) if policy else []


def documents(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """Yield the identity policies of a role, user or policy; not a role's trust."""
    properties = resource.properties
    if "PolicyDocument" in properties:
        yield properties["PolicyDocument"]
    for inline in properties.get("Policies", ()):
        yield inline["PolicyDocument"]


def covers_actions(statement: Statement, wanted: Sequence[str]) -> bool:
    """Return whether a statement names all of ``wanted``, or everything."""
    named = {str(action).lower() for action in listed(statement.get("Action"))}
    return "*" in named or all(
        action.lower() in named or f"{action.split(':')[0].lower()}:*" in named for action in wanted
    )


def denies_everyone(statement: Statement) -> bool:
    """Return whether a statement denies every caller."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    return statement["Effect"] == "Deny" and "*" in listed(principal)


def tested(statement: Statement, operator: str, key: str) -> list[Any]:
    """Return the values that one operator of a statement's conditions tests ``key`` against.

    IAM ignores the case of keys, so this does.

    Example:
        >>> tested({"Condition": {"Bool": {"AWS:SecureTransport": False}}}, "Bool",
        ...        "aws:SecureTransport")
        [False]
    """
    block = statement.get("Condition", {}).get(operator, {})
    return [
        value
        for name, values in block.items()
        if name.lower() == key.lower()
        for value in listed(values)
    ]
