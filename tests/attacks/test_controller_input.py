"""Bytes and values that nobody of ours would send the controller: refused in data, or ignored.

Each was an unhandled error of the function, or was taken for a good request, before it was fixed.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from typing import Any

import pytest

from starburst._protocol.sealed.session_key import SessionKey
from starburst.contract import ControllerDoor
from starburst.controller.state.endpoint_state import NOTE
from starburst.controller.sweep import SweepFailed
from starburst.errors import IntegrityError
from starburst.untrusted.strict_json import read_object
from tests.controller.conftest import memory_world as world
from tests.controller.conftest import sdk
from tests.controller.conftest import world as sdk_world
from tests.controller.world import TURN, World
from tests.manifests import a_manifest

__all__ = ["sdk", "sdk_world", "world"]

MINE = a_manifest()
OTHER = a_manifest(session="b" * 20, user="bobby")
KEYS = MINE.keys
HUGE = 10**400
STOP = '{"protocol":1,"action":"stop"}'
EXTEND = '{"protocol":1,"action":"extend","deadline":%s}'

BODIES = {
    "a number that no float holds": (EXTEND % ("1" + "0" * 400)).encode(),
    "a number of 5,000 digits": (EXTEND % ("9" * 5000)).encode()[:4096],
    "a float beyond all floats": (EXTEND % "1e999").encode(),
    "minus infinity": (EXTEND % "-Infinity").encode(),
    "no number": (EXTEND % "NaN").encode(),
    "a truth value": (EXTEND % "true").encode(),
    "text": (EXTEND % '"soon"').encode(),
    "UTF-32": STOP.encode("utf-32"),
    "UTF-16": STOP.encode("utf-16"),
    "UTF-16 without a mark": STOP.encode("utf-16-le"),
    "a byte order mark": STOP.encode("utf-8-sig"),
    "Latin-1": STOP.replace("}", ',"x":"é"}').encode("latin-1"),
    "a name twice": b'{"protocol":1,"action":"extend","action":"stop"}',
    "NaN beside it": STOP.replace("}", ',"x":NaN}').encode(),
    "half a pair": STOP.replace("}", ',"x":"\\ud800"}').encode(),
    "half a pair as a name": STOP.replace("}", ',"\\ud800":1}').encode(),
    "a true protocol": STOP.replace("1", "true").encode(),
    "a protocol with a fraction": STOP.replace("1", "1.0").encode(),
    "a list": b"[]",
    "depth": b'{"protocol":1,"action":"stop","x":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "an action that is none": b'{"protocol":1,"action":["stop"]}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_request_in_other_bytes_is_refused(world: World, name: str) -> None:
    world.start(MINE)
    before = world.record(KEYS)
    for action in ("start", "refresh", "stop", "extend"):
        answer = world.ask(action, world.put(KEYS.request("1f"), BODIES[name]))
        assert answer["ok"] is False, action
        assert answer["error"]["type"] in ("AccessDenied", "ConfigurationError")
    assert world.record(KEYS) == before


FIELDS: list[object] = [
    *(HUGE, -HUGE, -1, 0.5, 1e308, float("inf"), float("nan"), True, None, "x", [], {}, ["x"]),
    *("\ud800", "x" * 70_000, {"\ud800": "x"}, [[[[]]]]),
]
NUMBERS = ("workers", "cpu", "memory_gb", "timeout_seconds", "idle_seconds", "retries", "attempts")
MAY_LACK = (
    *("task_timeout_seconds", "max_usd", "architecture", "scratch_gb", "seed", "wait_seconds"),
    *("packages", "starburst"),
)
TAKES = {
    # What else a field may rightly hold: half a core is for sale, and one second is a timeout.
    "cpu": {0.5},
    "memory_gb": {0.5},
    "created": {0.5, 1e308},
    "task_timeout_seconds": {0.5},
    "max_usd": {0.5},
}


@pytest.mark.parametrize("name", [*asdict(MINE), "protocol", "surprise"])
def test_no_field_of_a_manifest_takes_any_value(world: World, name: str) -> None:
    texts = ("public_key", "data_key", "signing_key", "signature", "labels", "retry_on")
    for value in FIELDS:
        fields = {**json.loads(MINE.to_json()), name: value}
        fair = (
            (value is None and name in MAY_LACK)
            or (value is True and name == "prepared")
            or (isinstance(value, float) and value in TAKES.get(name, ()) and value == 0.5)
            or (name in texts and value in ("x", {}, [], ["x"]))
        )
        if fair:
            continue
        world.put(KEYS.manifest, json.dumps(fields).encode())
        answer = world.request(KEYS, "start")
        assert answer["ok"] is False, value
        assert answer["error"]["type"] in (
            *("AccessDenied", "ConfigurationError", "LimitExceeded"),
            *("VersionMismatch", "WorkspaceNotFound"),
        )
    assert not world.ecs.tasks
    assert not world.queues()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-32-be", "utf-8-sig"])
def test_a_manifest_in_another_encoding_starts_nothing(world: World, encoding: str) -> None:
    world.put(KEYS.manifest, MINE.to_json().decode().encode(encoding))
    assert world.request(KEYS, "start")["error"]["type"] == "ConfigurationError"
    world.put(KEYS.manifest, MINE.to_json()[:-1] + b',"workers":500}')
    assert world.request(KEYS, "start")["error"]["type"] == "ConfigurationError"


PAYLOADS: list[object] = [
    *(None, [], "start", 7, HUGE, {}, {"protocol": HUGE}, {"protocol": True}),
    {"protocol": 1, "action": HUGE},
    {"protocol": 1, "action": {"start": 1}, "key": "x"},
    *(
        {"protocol": 1, "action": "stop", "key": key}
        for key in (None, 7, HUGE, ["x"], {}, "\ud800")
    ),
    {"protocol": 1, "action": "stop", "key": "x" * 1_000_000},
    {"protocol": 1, "action": "stop", "key": KEYS.request("x\n")},
    {"protocol": 1, "action": "stop", "key": KEYS.request("0f") + "\n"},
    {"protocol": 1, "action": "stop", "key": KEYS.request("0f"), "x": float("nan")},
]


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_a_payload_of_another_shape_is_refused(world: World, number: int) -> None:
    world.start(MINE)
    for door in (ControllerDoor.ANALYSTS, ControllerDoor.SERVICE, "", "$LATEST", "7"):
        answer = world.controller.handle(PAYLOADS[number], door=door, seconds=60)
        assert answer["ok"] is False
        assert len(answer["error"]["message"]) <= 2000
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()


def nested(levels: int) -> object:
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("door", [ControllerDoor.ANALYSTS, ControllerDoor.SERVICE])
def test_depth_is_bounded_without_recursion(world: World, door: str) -> None:
    answer = world.controller.handle(
        {"source": "aws.ecs", "x": nested(50_000)}, door=door, seconds=9
    )
    assert answer["ok"] is False


WRONG: list[object] = [HUGE, -1, 1e300, True, "?", ["a"], {"a": 1}, [["a"]], "\ud800", float("nan")]
DETAIL = {
    "taskArn": "x",
    "startedBy": KEYS.session,
    "lastStatus": "STOPPED",
    "stopCode": "EssentialContainerExited",
    "startedAt": "2026-11-28T10:00:00Z",
    "containers": [{"name": "worker", "exitCode": 1}],
}


@pytest.mark.parametrize(
    "name",
    [
        *("taskArn", "startedBy", "lastStatus", "stopCode", "stoppedReason", "containers", "tags"),
        *("startedAt", "createdAt", "pullStartedAt", "stoppedAt", "ephemeralStorage"),
        *("capacityProviderName", "desiredStatus"),
    ],
)
def test_no_field_of_an_event_can_trip_the_controller(world: World, name: str) -> None:
    world.start(MINE)
    before = world.record(KEYS).launched
    for value in [*WRONG, [{"key": 1}], [{"name": "worker", "exitCode": "1"}], "0001-01-01T00:00"]:
        event = {"source": "aws.ecs", "detail": {**DETAIL, name: value}}
        assert world.tell(event)["ok"] in (True, False)
    for detail in WRONG:
        assert world.tell({"source": "aws.ecs", "detail": detail})["ok"] in (True, False)
    assert world.record(KEYS).launched == before


RECORDS: list[dict[str, Any]] = [
    *(
        {name: value}
        for name in ("cpu", "memory_gb", "workers")
        for value in (0.0, "x", HUGE, None)
    ),
    *({name: 1e300} for name in ("started", "deadline", "not_before", "looked", "held_since")),
    *({"settled": value} for value in ([1], {"x": "y"}, {"x": 1e300})),
    *({"launch": value} for value in (7, [], {"wave": 1, "batches": {"x": 1}, "until": 0})),
    {"launch": {"wave": 1, "batches": {"0": 10**30}, "until": 0}},
    *({"state": value} for value in ("odd", None, ["ended"])),
    *({name: 10**6} for name in ("setbacks", "shortages")),
    {"surprise": 1},
]
NAMES: list[dict[str, Any]] = [
    *({"session": value} for value in ("b" * 20, "../x", 7)),
    {"user": "../bob"},
]
"""These would be parts of keys and calls, which the SDK has a say in."""


@pytest.mark.parametrize("fields", [*RECORDS, *NAMES], ids=str)
def test_a_damaged_record_is_its_own_sessions_trouble(world: World, fields: dict[str, Any]) -> None:
    troubles_no_other(world, fields)


@pytest.mark.parametrize("fields", NAMES, ids=str)
def test_neither_does_a_name_in_it_trouble_the_sdk(
    sdk_world: World, fields: dict[str, Any]
) -> None:
    troubles_no_other(sdk_world, fields)


def troubles_no_other(world: World, fields: dict[str, Any]) -> None:
    world.start(MINE)
    world.start(OTHER)
    record = {**json.loads(world.read(KEYS.control_record)), **fields}
    world.put(KEYS.control_record, json.dumps(record).encode())
    for action in ("start", "refresh", "stop", "extend"):
        answer = world.request(KEYS, action, deadline=world.now + 60)
        assert answer["ok"] is True or answer["error"]["type"] in (
            *("SessionError", "SessionEnded", "AccessDenied", "LimitExceeded"),
        )
    world.later(3601)
    with contextlib.suppress(SweepFailed):
        world.sweep()
    assert world.status(OTHER.keys).state == "ended"
    assert not world.ecs.live(OTHER.session)


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"[]", b'{"began": 1e999}', b'{"x": 1}', b"{" * 9999]
)
def test_damaged_notes_of_the_controllers_own_stop_no_sweep(world: World, text: bytes) -> None:
    world.start(MINE)
    world.put(TURN, text)
    world.put(NOTE, text)
    assert world.tell({"starburst": "sweep"})["sessions"] == 1
    assert json.loads(world.read(TURN))["began"] == world.now


@pytest.mark.parametrize(
    "event",
    [
        {"starburst": "sweep"},
        {"starburst": "anything"},
        {"source": "aws.ecs", "detail": DETAIL},
        {"source": "aws.cloudformation"},
        {"protocol": 1, "action": "refresh", "source": "aws.ecs"},
    ],
    ids=str,
)
def test_what_is_the_services_is_refused_to_analysts_by_type(world: World, event: object) -> None:
    world.start(MINE)
    before = world.keys_under("")
    for door in (ControllerDoor.ANALYSTS, "", "officers"):
        answer = world.controller.handle(event, door=door, seconds=60)
        assert answer["error"]["type"] == "AccessDenied"
    assert world.keys_under("") == before


def test_the_service_cannot_ask_for_a_session(world: World) -> None:
    world.put(KEYS.manifest, MINE.to_json())
    key = world.put(KEYS.request("0f"), b'{"protocol":1,"action":"start"}')
    answer = world.tell({"protocol": 1, "action": "start", "key": key})
    assert answer["error"]["type"] == "AccessDenied"
    assert not world.ecs.tasks


def test_a_manifests_key_says_nothing_about_who_asks(world: World) -> None:
    world.put(KEYS.manifest, MINE.to_json())
    for action in ("start", "refresh", "stop", "extend"):
        assert world.ask(action, KEYS.manifest)["error"]["type"] == "AccessDenied"
    assert not world.ecs.tasks


def test_a_request_of_the_day_before_yesterday_moves_nothing(world: World) -> None:
    world.start(a_manifest(timeout_seconds=86_400))
    key = world.put(KEYS.request("0f"), STOP.encode())
    world.later(86_401)
    assert world.ask("stop", key)["error"]["type"] == "AccessDenied"
    assert world.ecs.live()


def test_a_runtime_document_that_is_damaged_is_said_in_data(world: World) -> None:
    world.put(KEYS.manifest, MINE.to_json())
    world.deploy(python=7)
    answer = world.request(KEYS, "start")
    assert answer["error"]["type"] == "ConfigurationError"
    assert "runtime document" in answer["error"]["message"]


@pytest.mark.parametrize(
    "text", ["é", "\ud800", "=", "A", "AA=A", "A" * 5, "\0" * 8, "AAAA\n", " AAAA"]
)
@pytest.mark.parametrize("name", ["public_key", "signature"])
def test_keys_that_are_no_base64_are_an_integrity_error(text: str, name: str) -> None:
    good = {"public_key": "AAAA", "signature": "AAAA", **{name: text}}
    manifest = a_manifest(**good)
    kms: Any = None
    with pytest.raises(IntegrityError):
        SessionKey.unwrap(kms, "key", manifest, signing=False)


def test_one_reader_refuses_what_json_of_ours_never_holds() -> None:
    for text in (
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":1,"a":1}',
        b"\xef\xbb\xbf{}",
        b"{}\x00",
        "\ufeff{}",
    ):
        with pytest.raises(ValueError, match=r"."):
            read_object(text)
    with pytest.raises(ValueError, match="limit"):
        read_object(b'{"a":"' + b"x" * 100 + b'"}', most=100)
    with pytest.raises(ValueError, match="too many"):
        read_object(b'{"a":[' + b"0," * 250_000 + b"0]}")
    assert read_object('{"é": [1, -2.5, true, null, "\\ud83d\\ude00"]}') == {
        "é": [1, -2.5, True, None, "\U0001f600"]
    }
