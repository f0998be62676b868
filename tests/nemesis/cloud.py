"""The real controller, over an ECS whose tasks are threads, on a clock that runs ahead.

Each sweep is four minutes of the controller's time, so that its back-off and its deadlines pass in
seconds here. ECS throttles, finds no capacity and loses answers as the plan says; the events of
tasks that stopped may never arrive.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import TROUBLE
from starburst.contract import (
    ControllerDoor,
    RuntimeDocument,
    SessionKeys,
    WorkerVariable,
    runtime_parameter,
)
from starburst.controller.handler import Controller
from starburst.controller.state.environment import Clients, Environment, Settings
from starburst.controller.state.timings import Timings
from starburst.errors import StarburstError

from .injector import Sky, trouble

__all__ = ["Cloud", "Ending"]

_PLACE: Final = "arn:aws:ecs:eu-west-1:123456789012:task/test/"
_WAKES: Final = "https://sqs.eu-west-1.amazonaws.com/123456789012/wakes"
_SWEEP_SECONDS: Final = 240.0
_INVOCATION_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1
_MISSING_SECONDS: Final = 0.4
_BUSY_SECONDS: Final = 5.0
"""Where workers are at work and none is missing, a sweep has little to do, and this machine enough.
Where none is at work, the controller's time passes without a wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a worker's process ended, as ECS tells it."""

    exit_code: int = 0
    stop_code: str = "EssentialContainerExited"
    reason: str = "Essential container in task exited"

    @classmethod
    def taken(cls) -> Ending:
        """Return the end of a worker that Fargate took away."""
        return cls(
            exit_code=137,
            stop_code="SpotInterruption",
            reason="Your Spot Task was interrupted.",
        )


@dataclass
class Cloud:
    """One environment's controller and its ECS.

    Attributes:
        sky: what all processes share.
        document: the environment's.
        wanted: workers of a session.
        live: runs one worker until it ends; called in a thread of its own.
        timings: of the controller.
        sweeps: how many there were.
        ready: no task gets past its provisioning before this is set.
        tasks: every ECS task ever, by ARN.
        most: the most tasks at once that any session had and that nobody had told to stop.
        errors: what the controller raised that no trouble of AWS explains.
    """

    sky: Sky
    document: RuntimeDocument
    wanted: int
    live: Callable[[Mapping[str, Any], SessionKeys, str], Ending]
    timings: Timings = field(default_factory=Timings)
    ready: threading.Event = field(default_factory=threading.Event)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)
    most: int = 0
    ahead: float = 0.0
    sweeps: int = 0
    errors: list[BaseException] = field(default_factory=list)
    _tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    _swept: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        parameters = _Parameters(self.document)
        queues = _Wakes(self.sky.sqs, self._woken)
        s3, sqs, ssm = (_Guarded(self.sky, client) for client in (self.sky.s3, queues, parameters))
        clients: Any = Clients(s3=s3, sqs=sqs, ecs=self, ssm=ssm)  # type: ignore[arg-type]
        settings = Settings(
            environment=self.document.environment,
            bucket=self.document.bucket,
            key_arn=self.document.key_arn,
            cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/test",
            subnets=("subnet-a",),
            security_group="sg-workers",
            parameter=runtime_parameter(self.document.environment),
            wakes=_WAKES,
        )
        environment = Environment(
            settings=settings,
            clients=clients,
            clock=self.clock,
            pause=self.pass_time,
            timings=self.timings,
        )
        self.controller = Controller(environment)
        self._sweeper = threading.Thread(target=self._sweep_on, name="sweeps", daemon=True)
        self._sweeper.start()

    def clock(self) -> float:
        """Return the controller's time."""
        return time.time() + self.sky.plan.controller_skew + self.ahead

    def pass_time(self, seconds: float) -> None:
        """Let the controller's time pass at once."""
        self.ahead += seconds

    def sweep(self) -> None:
        """Let time pass, and the schedule fire; no message is under way for so long."""
        self.pass_time(_SWEEP_SECONDS)
        self.sky.deliver_late()
        self._handle({"starburst": "sweep"}, door=ControllerDoor.SERVICE)
        self._swept = time.monotonic()
        self.sweeps += 1

    def close(self) -> None:
        """End the schedule."""
        self._over.set()
        self._sweeper.join()

    def _sweep_on(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            since = time.monotonic() - self._swept
            least = _MISSING_SECONDS if self._missing else _BUSY_SECONDS
            if since > least or (self.ready.is_set() and self.sky.is_idle):
                self.sweep()

    def _handle(self, event: dict[str, Any], *, door: str) -> dict[str, Any]:
        """Invoke the function as Lambda does: what it raises is an answer too."""
        try:
            return self.controller.handle(event, door=door, seconds=_INVOCATION_SECONDS)
        except Exception as error:
            if not isinstance(error, (*TROUBLE, StarburstError)):
                self.errors.append(error)
            return {"raised": repr(error)}

    def _woken(self, body: str) -> None:
        """Hand a message of the wake queue to an invocation of its own, as Lambda's poller does."""
        event = {"Records": [{"messageId": "m", "body": body}]}
        thread = threading.Thread(
            target=self._handle, args=(event,), kwargs={"door": ControllerDoor.SERVICE}, daemon=True
        )
        self.threads.append(thread)
        thread.start()

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        """Answer a client, unless the plan has it otherwise."""
        plan, request = self.sky.plan, json.loads(Payload)
        if plan.strikes("refused", "invoke", request["action"]):
            raise trouble(plan, "invoke", request["action"])
        answer = self._handle(request, door=ControllerDoor.ANALYSTS)
        if plan.strikes("lost-response", "invoke", request["action"]):
            raise trouble(plan, "invoke", request["action"])
        failed = {"FunctionError": "Unhandled"} if "raised" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    # What the controller asks of ECS.

    def run_task(self, **words: Any) -> dict[str, Any]:
        plan, token = self.sky.plan, words["clientToken"]
        wave = token.partition("-")[2]
        if plan.strikes("throttled", wave):
            answer: Any = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            raise ClientError(answer, "RunTask")
        with self.sky.lock:
            if token not in self._tokens:
                count, failures = words["count"], []
                if plan.strikes("no-capacity", wave):
                    count -= 1
                    failures = [{"reason": "Capacity is unavailable at this time"}]
                made = [self._task(words) for _ in range(count)]
                self._tokens[token] = {"tasks": made, "failures": failures}
            staying = [t for t in self.staying if t["startedBy"] == words["startedBy"]]
            self.most = max(self.most, len(staying))
        if plan.strikes("lost-response", "run", wave):
            raise trouble(plan, "run", wave)
        return self._tokens[token]

    def list_tasks(self, **words: Any) -> dict[str, Any]:
        wanted = words.get("desiredStatus", "RUNNING")
        with self.sky.lock:
            return {
                "taskArns": [
                    arn
                    for arn, task in self.tasks.items()
                    if task["desiredStatus"] == wanted
                    and words.get("startedBy", task["startedBy"]) == task["startedBy"]
                ]
            }

    def describe_tasks(self, **words: Any) -> dict[str, Any]:
        with self.sky.lock:
            arns = [name if name in self.tasks else _PLACE + name for name in words["tasks"]]
            return {"tasks": [dict(self.tasks[arn]) for arn in arns], "failures": []}

    def stop_task(self, **words: Any) -> dict[str, Any]:
        with self.sky.changed:
            name = words["task"]
            task = self.tasks[name if name in self.tasks else _PLACE + name]
            task["desiredStatus"] = "STOPPED"
            task.setdefault("stopCode", "UserInitiated")
            self.sky.changed.notify_all()
        return {}

    @property
    def _missing(self) -> bool:
        """Whether any session lacks a worker, be another one complete."""
        with self.sky.lock:
            have = Counter(task["startedBy"] for task in self.staying)
            return any(have[t["startedBy"]] < self.wanted for t in self.tasks.values())

    @property
    def staying(self) -> list[dict[str, Any]]:
        """The tasks that run, or will, and that nobody told to stop."""
        return [t for t in self.tasks.values() if t["desiredStatus"] == "RUNNING"]

    def _task(self, words: dict[str, Any]) -> dict[str, Any]:
        arn = f"{_PLACE}{len(self.tasks):032x}"
        (container,) = words["overrides"]["containerOverrides"]
        place = {entry["name"]: entry["value"] for entry in container["environment"]}
        keys = SessionKeys.parse(place[WorkerVariable.SESSION_PREFIX] + "manifest.json")
        assert keys is not None
        task = {
            "taskArn": arn,
            "startedBy": words["startedBy"],
            "lastStatus": "PROVISIONING",
            "desiredStatus": "RUNNING",
            "createdAt": self._moment(),
            "tags": words["tags"],
            "containers": [{"name": "worker"}],
        }
        self.tasks[arn] = task
        about = (task, keys, place[WorkerVariable.QUEUE_URL])
        thread = threading.Thread(target=self._life, args=about, daemon=True)
        self.threads.append(thread)
        thread.start()
        return task

    def _life(self, task: dict[str, Any], keys: SessionKeys, url: str) -> None:
        while not self.ready.wait(0.05):
            if task["desiredStatus"] == "STOPPED":
                break
        ending = Ending()
        if task["desiredStatus"] == "RUNNING":
            with self.sky.lock:
                task.update(
                    lastStatus="RUNNING", pullStartedAt=self._moment(), startedAt=self._moment()
                )
            ending = self.live(task, keys, url)
        with self.sky.lock:
            task.setdefault("stopCode", ending.stop_code)
            task.update(
                lastStatus="STOPPED",
                desiredStatus="STOPPED",
                stoppedAt=self._moment(),
                stoppedReason=ending.reason,
                containers=[{"name": "worker", "exitCode": ending.exit_code}],
            )
            detail = json.loads(json.dumps(task, default=datetime.isoformat))
        if not self.sky.plan.strikes("event-lost", task["taskArn"]):
            self._handle({"source": "aws.ecs", "detail": detail}, door=ControllerDoor.SERVICE)

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)


@dataclass(frozen=True)
class _Parameters:
    """The one parameter there is; moto's would import EC2 and its images for seconds."""

    document: RuntimeDocument

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == runtime_parameter(self.document.environment)
        return {"Parameter": {"Value": self.document.to_json()}}


@dataclass(frozen=True)
class _Wakes:
    """The queues of SQS, and the one whose messages invoke the function."""

    sqs: Any
    woken: Callable[[str], None]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self.sqs, name)

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:
        if QueueUrl != _WAKES:
            return self.sqs.send_message(QueueUrl=QueueUrl, MessageBody=MessageBody)
        self.woken(MessageBody)
        return {}


@dataclass
class _Guarded:
    """AWS as the controller sees it: one call at a time, and some of them in vain."""

    sky: Sky
    client: Any

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**words: Any) -> Any:
            if self.sky.plan.strikes("refused", "controller", name):
                raise trouble(self.sky.plan, "controller", name)
            with self.sky.changed:
                answer = getattr(self.client, name)(**words)
                if name in ("delete_queue", "send_message"):
                    self.sky.changed.notify_all()
            return answer

        return call
