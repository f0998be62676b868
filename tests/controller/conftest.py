"""The fixtures that every test of the controller starts from."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from tests.controller.effects.history import Lines
from tests.controller.effects.memory_world import a_world
from tests.controller.effects.rules import broken
from tests.controller.endpoints_stack import ROLE, STACK, FakeStack
from tests.controller.moto_world import moto_world
from tests.controller.world import REGION, World


@pytest.fixture(scope="session")
def sdk() -> boto3.session.Session:
    """One session, so that the SDK reads its service models once."""
    return boto3.session.Session(region_name=REGION)


@pytest.fixture
def world(
    sdk: boto3.session.Session, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A deployed environment with nothing in it, whose history must be in order at the end.

    Its clouds are in memory, and for tests of other rooms moto's, behind the SDK's own clients.
    """
    with contextlib.ExitStack() as stack:
        if request.path.is_relative_to(Path(__file__).parent):
            world: World = a_world()
        else:
            world = stack.enter_context(moto_world(sdk, monkeypatch))
        stack.enter_context(_in_order(world))
        yield world


@pytest.fixture
def memory_world() -> Iterator[World]:
    """The same in memory for any room: ten times as quick, and without the SDK's own checks."""
    with _in_order(made := a_world()):
        yield made


@contextlib.contextmanager
def _in_order(world: World) -> Iterator[None]:
    lines = Lines(world.history)
    logger = logging.getLogger("starburst")
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
    assert broken(world.history, wakes=world.environment.settings.wakes) == []


@pytest.fixture
def stack(world: World) -> FakeStack:
    """The world's endpoints come and go, and are closed."""
    fake = FakeStack(now=lambda: world.now)
    world.environment.settings = replace(
        world.environment.settings, endpoints_stack=STACK, endpoints_role=ROLE
    )
    client = world.history.client("cloudformation", fake)
    world.environment.clients = replace(world.environment.clients, cloudformation=client)
    return fake
