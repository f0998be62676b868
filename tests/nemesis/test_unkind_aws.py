"""AWS's unkindness in the seeded runs: in AWS's form, and fatal to who believes it too soon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst.aws.calls import QUEUE_GONE, code_of
from starburst.contract.times import QUEUE_UNSEEN_SECONDS
from starburst.controller import plan as controller_plan
from starburst.local.unkindness import queue_delays
from tests.nemesis.clock import Clock, running
from tests.nemesis.plan import Plan
from tests.nemesis.test_seeds import KILLED
from tests.nemesis.unkind_aws import ATTEMPTS, UnkindAWS
from tests.nemesis.world import run

SEEDS = (1, 7)
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"


@pytest.fixture
def clock() -> Iterator[Clock]:
    with running() as made:
        yield made


def refusals(aws: UnkindAWS, service: str, operation: str, answer: Any, **words: Any) -> set[str]:
    """Return the codes of all errors that many calls of the controller end with."""

    def act(_: Mapping[str, Any]) -> Any:
        return answer

    found = set()
    for _ in range(300):
        try:
            aws.call(service, operation, words, who="controller", act=act)
        except ClientError as error:
            found.add(code_of(error))
        aws.clock.sleep(0.5)
    return found


def test_what_passes_is_tried_again_and_what_does_not_is_told(clock: Clock) -> None:
    aws = UnkindAWS(Plan(3), clock)
    # A role's policies change in this seed; what else S3 refuses passes, and is tried again.
    told = refusals(aws, "s3", "GetObject", {}, Key="x")
    assert told <= {"SlowDown", "InternalError", "AccessDenied"}
    assert aws.plan.struck["slow_down"] >= ATTEMPTS["controller"]
    words = {"QueueName": "queue"}
    aws.call("sqs", "CreateQueue", words, who="controller", act=lambda _: {"QueueUrl": URL})
    assert refusals(aws, "sqs", "GetQueueAttributes", {}, QueueUrl=URL) & QUEUE_GONE
    refusals(aws, "ecs", "ListTasks", {"taskArns": []})
    assert aws.plan.struck["rates"]


def test_the_emulators_own_errors_pass_through(clock: Clock) -> None:
    aws = UnkindAWS(Plan(3), clock)
    own = ClientError(
        {"Error": {"Code": "InvalidRange"}, "ResponseMetadata": {"HTTPStatusCode": 416}},  # type: ignore[typeddict-item]
        "GetObject",
    )

    def fail(_: Mapping[str, Any]) -> Any:
        raise own

    found: set[Any] = set()
    for _ in range(20):
        with pytest.raises(ClientError) as met:
            aws.call("s3", "GetObject", {"Key": "x"}, who="worker", act=fail)
        found.add(met.value if met.value is own else code_of(met.value))
    assert own in found


def test_nothing_is_unkind_on_a_calm_day(clock: Clock) -> None:
    plan = Plan(3, unkind=False)
    plan.calm = True
    assert refusals(UnkindAWS(plan, clock), "s3", "GetObject", {}, Key="x") == set()
    assert not plan.struck


@pytest.mark.filterwarnings(KILLED)
@pytest.mark.parametrize(("seconds", "believed"), [(QUEUE_UNSEEN_SECONDS, False), (0.0, True)])
def test_who_believes_the_first_look_at_a_young_queue_fails(
    monkeypatch: pytest.MonkeyPatch, seconds: float, believed: bool
) -> None:
    """The control of the seeds: nobody sees this queue for its whole first minute."""
    monkeypatch.setattr(queue_delays, "_FIRST_SECOND", 60.0)
    monkeypatch.setattr(queue_delays, "_LATE_OFTEN", 0.0)
    monkeypatch.setattr(controller_plan, "QUEUE_UNSEEN_SECONDS", seconds)
    wrong = next((wrong for seed in SEEDS if (wrong := run(seed)[1])), [])
    assert bool(wrong) is believed, wrong
