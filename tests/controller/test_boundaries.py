"""Every moment that decides is tried on both of its sides, in the controller's own clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from starburst.contract import Limits
from starburst.controller.state.environment import Environment
from starburst.controller.sweep import SweepFailed
from tests.controller.world import World, refused
from tests.manifests import a_manifest

KEYS = a_manifest().keys
LONG = 30 * 86_400


def amend(world: World, **fields: Any) -> None:
    """Let the session's record say so."""
    record = json.loads(world.read(KEYS.control_record))
    world.put(KEYS.control_record, json.dumps({**record, **fields}).encode())


def start(world: World, *, work: int = 50, **fields: Any) -> None:
    world.deploy(
        Limits(workers=100, vcpu=1e6, memory_gb=1e6, usd_per_hour=1e6, timeout_seconds=LONG)
    )
    url = world.start(a_manifest(**fields))["queue_url"]
    world.send(url, work)


def ended(world: World) -> bool:
    return world.status(KEYS).state in ("ended", "failed")


def sweep(world: World) -> None:
    world.sweep()


def past_the_environments_days(world: World) -> None:
    start(world)
    amend(world, deadline=world.now + LONG)


def idle(world: World) -> None:
    """Nobody works and there is nothing to do, and workers have looked often enough."""
    start(world, work=0, timeout_seconds=86_400)
    for task in world.ecs.live():
        world.ecs.end(task)
    amend(world, requeues=9)
    world.sweep()


def without_a_queue(world: World) -> None:
    start(world)
    amend(world, queue_url="")


def with_its_queue_missed(world: World) -> None:
    start(world)
    world.all_of_sqs.delete_queue(QueueUrl=world.queues()[0])
    world.sweep()


def denied(world: World) -> None:
    words = "not authorized to perform: iam:PassRole"
    world.ecs.answers = [refused("AccessDeniedException", words)] * 9
    start(world)


def unshown(world: World) -> None:
    """ECS does not show what it said that it started."""
    start(world, workers=1, timeout_seconds=86_400)
    world.ecs.unshown = set(world.ecs.tasks)
    for task in world.ecs.live():
        task.update(lastStatus="STOPPED", desiredStatus="STOPPED")


def with_a_status_that_is_refused(world: World) -> None:
    start(world)

    def refuse_status(**_: object) -> None:
        raise refused("403")

    world.environment.clients.s3.head_object = refuse_status  # type: ignore[method-assign, assignment]
    world.request(KEYS, "stop")


def held_by_spot(world: World) -> None:
    world.ecs.first_status = "PROVISIONING"
    start(world, workers=1, capacity="mixed")


def shunned(world: World) -> None:
    """Spot lacked, and on-demand workers took its place."""
    world.ecs.room = {"FARGATE_SPOT": 0}
    start(world, workers=1, capacity="mixed", timeout_seconds=86_400)
    world.ecs.room = {}
    for task in world.ecs.live():
        world.ecs.end(task)


def bought_on_spot(world: World) -> bool:
    return "capacityProviderStrategy" in world.ecs.calls[-1]


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """A moment from which something is so.

    Attributes:
        seconds: after ``before``.
        before: what has happened until then.
        look: what the controller is told.
        so: whether it is so.
    """

    seconds: float
    before: Callable[[World], None]
    so: Callable[[World], bool]
    look: Callable[[World], object] = sweep


BOUNDARIES: Final = {
    "the deadline": Boundary(seconds=3600, before=start, so=ended),
    "the days": Boundary(seconds=7 * 86_400, before=past_the_environments_days, so=ended),
    "an idle hour": Boundary(seconds=3600, before=idle, so=ended),
    "a start that is not completed": Boundary(seconds=900, before=without_a_queue, so=ended),
    "a queue that is missed": Boundary(seconds=60, before=with_its_queue_missed, so=ended),
    "a permission that lacks": Boundary(seconds=60, before=denied, so=ended),
    "a worker that is not shown": Boundary(
        seconds=300, before=unshown, so=lambda world: world.record(KEYS).lost == 1
    ),
    "a status that is refused": Boundary(
        seconds=60,
        before=with_a_status_that_is_refused,
        so=lambda world: world.keys_under("_control/") == [KEYS.ended_record],
    ),
    "Spot that is shunned": Boundary(seconds=600, before=shunned, so=bought_on_spot),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_it_is_so_from_this_moment_and_not_before(world: World, name: str) -> None:
    boundary = BOUNDARIES[name]
    boundary.before(world)
    world.moment[0] += boundary.seconds - 0.5
    boundary.look(world)
    assert not boundary.so(world)
    for task in world.ecs.live() if name.startswith("Spot") else ():
        world.ecs.end(task)
    world.later(0.5)
    boundary.look(world)
    assert boundary.so(world)


def test_spot_may_hold_a_worker_back_for_five_minutes_and_no_longer(world: World) -> None:
    held_by_spot(world)
    world.later(300)
    world.sweep()
    assert len(world.ecs.live()) == 1
    world.later(0.5)
    world.sweep()
    assert not world.ecs.live()


def test_a_session_whose_workers_wait_for_work_is_not_idle(world: World) -> None:
    start(world, work=0, timeout_seconds=86_400)
    amend(world, requeues=9)
    for _ in range(3):
        world.sweep()
        world.later(3600)
    assert not ended(world)
    assert world.record(KEYS).idle_since is None


def test_a_budget_is_spent_at_the_cent(world: World) -> None:
    start(world)
    world.later(600)
    for task in world.ecs.live():
        world.ecs.end(task)
    amend(world, not_before=world.now + 3600)
    world.sweep()
    usd = world.record(KEYS).usd
    assert usd > 0.01
    amend(world, max_usd=usd + 1e-9)
    world.sweep()
    assert not ended(world)
    amend(world, max_usd=usd)
    world.sweep()
    assert ended(world)
    assert "its cap is max_usd" in world.status(KEYS).reason


@pytest.mark.parametrize(
    ("usd", "said"), [(0.0999, "$0.0999"), (0.1, "$0.10"), (0.1999, "$0.20"), (1.5, "$1.50")]
)
def test_small_change_is_told_to_the_hundredth_of_a_cent(
    world: World, usd: float, said: str
) -> None:
    start(world, work=0)
    for task in world.ecs.live():
        world.ecs.end(task)
    world.sweep()
    amend(world, usd=usd, max_usd=usd)
    world.sweep()
    assert f"it has cost {said}," in world.status(KEYS).reason


def test_a_workspace_that_allows_no_worker_of_the_size_ends_the_session(world: World) -> None:
    start(world)
    world.deploy(Limits(vcpu=1))
    world.sweep()
    assert len(world.ecs.live()) == 1
    world.deploy(Limits(vcpu=0.9))
    world.sweep()
    assert world.ecs.live() == []
    said = "stopped: workspace genomics no longer allows a worker of this size"
    assert world.status(KEYS).reason == said


def test_workers_are_waited_for_without_work_for_five_minutes_after_a_start(world: World) -> None:
    """The client may be about to send it."""
    world.ecs.room = {"FARGATE": 1}
    start(world, work=0)
    started = world.record(KEYS).started
    for moment, launching in ((started + 300, True), (started + 300.5, False)):
        world.moment[0] = moment
        amend(world, not_before=moment + 60)
        world.sweep()
        assert (world.record(KEYS).launch is not None) is launching


@pytest.mark.parametrize(
    ("workers", "counts"),
    [
        (1, {"faults": 5}),
        (2, {"faults": 5}),
        (3, {"faults": 6}),
        (9, {"faults": 18}),
        (1, {"killed": 20}),
        (10, {"killed": 20}),
        (11, {"killed": 22}),
    ],
)
def test_lost_workers_are_replaced_up_to_their_budget(
    world: World, workers: int, counts: dict[str, int]
) -> None:
    start(world, workers=workers)
    for task in world.ecs.live():
        world.ecs.end(task)
    amend(world, **counts)
    world.later(60)
    world.sweep()
    assert len(world.ecs.live()) == workers
    for task in world.ecs.live():
        world.ecs.end(task)
    amend(world, **{name: count + 1 for name, count in counts.items()})
    world.later(60)
    world.sweep()
    assert ended(world)
    assert not world.ecs.live()


def test_three_workers_that_never_ran_are_enough_and_two_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ecs.first_status = "PENDING"
    start(world, workers=2)
    for task in world.ecs.live():
        world.ecs.end(task, exit_code=None, stop_code="TaskFailedToStart", reason="cannot pull")
    world.later(1)
    world.sweep()
    assert not ended(world)
    assert world.record(KEYS).unstarted == 2
    world.ecs.end(world.ecs.live()[0], exit_code=None, stop_code="TaskFailedToStart")
    world.ecs.end(world.ecs.live()[0])

    def unseen(**_: Any) -> Any:
        raise refused("AWS.SimpleQueueService.NonExistentQueue")

    with monkeypatch.context() as patched:
        patched.setattr(world.all_of_sqs, "get_queue_attributes", unseen)
        world.sweep()
        assert not ended(world), "what its queue holds nobody knows"
    world.sweep()
    assert ended(world)


@pytest.mark.parametrize("action", ["start", "stop"])
def test_a_request_is_good_for_a_day(world: World, action: str) -> None:
    start(world, timeout_seconds=3 * 86_400)
    key = world.put(KEYS.request(action), json.dumps({"protocol": 1, "action": action}).encode())
    world.later(86_400.5)
    assert world.ask(action, key)["error"]["type"] == "AccessDenied"
    world.moment[0] -= 0.5
    assert world.ask(action, key)["ok"]


def test_a_manifest_is_good_for_a_day(world: World) -> None:
    world.put(KEYS.manifest, a_manifest().to_json())
    world.later(86_400.5)
    assert world.request(KEYS, "start")["error"]["type"] == "SessionEnded"
    world.moment[0] -= 0.5
    assert world.request(KEYS, "start")["ok"]


def test_a_sweep_keeps_others_out_for_thirty_seconds(world: World) -> None:
    assert "skipped" not in world.tell({"starburst": "sweep"})
    world.later(29.5)
    assert "skipped" in world.tell({"starburst": "sweep"})
    world.later(0.5)
    assert "skipped" not in world.tell({"starburst": "sweep"})


@pytest.mark.parametrize(("ahead", "skipped"), [(29.5, True), (30, False), (86_400, False)])
def test_a_sweep_whose_clock_was_far_ahead_keeps_nobody_out(
    world: World, ahead: float, skipped: bool
) -> None:
    world.later(ahead)
    world.tell({"starburst": "sweep"})
    world.later(-ahead)
    assert ("skipped" in world.tell({"starburst": "sweep"})) is skipped


def test_a_look_is_fresh_for_two_seconds(world: World) -> None:
    start(world)
    world.ecs.reads.clear()
    world.later(1.5)
    world.request(KEYS, "refresh")
    assert world.ecs.reads == []
    world.later(0.5)
    world.request(KEYS, "refresh")
    assert world.ecs.reads


def test_the_document_is_read_again_after_five_minutes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment: Environment = world.environment
    environment.document()
    monkeypatch.setattr(environment.clients.ssm, "get_parameter", refuse)
    world.later(299.5)
    environment.document()
    world.later(0.5)
    with pytest.raises(LookupError):
        environment.document()


def test_a_workspace_is_known_as_soon_as_it_is_deployed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment: Environment = world.environment
    document = environment.document()
    later = {**document.workspaces, "later": document.workspaces[KEYS.workspace]}
    text = replace(document, workspaces=later).to_json()
    answer = {"Parameter": {"Value": text}}
    monkeypatch.setattr(environment.clients.ssm, "get_parameter", lambda **_: answer)
    assert "later" not in environment.document(naming=KEYS.workspace).workspaces
    assert environment.workspace("later") is not None
    assert environment.workspace("never") is None


def refuse(**_: object) -> None:
    raise LookupError


def throttle(**_: object) -> None:
    raise refused("ThrottlingException")


def test_a_session_that_ecs_does_not_show_for_ten_minutes_is_an_alarm(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(world)
    seen = world.record(KEYS).looked
    monkeypatch.setattr(world.ecs, "describe_tasks", throttle)
    world.moment[0] = seen + 600
    assert world.sweep()["unseen"] == 1
    world.moment[0] = seen + 600.5
    with pytest.raises(SweepFailed, match=KEYS.session):
        world.sweep()


def test_a_stopped_worker_is_counted_for_three_hours(world: World) -> None:
    """ECS shows it for one; the record forgets it a little later, and never counts it again."""
    start(world, timeout_seconds=86_400)
    world.later(60)
    one, other, _ = world.ecs.live()
    for task in (one, other):
        world.ecs.end(task)
    stopped = world.now
    world.sweep()
    counted = world.record(KEYS).seconds
    world.moment[0] = stopped + 3 * 3600 - 0.5
    world.sweep()
    assert len(world.record(KEYS).settled) == 2
    world.later(0.5)
    world.sweep()
    assert (world.record(KEYS).settled, world.record(KEYS).seconds) == ({}, counted)


def test_a_worker_whose_age_ecs_does_not_tell_is_young(world: World) -> None:
    held_by_spot(world)
    [held] = world.ecs.live()
    del held["createdAt"]
    world.later(1800)
    world.sweep()
    assert world.ecs.live() == [held]
    world.ecs.add(KEYS.session)
    world.later(60)
    world.sweep()
    assert held not in world.ecs.live(), "of two the younger one is stopped"


def test_a_deadline_is_told_in_hours_since_the_start(world: World) -> None:
    start(world, timeout_seconds=5400)
    world.later(5400)
    world.sweep()
    assert world.status(KEYS).reason == "stopped at its deadline, 1.5 h after its start"
