"""Destroying takes all of a test environment, nothing of production, and can be run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy.lifecycle.account import INTERRUPTED, Account, LifecycleError
from deploy.lifecycle.deployed import DeployedStack, deployed
from deploy.lifecycle.destroy import destroy, main
from deploy.lifecycle.instances import release_instances
from deploy.lifecycle.remains import look_for_remains
from deploy.lifecycle.sessions import end_sessions
from deploy.tools.cdk import CdkFailed
from environments import DEV, PROD
from tests.quick_moto import quick_aws

REGION: Final = "eu-west-1"
STACK: Final = "starburst-dev-storage"
NOWHERE: Final = Path("nowhere")


def template(*, kept: bool = False) -> str:
    policy = {"DeletionPolicy": "Retain" if kept else "Delete"}
    bucket = {"Type": "AWS::S3::Bucket", **policy, "Properties": {"BucketName": "dev-data"}}
    return json.dumps({"Resources": {"Data": bucket}})


class Formation:
    """CloudFormation, which deletes a stack only when its bucket is empty."""

    def __init__(self, *, late: int = 0) -> None:
        self.late, self.calls = late, list[tuple[str, ...]]()
        self.stacks, self.s3 = boto3.client("cloudformation", REGION), boto3.client("s3", REGION)

    def __call__(self, arguments: Sequence[str]) -> None:
        self.calls.append(tuple(arguments))
        if self.late:
            self.late -= 1
            self.s3.put_object(Bucket="dev-data", Key=f"logs/late-{self.late}", Body=b"late")
        if "Versions" in self.s3.list_object_versions(Bucket="dev-data"):
            raise CdkFailed("cdk destroy failed with exit code 1:\nThe bucket is not empty")
        self.stacks.delete_stack(StackName=STACK)


def account_with(cdk: Callable[[Sequence[str]], None], **services: Any) -> Account:
    def client(service: str) -> Any:
        return services.get(service) or boto3.client(service, REGION)  # type: ignore[call-overload]

    return Account(environment=DEV, client=client, cdk=cdk, say=lambda _line: None)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """One stack of DEV, whose bucket holds two versions of an object."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    NOWHERE.mkdir()
    stack = {"type": "aws:cloudformation:stack", "properties": {"stackName": STACK}}
    (NOWHERE / "manifest.json").write_text(json.dumps({"artifacts": {"storage": stack}}))
    with quick_aws():
        boto3.client("cloudformation", REGION).create_stack(
            StackName=STACK, TemplateBody=template()
        )
        s3 = boto3.client("s3", REGION)
        s3.put_bucket_versioning(Bucket="dev-data", VersioningConfiguration={"Status": "Enabled"})
        for body in (b"old", b"new"):
            s3.put_object(Bucket="dev-data", Key="sessions/one", Body=body)
        yield


@pytest.mark.usefixtures("aws")
def test_a_log_file_that_arrives_late_is_deleted_too() -> None:
    cdk = Formation(late=2)
    left = destroy(account_with(cdk), assembly=NOWHERE)
    assert len(cdk.calls) == 3
    assert cdk.calls[0] == (
        *("destroy", "dev/*", "--app", "nowhere", "--force", "--concurrency", "4"),
    )
    assert list(left.lines) == []
    assert deployed(account_with(cdk)) == []


@pytest.mark.usefixtures("aws")
def test_a_stack_of_other_settings_keeps_what_it_holds() -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "notebooks"}}
    boto3.client("cloudformation", REGION).create_stack(
        StackName="starburst-dev-notebooks", TemplateBody=json.dumps({"Resources": {"One": bucket}})
    )
    s3 = boto3.client("s3", REGION)
    s3.put_object(Bucket="notebooks", Key="one", Body=b"theirs")
    left = destroy(account_with(Formation()), assembly=NOWHERE)
    assert [line.partition(" is ")[0] for line in left.lines] == [
        "stack starburst-dev-notebooks (CREATE_COMPLETE)"
    ]
    assert s3.get_object(Bucket="notebooks", Key="one")["Body"].read() == b"theirs"


@pytest.mark.usefixtures("aws")
def test_log_groups_that_production_of_the_same_name_kept_stay() -> None:
    logs, key = boto3.client("logs", REGION), f"arn:aws:kms:{REGION}:{DEV.account}:key/1"
    kept, late = "/aws/ecs/starburst/dev/kept", "/aws/ecs/starburst/dev/late"
    logs.create_log_group(logGroupName=kept, kmsKeyId=key)
    logs.create_log_group(logGroupName=late)
    left = destroy(account_with(Formation()), assembly=NOWHERE)
    assert left.log_groups == (kept,)
    assert [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]] == [kept]


@pytest.mark.usefixtures("aws")
def test_it_gives_up_in_the_end_and_can_be_run_again() -> None:
    cdk = Formation(late=3)
    with pytest.raises(CdkFailed):
        destroy(account_with(cdk), assembly=NOWHERE)
    assert destroy(account_with(cdk), assembly=NOWHERE).stacks == ()


@pytest.mark.usefixtures("aws")
def test_what_is_on_hold_is_told_and_nothing_is_destroyed() -> None:
    class Held:
        """S3, of which one version is on legal hold."""

        def __init__(self) -> None:
            self.s3 = boto3.client("s3", REGION)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.s3, name)

        def delete_objects(self, **request: Any) -> Any:
            refused = [
                {**one, "Code": "AccessDenied", "Message": "Access Denied: object is locked"}
                for one in request["Delete"]["Objects"]
            ]
            return {"Errors": refused}

        def delete_object(self, **_request: Any) -> Any:
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "object is locked"}}
            raise ClientError(error, "DeleteObject")

    cdk = Formation()
    with pytest.raises(LifecycleError, match=r"dev-data keeps 2 versions.*locked.*run the command"):
        destroy(account_with(cdk, s3=Held()), assembly=NOWHERE)
    assert cdk.calls == []


@pytest.mark.usefixtures("aws")
def test_what_was_deployed_as_production_is_refused() -> None:
    formation = boto3.client("cloudformation", REGION)
    formation.update_stack(StackName=STACK, TemplateBody=template(kept=True))
    cdk = Formation()
    with pytest.raises(LifecycleError, match="deployed as production: it keeps Data"):
        destroy(account_with(cdk), assembly=NOWHERE)
    assert cdk.calls == []
    assert "Versions" in cdk.s3.list_object_versions(Bucket="dev-data")


def test_production_is_refused_before_anybody_signs_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def nobody(_environment: object) -> Account:
        pytest.fail("AWS was asked")

    assert main(["--environment", "prod"], hands=nobody) == 1
    assert "prod is production, which this command never destroys" in capsys.readouterr().err
    with pytest.raises(LifecycleError, match="never destroys"):
        destroy(replace(account_with(lambda _: None), environment=PROD), assembly=NOWHERE)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("typed", ["", "yes", "prod", "DEV", "dev2"])
def test_only_the_typed_name_destroys(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    cdk = Formation()
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        if not typed:
            raise EOFError
        return typed

    hands = account_with(cdk)
    assert main(["--environment", "dev"], ask=answer, hands=lambda _: hands) == 1
    said = capsys.readouterr()
    assert asked == ["Type the environment's name, dev, to destroy it: "]
    assert "bucket dev-data and every object in it" in said.out
    assert "nothing was done" in said.err
    assert cdk.calls == []
    assert len(cdk.s3.list_object_versions(Bucket="dev-data")["Versions"]) == 2


@pytest.mark.usefixtures("aws")
def test_ctrl_c_ends_it_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    cdk = Formation()

    def answer(_question: str) -> str:
        raise KeyboardInterrupt

    hands = account_with(cdk)
    assert main(["--environment", "dev"], ask=answer, hands=lambda _: hands) == INTERRUPTED
    assert "run it again to go on" in capsys.readouterr().err
    assert cdk.calls == []


@pytest.mark.usefixtures("aws")
def test_queues_are_listed_beyond_the_first_thousand() -> None:
    sqs, asked = boto3.client("sqs", REGION), list[int | None]()
    sqs.meta.events.register(
        "provide-client-params.sqs.ListQueues",
        lambda params, **_: asked.append(params.get("MaxResults")),
    )
    end_sessions(account_with(Formation(), sqs=sqs))
    assert asked == [1000]


@pytest.mark.usefixtures("aws")
def test_only_queues_of_sessions_go_with_the_sessions() -> None:
    sqs = boto3.client("sqs", REGION)
    session = f"starburst-dev-sandbox-{'a' * 20}"
    other = f"starburst-dev2-sandbox-{'a' * 20}"
    for name in (session, other, "starburst-dev-failures", f"{session}-lost"):
        sqs.create_queue(QueueName=name)
    end_sessions(account_with(Formation()))
    left = {url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]}
    assert left == {other, "starburst-dev-failures", f"{session}-lost"}


@pytest.mark.usefixtures("aws")
def test_instances_that_ecs_protected_are_released() -> None:
    ec2, scaling = boto3.client("ec2", REGION), boto3.client("autoscaling", REGION)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    scaling.create_launch_configuration(
        LaunchConfigurationName="host", ImageId=image, InstanceType="t3.micro"
    )
    group = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": "0",
            "MaxSize": "2",
            "DesiredCapacity": "2",
            "LaunchConfigurationName": "host",
            "AvailabilityZones": ["eu-west-1a"],
            "NewInstancesProtectedFromScaleIn": True,
        },
    }
    boto3.client("cloudformation", REGION).create_stack(
        StackName="starburst-dev-hosts", TemplateBody=json.dumps({"Resources": {"Group": group}})
    )
    (before,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    released: list[str] = []
    scaling.meta.events.register(
        "provide-client-params.auto-scaling.SetInstanceProtection",
        lambda params, **_: released.extend(params["InstanceIds"]),
    )
    account = account_with(Formation(), autoscaling=scaling)
    release_instances(account, deployed(account))
    (after,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (after["DesiredCapacity"], after["NewInstancesProtectedFromScaleIn"]) == (0, False)
    assert sorted(released) == sorted(one["InstanceId"] for one in before["Instances"])
    assert len(released) == 2


def test_an_instance_that_already_goes_is_not_named() -> None:
    states = {"i-1": "InService", "i-2": "Terminating", "i-3": "Standby"}
    released: list[str] = []

    class Scaling:
        def get_paginator(self, _name: str) -> Scaling:
            return self

        def paginate(self, **_words: Any) -> Iterator[Any]:
            instances = [
                {"InstanceId": name, "LifecycleState": state, "ProtectedFromScaleIn": True}
                for name, state in states.items()
            ]
            yield {"AutoScalingGroups": [{"AutoScalingGroupName": "g", "Instances": instances}]}

        def set_instance_protection(self, **words: Any) -> None:
            released.extend(words["InstanceIds"])

        def update_auto_scaling_group(self, **_words: Any) -> None:
            pass

    resources = {"AWS::AutoScaling::AutoScalingGroup": ("g",)}
    hosts = DeployedStack(
        name="starburst-dev-hosts", status="CREATE_COMPLETE", protected=False, resources=resources
    )
    release_instances(account_with(lambda _: None, autoscaling=Scaling()), [hosts])
    assert released == ["i-1", "i-3"]


@pytest.mark.usefixtures("aws")
def test_what_is_left_is_told_with_what_to_do() -> None:
    kms = boto3.client("kms", REGION)
    key, off = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    kms.disable_key(KeyId=off)
    boto3.client("logs", REGION).create_log_group(logGroupName="/aws/ecs/starburst/dev/sandbox")
    held = {
        "AWS::ECR::RegistryScanningConfiguration": (DEV.account,),
        "AWS::KMS::Key": (key, "gone", off),
        "AWS::S3::Bucket": ("dev-data", "dev-gone"),
    }
    gone = DeployedStack(name=STACK, status="DELETE_COMPLETE", protected=False, resources=held)
    found = list(look_for_remains(account_with(Formation()), [gone]).lines)
    assert [line.partition(" is ")[0] for line in found] == [
        f"stack {STACK} (CREATE_COMPLETE)",
        "bucket dev-data",
        f"key {key}",
        f"key {off}",
        "log group /aws/ecs/starburst/dev/sandbox",
        "the account's registry",
    ]
    assert "is deleted on 20" in found[2]
    assert found[3].endswith("is still there (Disabled)")
