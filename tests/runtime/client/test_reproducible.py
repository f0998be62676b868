"""A burst leaves the person's own process as it was; their random numbers while it runs, too."""

from __future__ import annotations

import dataclasses
import io
import locale
import logging
import os
import random
import signal
import types
import warnings
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.access.connection import _connection as connected
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions


class Throttling:
    """Answers 503 so many times, or every time that a multiple is reached."""

    def __init__(self, client: Any, *, until: int = 0, every: int = 0) -> None:
        self.asked = self.refused = 0
        self._until, self._every = until, every
        client.meta.events.register_first("before-send", self.judge)

    def judge(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        self.asked += 1
        if not (self.asked <= self._until or (self._every and self.asked % self._every == 0)):
            return None
        self.refused += 1
        return AWSResponse(request.url, 503, {}, Nothing())  # type: ignore[arg-type]


class Nothing(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: object) -> Any:
        yield b""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", types.SimpleNamespace(sleep=lambda _: None))


def process() -> tuple[Any, ...]:
    """What belongs to the person, and not to us."""
    numpy = np.random.get_state(legacy=True)
    return (
        random.getstate(),
        *((part.tobytes() if isinstance(part, np.ndarray) else part) for part in numpy),
        locale.setlocale(locale.LC_ALL),
        os.getcwd(),
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
        list(warnings.filters),
    )


def test_what_is_repeated_draws_no_number_of_the_persons(
    connection: Connection, sdk: boto3.session.Session
) -> None:
    mine = connected(sdk, connection.document, "study", "alice", endpoint=None, verify=None)
    calls = (
        (mine.s3, lambda: mine.s3.list_objects_v2(Bucket=connection.document.bucket)),
        (mine.sqs, mine.sqs.list_queues),
        (mine.kms, mine.kms.list_keys),
        (mine.functions, mine.functions.list_functions),
    )
    before = process()
    for client, call in calls:
        sky = Throttling(client, until=3)
        call()
        assert sky.asked == 4  # it was repeated all the same
    assert process() == before


def test_who_is_refused_for_ever_is_told_after_as_many_tries_as_before(
    connection: Connection, sdk: boto3.session.Session
) -> None:
    mine = connected(sdk, connection.document, "study", "alice", endpoint=None, verify=None)
    sky = Throttling(mine.sqs, until=99)
    with pytest.raises(ClientError):
        mine.sqs.list_queues()
    assert sky.asked == mine.sqs.meta.config.retries["total_max_attempts"]  # type: ignore[attr-defined]


def test_a_burst_that_aws_throttles_changes_nothing_of_the_persons(
    connection: Connection, sdk: boto3.session.Session
) -> None:
    mine = connected(sdk, connection.document, "study", "alice", endpoint=None, verify=None)
    sky = Throttling(mine.s3, every=3)
    throttled = dataclasses.replace(connection, s3=mine.s3)
    options = SessionOptions(workers=1, idle_timeout=20)
    random.seed(1)
    alone = [random.uniform(0, 1) for _ in range(20)]  # noqa: S311
    random.seed(1)
    before = process()
    drawn = []
    with open_session(throttled, options, progress=False) as session:
        for x in range(5):
            future = session.submit(abs, -x)
            drawn += [random.uniform(0, 1) for _ in range(4)]  # noqa: S311
            assert future.result(timeout=60) == x
    assert sky.refused > 3
    assert drawn == alone
    random.seed(1)
    assert process() == before
