"""What AWS does on a bad day: logins end, keys are disabled, calls are throttled, queues vanish."""

from __future__ import annotations

import dataclasses
from collections import Counter
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ReadTimeoutError,
)

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst.errors import (
    ConfigurationError,
    SessionEnded,
    SessionError,
)
from tests.runtime.fleet import BUCKET, REGION, Fleet, leased
from tests.runtime.sessions import ONE, opened, square
from tests.runtime.worker.faults import RawBody, sdk_config, squares
from tests.session_internals import queue_url
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")


# S3 and SQS that fail, and answers that are lost.


@pytest.mark.parametrize("kind", ["503", "500", "reset", "slow"])
@pytest.mark.usefixtures("pauses")
def test_a_fifth_of_all_calls_to_s3_fails_and_nobody_hears_of_it(
    connection: Connection, fleet: Fleet, kind: str
) -> None:
    """Below the runtime: the SDK's retries. Writes take place although their answer was lost."""
    s3 = boto3.client("s3", REGION, config=sdk_config())
    calls: Counter[str] = Counter()
    failed: Counter[str] = Counter()

    def judge(request: Any, **_: object) -> Any:
        calls[request.method] += 1
        if calls[request.method] % 5:
            return None
        failed[request.method] += 1
        if kind in ("reset", "slow"):
            raise ReadTimeoutError(endpoint_url=request.url)
        body = b"<Error><Code>SlowDown</Code><Message>slow</Message></Error>"
        return AWSResponse(request.url, int(kind), {}, RawBody(body))  # type: ignore[arg-type]

    def lose(response_dict: dict[str, Any], **_: object) -> None:
        if kind == "reset" and calls.total() % 5 == 1 and isinstance(response_dict["body"], bytes):
            response_dict["status_code"] = 500  # it was done; the caller hears otherwise

    s3.meta.events.register_first("before-send", judge)
    s3.meta.events.register("before-parse", lose)
    session = opened(dataclasses.replace(connection, s3=s3), fleet, tasks=40)
    dataclasses.replace(fleet, s3=s3).add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(40)
    versions = fleet.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len({v["Key"] for v in versions}) == len(versions)
    assert failed["PUT"]
    assert failed["GET"]
    session.cleanup()


def test_a_start_whose_answer_is_lost_leaves_no_worker_behind(
    connection: Connection, fleet: Fleet
) -> None:
    invoke = fleet.invoke

    def lost(**words: Any) -> Any:
        answer = invoke(**words)
        if fleet.requests[-1]["action"] == "start":
            raise ReadTimeoutError(endpoint_url="https://lambda.invalid")
        return answer

    functions: Any = SimpleNamespace(invoke=lost)
    with pytest.raises(ConfigurationError):
        open_session(dataclasses.replace(connection, functions=functions), ONE, progress=False)
    assert [request["action"] for request in fleet.requests] == ["start", "stop"]
    assert not fleet.sqs.list_queues().get("QueueUrls")
    assert not any(worker.is_alive() for worker in fleet.workers)


# Leases and queues.


def test_a_queue_that_is_deleted_ends_its_session_typed_and_keeps_what_was_done(
    connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    keys, url = session.manifest.keys, queue_url(session)
    made = fleet.supervisor(keys, url)
    lease = leased(made)
    assert lease is not None
    made.work(lease)
    assert session.futures[lease.message.lo].result(timeout=30) == 0
    fleet.sqs.delete_queue(QueueUrl=url)
    made.run()  # ends by itself
    words = "its queue was deleted, and its remaining work with it; start a new session"
    status = a_status(session=session.id, state="failed", reason=words)
    fleet.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=status.to_json())
    ends = [future.exception(timeout=30) for future in session.futures]
    assert [type(end) for end in ends] == [type(None), *[type(ends[-1])] * 3]
    assert isinstance(ends[-1], SessionError)
    assert "queue was deleted" in str(ends[-1])
    with pytest.raises(SessionError):
        session.submit(square, 9)
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert again.futures[0].result(timeout=30) == 0
    with pytest.raises(SessionEnded):
        queue_url(again)
    again.detach()
