"""No launch is lost and none is doubled, whatever ECS answers and wherever an invocation dies."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from starburst.contract import Limits
from starburst.controller.sweep import SweepFailed
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys
WIDE = Limits(workers=500, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6)


def throttled() -> ClientError:
    return refused("ThrottlingException", "Rate exceeded")


def test_throttling_is_waited_out_without_a_double(world: World) -> None:
    world.ecs.answers = [throttled(), throttled(), 3]
    world.start()

    assert len(world.ecs.tasks) == 3
    assert len({call["clientToken"] for call in world.ecs.calls}) == 1
    assert world.pauses == [0.5, 1.0]


def test_a_second_throttling_after_a_success_is_waited_out_like_the_first(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.answers = [throttled(), throttled(), 10, throttled(), 10]
    world.start(a_manifest(workers=20))

    assert len(world.ecs.tasks) == 20
    assert world.pauses == [0.5, 1.0, 0.5]


def test_an_answer_that_was_lost_on_its_way_is_asked_for_again_with_its_token(world: World) -> None:
    world.ecs.answers = [ReadTimeoutError(endpoint_url="https://ecs"), 3]
    world.start()

    assert len(world.ecs.tasks) == 3


def test_lasting_throttling_leaves_the_rest_to_the_sweep(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.answers = [10, *[throttled()] * 50]
    assert world.start(a_manifest(workers=25))["ok"] is True
    assert len(world.ecs.tasks) == 10
    assert "15 being launched (ECS: ThrottlingException" in world.status(KEYS).reason

    world.ecs.answers = []
    world.later(60)
    world.sweep()

    assert len(world.ecs.live(KEYS.session)) == 25
    assert world.record(KEYS).launch is None
    assert world.status(KEYS).workers_started == 25


def test_an_invocation_that_dies_while_launching_loses_and_doubles_nothing(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.die_at(3)
    with pytest.raises(KeyboardInterrupt):
        world.start(a_manifest(workers=45))
    assert len(world.ecs.tasks) == 20
    world.ecs.on_run = None

    world.later(10)
    world.sweep()
    assert len(world.ecs.tasks) == 20, "the writer of the intent may still be at work"

    world.later(60)
    world.sweep()
    assert len(world.ecs.live(KEYS.session)) == 45
    assert world.status(KEYS).workers_started == 45


def test_neither_does_it_where_ecs_knows_no_tokens(world: World) -> None:
    world.deploy(WIDE)
    world.ecs.honours_tokens = False
    world.ecs.die_at(3)
    with pytest.raises(KeyboardInterrupt):
        world.start(a_manifest(workers=45))
    world.ecs.on_run = None
    world.later(120)
    world.sweep()

    assert len(world.ecs.live(KEYS.session)) == 45


def test_failures_of_a_call_are_asked_for_again(world: World) -> None:
    world.ecs.answers = [1, 1, 1]
    world.start()

    assert [call["count"] for call in world.ecs.calls] == [3, 2, 1]
    assert len({call["clientToken"] for call in world.ecs.calls}) == 3
    assert len(world.ecs.live(KEYS.session)) == 3


def test_a_lack_of_capacity_is_explained_and_filled_later(world: World) -> None:
    world.ecs.answers = [1, 0, 0, 0, 0, 0]
    world.start()
    assert world.pauses == [2, 4, 8]
    assert world.deliver() == [], "nobody is woken to ask for it again at once"

    status = world.status(KEYS)
    assert status.reason.startswith("1 of 3 workers running; 2 waiting for Fargate capacity since ")
    assert "Capacity is unavailable" in status.reason

    world.later(60)
    world.ecs.answers = []
    world.sweep()
    assert len(world.ecs.live(KEYS.session)) == 3
    assert world.status(KEYS).reason == "3 of 3 workers running"


@pytest.mark.parametrize("answer", [throttled(), 0], ids=["throttled", "no capacity"])
def test_what_keeps_a_launch_back_is_not_told_as_what_a_worker_was_lost_of(
    world: World, answer: Exception | int
) -> None:
    world.send(world.start()["queue_url"], 50)
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    world.ecs.answers = [answer] * 50
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == 2
    words = "1 lost so far, the last one: Essential container in task exited; exit code 1"
    assert words in world.status(KEYS).reason


def test_a_quota_is_a_wait_not_a_failure(world: World) -> None:
    words = "You've reached the limit on the number of vCPUs you can run concurrently"
    world.ecs.answers = [refused("ClientException", words)] * 2
    assert world.start()["ok"] is True

    assert world.status(KEYS).state == "starting"
    assert "3 waiting for the account's Fargate vCPU quota" in world.status(KEYS).reason
    world.later(60)
    world.sweep()
    assert len(world.ecs.live(KEYS.session)) == 3


def test_a_refusal_that_cannot_heal_fails_the_session_with_ecs_words(world: World) -> None:
    world.ecs.answers = [refused("InvalidParameterException", "No Fargate configuration exists")]
    world.start()

    status = world.status(KEYS)
    assert status.state == "failed"
    assert "No Fargate configuration exists" in status.reason
    assert not world.queues()
    assert world.keys_under("_control/") == [KEYS.ended_record]


@pytest.mark.parametrize(
    "words",
    [
        "You\u2019ve reached the limit on the number of vCPUs you can run concurrently",
        "You've reached the limit on the number of tasks you can run concurrently",
        "The requested CPU configuration is above your limit",
        "The requested MEMORY configuration is above your limit.",
    ],
)
def test_a_young_accounts_quota_is_told_at_once(world: World, words: str) -> None:
    """In ``failures`` or as an error, as RunTask answers it."""
    world.ecs.answers = [words] * 3
    world.start()

    status = world.status(KEYS)
    assert status.state == "starting"
    assert "3 waiting for the account's Fargate vCPU quota (L-3032A538; ask for" in status.reason
    assert words.rstrip(".") in status.reason
    assert not world.pauses, "nothing is waited for that only people can change"
    world.later(60)
    world.sweep()
    assert len(world.ecs.live(KEYS.session)) == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "InvalidParameterException",
            "Error retrieving security group information for [sg-1]: Request limit exceeded. "
            "(ErrorCode: RequestLimitExceeded)",
        ),
        ("ClientException", "Tasks provisioning capacity limit exceeded."),
    ],
)
def test_a_refusal_that_passes_fails_no_session(world: World, code: str, words: str) -> None:
    world.ecs.answers = [refused(code, words)] * 2
    world.start()
    world.later(60)
    world.sweep()

    assert world.status(KEYS).state == "running"
    assert len(world.ecs.live(KEYS.session)) == 3


def test_a_permission_that_lacks_for_a_minute_is_no_policy_in_flight(world: World) -> None:
    denied = refused("AccessDeniedException", "not authorized to perform: iam:PassRole")
    world.ecs.answers = [denied] * 2
    world.start()
    assert world.status(KEYS).state == "starting"
    assert "not authorized to perform" in world.status(KEYS).reason
    world.later(30)
    world.sweep()
    assert world.status(KEYS).state == "starting"

    world.later(10)
    world.sweep()
    assert len(world.ecs.live(KEYS.session)) == 3, "it arrived"
    assert world.record(KEYS).denied_since is None


def test_a_permission_that_never_comes_fails_the_session(world: World) -> None:
    denied = refused("AccessDeniedException", "not authorized to perform: iam:PassRole")
    world.ecs.answers = [denied] * 20
    world.start()
    world.later(60)
    world.sweep()

    status = world.status(KEYS)
    assert status.state == "failed"
    assert "iam:PassRole" in status.reason


def test_two_starts_at_once_launch_once(world: World) -> None:
    again: list[dict[str, object]] = []

    def start_meanwhile() -> None:
        world.ecs.on_run = None
        again.append(world.request(KEYS, "start"))

    world.ecs.on_run = start_meanwhile
    first = world.start()

    assert again == [first]
    assert len(world.ecs.tasks) == 3


def test_a_sweep_during_a_launch_leaves_it_alone(world: World) -> None:
    def sweep_meanwhile() -> None:
        world.ecs.on_run = None
        world.sweep()

    world.ecs.on_run = sweep_meanwhile
    url = world.start()["queue_url"]
    world.send(url, 20)

    assert len(world.ecs.tasks) == 3


def test_a_stop_during_a_launch_leaves_no_worker(world: World) -> None:
    world.deploy(WIDE)

    def stop_meanwhile() -> None:
        world.ecs.on_run = None
        assert world.request(KEYS, "stop")["ok"] is True

    world.ecs.on_run = stop_meanwhile
    world.start(a_manifest(workers=20))
    world.later(60)
    world.sweep()

    assert not world.ecs.live()
    assert not world.queues()


def test_a_session_that_is_stopped_and_erased_during_its_launch_gets_no_status_again(
    world: World,
) -> None:
    s3, calls = world.environment.clients.s3, iter(range(9))

    def erase_at_the_second() -> None:
        if next(calls) == 1:
            assert world.request_only(KEYS, "stop")["ok"] is True
            for key in world.keys_under(KEYS.prefix):
                s3.delete_object(Bucket=world.environment.settings.bucket, Key=key)

    world.deploy(WIDE)
    world.ecs.on_run = erase_at_the_second
    world.start(a_manifest(workers=20))

    assert not world.ecs.live()
    assert world.keys_under("") == [KEYS.ended_record]


def test_a_long_launch_ends_soon_after_its_session(world: World) -> None:
    world.deploy(WIDE)

    def slowly() -> None:
        world.later(0.5)
        if len(world.ecs.calls) == 12:
            assert world.request_only(KEYS, "stop")["ok"] is True

    world.ecs.on_run = slowly
    world.start(a_manifest(workers=500))

    assert 120 <= len(world.ecs.tasks) <= 220, "who launches looks every five seconds"


def test_a_token_that_ecs_knows_with_other_arguments_means_that_its_workers_exist(
    world: World,
) -> None:
    world.ecs.answers = [refused("ConflictException", "clientToken already in use")]
    world.start()

    assert world.status(KEYS).workers_started == 3
    assert world.record(KEYS).launch is None


def test_who_dies_in_a_cut_down_launch_leaves_nothing_to_be_doubled(world: World) -> None:
    said = "You've reached the limit on the number of vCPUs you can run concurrently"
    world.ecs.answers = [refused("ClientException", said), 5]
    calls = iter(range(9))

    def third_dies() -> None:
        if next(calls) == 2:  # ten were refused, five of them came
            raise MemoryError

    world.ecs.on_run = third_dies
    url = world.start(a_manifest(workers=10, capacity="on-demand"))["queue_url"]
    world.send(url, 30)
    assert len(world.ecs.tasks) == 5

    for _ in range(2):
        world.later(60)
        world.sweep()
    assert len(world.ecs.tasks) == len(world.ecs.live()) == 10


@pytest.mark.parametrize("honours", [True, False])
def test_what_a_repeated_call_started_is_known_whether_ecs_knows_its_token_or_not(
    world: World, honours: bool
) -> None:
    """A call started nothing, its repeat five of ten; then who launched died."""
    world.deploy(WIDE)
    world.ecs.honours_tokens = honours
    url = world.start(a_manifest(workers=20))["queue_url"]
    for task in world.ecs.live():
        world.ecs.end(task)
    world.later(60)
    world.sweep()
    world.send(url, 10)
    said = "You've reached the limit on the number of vCPUs you can run concurrently"
    world.ecs.answers, calls = [refused("ClientException", said), 5], iter(range(9))

    def third_dies() -> None:
        if next(calls) == 2:
            raise MemoryError

    world.ecs.on_run = third_dies
    world.later(60)
    with pytest.raises(SweepFailed):
        world.sweep()
    world.ecs.on_run = None
    assert len(world.ecs.live()) == 5
    for _ in range(2):
        world.later(60)
        world.sweep()
    assert len(world.ecs.live()) == 10, "there is work for ten"
    assert len(world.ecs.tasks) == 30


def test_a_permission_that_lacked_long_ago_ends_no_session_that_it_lacks_for_a_moment(
    world: World,
) -> None:
    denied = refused("AccessDeniedException", "not authorized to perform: ecs:RunTask")
    url = world.start(a_manifest(timeout_seconds=86_400))["queue_url"]
    world.send(url, 30)
    world.later(60)
    world.ecs.end(world.ecs.live()[0], exit_code=1)
    world.ecs.answers = [denied] * 2
    for _ in range(2):
        world.sweep()
        world.later(60)
    assert world.ecs.answers == []
    assert world.record(KEYS).launch is None, "it is given up for now, with others at work"

    for task in world.ecs.live():
        world.ecs.end(task)
    world.later(7200)
    world.ecs.answers = [denied]
    world.sweep()
    assert world.ecs.answers == []
    world.later(30)
    world.sweep()
    assert len(world.ecs.live()) == 3


def test_a_launch_that_is_larger_than_what_is_allowed_by_now_is_not_gone_on_with(
    world: World,
) -> None:
    """Who began it died before ECS was asked for the last two of its twelve."""
    world.deploy(WIDE)
    world.ecs.die_at(2, MemoryError)
    url = world.start(a_manifest(workers=12))["queue_url"]
    world.send(url, 50)
    assert len(world.ecs.live()) == 10
    world.ecs.on_run = None
    world.deploy(Limits(workers=11))
    for _ in range(2):
        world.later(60)
        world.sweep()
    assert len(world.ecs.tasks) == len(world.ecs.live()) == 11
    assert world.record(KEYS).waves == 2


def test_a_tag_that_names_no_call_hides_no_worker_and_ends_no_launch(world: World) -> None:
    url = world.start(a_manifest(workers=5))["queue_url"]
    world.send(url, 3)
    for task in world.ecs.live()[1:]:
        world.ecs.end(task)

    def die() -> None:
        raise MemoryError

    world.ecs.on_run = die
    world.later(60)
    with pytest.raises(SweepFailed):
        world.sweep()
    world.ecs.on_run = None
    world.ecs.add(KEYS.session, tags=[{"key": "starburst:launch", "value": "2-somebody's"}])
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == 4, "the two that lacked are there"
    assert world.record(KEYS).launch is None


def test_a_long_launch_beside_workers_counts_each_worker_once(world: World) -> None:
    world.deploy(WIDE)
    url = world.start(a_manifest(workers=40))["queue_url"]
    world.send(url, 90)
    world.later(60)
    for task in world.ecs.live()[:30]:
        world.ecs.end(task, exit_code=1)
    told: list[str] = []

    def slowly() -> None:
        world.later(6)
        told.append(world.status(KEYS).reason.partition("; 30 lost")[0])

    world.ecs.on_run, world.ecs.first_status = slowly, "PENDING"
    world.sweep()
    assert [reason.partition(" since")[0] for reason in told] == [
        "40 of 40 workers running",
        "10 of 40 workers running; 10 starting",
        "10 of 40 workers running; 20 starting",
    ]


def test_a_session_that_cannot_start_and_is_erased_at_its_end_gets_no_status_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = world.environment.clients.s3
    delete, bucket = s3.delete_object, world.environment.settings.bucket

    def erase(*, Bucket: str, Key: str) -> object:
        if Key == KEYS.control_record:
            for key in world.keys_under(KEYS.prefix):
                delete(Bucket=bucket, Key=key)
        return delete(Bucket=Bucket, Key=Key)

    monkeypatch.setattr(s3, "delete_object", erase)
    world.ecs.answers = [refused("InvalidParameterException", "No Fargate configuration")]
    world.start()
    assert world.keys_under("") == [KEYS.ended_record]


def test_workers_are_counted_once_where_the_answer_to_that_write_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 wrote it, the SDK asked once more, and then it says that another was quicker."""
    s3 = world.environment.clients.s3
    put, lost = s3.put_object, list[str]()

    def lose(**arguments: Any) -> Any:
        answer = put(**arguments)
        if arguments["Key"] == KEYS.control_record and world.ecs.tasks and not lost:
            lost.append(arguments["Key"])
            raise refused("PreconditionFailed")
        return answer

    world.deploy(WIDE)
    world.ecs.answers = [10, refused("InvalidParameterException", "No Fargate configuration")]
    monkeypatch.setattr(s3, "put_object", lose)
    world.start(a_manifest(workers=20))
    assert lost
    assert world.record(KEYS).launched == len(world.ecs.live()) == 10


def test_workers_that_were_told_of_already_go_on_where_the_rest_is_refused_for_good(
    world: World,
) -> None:
    world.deploy(WIDE)
    world.ecs.on_run = lambda: world.later(6)
    world.ecs.answers = [10, refused("InvalidParameterException", "No Fargate configuration")]
    world.start(a_manifest(workers=20))
    assert len(world.ecs.live()) == 10
    assert world.status(KEYS).state == "running"
