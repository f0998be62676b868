"""Finds what lets an AWS service in without saying on whose behalf (P5)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starburst_constructs.policies.service_access import CONFUSED_DEPUTY_KEYS, says_for_whom

__all__ = ["ACCEPTED", "POLICY_HOLDERS", "OpenDeputy", "Unsupported", "open_deputies"]

_POLICY_PROPERTIES: Final = (
    "AccessPolicy",
    "AssumeRolePolicyDocument",
    "KeyPolicy",
    "PolicyDocument",
    "RegistryPolicyText",
    "RepositoryPolicyText",
    "ResourcePolicy",
)

POLICY_HOLDERS: Final = (
    "AWS::Backup::BackupVault",
    "AWS::ECR::RegistryPolicy",
    "AWS::ECR::Repository",
    "AWS::Events::EventBusPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::Logs::ResourcePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::ResourcePolicy",
)
"""Types with a policy that can let a service in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsupported:
    """A service that sends none of the keys at one kind of resource.

    Attributes:
        service: its principal.
        resource_type: CloudFormation type of what it is let into.
        reason: why that is safe.
        where_sent: whether the grant still binds a key where the service sends it.
    """

    service: str
    resource_type: str
    reason: str
    where_sent: bool = False


ACCEPTED: Final = (
    Unsupported(
        service="lambda.amazonaws.com",
        resource_type="AWS::IAM::Role",
        reason=(
            "Lambda documents no source key for the trust of an execution role, and a role can "
            "be passed to a function of its own account only"
        ),
    ),
    Unsupported(
        service="cloudformation.amazonaws.com",
        resource_type="AWS::IAM::Role",
        reason=(
            "CloudFormation documents no source key for the trust of a stack's role, so ours binds "
            "where the key is present; a role can be passed to a stack of its own account only"
        ),
        where_sent=True,
    ),
    Unsupported(
        service="cloudtrail.amazonaws.com",
        resource_type="AWS::IAM::Role",
        reason=(
            "CloudTrail documents source keys for buckets, keys and topics, but not for the role "
            "that writes its log group, so ours binds where the key is present; a role can be "
            "passed to a trail of its own account only"
        ),
        where_sent=True,
    ),
    Unsupported(
        service="ec2.amazonaws.com",
        resource_type="AWS::IAM::Role",
        reason=(
            "EC2 documents no source key for the trust of an instance's role, and a role can be "
            "given to an instance of its own account only, by who may pass it to EC2: nobody of "
            "the kit"
        ),
    ),
)
"""Services whose grants go without a key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDeputy:
    """An Allow for a service principal that a resource of any account could ride on.

    Attributes:
        logical_id: of the resource that holds the policy.
        service: who is let in.
    """

    logical_id: str
    service: str

    def __str__(self) -> str:
        """Return the finding as one line."""
        keys = ", ".join(CONFUSED_DEPUTY_KEYS)
        return f"{self.logical_id}: {self.service} is let in for any account; add one of {keys}"


def open_deputies(template: Mapping[str, Any]) -> Iterator[OpenDeputy]:
    """Yield every unguarded service principal in a synthesized template.

    Example:
        >>> allow = {"Effect": "Allow", "Principal": {"Service": "a.amazonaws.com"}}
        >>> trust = {"AssumeRolePolicyDocument": {"Statement": [allow]}}
        >>> role = {"Type": "AWS::IAM::Role", "Properties": trust}
        >>> [found.service for found in open_deputies({"Resources": {"Role": role}})]
        ['a.amazonaws.com']
    """
    for logical_id, resource in template.get("Resources", {}).items():
        for service, conditions in _grants(resource):
            accepted = any(
                (service, resource["Type"]) == (known.service, known.resource_type)
                and (not known.where_sent or says_for_whom(conditions, where_sent=True))
                for known in ACCEPTED
            )
            if not accepted and not says_for_whom(conditions):
                yield OpenDeputy(logical_id=logical_id, service=service)


def _grants(resource: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Lambda::Permission":
        source = {
            f"aws:{name}": properties[name]
            for name in ("SourceAccount", "SourceArn")
            if name in properties
        }
        if "." in str(properties["Principal"]):
            yield str(properties["Principal"]), {"StringEquals": source}
        return
    for name in _POLICY_PROPERTIES:
        written = properties.get(name, {})
        # CloudWatch Logs takes its policy as text.
        document = json.loads(written) if isinstance(written, str) else written
        for statement in document.get("Statement", ()):
            principal = statement.get("Principal", {})
            if statement["Effect"] != "Allow" or not isinstance(principal, Mapping):
                continue
            services = principal.get("Service", ())
            for service in services if isinstance(services, list) else (services,):
                if service:
                    yield str(service), statement.get("Condition", {})
