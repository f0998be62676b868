"""A session starts once, from its own manifest, with what its workspace allows."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from starburst.contract import ControllerDoor, Limits, SessionKeys
from starburst.controller.state.sessions import Records
from tests.controller.world import BUCKET, WORKER_ROLE, World, refused
from tests.manifests import a_manifest
from tests.runtime.wire import s3_error

KEYS = a_manifest().keys


def test_start_answers_with_queue_and_deadline_and_launches(world: World) -> None:
    answer = world.start()

    assert answer["ok"] is True
    assert answer["queue_url"].endswith("starburst-prod-genomics-" + "a" * 20)
    assert answer["deadline"] == world.now + 3600
    assert len(world.ecs.live(KEYS.session)) == 3
    status = world.status(KEYS)
    assert (status.state, status.workers_started) == ("running", 3)
    assert status.reason == "3 of 3 workers running"


def test_the_task_is_private_and_carries_no_secret(world: World) -> None:
    url = world.start(a_manifest(cpu=4, memory_gb=8))["queue_url"]

    (call,) = world.ecs.calls
    network = call["networkConfiguration"]["awsvpcConfiguration"]
    assert network["assignPublicIp"] == "DISABLED"
    assert network["subnets"] == ["subnet-a", "subnet-b"]
    assert call["enableExecuteCommand"] is False
    assert call["launchType"] == "FARGATE"
    assert (call["overrides"]["cpu"], call["overrides"]["memory"]) == ("4096", "8192")
    assert "taskRoleArn" not in call["overrides"]
    (container,) = call["overrides"]["containerOverrides"]
    assert container == {
        "name": "worker",
        "environment": [
            {"name": "STARBURST_SESSION_PREFIX", "value": KEYS.prefix},
            {"name": "STARBURST_QUEUE_URL", "value": url},
            {"name": "STARBURST_DEADLINE", "value": str(math.ceil(world.record(KEYS).deadline))},
        ],
    }
    tags = {tag["key"]: tag["value"] for tag in call["tags"]}
    assert tags["starburst:user"] == "alice"
    assert tags["starburst:session"] == KEYS.session
    assert call["propagateTags"] == "TASK_DEFINITION"
    assert "starburst-workspace" not in tags, "the task definition sends it already"


def test_spot_uses_its_capacity_provider(world: World) -> None:
    world.start(a_manifest(capacity="spot"))

    (call,) = world.ecs.calls
    assert call["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert "launchType" not in call


def test_the_queue_is_encrypted_and_closed_to_others(world: World) -> None:
    url = world.start()["queue_url"]

    attributes = world.all_of_sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    assert attributes["KmsMasterKeyId"] == world.environment.settings.key_arn
    assert attributes["MessageRetentionPeriod"] == "1209600"
    statements = json.loads(attributes["Policy"])["Statement"]
    assert {s["Effect"] for s in statements} == {"Deny"}
    conditions = {s["Sid"]: s["Condition"] for s in statements}
    assert conditions["OtherUsers"]["StringNotEquals"] == {"aws:PrincipalTag/userName": "alice"}
    assert conditions["MessagesAreForTheUserAndWorkers"]["ArnNotEquals"] == {
        "aws:PrincipalArn": WORKER_ROLE
    }
    assert conditions["EncryptedTransport"]["Bool"] == {"aws:SecureTransport": "false"}
    assert {s["Resource"] for s in statements} == {attributes["QueueArn"]}


def test_starting_twice_is_one_session_and_one_answer(world: World) -> None:
    first = world.start()
    world.later(5)

    assert world.request(KEYS, "start") == first
    assert len(world.ecs.tasks) == 3
    assert len(world.queues()) == 1


def test_a_start_that_crashed_before_its_queue_is_completed_by_the_next(world: World) -> None:
    sqs = world.all_of_sqs
    create = sqs.create_queue

    def fail(**_: object) -> None:
        raise refused("InternalError")

    sqs.create_queue = fail  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="InternalError"):
        world.start()
    sqs.create_queue = create  # type: ignore[method-assign]

    assert world.request(KEYS, "start")["ok"] is True
    assert len(world.ecs.live()) == 3


def test_a_start_that_died_beside_its_queue_leaves_none(world: World) -> None:
    records = Records(world.environment)
    update = Records.update
    world.put(KEYS.manifest, a_manifest().to_json())

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    Records.update = die  # type: ignore[method-assign, assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            world.request(KEYS, "start")
    finally:
        Records.update = update  # type: ignore[method-assign]
    assert world.queues()
    world.later(901)
    world.sweep()

    assert not world.queues()
    assert records.active(KEYS.session) is None
    assert "never completed" in records.ended(KEYS.session).record.reason  # type: ignore[union-attr]


def test_workers_are_asked_for_in_tens(world: World) -> None:
    world.deploy(Limits(workers=100))
    world.start(a_manifest(workers=23))

    assert [call["count"] for call in world.ecs.calls] == [10, 10, 3]
    assert len({call["clientToken"] for call in world.ecs.calls}) == 3


def error_of(answer: dict[str, object]) -> str:
    assert answer["ok"] is False
    error = answer["error"]
    assert isinstance(error, dict)
    return error["type"]


def test_a_manifest_that_names_another_user_starts_nothing(world: World) -> None:
    forged = replace(a_manifest(), user="mallory")
    world.put(KEYS.manifest, forged.to_json())

    assert error_of(world.request(KEYS, "start")) == "AccessDenied"
    assert not world.ecs.tasks
    assert not world.queues()
    assert not world.keys_under("_control/")


def test_a_manifest_that_names_another_session_or_workspace_starts_nothing(world: World) -> None:
    for forged in (a_manifest(session="b" * 20), a_manifest(workspace="markets")):
        world.put(KEYS.manifest, forged.to_json())
        assert error_of(world.request(KEYS, "start")) == "AccessDenied"
    assert not world.ecs.tasks


def test_only_a_request_starts_it(world: World) -> None:
    text = a_manifest().to_json()
    for key in (
        KEYS.prefix + "inputs/manifest.json",
        KEYS.prefix + "../" + "b" * 20 + "/manifest.json",
        KEYS.prefix + "/manifest.json",
        KEYS.manifest + "/",
        "_control/active/" + KEYS.session + ".json",
        "manifest.json",
        KEYS.manifest,
        KEYS.request("../0f"),
    ):
        world.put(key, text)
        assert error_of(world.ask("start", key)) == "AccessDenied"
    for key in (None, 7, ["x"], {}):
        assert error_of(world.ask("start", key)) == "AccessDenied"
    assert not world.ecs.tasks


def test_anothers_session_id_is_refused_under_ones_own_folder(world: World) -> None:
    world.start()
    stolen = a_manifest(user="mallory")

    assert error_of(world.start(stolen)) == "AccessDenied"
    assert error_of(world.request(stolen.keys, "refresh")) == "AccessDenied"
    assert error_of(world.request(stolen.keys, "stop")) == "AccessDenied"
    deadline = world.now + 1000
    assert error_of(world.request(stolen.keys, "extend", deadline=deadline)) == "AccessDenied"
    assert len(world.ecs.live()) == 3


def test_a_missing_manifest_is_no_session(world: World) -> None:
    assert error_of(world.request(KEYS, "start")) == "SessionNotFound"
    assert error_of(world.request(KEYS, "refresh")) == "SessionNotFound"
    assert error_of(world.request(KEYS, "stop")) == "SessionNotFound"


def test_a_refusal_of_s3_is_not_taken_for_a_missing_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose start fails for want of a session erases it, though workers may be on their way."""

    def refuse(**_: object) -> None:
        raise s3_error(403, "AccessDenied", "Access Denied")

    world.start()
    s3 = world.environment.clients.s3
    for action in ("refresh", "stop"):
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(s3, "get_object", refuse)
            assert error_of(world.request(KEYS, action)) == "AccessDenied"
    assert len(world.ecs.live()) == 3
    assert world.request(KEYS, "stop")["ok"]


def test_a_manifest_of_64_kib_and_a_byte_is_never_parsed(world: World) -> None:
    text = a_manifest().to_json()
    world.put(KEYS.manifest, text + b" " * (65_537 - len(text)))
    assert error_of(world.request(KEYS, "start")) == "LimitExceeded"

    world.put(KEYS.manifest, text + b" " * (65_536 - len(text)))
    assert world.request(KEYS, "start")["ok"] is True


def test_garbage_in_a_manifest_is_refused_in_data(world: World) -> None:
    for text in (b"", b"[]", b"{", b"\xff", b"[" * 60_000, b'{"protocol":1}', b'{"protocol":2}'):
        world.put(KEYS.manifest, text)
        assert error_of(world.request(KEYS, "start")) == "ConfigurationError"
    absurd = [{field: 10**400} for field in ("workers", "cpu", "memory_gb", "timeout_seconds")]
    wrong: list[dict[str, object]] = [{"workers": w} for w in (-1, 1.5, "3", None, True)]
    for fields in [*wrong, *absurd]:
        document = json.loads(a_manifest().to_json()) | fields
        world.put(KEYS.manifest, json.dumps(document).encode())
        assert error_of(world.request(KEYS, "start")) in (
            "ConfigurationError",
            "LimitExceeded",
        )
    assert not world.ecs.tasks


def test_a_manifest_of_yesterday_is_not_started(world: World) -> None:
    world.put(KEYS.manifest, a_manifest().to_json())
    world.later(86_400 + 60)

    assert error_of(world.request(KEYS, "start")) == "SessionEnded"


def test_another_protocol_or_action_is_refused(world: World) -> None:
    world.start()
    assert error_of(world.request(KEYS, "destroy")) == "ConfigurationError"
    payload = {"protocol": 2, "action": "start", "key": KEYS.manifest}
    analysts = ControllerDoor.ANALYSTS
    assert (
        error_of(world.controller.handle(payload, door=analysts, seconds=60)) == "VersionMismatch"
    )
    for nothing in ({}, [], None, "start"):
        answer = world.controller.handle(nothing, door=analysts, seconds=60)
        assert error_of(answer) == "VersionMismatch"


def test_limits_hold_at_the_door(world: World) -> None:
    world.deploy(Limits(workers=9999, vcpu=1e9, memory_gb=1e9, usd_per_hour=1e9))
    answer = world.start(a_manifest(workers=501))

    assert error_of(answer) == "LimitExceeded"
    assert "Workers must be <= 500" in answer["error"]["message"]
    assert not world.ecs.calls


def test_a_region_without_prices_starts_nothing(world: World) -> None:
    world.deploy(region="xx-north-9")
    answer = world.start()

    assert error_of(answer) == "ConfigurationError"
    assert "us-east-1" in answer["error"]["message"]


def test_a_document_without_the_worker_role_starts_nothing(world: World) -> None:
    world.deploy()
    document = world.environment.document()
    bare = {
        name: replace(workspace, worker_role_arn="")
        for name, workspace in document.workspaces.items()
    }
    world.deploy(workspaces=bare)

    assert error_of(world.start()) == "ConfigurationError"
    assert not world.queues()


def test_an_unknown_workspace_is_named(world: World) -> None:
    other = a_manifest(workspace="markets")
    answer = world.start(other)

    assert error_of(answer) == "WorkspaceNotFound"
    assert "markets" in answer["error"]["message"]


def test_the_record_is_out_of_every_users_reach(world: World) -> None:
    world.start()

    assert world.keys_under("_control/") == [f"_control/active/{KEYS.session}.json"]
    assert SessionKeys.parse(KEYS.control_record) is None
    assert world.environment.settings.bucket == BUCKET
