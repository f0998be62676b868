"""One environment in process: moto's S3, SQS and SSM, a fake ECS, a clock that tests move."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.s3.models import s3_backends

from starburst._protocol.manifest import Manifest
from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.status import StatusDocument
from starburst.contract import (
    ControllerDoor,
    Limits,
    RuntimeDocument,
    SessionKeys,
    WorkspaceDocument,
    runtime_parameter,
)
from starburst.controller.handler import Controller
from starburst.controller.state.environment import Environment, Settings
from starburst.controller.state.sessions import Record
from starburst.controller.state.sweep_turns import Turns
from starburst.controller.totals.book import BOOK
from tests.controller.effects.history import History
from tests.manifests import a_manifest

REGION = "eu-west-1"
ACCOUNT = "123456789012"
BUCKET = "starburst-data"
WAKES = "starburst-prod-wakes"
TURN = "_control/turns/sweep.json"
WORKER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker-genomics"


def settings(*, wakes: str, endpoints_stack: str = "", endpoints_role: str = "") -> Settings:
    """What the controller is told of its environment; its queue of wakes is made first."""
    return Settings(
        environment="prod",
        bucket=BUCKET,
        key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data",
        cluster=f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/cluster",
        subnets=("subnet-a", "subnet-b"),
        security_group="sg-workers",
        parameter=runtime_parameter("prod"),
        wakes=wakes,
        endpoints_stack=endpoints_stack,
        endpoints_role=endpoints_role,
    )


def refused(code: str, message: str = "") -> ClientError:
    """An answer of AWS that is an error."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "RunTask")


def bought(arguments: dict[str, Any]) -> str:
    """The capacity provider that a call asks for."""
    return arguments.get("capacityProviderStrategy", [{}])[0].get("capacityProvider", "FARGATE")


@dataclass(kw_only=True)
class FakeEcs:
    """ECS as the controller uses it: idempotency tokens, pages, partial failures, stops.

    ``reads`` are the calls that look; the next ``busy`` of them are throttled. ``unshown`` are ARNs
    that DescribeTasks does not show.
    """

    now: Any
    page: int = 7
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    honours_tokens: bool = True
    answers: list[Exception | int | str] = field(default_factory=list)
    first_status: str = "RUNNING"
    on_run: Any = None
    room: dict[str, int] = field(default_factory=dict)
    excuse: str = "Capacity is unavailable at this time. Please try again later"
    all_or_nothing: bool = False
    reads: list[str] = field(default_factory=list)
    busy: int = 0
    unshown: set[str] = field(default_factory=set)
    image: str = "repository@sha256:" + 64 * "0"

    def die_at(self, call: int, error: type[BaseException] = KeyboardInterrupt) -> None:
        """Have who asks for workers die at such a call from now on, before ECS takes it."""
        calls = itertools.count(1)

        def die() -> None:
            if next(calls) == call:
                raise error

        self.on_run = die

    def run_task(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(arguments)
        token, count = arguments["clientToken"], arguments["count"]
        assert 1 <= count <= 10
        assert len(token) <= 64
        if self.on_run is not None:
            self.on_run()
        answer = self.answers.pop(0) if self.answers else count
        if isinstance(answer, ClientError):
            raise answer
        if self.honours_tokens and token in self.tokens:
            return self.tokens[token]
        failures: list[dict[str, str]] = []
        provider = bought(arguments)
        if provider in self.room:
            taken = [task for task in self.live() if task.get("capacityProviderName") == provider]
            free = max(0, self.room[provider] - len(taken))
            if free < count:
                free = 0 if self.all_or_nothing else free
                failures = [{"reason": self.excuse}] * (count - free)
                count = free
        elif isinstance(answer, str):
            failures = [{"reason": answer}] * count
            count = 0
        elif isinstance(answer, int) and answer < count:
            failures = [{"reason": "Capacity is unavailable at this time"}] * (count - answer)
            count = answer
        made = [self._make(arguments) for _ in range(count)]
        self.tokens[token] = {"tasks": made, "failures": failures}
        if isinstance(answer, Exception):
            raise answer  # It was done, but its answer was lost.
        return self.tokens[token]

    def add(self, session: str, **fields: Any) -> dict[str, Any]:
        """A task that was started without the controller."""
        task = self._make({"startedBy": session, "tags": [], "overrides": {}, **fields})
        task.update(fields)
        return task

    def _make(self, arguments: dict[str, Any]) -> dict[str, Any]:
        cluster = arguments.get("cluster", "cluster").rpartition("/")[2]
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{len(self.tasks):032x}"
        moment = datetime.fromtimestamp(self.now(), UTC)
        task = {
            "taskArn": arn,
            "startedBy": arguments["startedBy"],
            "lastStatus": self.first_status,
            "desiredStatus": "RUNNING",
            "createdAt": moment,
            "tags": arguments["tags"],
            "overrides": arguments["overrides"],
            "containers": [{"name": "worker"}],
            "ephemeralStorage": {"sizeInGiB": 20},
            "capacityProviderName": bought(arguments),
            "family": arguments.get("taskDefinition", "starburst-prod-genomics"),
        }
        if self.first_status == "RUNNING":
            task.update(pullStartedAt=moment, startedAt=moment)
        self.tasks[arn] = task
        return task

    def end(
        self,
        task: dict[str, Any],
        *,
        exit_code: int | None = 0,
        stop_code: str = "EssentialContainerExited",
        reason: str = "Essential container in task exited",
    ) -> dict[str, Any]:
        """Let a task stop, and return ECS's event about it."""
        moment = datetime.fromtimestamp(self.now(), UTC)
        task.update(
            lastStatus="STOPPED",
            desiredStatus="STOPPED",
            stoppedAt=moment,
            stopCode=stop_code,
            stoppedReason=reason,
            containers=[
                {"name": "worker", **({} if exit_code is None else {"exitCode": exit_code})}
            ],
        )
        detail = json.loads(json.dumps(task, default=datetime.isoformat))
        return {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}

    def _of(self, arguments: dict[str, Any]) -> dict[str, dict[str, Any]]:
        cluster = arguments["cluster"].rpartition("/")[2]
        return {arn: task for arn, task in self.tasks.items() if f":task/{cluster}/" in arn}

    def _read(self, name: str) -> None:
        self.reads.append(name)
        if self.busy > 0:
            self.busy -= 1
            raise refused("ThrottlingException", "Rate exceeded")

    def list_tasks(self, **arguments: Any) -> dict[str, Any]:
        self._read("ListTasks")
        if "startedBy" in arguments:
            assert not {"desiredStatus", "family"} & set(arguments), "ECS takes it alone"
        found = [
            arn
            for arn, task in self._of(arguments).items()
            if task["desiredStatus"] == arguments.get("desiredStatus", "RUNNING")
            and arguments.get("startedBy", task["startedBy"]) == task["startedBy"]
            and arguments.get("family", task["family"]) == task["family"]
        ]
        start = int(arguments.get("nextToken", 0))
        answer: dict[str, Any] = {"taskArns": found[start : start + self.page]}
        if start + self.page < len(found):
            answer["nextToken"] = str(start + self.page)
        return answer

    def describe_tasks(self, **arguments: Any) -> dict[str, Any]:
        self._read("DescribeTasks")
        assert 1 <= len(arguments["tasks"]) <= 100
        ids = {arn.rpartition("/")[2]: arn for arn in self._of(arguments)}
        arns = [ids.get(name.rpartition("/")[2]) for name in arguments["tasks"]]
        arns = [None if arn in self.unshown else arn for arn in arns]
        missing = [n for n, arn in zip(arguments["tasks"], arns, strict=True) if arn is None]
        return {
            "tasks": [self.tasks[arn] for arn in arns if arn is not None],
            "failures": [{"arn": name, "reason": "MISSING"} for name in missing],
        }

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:
        return {
            "taskDefinition": {
                "family": taskDefinition,
                "containerDefinitions": [{"image": self.image}],
            }
        }

    def stop_task(self, **arguments: Any) -> dict[str, Any]:
        name = arguments["task"].rpartition("/")[2]
        self.end(
            next(task for arn, task in self._of(arguments).items() if arn.endswith(name)),
            exit_code=137,
            stop_code="UserInitiated",
            reason=arguments["reason"],
        )
        return {}

    def staying(self, session: str) -> int:
        """Count the workers of a session that nobody has told to stop; of all where it is empty."""
        return sum(task["desiredStatus"] == "RUNNING" for task in self.live(session or None))

    def live(self, session: str | None = None) -> list[dict[str, Any]]:
        return [
            task
            for task in self.tasks.values()
            if task["lastStatus"] != "STOPPED" and session in (None, task["startedBy"])
        ]


@dataclass(kw_only=True)
class World:
    """What a test holds in its hand."""

    environment: Environment
    controller: Controller
    ecs: FakeEcs
    moment: list[float]
    pauses: list[float]
    history: History

    @property
    def now(self) -> float:
        return self.moment[0]

    @property
    def all_of_sqs(self) -> Any:
        """What a test asks of SQS, which is more than the controller may."""
        return self.environment.clients.sqs

    def later(self, seconds: float) -> None:
        self.moment[0] += seconds

    def deploy(self, limits: Limits | None = None, **fields: Any) -> None:
        """Write the runtime document; the controller sees it at once."""
        workspace = WorkspaceDocument(
            analyst_role_arn=f"arn:aws:iam::{ACCOUNT}:role/analyst-genomics",
            task_definition="starburst-prod-genomics",
            limits=limits or Limits(),
            worker_role_arn=WORKER_ROLE,
            scratch_gb=20,
        )
        document = RuntimeDocument(
            environment="prod",
            account=ACCOUNT,
            region=REGION,
            bucket=BUCKET,
            key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data",
            controller="arn:aws:lambda:eu-west-1:123456789012:function:controller",
            python="3.11",
            architecture="X86_64",
            workspaces={"genomics": workspace},
        )
        self.environment.clients.ssm.put_parameter(
            Name=runtime_parameter("prod"),
            Value=replace(document, **fields).to_json(),
            Type="String",
            Overwrite=True,
        )
        self.environment._document = None

    def put(self, key: str, body: bytes) -> str:
        self.environment.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        # moto dates by the real clock.
        stored: Any = s3_backends[ACCOUNT]["aws"].get_object(BUCKET, key)
        stored.last_modified = datetime.fromtimestamp(self.now, UTC)
        return key

    def read(self, key: str) -> bytes:
        return self.environment.clients.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def ask(self, action: str, key: object, *, seconds: float = 60) -> dict[str, Any]:
        """Ask as a caller who may invoke the analysts' alias."""
        payload = {"protocol": 1, "action": action, "key": key}
        with self.history.invocation(seconds=seconds):
            return self.controller.handle(payload, door=ControllerDoor.ANALYSTS, seconds=seconds)

    def tell(self, event: object, *, seconds: float = 60) -> dict[str, Any]:
        """Tell an event as EventBridge does."""
        with self.history.invocation(seconds=seconds):
            return self.controller.handle(event, door=ControllerDoor.SERVICE, seconds=seconds)

    def start(self, manifest: Manifest | None = None, *, seconds: float = 60) -> dict[str, Any]:
        manifest = manifest or a_manifest()
        self.put(manifest.keys.manifest, manifest.to_json())
        return self.request(manifest.keys, "start", seconds=seconds)

    def request(
        self, keys: SessionKeys, action: str, *, seconds: float = 60, **body: Any
    ) -> dict[str, Any]:
        """Ask as the session's user does, by an object below its own prefix; deliver the wakes."""
        answer = self.request_only(keys, action, **body)
        self.deliver(seconds=seconds)
        return answer

    def request_only(self, keys: SessionKeys, action: str, **body: Any) -> dict[str, Any]:
        """Ask, and leave what the controller owes then to others."""
        text = json.dumps({"protocol": 1, "action": action, **body}).encode()
        return self.ask(action, self.put(keys.request("0f"), text))

    def deliver(self, *, seconds: float = 60, rounds: int = 1) -> list[dict[str, Any]]:
        """Be Lambda's poller: pass on what waits in the wake queue, delete what was taken."""
        sqs, url = self.all_of_sqs, self.environment.settings.wakes
        answers = []
        for _ in range(rounds):
            received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            messages = received.get("Messages", [])
            if not messages:
                break
            records = [{"messageId": m["MessageId"], "body": m["Body"]} for m in messages]
            answers.append(self.tell({"Records": records}, seconds=seconds))
            failed = {one["itemIdentifier"] for one in answers[-1]["batchItemFailures"]}
            for message in messages:
                if message["MessageId"] not in failed:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return answers

    def sweep(self, *, seconds: float = 60) -> dict[str, Any]:
        """Sweep as if the last time were long ago."""
        self.controller._turns = Turns(self.environment)
        self.environment.clients.s3.delete_object(Bucket=BUCKET, Key=TURN)
        swept = self.tell({"starburst": "sweep"}, seconds=seconds)
        self.environment.clients.s3.delete_object(Bucket=BUCKET, Key=TURN)
        return swept

    def send(self, url: str, count: int = 1) -> None:
        for number in range(count):
            self.all_of_sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def answer_requests(self) -> list[RequeueMessage]:
        """Be the workers that do what the controller asks of them, and then leave."""
        found: list[RequeueMessage] = []
        live = self.ecs.live()
        for url in self.queues() if live else ():
            received = self.all_of_sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            for raw in received.get("Messages", []):
                found.append(RequeueMessage.from_fields(json.loads(raw["Body"])))
                self.all_of_sqs.delete_message(QueueUrl=url, ReceiptHandle=raw["ReceiptHandle"])
        for task in live:
            self.ecs.end(task)
        return found

    def status(self, keys: SessionKeys) -> StatusDocument:
        return StatusDocument.from_json(self.read(keys.status))

    def record(self, keys: SessionKeys) -> Record:
        return Record.from_json(self.read(keys.control_record))

    def queues(self) -> list[str]:
        urls = self.all_of_sqs.list_queues().get("QueueUrls", [])
        return [url for url in urls if not url.endswith(WAKES)]

    def keys_under(self, prefix: str) -> list[str]:
        page = self.environment.clients.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [key for each in page.get("Contents", ()) if (key := each.get("Key", "")) != BOOK]
