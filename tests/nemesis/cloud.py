"""The real controller, over an ECS whose tasks are threads, in the run's own time.

A sweep comes each minute of that, and a worker boots for as long as Fargate's do. ECS throttles,
finds no capacity and loses answers as the plan says; the events of tasks that stopped may never
arrive.
"""

from __future__ import annotations

import io
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
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

from .controllers_aws import WAKES, Guarded, Parameters, Tasks, Wakes
from .order.notes import What
from .sky import Sky, trouble
from .watching import variables_of

__all__ = ["Cloud", "Ending"]

_PLACE: Final = "arn:aws:ecs:eu-west-1:123456789012:task/test/"
_SWEEP_SECONDS: Final = 60.0
_INVOCATION_SECONDS: Final = 60.0


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
        live: runs one worker until it ends; called in a thread of its own.
        timings: of the controller.
        sweeps: how many there were.
        ready: no task gets past its provisioning before this is set.
        tasks: every ECS task ever, by ARN.
        most: the most tasks at once that any session had and that nobody had told to stop.
        errors: what the controller raised that no trouble of AWS explains.
        dead: whether every invocation fails before it has done anything.
    """

    sky: Sky
    document: RuntimeDocument
    live: Callable[[Mapping[str, Any], SessionKeys, str], Ending]
    timings: Timings = field(default_factory=Timings)
    ready: threading.Event = field(default_factory=threading.Event)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)
    most: int = 0
    sweeps: int = 0
    errors: list[BaseException] = field(default_factory=list)
    dead: bool = False
    _tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _invocations: Iterator[int] = field(default_factory=itertools.count)
    _here: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        parameters = Parameters(self.document)
        queues = Wakes(self.sky.sqs, self._woken)
        s3, sqs, ssm = (
            Guarded(self, name, client)
            for name, client in (("s3", self.sky.s3), ("sqs", queues), ("ssm", parameters))
        )
        clients: Any = Clients(s3=s3, sqs=sqs, ecs=Tasks(self), ssm=ssm)  # type: ignore[arg-type]
        settings = Settings(
            environment=self.document.environment,
            bucket=self.document.bucket,
            key_arn=self.document.key_arn,
            cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/test",
            subnets=("subnet-a",),
            security_group="sg-workers",
            parameter=runtime_parameter(self.document.environment),
            wakes=WAKES,
        )
        environment = Environment(
            settings=settings,
            clients=clients,
            clock=self.clock,
            pause=self.sky.clock.sleep,
            timings=self.timings,
        )
        self.controller = Controller(environment)
        self._sweeper = threading.Thread(target=self._sweep_on, name="sweeps", daemon=True)
        self._sweeper.start()

    def clock(self) -> float:
        """Return the controller's time."""
        return self.sky.clock.time() + self.sky.plan.controller_skew

    def sweep(self) -> None:
        """Let the schedule fire; no message is under way for longer than from one to the next."""
        self.sky.deliver_late()
        event = {"starburst": "sweep"}
        self.sky.aws.invoke_later(lambda: self._handle(event, door=ControllerDoor.SERVICE))
        self.sweeps += 1

    def pass_time(self, seconds: float) -> None:
        """Let time pass at once, and the schedule fire once."""
        self.sky.clock.pass_at_once(seconds)
        self.sweep()

    def close(self) -> None:
        """End the schedule."""
        self._over.set()
        self._sweeper.join()

    def _sweep_on(self) -> None:
        while not self._over.is_set():
            began = self.sky.clock.monotonic()
            self.sweep()
            took = self.sky.clock.monotonic() - began
            self.sky.clock.sleep(max(0.0, _SWEEP_SECONDS - took))

    def _handle(self, event: dict[str, Any], *, door: str) -> dict[str, Any]:
        """Invoke the function as Lambda does: what it raises is an answer too."""
        if self.dead:
            return {"raised": "it is dead"}
        who = f"invocation {next(self._invocations)}"
        notes, self._here.troubled = self.sky.notes, False
        before = notes.who
        notes.be(who)
        notes.add(who, What.BEGAN)
        try:
            return self.controller.handle(event, door=door, seconds=_INVOCATION_SECONDS)
        except Exception as error:
            if not isinstance(error, (*TROUBLE, StarburstError)):
                self.errors.append(error)
            return {"raised": repr(error)}
        finally:
            notes.add(who, What.OVER, state="troubled" if self._here.troubled else "")
            notes.be(before)

    def be_in_trouble(self) -> None:
        """Note that AWS refused something to the invocation at hand."""
        self._here.troubled = True

    def _woken(self, body: str) -> None:
        """Hand a message of the wake queue to an invocation of its own, as Lambda's poller does.

        The poller hands it on again, after the queue's visibility timeout, where that fails.
        """
        event = {"Records": [{"messageId": "m", "body": body}]}

        def handle() -> dict[str, Any]:
            answer = self._handle(event, door=ControllerDoor.SERVICE)
            return {"raised": answer} if answer.get("batchItemFailures") else answer

        def deliver() -> None:
            self.sky.aws.deliver(event, handle)

        thread = threading.Thread(target=deliver, daemon=True)
        self.threads.append(thread)
        thread.start()

    def invoke(self, who: str, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        """Answer a client, unless the plan has it otherwise."""
        plan, request = self.sky.plan, json.loads(Payload)
        keys = SessionKeys.parse(request["key"])
        self.sky.notes.add(
            who,
            What.INVOKES,
            session=keys.session if keys else "",
            key=request["key"],
            state=request["action"],
        )
        if plan.strikes("refused", "invoke", request["action"]):
            raise trouble(plan, "invoke", request["action"])
        words = {"FunctionName": FunctionName}

        def handle(_: Mapping[str, Any]) -> dict[str, Any]:
            return self._handle(request, door=ControllerDoor.ANALYSTS)

        answer = self.sky.aws.call("lambda", "Invoke", words, who="client", act=handle)
        if plan.strikes("lost-response", "invoke", request["action"]):
            raise trouble(plan, "invoke", request["action"])
        failed = {"FunctionError": "Unhandled"} if "raised" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    # What ECS does.

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
                self.sky.notes.add(
                    self.sky.notes.who,
                    What.LAUNCHED,
                    session=words["startedBy"],
                    key=token,
                    count=len(made),
                    tasks=tuple(task["taskArn"] for task in made),
                )
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
            self._note(What.TOLD_TO_STOP, self.sky.notes.who, task)
            task["desiredStatus"] = "STOPPED"
            task.setdefault("stopCode", "UserInitiated")
            self.sky.changed.notify_all()
        return {}

    def _note(self, what: What, who: str, task: Mapping[str, Any]) -> None:
        arn = task["taskArn"]
        self.sky.notes.add(who, what, session=task["startedBy"], tasks=(arn,))

    @property
    def staying(self) -> list[dict[str, Any]]:
        """The tasks that run, or will, and that nobody told to stop."""
        return [t for t in self.tasks.values() if t["desiredStatus"] == "RUNNING"]

    def _task(self, words: dict[str, Any]) -> dict[str, Any]:
        arn = f"{_PLACE}{len(self.tasks):032x}"
        place = variables_of(words)
        keys = SessionKeys.parse(place[WorkerVariable.SESSION_PREFIX] + "manifest.json")
        assert keys is not None
        task = {
            "taskArn": arn,
            "startedBy": words["startedBy"],
            "lastStatus": "PROVISIONING",
            "desiredStatus": "RUNNING",
            "createdAt": self._moment(),
            "tags": words["tags"],
            "overrides": words["overrides"],
            "containers": [{"name": "worker"}],
        }
        self.tasks[arn] = task
        about = (task, keys, place[WorkerVariable.QUEUE_URL])
        thread = threading.Thread(target=self._life, args=about, daemon=True)
        self.threads.append(thread)
        thread.start()
        return task

    def _life(self, task: dict[str, Any], keys: SessionKeys, url: str) -> None:
        self.sky.clock.sleep(self._boot_seconds(task))
        while not self.ready.is_set() and task["desiredStatus"] == "RUNNING":
            self.sky.clock.sleep(1.0)
        ending = Ending()
        if task["desiredStatus"] == "RUNNING":
            with self.sky.lock:
                task.update(
                    lastStatus="RUNNING", pullStartedAt=self._moment(), startedAt=self._moment()
                )
            ending = self.live(task, keys, url)
        with self.sky.lock:
            self._note(What.ENDED, f"worker {int(task['taskArn'][-32:], 16)}", task)
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
            self._woken(json.dumps({"source": "aws.ecs", "detail": detail}))

    def _boot_seconds(self, task: Mapping[str, Any]) -> float:
        least, most = self.sky.plan.boots
        return least + (most - least) * self.sky.plan.number("boot", task["taskArn"])

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)
