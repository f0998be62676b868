"""Every property that the templates ask for is held by the deployed emulator, or is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest

from starburst.local import LocalEnvironment
from starburst.local.deploy_templates import deploy_templates
from starburst.local.emulation.recorded import RECORDED
from starburst.local.emulator import GAPS
from tests.local.parity.differences import differences
from tests.local.parity.intrinsics import resources_of
from tests.local.parity.reading import READERS, Services
from tests.local.parity.stacks import Asked, Comparison, asked_for, carried_templates, compare
from tests.local.scene import eventually

ENDPOINTS = "starburst-local-endpoints"

UNTOLD = {
    ("AWS::ECR::Repository", "EmptyOnDelete"): "CloudFormation reads it when it deletes",
    ("AWS::KMS::Key", "PendingWindowInDays"): "no operation of KMS tells it before the deletion",
}
"""What no service tells, in AWS either, with the reason."""

PATCHED = {
    "role_boundaries": {("AWS::IAM::Role", "PermissionsBoundary")},
    "bucket_lifecycles": {("AWS::S3::Bucket", "LifecycleConfiguration")},
    "bucket_locks": {("AWS::S3::Bucket", "ObjectLockEnabled")},
    "bucket_properties": {
        ("AWS::S3::Bucket", name) for name in ("BucketEncryption", "LoggingConfiguration", "Tags")
    },
    "topic_keys": {("AWS::SNS::Topic", "KmsMasterKeyId")},
    "function_settings": {
        ("AWS::Lambda::Function", name)
        for name in ("DeadLetterConfig", "ReservedConcurrentExecutions")
    },
    "endpoint_properties": {("AWS::EC2::VPCEndpoint", "PolicyDocument")},
    "data_protection": {("AWS::Logs::LogGroup", "DataProtectionPolicy")},
    "container_limits": {
        ("AWS::ECS::TaskDefinition", name) for name in ("ContainerDefinitions", "Volumes")
    },
    "task_platform": {
        ("AWS::ECS::TaskDefinition", name) for name in ("EphemeralStorage", "RuntimePlatform")
    },
}
"""What stock would drop of the templates in silence, by the patch that puts it in force."""


def open_endpoints(aws: Services) -> None:
    """Make what exists while sessions run."""
    formation = aws["cloudformation"]
    formation.update_stack(
        StackName=ENDPOINTS,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Bursting", "ParameterValue": "on"}],
    )

    def complete() -> bool | None:
        (stack,) = formation.describe_stacks(StackName=ENDPOINTS)["Stacks"]
        return True if stack["StackStatus"].endswith("_COMPLETE") else None

    eventually(complete)


@contextmanager
def opened(local: LocalEnvironment) -> Iterator[Services]:
    """Deploy all that the templates have, with what exists while sessions run."""
    with closing(Services(local=local)) as services:
        deploy_templates(local)
        open_endpoints(services)
        yield services


@pytest.fixture(scope="module")
def aws() -> Iterator[Services]:
    """An environment of its own: sessions open and close the endpoints of one that they share."""
    with LocalEnvironment() as local, opened(local) as services:
        yield services


@pytest.fixture(scope="module")
def asked(aws: Services) -> Sequence[Asked]:
    return asked_for(aws)


@pytest.fixture(scope="module")
def comparison(aws: Services, asked: Sequence[Asked]) -> Comparison:
    return compare(aws, asked)


def below(path: str, property_path: str) -> bool:
    return not property_path or f"{path}.".startswith(f"{property_path}.")


def test_all_that_the_templates_ask_for_is_compared(asked: Sequence[Asked]) -> None:
    compared = {each.place for each in asked}
    templates = carried_templates()
    assert {
        f"{stack}/{logical}"
        for stack, template in templates.items()
        for logical in (*resources_of(template), *template.get("Outputs", ()))
    } == compared


def test_every_property_is_held_or_listed(comparison: Comparison) -> None:
    unlisted = {key: told for key, told in comparison.differing.items() if key not in UNTOLD}
    assert not unlisted, (
        "the templates ask for what the emulator does not hold: put it in force by a patch in "
        f"starburst.local.emulation, or list it with a reason: {unlisted}"
    )
    assert comparison.differing.keys() == UNTOLD.keys(), "listed, but held by now"


def test_what_is_only_recorded_is_asked_for_and_told(comparison: Comparison) -> None:
    for entry in RECORDED:
        assert GAPS[entry.gap].endswith("."), entry
        for path in entry.properties:
            found = [each for each in comparison.compared[entry.kind] if below(each, path)]
            assert found, f"no template asks for {entry.kind} {path} any more"


def test_every_reader_is_needed(comparison: Comparison) -> None:
    spare = {
        "AWS::EC2::SecurityGroupEgress",
        "AWS::Lambda::EventSourceMapping",
        "AWS::SNS::Subscription",
    }
    assert READERS.keys() - comparison.compared.keys() <= spare


def perturbed(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the value with each of its leaves changed, one at a time, by the leaf's path."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            for place, other in perturbed(each, f"{path}.{name}" if path else name):
                yield place, {**value, name: other}
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            for place, other in perturbed(each, path):
                yield place, [*value[:index], other, *value[index + 1 :]]
    else:
        yield path, f"not {value}"


def test_no_leaf_escapes_the_comparison(comparison: Comparison) -> None:
    """Whatever one value a template asks for, another one is told from it, in its place."""
    missed = [
        (each.place, path)
        for each, held in comparison.pairs
        for path, other in perturbed(each.properties)
        if path not in {found.path for found in differences(other, held)}
    ]
    assert not missed


def test_what_the_patches_put_in_force_is_missed_without_them() -> None:
    """The control: what a deployment drops is seen, property by property."""
    with LocalEnvironment(without=[*PATCHED]) as stock, opened(stock) as services:
        kinds = {kind for found in PATCHED.values() for kind, _ in found}
        resources = [each for each in asked_for(services) if each.kind in kinds]
        differing = compare(services, resources).differing
    seen = {(kind, path.partition(".")[0]) for kind, path in differing}
    told = {("AWS::EC2::VPCEndpoint", name) for name in ("PrivateDnsEnabled", "SecurityGroupIds")}
    assert seen == set[tuple[str, str]]().union(*PATCHED.values()) | told


@contextmanager
def tampered(change: Callable[[], Any], *, restore: Callable[[], Any]) -> Iterator[None]:
    change()
    try:
        yield
    finally:
        restore()


def tampering(aws: Services, kind: str, ref: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return how to change a resource past its template, and how to take that back."""
    iam, s3, sqs, logs = (aws[service] for service in ("iam", "s3", "sqs", "logs"))
    match kind:
        case "AWS::IAM::Role":
            held = iam.get_role(RoleName=ref)["Role"]["PermissionsBoundary"]
            arn = held["PermissionsBoundaryArn"]
            return (
                lambda: iam.delete_role_permissions_boundary(RoleName=ref),
                lambda: iam.put_role_permissions_boundary(RoleName=ref, PermissionsBoundary=arn),
            )
        case "AWS::S3::Bucket":
            rules = s3.get_bucket_lifecycle_configuration(Bucket=ref)["Rules"]
            shorter = [{**rules[0], "Status": "Disabled"}, *rules[1:]]

            def put(rules: list[Any]) -> None:
                s3.put_bucket_lifecycle_configuration(
                    Bucket=ref, LifecycleConfiguration={"Rules": rules}
                )

            return lambda: put(shorter), lambda: put(rules)
        case "AWS::SQS::Queue":
            held = sqs.get_queue_attributes(QueueUrl=ref, AttributeNames=["All"])["Attributes"]
            name = "MessageRetentionPeriod"
            return (
                lambda: sqs.set_queue_attributes(QueueUrl=ref, Attributes={name: "60"}),
                lambda: sqs.set_queue_attributes(QueueUrl=ref, Attributes={name: held[name]}),
            )
        case _:
            (held,) = logs.describe_log_groups(logGroupNamePrefix=ref)["logGroups"]
            days = held["retentionInDays"]
            return (
                lambda: logs.delete_retention_policy(logGroupName=ref),
                lambda: logs.put_retention_policy(logGroupName=ref, retentionInDays=days),
            )


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::IAM::Role", "PermissionsBoundary"),
        ("AWS::S3::Bucket", "LifecycleConfiguration.Rules.Status"),
        ("AWS::SQS::Queue", "MessageRetentionPeriod"),
        ("AWS::Logs::LogGroup", "RetentionInDays"),
    ],
)
def test_a_change_past_the_templates_is_seen(
    aws: Services, asked: Sequence[Asked], kind: str, path: str
) -> None:
    """The other control: what somebody changed by hand is seen, and nothing else."""
    one = next(each for each in asked if each.kind == kind)
    change, restore = tampering(aws, kind, one.ref)
    with tampered(change, restore=restore):
        assert [*compare(aws, [one]).differing] == [(kind, path)]
    assert not compare(aws, [one]).differing
