"""The controller's world by moto: the SDK's own clients, its checks of parameters, its errors."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from starburst.controller.handler import Controller
from starburst.controller.state.environment import Clients, Environment
from tests.controller.effects.history import History
from tests.controller.world import BUCKET, REGION, WAKES, FakeEcs, World, settings
from tests.quick_moto import quick_aws, quick_clients

__all__ = ["moto_world"]


@contextlib.contextmanager
def moto_world(sdk: boto3.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A deployed environment with nothing in it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # moto dates objects by the real clock, and the controller compares with those dates.
    moment = [time.time()]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        moment[0] += seconds

    with quick_aws():
        s3, sqs, ssm = quick_clients(sdk, "s3", "sqs", "ssm")
        ecs = FakeEcs(now=lambda: moment[0])
        history = History(clock=lambda: moment[0], fleet=ecs.staying)
        environment = Environment(
            settings=settings(wakes=""),
            clients=Clients(
                s3=history.client("s3", s3),
                sqs=history.client("sqs", sqs),
                ecs=history.client("ecs", ecs),
                ssm=history.client("ssm", ssm),
            ),
            clock=lambda: moment[0],
            pause=pause,
        )
        wakes = sqs.create_queue(QueueName=WAKES)["QueueUrl"]
        environment.settings = replace(environment.settings, wakes=wakes)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        world = World(
            environment=environment,
            controller=Controller(environment),
            ecs=ecs,
            moment=moment,
            pauses=pauses,
            history=history,
        )
        world.deploy()
        yield world
