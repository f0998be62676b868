"""Each kind of AWS's unkindness, met through boto3 in AWS's own form; and none before it begins."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from starburst.local import LocalEnvironment
from starburst.local.emulator import REGION
from starburst.local.roles import session
from starburst.local.unkindness import KINDS
from starburst.local.unkindness.chance import Chance
from starburst.local.unkindness.placement import REASONS
from tests.local.scene import ALLOW, EVERYTHING, Scene, eventually

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, parameter_validation=False)
SEED = 3
PACE = 40.0
"""So many of AWS's seconds pass in one of ours."""

LONGEST = 90.0


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with LocalEnvironment(unkind=SEED, pace=PACE) as local:
        yield Scene(local)


@pytest.fixture
def someone(scene: Scene) -> Callable[[str], Any]:
    """Return clients of a role that may do everything, which never try a call twice."""
    aws = scene.become(scene.role(EVERYTHING))
    return lambda service: scene.local.client(aws, service, config=ONCE)


@pytest.fixture(autouse=True)
def kind_again(scene: Scene) -> Iterator[None]:
    yield
    scene.local.begin_unkindness("missing_keys")


def refusal(call: Callable[..., Any], **words: Any) -> dict[str, Any] | None:
    """Return the error that a call meets, and the status it came with; None for none."""
    try:
        call(**words)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {**error.response["Error"], "status": status, "whole": error.response}
    return None


def first_refusal(call: Callable[..., Any], **words: Any) -> dict[str, Any]:
    """Return the first error of many calls."""
    return eventually(lambda: hammer(call, **words), LONGEST)


def hammer(call: Callable[..., Any], **words: Any) -> dict[str, Any] | None:
    return next((found for _ in range(50) if (found := refusal(call, **words))), None)


def slow(kind: str, name: str) -> str:
    """Return a name to which this seed gives a long delay."""
    chance = Chance(SEED)
    names = (f"{name}-{number}" for number in itertools.count())
    return next(each for each in names if chance.number(kind, each) > 0.97)


def test_a_young_queue_is_not_there_and_then_it_is(scene: Scene, someone: Any) -> None:
    scene.local.begin_unkindness("queue_delays")
    sqs = someone("sqs")
    url = sqs.create_queue(QueueName=slow("young", "young"))["QueueUrl"]
    met = first_refusal(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["QueueArn"])
    assert met["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert met["QueryErrorCode"] == "QueueDoesNotExist"
    assert met["status"] == 400
    # A minute of AWS's at most.
    words = {"QueueUrl": url, "MessageBody": "x"}
    eventually(lambda: None if hammer(sqs.send_message, **words) else True, LONGEST)


def test_a_deleted_queue_lingers_and_its_name_is_taken(scene: Scene, someone: Any) -> None:
    name = slow("deleted", "deleted")
    url = scene.root("sqs").create_queue(QueueName=name)["QueueUrl"]
    scene.local.begin_unkindness("queue_delays")
    sqs = someone("sqs")
    sqs.delete_queue(QueueUrl=url)
    met = refusal(sqs.create_queue, QueueName=name)
    assert met is not None
    assert met["Code"] == "AWS.SimpleQueueService.QueueDeletedRecently"
    answers = [refusal(sqs.send_message, QueueUrl=url, MessageBody="x") for _ in range(9)]
    assert None in answers, "what is sent to a queue that goes may be taken, and is lost"
    eventually(lambda: None if refusal(sqs.create_queue, QueueName=name) else True, LONGEST)


def test_ecs_throttles_reads_at_its_real_rate(scene: Scene, someone: Any) -> None:
    cluster = scene.cluster()
    scene.local.begin_unkindness("rates")
    met = first_refusal(someone("ecs").list_tasks, cluster=cluster)
    assert (met["Code"], met["Message"], met["status"]) == (
        "ThrottlingException", "Rate exceeded", 400,
    )  # fmt: skip


def test_parameter_store_throttles(scene: Scene, someone: Any) -> None:
    scene.root("ssm").put_parameter(Name="/x", Value="x", Type="String")
    scene.local.begin_unkindness("rates")
    met = first_refusal(someone("ssm").get_parameter, Name="/x")
    assert (met["Code"], met["status"]) == ("ThrottlingException", 400)


def test_a_missing_key_is_forbidden_to_who_may_not_list(scene: Scene) -> None:
    bucket = scene.bucket()
    reader = {**ALLOW, "Action": "s3:GetObject", "Resource": "*"}
    prefixed = {
        **ALLOW,
        "Action": "s3:ListBucket",
        "Resource": "*",
        "Condition": {"StringLike": {"s3:prefix": "a/*"}},
    }
    lister = {**ALLOW, "Action": "s3:ListBucket", "Resource": "*"}
    scene.local.begin_unkindness("missing_keys")
    s3 = scene.client("s3", reader, prefixed)
    met = refusal(s3.get_object, Bucket=bucket, Key="a/none")
    assert met is not None
    assert (met["Code"], met["Message"], met["status"]) == ("AccessDenied", "Access Denied", 403)
    met = refusal(s3.head_object, Bucket=bucket, Key="a/none")
    assert met is not None
    assert (met["Code"], met["status"]) == ("403", 403)
    met = refusal(scene.client("s3", reader, lister).get_object, Bucket=bucket, Key="a/none")
    assert met is not None
    assert (met["Code"], met["status"]) == ("NoSuchKey", 404)


def test_a_conditional_write_conflicts_and_succeeds_when_repeated(
    scene: Scene, someone: Any
) -> None:
    bucket = scene.bucket()
    scene.local.begin_unkindness("write_conflicts")
    s3 = someone("s3")
    words: dict[str, Any] = {"Bucket": bucket, "Body": b"x", "IfNoneMatch": "*"}
    keys = (f"k{number}" for number in range(400))
    met: dict[str, Any] = {}
    while not met:
        words["Key"] = next(keys)
        met = refusal(s3.put_object, **words) or {}
    assert (met["Code"], met["status"]) == ("ConditionalRequestConflict", 409)
    assert refusal(s3.get_object, Bucket=bucket, Key=words["Key"]), "nothing was written"
    assert any(refusal(s3.put_object, **words) is None for _ in range(3))


def test_s3_slows_down(scene: Scene, someone: Any) -> None:
    bucket = scene.bucket()
    scene.local.begin_unkindness("slow_down")
    met: dict[str, Any] = {"status": 0}
    while met["status"] != 503:
        met = first_refusal(someone("s3").list_objects_v2, Bucket=bucket)
    assert (met["Code"], met["Message"]) == ("SlowDown", "Please reduce your request rate.")


def test_credentials_end(scene: Scene) -> None:
    bucket, (url, _), cluster = scene.bucket(), scene.queue(), scene.cluster()
    arn = scene.role(EVERYTHING)
    sts = scene.local.client(scene.local.root_session(), "sts", config=ONCE)
    short = {"RoleArn": arn, "RoleSessionName": "short", "DurationSeconds": 1}
    keys = sts.assume_role(**short)["Credentials"]
    aws = session(
        keys["AccessKeyId"], keys["SecretAccessKey"], token=keys["SessionToken"], region=REGION
    )
    s3, sqs, ecs = (scene.local.client(aws, name, config=ONCE) for name in ("s3", "sqs", "ecs"))
    scene.local.begin_unkindness("expired_logins")
    met = eventually(lambda: refusal(s3.list_objects_v2, Bucket=bucket))
    assert (met["Code"], met["Message"]) == ("ExpiredToken", "The provided token has expired.")
    assert met["status"] == 400
    for found in (
        refusal(sqs.receive_message, QueueUrl=url),
        refusal(ecs.list_tasks, cluster=cluster),
    ):
        assert found is not None
        assert found["Code"] == "ExpiredTokenException"
        assert found["Message"] == "The security token included in the request is expired"


def test_a_policy_takes_some_seconds(scene: Scene) -> None:
    scene.local.begin_unkindness("policy_delays")
    admin = scene.client("iam", EVERYTHING)
    arn = scene.role(EVERYTHING)
    cluster = scene.cluster()
    ecs = scene.local.client(scene.become(arn), "ecs", config=ONCE)

    def soon_after() -> dict[str, Any] | None:
        admin.put_role_policy(
            RoleName=arn.rpartition("/")[2],
            PolicyName="more",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]}),
        )
        return refusal(ecs.list_tasks, cluster=cluster)

    met = eventually(soon_after, LONGEST)
    assert (met["Code"], met["status"]) == ("AccessDeniedException", 400)
    assert "is not authorized to perform: ecs:ListTasks" in met["Message"]
    time.sleep(12 / PACE)  # AWS's time is what is waited for
    assert refusal(ecs.list_tasks, cluster=cluster) is None


def test_run_task_says_why_it_starts_fewer(scene: Scene, someone: Any) -> None:
    scene.local.begin_unkindness("placement")
    ecs, cluster = someone("ecs"), scene.cluster()
    request = scene.run_request(scene.task_definition(["true"]), cluster)

    def short() -> list[Any] | None:
        answer = ecs.run_task(**request, count=3, clientToken=scene.name("token"))
        assert len(answer["tasks"]) + len(answer["failures"]) == 3
        return answer["failures"] or None

    assert {failure["reason"] for failure in eventually(short, LONGEST)} <= set(REASONS)


def test_ecs_lists_and_describes_late(scene: Scene, someone: Any) -> None:
    scene.local.begin_unkindness("task_delays")
    ecs, cluster = someone("ecs"), scene.cluster()
    request = scene.run_request(scene.task_definition(["sleep", "600"]), cluster)
    arns = {task["taskArn"] for task in ecs.run_task(**request, count=10)["tasks"]}
    assert set(ecs.list_tasks(cluster=cluster)["taskArns"]) < arns, "some are not listed yet"
    told = ecs.describe_tasks(cluster=cluster, tasks=sorted(arns))
    assert {failure["reason"] for failure in told["failures"]} == {"MISSING"}
    eventually(lambda: set(ecs.list_tasks(cluster=cluster)["taskArns"]) == arns or None)
    for arn in arns:
        ecs.stop_task(cluster=cluster, task=arn)
    told = ecs.describe_tasks(cluster=cluster, tasks=sorted(arns))["tasks"]
    assert "RUNNING" in {task["desiredStatus"] for task in told}, "it is told as it was"

    def all_stopped() -> bool | None:
        told = ecs.describe_tasks(cluster=cluster, tasks=sorted(arns))["tasks"]
        return {task["lastStatus"] for task in told} == {"STOPPED"} or None

    eventually(all_stopped)


PROGRAM = "def handler(event, _):\n    print(event)\n    return 1\n"


def test_a_busy_function_refuses(scene: Scene, someone: Any) -> None:
    name = scene.name("function")
    scene.root("cloudformation")
    role = scene.role(service="lambda.amazonaws.com")
    found = scene.stack(
        {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": name,
                    "Code": {"ZipFile": PROGRAM},
                    "Handler": "index.handler",
                    "Role": role,
                    "Runtime": "python3.14",
                },
            }
        }
    )
    scene.local.begin_unkindness("invocations")
    met = first_refusal(someone("lambda").invoke, FunctionName=found["Function"], Payload=b"{}")
    assert (met["Code"], met["status"]) == ("TooManyRequestsException", 429)
    assert met["whole"]["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_events_of_tasks_come_late_and_twice(scene: Scene, someone: Any) -> None:
    url, arn = scene.queue()
    events = scene.root("events")
    rule = scene.name("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.ecs"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    scene.root("sqs").set_queue_attributes(
        QueueUrl=url,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            **ALLOW,
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn,
                        }
                    ],
                }
            )
        },
    )
    scene.local.begin_unkindness("repeated_events")
    cluster = scene.cluster()
    request = scene.run_request(scene.task_definition(["true"]), cluster)
    someone("ecs").run_task(**request, count=10)
    heard: list[tuple[str, str]] = []
    sqs, until = scene.root("sqs"), time.monotonic() + 240
    while len(heard) == len(set(heard)) and time.monotonic() < until:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            detail = json.loads(message["Body"])["detail"]
            heard.append((detail["taskArn"], detail["lastStatus"]))
    assert len(heard) > len(set(heard)), "some come twice"


def test_the_owner_meets_nothing(scene: Scene) -> None:
    scene.local.begin_unkindness()
    sqs = scene.root("sqs")
    url = sqs.create_queue(QueueName=scene.name("owner"))["QueueUrl"]
    for _ in range(20):
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def test_nothing_comes_before_it_begins() -> None:
    with LocalEnvironment(unkind=SEED) as local:
        early = Scene(local)
        sqs = early.client("sqs", EVERYTHING)
        url = sqs.create_queue(QueueName=early.name("early"))["QueueUrl"]
        assert refusal(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["QueueArn"]) is None


def test_every_kind_has_its_source() -> None:
    import importlib  # noqa: PLC0415

    for name in KINDS:
        text = importlib.import_module(f"starburst.local.unkindness.{name}").__doc__ or ""
        assert "Source" in text, name
        assert "https://" in text, name
