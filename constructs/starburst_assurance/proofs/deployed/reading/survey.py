"""Read an account: everything that decides who may do what in one environment that is deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from starburst.aws.calls import TROUBLE, code_of, words_of
from starburst_assurance.proofs.deployed.reading.account import Account
from starburst_assurance.proofs.deployed.reading.asking import Asking
from starburst_assurance.proofs.deployed.reading.identities import read_principals, read_providers
from starburst_assurance.proofs.deployed.reading.resources import (
    read_bucket,
    read_function,
    read_gateways,
    read_key,
    read_logs,
    read_parameters,
    read_queue,
    read_repository,
    read_topic,
)
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.resolve import Physical
from starburst_assurance.proofs.reading.stacks import Stacks

__all__ = ["PARTS", "Layout", "read_account", "read_physical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What should stand, and where: the stacks with the names that AWS has given.

    Attributes:
        environment: its name.
        stacks: whose resolver knows what is deployed.
    """

    environment: str
    stacks: Stacks

    def of(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield what ``Ref`` gives for each resource of a type that is there, and its properties.

        One that only stands at times, such as an endpoint while sessions run, may be missing.
        """
        resolver = self.stacks.resolver
        for stack, logical, _, properties in self.stacks.resources(kind):
            if (stack, logical) in resolver.physical:
                yield resolver.physical[stack, logical], properties

    def arns(self, kind: str) -> Iterator[str]:
        """Yield the ARN of each resource of a type that is there."""
        resolver = self.stacks.resolver
        for stack, logical, _, _ in self.stacks.resources(kind):
            if (stack, logical) in resolver.physical:
                yield resolver.arn(stack, logical).removesuffix(":*")

    @property
    def vpcs(self) -> frozenset[str]:
        """Ids of the VPCs in which the stacks put something."""
        resolver = self.stacks.resolver
        kinds = ("AWS::EC2::VPCEndpoint", "AWS::EC2::SecurityGroup")
        return frozenset(
            str(resolver.value(stack, properties["VpcId"]))
            for stack, _, _, properties in self.stacks.resources(*kinds)
        )


def read_physical(asking: Asking, stacks: Stacks) -> tuple[Physical, tuple[str, ...]]:
    """Return how AWS calls what is deployed, and which of the stacks are.

    Raises:
        ProofError: nothing is deployed, or CloudFormation does not say what is.
    """
    found: dict[tuple[str, str], str] = {}
    there: list[str] = []
    for name in stacks.resolver.templates:
        try:
            for page in asking.pages("cloudformation", "list_stack_resources", StackName=name):
                for one in page["StackResourceSummaries"]:
                    physical = one.get("PhysicalResourceId")
                    if physical and one["ResourceStatus"] != "DELETE_COMPLETE":
                        found[name, one["LogicalResourceId"]] = physical
        except TROUBLE as error:
            if code_of(error) == "ValidationError":
                continue
            raise ProofError(
                f"cloudformation:ListStackResources of {name} was not answered "
                f"({words_of(error)}), so nothing is proved: what is deployed has no name"
            ) from error
        there.append(name)
    if not there:
        raise ProofError(
            f"none of the stacks of the environment stands here ({', '.join(stacks.short)}), so "
            "there is nothing to prove: deploy it, or look at the account and Region"
        )
    found.update(_default_groups(asking, stacks, found))
    return found, tuple(there)


def _default_groups(
    asking: Asking, stacks: Stacks, found: Physical
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the security group that each VPC has from the start."""
    for stack, logical, _, _ in stacks.resources("AWS::EC2::VPC"):
        vpc = found.get((stack, logical))
        if vpc is None:
            continue
        chosen = [
            {"Name": "vpc-id", "Values": [vpc]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        with asking.noting("ec2:DescribeSecurityGroups", vpc):
            for page in asking.pages("ec2", "describe_security_groups", Filters=chosen):
                for one in page["SecurityGroups"]:
                    yield (stack, f"{logical}.DefaultSecurityGroup"), one["GroupId"]


def read_account(asking: Asking, layout: Layout, *, stacks: tuple[str, ...]) -> Account:
    """Return what stands.

    Args:
        asking: makes the calls.
        layout: where to look.
        stacks: names of those that stand.

    Raises:
        ProofError: the account does not say who is in it.
    """
    parts = [part(asking, layout) for part in PARTS.values()]
    return Account(
        physical=layout.stacks.resolver.physical,
        stacks=stacks,
        **{name: found for part in parts for name, found in part.items()},
        unread=tuple(asking.unread),
    )


def _identities(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    principals, managed = read_principals(asking, tuple(layout.arns("AWS::IAM::Role")))
    return {
        "principals": principals,
        "managed": managed,
        "providers": read_providers(asking),
    }


def _buckets(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {
        "buckets": {name: read_bucket(asking, name) for name, _ in layout.of("AWS::S3::Bucket")}
    }


def _keys(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {"keys": {arn: read_key(asking, arn) for arn in layout.arns("AWS::KMS::Key")}}


def _queues(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    urls = {url for url, _ in layout.of("AWS::SQS::Queue")}
    prefix = f"starburst-{layout.environment}-"
    with asking.noting("sqs:ListQueues", prefix):
        for page in asking.pages("sqs", "list_queues", QueueNamePrefix=prefix):
            urls.update(page.get("QueueUrls", []))
    resolver = layout.stacks.resolver
    place = f"arn:aws:sqs:{resolver.region}:{resolver.account}"
    return {
        "queues": {
            f"{place}:{url.rpartition('/')[2]}": read_queue(asking, url) for url in sorted(urls)
        }
    }


def _topics(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {"topics": {arn: read_topic(asking, arn) for arn in layout.arns("AWS::SNS::Topic")}}


def _repositories(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {
        "repositories": {
            arn: read_repository(asking, arn.partition(":repository/")[2])
            for arn in layout.arns("AWS::ECR::Repository")
        }
    }


def _functions(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    arns = layout.arns("AWS::Lambda::Function")
    return {"functions": {arn: read_function(asking, arn) for arn in arns}}


def _gateways(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {"gateways": read_gateways(asking, layout.vpcs)}


def _logs(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {"logs": read_logs(asking)}


def _parameters(asking: Asking, layout: Layout) -> Mapping[str, Any]:
    return {"parameters": read_parameters(asking, f"/starburst/{layout.environment}/")}


Part: TypeAlias = Callable[[Asking, Layout], Mapping[str, Any]]

PARTS: Final[Mapping[str, Part]] = {
    "iam": _identities,
    "s3": _buckets,
    "kms": _keys,
    "sqs": _queues,
    "sns": _topics,
    "ecr": _repositories,
    "lambda": _functions,
    "ec2": _gateways,
    "logs": _logs,
    "ssm": _parameters,
}
"""What is read of each service: fields of an ``Account`` by name."""
