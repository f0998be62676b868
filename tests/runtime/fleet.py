"""A fleet of threads, and a controller that starts them: what moto does not play."""

from __future__ import annotations

import base64
import io
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starburst._protocol.manifest import Manifest
from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.code.preparation import Preparation
from starburst._protocol.sealed.session_key import SessionKey
from starburst.contract import (
    SessionKeys,
    queue_name,
)
from starburst.errors import ConfigurationError
from starburst.worker.child.preparing import prepared
from starburst.worker.child.process import Child
from starburst.worker.leases.lease import Lease, Leases, Request
from starburst.worker.objects.reading import Reader
from starburst.worker.objects.store import Store
from starburst.worker.packages.fetching import Wheels
from starburst.worker.packages.unpacked import NoPackages, Packages, Unpacked
from starburst.worker.printing.sealed_lines import SealedLines
from starburst.worker.ranges import Ranges
from starburst.worker.settings.timings import Timings
from starburst.worker.supervisor import Supervisor
from tests.runtime.effects import Effects, Hands
from tests.statuses import a_status

BUCKET = "starburst-test-data"
_KINDS = ("", "Delayed", "NotVisible")
REGION = "eu-west-1"

QUICK = Timings(poll_seconds=1, answer_seconds=0.2, deletion_seconds=0.1, unseen_seconds=0.05)
"""A worker's times, where a test names no others."""


class _Observed(Supervisor):
    """A worker whose end is recorded."""

    hands: Hands
    closed = False

    def close(self) -> None:
        super().close()
        self.hands.note("end")
        self.closed = True


@dataclass
class Fleet:
    """Answers the client as the controller would, and runs each worker in a thread."""

    s3: Any
    sqs: Any
    kms: Any
    key_arn: str
    launch: bool = True
    timings: Timings = field(default_factory=lambda: QUICK)
    start_child: Callable[..., Child] = Child
    printing: bool = False
    held: dict[str, Any] | None = None
    workers: list[threading.Thread] = field(default_factory=list)
    supervisors: list[_Observed] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName.endswith("controller")
        request = json.loads(Payload)
        self.requests.append(request)
        keys = SessionKeys.parse(request["key"])
        assert keys is not None
        answer = getattr(self, request["action"])(keys)
        return {"Payload": io.BytesIO(json.dumps({"ok": True, **answer}).encode())}

    def start(self, keys: SessionKeys) -> dict[str, str]:
        name = queue_name("test", keys.workspace, keys.session)
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        if self.launch:
            for _ in range(self.manifest(keys).workers):
                self.add_worker(keys, url)
        return {"queue_url": url}

    def refresh(self, keys: SessionKeys) -> dict[str, str]:
        """Launch a worker where all have left, as they do where a client is slow to send its tasks.

        A queue that is found empty is taken for one where nothing has moved for long.
        """
        url = self.queue(keys)
        at_work = [worker for worker in self.workers if worker.is_alive()]
        if self.launch and keys.session not in {worker.name for worker in at_work}:
            self.add_worker(keys, url)
        counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if not any(int(counts[f"ApproximateNumberOfMessages{kind}"]) for kind in _KINDS):
            body = RequeueMessage(live=frozenset()).to_body()
            self.sqs.send_message(QueueUrl=url, MessageBody=body)
        return {}

    def totals(self, keys: SessionKeys) -> dict[str, Any]:
        """Tell who holds what; as a controller of an earlier release by default."""
        if self.held is None:
            raise ConfigurationError("there is no action 'totals'; there are start and stop")
        return self.held

    def queue(self, keys: SessionKeys) -> str:
        name = queue_name("test", keys.workspace, keys.session)
        url: str = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return url

    def stop(self, keys: SessionKeys) -> dict[str, str]:
        self.sqs.delete_queue(QueueUrl=self.queue(keys))
        for worker in self.workers:
            worker.join(120)
        return {}

    def manifest(self, keys: SessionKeys) -> Manifest:
        body = self.s3.get_object(Bucket=BUCKET, Key=keys.manifest)["Body"].read()
        return Manifest.from_json(body)

    def supervisor(
        self, keys: SessionKeys, url: str, *, name: str = "", ranges: type[Ranges] = Ranges
    ) -> Supervisor:
        manifest = self.manifest(keys)
        key = SessionKey.unwrap(self.kms, self.key_arn, manifest, signing=False)
        name = name or uuid.uuid4().hex  # as ECS does it: no two ever have the same name
        public = base64.b64decode(manifest.public_key)
        hands = self.effects.hands(name, keys, key=key.data, public=public)
        store = Store(
            hands.client(self.s3),
            BUCKET,
            keys=keys,
            key=key.data,
            public=public,
            timings=self.timings,
        )
        preparation = store.preparation() if manifest.prepared else Preparation()
        packages: Packages = NoPackages()
        if manifest.packages is not None:
            reader = Reader(hands.client(self.s3), BUCKET, keys=keys, timings=self.timings)
            packages = Unpacked(Wheels(reader, manifest, timings=self.timings), manifest)
        printed = None
        if self.printing:
            printed = SealedLines(
                hands.client(self.s3),
                BUCKET,
                keys=keys,
                key=key.data,
                worker=name,
                seconds=self.timings.lines_seconds,
            )
        made = _Observed(
            manifest,
            Leases(hands.client(self.sqs), url, timings=self.timings),
            store=store,
            worker=name,
            timings=self.timings,
            start_child=prepared(
                manifest,
                preparation,
                bucket=BUCKET,
                packages=lambda: packages.folder,
                take=None if printed is None else printed.lines.take,
                start=self.start_child,
            ),
            preparation=preparation,
            packages=packages,
            printed=printed,
            ranges=hands.ranges(ranges),
        )
        made.hands = hands
        self.supervisors.append(made)
        return made

    def close(self) -> None:
        """End the workers that nobody stopped: they would go on past the test, and past moto."""
        for url in self.sqs.list_queues().get("QueueUrls", ()):
            self.sqs.delete_queue(QueueUrl=url)
        for worker in self.workers:
            worker.join(120)
            assert not worker.is_alive(), "a worker outlives its queue"
        for supervisor in self.supervisors:
            if not supervisor.closed:  # a test drove it by hand
                supervisor.close()

    def add_worker(self, keys: SessionKeys, url: str) -> None:
        supervisor = self.supervisor(keys, url)
        thread = threading.Thread(target=supervisor.run, name=keys.session, daemon=True)
        self.workers.append(thread)
        thread.start()


def leased(worker: Supervisor, *, wait: float = 1) -> Lease | None:
    """Return what a worker leases; None where its queue has no work."""
    received = worker.leases.receive(wait=wait)
    assert not isinstance(received, Request)
    return received


class Lingering(Fleet):
    """Its worker still writes a result after it was told to stop, as ECS lets it."""

    def stop(self, keys: SessionKeys) -> dict[str, str]:
        self.tell(keys, workers=1)
        return super().stop(keys)

    def refresh(self, keys: SessionKeys) -> dict[str, str]:
        self.s3.put_object(Bucket=BUCKET, Key=f"{keys.results}p000001-00000/late", Body=b"late")
        self.tell(keys, workers=0)
        return {}

    def tell(self, keys: SessionKeys, *, workers: int, deadline: float = 2) -> None:
        status = a_status(session=keys.session, workers_running=workers, deadline=deadline)
        self.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=status.to_json())
