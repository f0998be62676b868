"""A burst in one process: moto plays S3, SQS and KMS, threads play the fleet."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from starburst._client.access.connection import Connection
from starburst.worker.child.process import Child
from tests.nemesis.forked_children import popen
from tests.quick_moto import quick_aws, quick_clients
from tests.runtime.effects import listening
from tests.runtime.endings import all_ended
from tests.runtime.fleet import BUCKET, REGION, Fleet
from tests.runtime.protocol_order import violations
from tests.runtime.sessions import connection_to


@pytest.fixture(scope="session")
def sdk() -> boto3.session.Session:
    """One session, so that the SDK reads its service models once."""
    return boto3.session.Session("testing", "testing", region_name=REGION)


@pytest.fixture
def forked(fleet: Fleet) -> None:
    """Fork workers' children, whose interpreters are half of what a burst costs here.

    For tests of what becomes of tasks. Those of how a process starts and ends start it for real.
    """
    fleet.start_child = functools.partial(Child, popen)


@pytest.fixture
def fleet(
    sdk: boto3.session.Session, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Fleet]:
    """A fleet whose workers have the timings that a test's ``timings`` mark names."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # moto's threads trip over each other in this set, which only FIFO queues need.
    monkeypatch.setattr("moto.sqs.models.Queue.pending_message_groups", frozenset())
    with quick_aws():
        s3, sqs, kms = quick_clients(sdk, "s3", "sqs", "kms")
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        fleet = Fleet(s3=s3, sqs=sqs, kms=kms, key_arn=arn)
        for mark in request.node.iter_markers("timings"):
            fleet.timings = replace(fleet.timings, **mark.kwargs)
        with listening():
            with all_ended():
                yield fleet
            fleet.close()
        assert not violations(fleet.effects)


@pytest.fixture
def connection(fleet: Fleet) -> Connection:
    return connection_to(fleet)
