"""With no controller at all, a worker of `local` is gone soon after its session's deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.contract import WORKER_COMMAND, WorkerVariable
from starburst.contract.times import OVERDUE_SECONDS
from starburst.local.emulator import ACCOUNT
from starburst.local.emulator import REGION as HERE
from starburst_constructs.placement import Placement
from starburst_constructs.policies.worker import worker_statements
from tests.local.scene import Scene
from tests.nemesis.environment import document
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import queue_url
from tests.statuses import a_status


@pytest.fixture
def session(scene: Scene) -> Iterator[Session]:
    """A session that a controller has started, and that nobody tends any more."""
    s3, sqs, kms = (scene.root(service) for service in ("s3", "sqs", "kms"))
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": HERE})
    fleet = Fleet(s3=s3, sqs=sqs, kms=kms, key_arn=scene.key(), launch=False)
    connection = Connection(
        document=document(fleet.key_arn),
        workspace="study",
        user="alice",
        s3=s3,
        sqs=sqs,
        kms=kms,
        functions=fleet,  # type: ignore[arg-type]
    )
    options = SessionOptions(workers=1, idle_timeout=3600)
    with open_session(connection, options, progress=False) as session:
        yield session


def test_its_last_word_is_read_with_the_workers_own_role_and_obeyed(
    scene: Scene, session: Session
) -> None:
    """It was launched with a deadline that has passed, and the controller's word has moved it."""
    document, keys = session._core.connection.document, session.manifest.keys
    placement = Placement(account=ACCOUNT, region=HERE)
    statements = worker_statements(
        "test",
        "study",
        placement=placement,
        bucket_arn=f"arn:aws:s3:::{BUCKET}",
        key_arn=document.key_arn,
    )
    role = scene.role(
        *(statement.to_statement_json() for statement in statements),
        service="ecs-tasks.amazonaws.com",
    )
    end = time.time() + 4
    word = a_status(session=session.id, state="running", deadline=end - OVERDUE_SECONDS)
    scene.root("s3").put_object(Bucket=BUCKET, Key=keys.status, Body=word.to_json())
    variables = {
        WorkerVariable.WORKSPACE: "study",
        WorkerVariable.BUCKET: BUCKET,
        WorkerVariable.KEY_ARN: document.key_arn,
        WorkerVariable.SESSION_PREFIX: keys.prefix,
        WorkerVariable.QUEUE_URL: queue_url(session),
        WorkerVariable.LONGEST_SECONDS: "86400",
        WorkerVariable.DEADLINE: f"{end - 5000:.0f}",
    }
    given: Any = [{"name": name, "value": value} for name, value in variables.items()]
    cluster = scene.cluster()
    definition = scene.task_definition(WORKER_COMMAND, environment=given)
    task = scene.run(definition, cluster, overrides={"taskRoleArn": role})[0]["taskArn"]
    stopped = scene.task_when(task, cluster, "STOPPED")
    assert time.time() >= end
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["containers"][0]["exitCode"] == 0
    assert task not in scene.local.worker_processes()
