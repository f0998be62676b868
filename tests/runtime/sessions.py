"""A connection to a fleet, and a small session whose tasks are queued and nobody works at yet."""

from __future__ import annotations

import sys

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from tests.runtime.fleet import BUCKET, REGION, Fleet
from tests.session_internals import flush, queue_url

ONE = SessionOptions(workers=1, idle_timeout=20)


def connection_to(fleet: Fleet) -> Connection:
    """Return a connection to the moto of a fleet, whose controller that is."""
    document = RuntimeDocument(
        environment="test",
        account="123456789012",
        region=REGION,
        bucket=BUCKET,
        key_arn=fleet.key_arn,
        controller="arn:aws:lambda:eu-west-1:123456789012:function:starburst-test-controller",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        architecture="X86_64",
        workspaces={
            "study": WorkspaceDocument(
                analyst_role_arn="arn:aws:iam::123456789012:role/analyst",
                task_definition="study",
                limits=Limits(),
            )
        },
    )
    return Connection(
        document=document,
        workspace="study",
        user="alice",
        s3=fleet.s3,
        sqs=fleet.sqs,
        kms=fleet.kms,
        functions=fleet,  # type: ignore[arg-type]
    )


def square(x: int) -> int:
    return x * x


def opened(connection: Connection, fleet: Fleet, tasks: int = 4) -> Session:
    """Open a session whose tasks are queued and that has no worker yet."""
    fleet.launch = False
    session = open_session(connection, ONE, progress=False)
    session.map(square, range(tasks))
    flush(session)
    return session


def work(fleet: Fleet, session: Session) -> None:
    fleet.add_worker(session.manifest.keys, queue_url(session))
