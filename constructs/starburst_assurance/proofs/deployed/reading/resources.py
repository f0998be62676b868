"""Read the policies of what is deployed, and what opens it beside them: grants and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starburst_assurance.proofs.deployed.reading.account import (
    Bucket,
    Document,
    Function,
    Gateway,
    Grant,
    Key,
)
from starburst_assurance.proofs.deployed.reading.asking import Asking, as_document

__all__ = [
    "read_bucket",
    "read_function",
    "read_gateways",
    "read_key",
    "read_logs",
    "read_parameters",
    "read_queue",
    "read_repository",
    "read_topic",
]

_SHARED: Final = ("Advanced", "Intelligent-Tiering")
"""Tiers of parameters that can be shared.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutResourcePolicy.html
"""


def read_bucket(asking: Asking, name: str) -> Bucket:
    """Return what guards a bucket."""
    s3 = asking.client("s3")

    def ask(action: str, call: Any) -> Any:
        return asking.answer(f"s3:{action}", name, lambda: call(Bucket=name)) or {}

    policy = ask("GetBucketPolicy", s3.get_bucket_policy).get("Policy")
    block = ask("GetBucketPublicAccessBlock", s3.get_public_access_block)
    owning = ask("GetBucketOwnershipControls", s3.get_bucket_ownership_controls)
    acl = ask("GetBucketAcl", s3.get_bucket_acl)
    owner = acl.get("Owner", {}).get("ID")
    rules = owning.get("OwnershipControls", {}).get("Rules", [])
    return Bucket(
        policy=None if policy is None else as_document(policy),
        block=block.get("PublicAccessBlockConfiguration", {}),
        ownership=rules[0]["ObjectOwnership"] if rules else "",
        grants=tuple(
            f"{one['Permission']} to {grantee.get('URI') or grantee.get('ID') or 'somebody'}"
            for one in acl.get("Grants", [])
            for grantee in [one["Grantee"]]
            if grantee.get("ID") != owner or grantee.get("URI")
        ),
    )


def read_key(asking: Asking, arn: str) -> Key:
    """Return the policy, the state and the grants of a key."""
    kms = asking.client("kms")
    policy = asking.answer(
        "kms:GetKeyPolicy", arn, lambda: kms.get_key_policy(KeyId=arn, PolicyName="default")
    )
    known = asking.answer("kms:DescribeKey", arn, lambda: kms.describe_key(KeyId=arn))
    grants: list[Grant] = []
    with asking.noting("kms:ListGrants", arn):
        for page in asking.pages("kms", "list_grants", KeyId=arn):
            grants += map(_grant, page["Grants"])
    return Key(
        policy=as_document(policy["Policy"]) if policy else {"Statement": []},
        state=known["KeyMetadata"]["KeyState"] if known else "",
        grants=tuple(grants),
    )


def _grant(one: dict[str, Any]) -> Grant:
    constraints = one.get("Constraints") or {}
    exact = constraints.get("EncryptionContextEquals", {})
    return Grant(
        identifier=one["GrantId"],
        grantee=one.get("GranteePrincipal") or one.get("GranteeServicePrincipal") or "somebody",
        operations=tuple(sorted(one["Operations"])),
        context={**constraints.get("EncryptionContextSubset", {}), **exact},
    )


def read_queue(asking: Asking, url: str) -> Document | None:
    """Return the policy of a queue."""
    sqs = asking.client("sqs")
    answer = asking.answer(
        "sqs:GetQueueAttributes",
        url.rpartition("/")[2],
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]),
    )
    return _text((answer or {}).get("Attributes", {}).get("Policy"))


def read_topic(asking: Asking, arn: str) -> Document | None:
    """Return the policy of a topic."""
    sns = asking.client("sns")
    answer = asking.answer(
        "sns:GetTopicAttributes", arn, lambda: sns.get_topic_attributes(TopicArn=arn)
    )
    return _text((answer or {}).get("Attributes", {}).get("Policy"))


def read_repository(asking: Asking, name: str) -> Document | None:
    """Return the policy of an image repository."""
    ecr = asking.client("ecr")
    answer = asking.answer(
        "ecr:GetRepositoryPolicy", name, lambda: ecr.get_repository_policy(repositoryName=name)
    )
    return _text((answer or {}).get("policyText"))


def read_function(asking: Asking, arn: str) -> Function:
    """Return the role of a function, and whom it, its versions, aliases and addresses let in."""
    own = asking.client("lambda")
    about = asking.answer(
        "lambda:GetFunctionConfiguration",
        arn,
        lambda: own.get_function_configuration(FunctionName=arn),
    )
    statements: dict[str, list[Any]] = {}
    for qualified in (arn, *_qualified(asking, arn)):
        answer = asking.answer(
            "lambda:GetPolicy", qualified, lambda one=qualified: own.get_policy(FunctionName=one)
        )
        for one in as_document(answer["Policy"])["Statement"] if answer else ():
            found = statements.setdefault(one.get("Resource", qualified), [])
            if one not in found:
                found.append(one)
    addresses: dict[str, str] = {}
    with asking.noting("lambda:ListFunctionUrlConfigs", arn):
        for page in asking.pages("lambda", "list_function_url_configs", FunctionName=arn):
            for one in page["FunctionUrlConfigs"]:
                addresses[one["FunctionArn"]] = one["AuthType"]
    return Function(
        role=about["Role"] if about else "",
        policies={resource: {"Statement": found} for resource, found in statements.items()},
        addresses=addresses,
    )


def _qualified(asking: Asking, arn: str) -> Iterator[str]:
    for action, operation, items, label in (
        ("ListAliases", "list_aliases", "Aliases", "Name"),
        ("ListVersionsByFunction", "list_versions_by_function", "Versions", "Version"),
    ):
        with asking.noting(f"lambda:{action}", arn):
            for page in asking.pages("lambda", operation, FunctionName=arn):
                yield from (f"{arn}:{one[label]}" for one in page[items] if one[label] != "$LATEST")


def read_gateways(asking: Asking, vpcs: frozenset[str]) -> dict[str, Gateway]:
    """Return the endpoints of some VPCs by id."""
    found: dict[str, Gateway] = {}
    chosen = [{"Name": "vpc-id", "Values": sorted(vpcs)}]
    with asking.noting("ec2:DescribeVpcEndpoints", ", ".join(sorted(vpcs)) or "no VPC"):
        for page in asking.pages("ec2", "describe_vpc_endpoints", Filters=chosen):
            for one in page["VpcEndpoints"]:
                if one.get("State", "").lower() not in ("deleted", "deleting"):
                    found[one["VpcEndpointId"]] = Gateway(
                        service=one["ServiceName"],
                        vpc=one["VpcId"],
                        policy=as_document(one.get("PolicyDocument") or _ANY),
                    )
    return found


_ANY: Final = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}


def read_logs(asking: Asking) -> dict[str, Document]:
    """Return the account's policies of CloudWatch Logs by name."""
    found: dict[str, Document] = {}
    with asking.noting("logs:DescribeResourcePolicies", "the account"):
        for page in asking.pages("logs", "describe_resource_policies"):
            for one in page["resourcePolicies"]:
                found[one["policyName"]] = as_document(one["policyDocument"])
    return found


def read_parameters(asking: Asking, prefix: str) -> dict[str, tuple[Document, ...]]:
    """Return the policies that share parameters below a path, by the parameter's ARN."""
    found: dict[str, tuple[Document, ...]] = {}
    below = [{"Key": "Name", "Option": "BeginsWith", "Values": [prefix]}]
    with asking.noting("ssm:DescribeParameters", prefix):
        for page in asking.pages("ssm", "describe_parameters", ParameterFilters=below):
            for one in page["Parameters"]:
                if one.get("Tier", "Standard") in _SHARED:
                    arn = one["ARN"]
                    found[arn] = tuple(_sharing(asking, arn))
    return {arn: policies for arn, policies in found.items() if policies}


def _sharing(asking: Asking, arn: str) -> Iterator[Document]:
    with asking.noting("ssm:GetResourcePolicies", arn):
        for page in asking.pages("ssm", "get_resource_policies", ResourceArn=arn):
            yield from (as_document(one["Policy"]) for one in page["Policies"])


def _text(text: str | None) -> Document | None:
    return as_document(text) if text else None
