"""The controller behind doors: payloads, events, requests, manifests, and what it reads of its own.

Each input meets a real controller over a model of one account, with a session of another user in
it. The controller answers or refuses in data, its answer is JSON, and the other session lives on.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from benchmarks.fleet_model.clock import Clock, Meter
from benchmarks.fleet_model.cloud import Cloud
from benchmarks.fleet_model.terms import document, settings
from starburst import errors
from starburst._protocol.manifest import Manifest
from starburst._protocol.status import StatusDocument
from starburst.contract import ControllerDoor
from starburst.controller.handler import Controller
from starburst.controller.state.endpoint_state import NOTE
from starburst.controller.state.environment import Clients, Environment
from starburst.controller.sweep import SweepFailed
from tests.manifests import a_manifest

__all__ = [
    "KEYS",
    "NOTE",
    "TURN",
    "NoPayload",
    "at_rest",
    "in_a_manifest",
    "in_a_payload",
    "in_a_request",
    "in_an_event",
    "seeds",
]

TURN: Final = "_control/turns/sweep.json"
MINE: Final = a_manifest(workers=1)
THEIRS: Final = a_manifest(workers=1, session="b" * 20, user="bobby")
KEYS: Final = MINE.keys
_ACTIONS: Final = ("start", "refresh", "extend", "stop")
_SECONDS: Final = 3600.0
_STACK: Final = "starburst-prod-endpoints"


class NoPayload(Exception):
    """Lambda would have refused the bytes: they are no JSON at all."""


class _Formation:
    """CloudFormation, whose stack of endpoints is open."""

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        parameters = [{"ParameterKey": "Bursting", "ParameterValue": "on"}]
        return {"Stacks": [{"StackStatus": "UPDATE_COMPLETE", "Parameters": parameters}]}

    def update_stack(self, **_: Any) -> dict[str, Any]:
        return {}

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        return {"StackEvents": []}


@dataclass(kw_only=True)
class _Cloud(Cloud):
    """The model, with a queue for each session."""

    queues: set[str] = field(default_factory=set)

    def create_queue(self, *, QueueName: str, Attributes: Mapping[Any, str]) -> Any:
        url = super().create_queue(QueueName=QueueName, Attributes=Attributes)["QueueUrl"]
        self.queues.add(url)
        return {"QueueUrl": url}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Any:
        self.queue = QueueUrl if QueueUrl in self.queues else None
        return super().get_queue_attributes(QueueUrl=QueueUrl, AttributeNames=AttributeNames)

    def get_queue_url(self, *, QueueName: str) -> Any:
        url = f"https://sqs/{QueueName}"
        self.queue = url if url in self.queues else None
        return super().get_queue_url(QueueName=QueueName)

    def delete_queue(self, *, QueueUrl: str) -> dict[str, Any]:
        self.queues.discard(QueueUrl)
        return super().delete_queue(QueueUrl=QueueUrl)


class _World:
    """One account, in which both sessions run."""

    def __init__(self, begun: _World | None = None) -> None:
        self.wakes: list[str] = []
        self.cloud = _Cloud(
            clock=Clock(),
            meter=Meter(),
            random=Random(1),  # noqa: S311 - so that a run repeats
            parameter=document().to_json(),
            launched=lambda _: None,
            woken=self.wakes.append,
        )
        clients: Any = self.cloud
        formation: Any = _Formation()
        environment = Environment(
            settings=replace(settings(), endpoints_stack=_STACK),
            clients=Clients(
                s3=clients, sqs=clients, ecs=clients, ssm=clients, cloudformation=formation
            ),
            clock=self.cloud.time,
            pause=self.cloud.pause,
        )
        self.controller = Controller(environment)
        if begun is None:
            for manifest in (THEIRS, MINE):
                self.put(manifest.keys.manifest, manifest.to_json())
                assert self.ask("start", manifest.keys)["ok"], "the model is broken"
            self.deliver()
            assert self.cloud.tasks, "the model is broken"
            return
        environment._document = begun.controller._environment.document()
        environment._read_at = begun.cloud.time()
        for name in ("objects", "queues", "tokens"):
            setattr(self.cloud, name, getattr(begun.cloud, name).copy())
        self.cloud.tasks = {arn: replace(task) for arn, task in begun.cloud.tasks.items()}
        self.cloud.cursor = begun.cloud.cursor + 60.0

    def put(self, key: str, body: bytes) -> None:
        self.cloud.objects[key] = (body, f'"{len(self.cloud.objects)}"', self.cloud.cursor)

    def ask(self, action: str, keys: Any, body: bytes | None = None) -> Mapping[str, Any]:
        request = keys.request("0f")
        said = json.dumps({"protocol": 1, "action": action, "deadline": self.cloud.time() + 1})
        self.put(request, said.encode() if body is None else body)
        return self.tell({"protocol": 1, "action": action, "key": request}, ControllerDoor.ANALYSTS)

    def tell(self, event: object, door: str) -> Mapping[str, Any]:
        with _quiet():
            answer = self.controller.handle(event, door=door, seconds=60)
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()  # as Lambda sends it
        if answer.keys() != {"batchItemFailures"} and answer["ok"] is not True:
            assert answer["ok"] is False
            assert answer["error"]["type"] in errors.__all__
            assert len(answer["error"]["message"]) <= 2000
        return answer

    def deliver(self) -> None:
        """Hand the messages of the wake queue to the function, as Lambda does."""
        self.tell(_handed_over(*self.wakes), ControllerDoor.SERVICE)
        self.wakes.clear()

    def sweep(self) -> None:
        with contextlib.suppress(SweepFailed):
            self.tell({"starburst": "sweep"}, ControllerDoor.SERVICE)

    def others_live_on(self) -> None:
        """Let time pass, and see that the other session is tended and comes to its end."""
        for key in THEIRS.keys.status, KEYS.status:
            if key in self.cloud.objects:
                StatusDocument.from_json(self.cloud.objects[key][0])
        self.cloud.cursor += 2 * _SECONDS
        self.sweep()
        assert StatusDocument.from_json(self.cloud.objects[THEIRS.keys.status][0]).state == "ended"


@functools.cache
def _first() -> _World:
    return _World()


def _begun() -> _World:
    """Return a world in which both sessions run already."""
    return _World(_first())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("starburst.controller")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _handed_over(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"{n}", "body": body} for n, body in enumerate(bodies)]}


def _payload(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8", "surrogateescape"))  # as loosely as Lambda does
    except (ValueError, RecursionError) as error:
        raise NoPayload from error


def in_a_payload(data: bytes) -> None:
    """What an analyst may send to the alias for analysts."""
    payload, world = _payload(data), _begun()
    world.put(KEYS.request("1f"), b'{"protocol":1,"action":"refresh"}')
    before = dict(world.cloud.objects)
    answer = world.tell(payload, ControllerDoor.ANALYSTS)
    if not answer["ok"]:
        assert world.cloud.objects == before, "what was refused changed something"
    world.others_live_on()


def in_an_event(data: bytes) -> None:
    """What could reach the alias for the service."""
    payload, world = _payload(data), _begun()
    world.tell(payload, ControllerDoor.SERVICE)
    world.others_live_on()


def in_a_request(data: bytes) -> None:
    """What an analyst may write below ``requests/``: each action is asked for by it."""
    world = _begun()
    accepted = [action for action in _ACTIONS if world.ask(action, KEYS, data)["ok"]]
    if accepted:
        said = json.loads(data.decode())
        assert accepted == [said["action"]]
        assert type(said["protocol"]) is int
    world.others_live_on()


def in_a_manifest(data: bytes) -> None:
    """What an analyst may write as a manifest, and have started."""
    world = _begun()
    fresh = replace(MINE, session="a" * 19 + "b").keys
    world.put(fresh.manifest, data)
    if world.ask("start", fresh)["ok"]:
        world.deliver()
        manifest = Manifest.from_json(data)
        assert manifest.keys == fresh
        assert 1 <= manifest.workers <= 500
        assert len(world.cloud.tasks) <= 2 + manifest.workers
    world.others_live_on()


def at_rest(key: str) -> Callable[[bytes], None]:
    """Return the door of an object that the controller alone writes, were it damaged."""

    def read(data: bytes) -> None:
        world = _begun()
        world.put(key, data)
        for action in _ACTIONS:
            world.ask(action, KEYS)
        world.sweep()
        world.others_live_on()

    return read


def seeds() -> dict[str, list[bytes]]:
    """Return good bytes for each door."""
    world = _begun()
    world.sweep()
    record = world.cloud.objects[KEYS.control_record][0]
    note, turn = world.cloud.objects[NOTE][0], world.cloud.objects[TURN][0]
    world.ask("stop", KEYS)
    woken = _handed_over(*world.wakes)
    world.deliver()
    filed = world.cloud.objects[KEYS.ended_record][0]
    detail = {
        **next(iter(world.cloud.tasks.values())).describe(world.cloud.cursor),
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "containers": [{"name": "worker", "exitCode": 137, "reason": "OutOfMemoryError"}],
    }
    event = {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}
    asked = {"protocol": 1, "action": "refresh", "key": KEYS.request("1f")}
    wish: dict[str, Any] = {"protocol": 1, "action": "extend", "deadline": world.cloud.time() + 900}
    fresh = replace(MINE, session="a" * 19 + "b", labels={"study": "x"}, max_usd=5.0)
    return {
        "payload": [_text(asked), _text({**asked, "action": "start"}), _text(wish)],
        "event": [
            _text(event),
            _text({"starburst": "sweep"}),
            _text(woken),
            _text(_handed_over(_text(event).decode())),
            _text({"source": "aws.cloudformation", "detail": {"stack-id": "x"}}),
        ],
        "request": [_text({**wish, "action": action}) for action in _ACTIONS],
        "asked-for": [fresh.to_json()],
        "record": [record],
        "filed": [filed],
        "note": [note],
        "turn": [turn],
    }


def _text(value: object) -> bytes:
    return json.dumps(value, default=str).encode()
