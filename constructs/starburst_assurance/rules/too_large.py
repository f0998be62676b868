"""Forbids what AWS would refuse for its size in the middle of a deployment: policies, templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.lengths import length
from starburst_assurance.templates.template import Resource, Template

__all__ = ["LIMITS", "MOST_RESOURCES", "MOST_TEMPLATE_BYTES", "TOO_LARGE"]

LIMITS: Final = {
    # type: (property, what it is, characters)
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", "the endpoint's policy", 20_480),
    "AWS::ECR::Repository": ("RepositoryPolicyText", "the repository's policy", 10_240),
    "AWS::Events::Rule": ("EventPattern", "the event pattern", 4_096),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument", "the managed policy", 6_144),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", "the role's trust policy", 2_048),
    "AWS::KMS::Key": ("KeyPolicy", "the key's policy", 32_768),
    "AWS::Lambda::Function": ("Environment", "the function's environment", 4_096),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument", "the log groups' policy", 5_120),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "the bucket's policy", 20_480),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "the topic's policy", 30_720),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "the queue's policy", 8_192),
    "AWS::SSM::Parameter": ("Value", "the parameter's value", 8_192),
}
"""Quotas that AWS does not raise, or that the kit does not ask to have raised.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

MOST_INLINE: Final = 10_240
"""Characters of all inline policies of a role."""

MOST_MANAGED: Final = 10
"""Managed policies of a role."""

MOST_RESOURCES: Final = 500
MOST_TEMPLATE_BYTES: Final = 1_000_000

_STANDARD: Final = 4_096
"""Of a parameter that is not of the advanced tier."""


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    of_its_file = (each for each in template.all_of() if each.file == resource.file)
    first = next(of_its_file) is resource
    if resource.kind not in LIMITS and not first:
        return None
    return _found(resource, template, first=first)


def _found(resource: Resource, template: Template, *, first: bool) -> Iterator[str]:
    if first:
        yield from _whole_template(resource, template)
    key, what, most = LIMITS.get(resource.kind, ("", "", 0))
    value = resource.properties.get(key)
    if value is None:
        return
    if resource.kind == "AWS::SSM::Parameter" and resource.properties.get("Tier") != "Advanced":
        most = _STANDARD
    size = length(value, template)
    if size > most:
        yield f"{what} may take {size:,} characters, and AWS takes {most:,}"
    if resource.kind == "AWS::IAM::Role":
        yield from _policies_of(resource, template)


def _policies_of(role: Resource, template: Template) -> Iterator[str]:
    inline: list[Any] = role.properties.get("Policies", [])
    size = sum(length(each["PolicyDocument"], template) for each in inline)
    if size > MOST_INLINE:
        yield f"its inline policies take {size:,} characters, and IAM takes {MOST_INLINE:,}"
    managed = len(role.properties.get("ManagedPolicyArns", ()))
    if managed > MOST_MANAGED:
        yield f"it has {managed} managed policies, and IAM takes {MOST_MANAGED}"


def _whole_template(resource: Resource, template: Template) -> Iterator[str]:
    """Yield what is wrong with the stack of a resource, which is the first of it."""
    count = sum(each.file == resource.file for each in template.all_of())
    # Templates that were read one by one, such as an add-on's tests read them, have no file.
    if resource.file and count > MOST_RESOURCES:
        yield f"its stack has {count} resources, and CloudFormation takes {MOST_RESOURCES}"
    size = Path(resource.file).stat().st_size if resource.file else 0
    if size > MOST_TEMPLATE_BYTES:
        yield (
            f"its stack's template has {size:,} bytes, and CloudFormation takes "
            f"{MOST_TEMPLATE_BYTES:,}"
        )


TOO_LARGE: Final = Rule(
    name="too-large",
    controls=("NIST CM-3", "NIST CP-10"),
    kinds=(),
    fix=(
        "Take workspaces or reads out of the environment, or shorten their names: what is too "
        "large here grows with both. A second environment takes the rest."
    ),
    judge=_judge,
)
