"""A controller that answers twice: a session is stopped as often as a client asks."""

from __future__ import annotations

import contextlib

import pytest

from starburst.contract import SessionKeys
from tests.runtime.fleet import Fleet


@pytest.fixture
def repeatable(fleet: Fleet) -> None:
    """The controller stops a session as often as it is asked."""
    stop = fleet.stop

    def again(keys: SessionKeys) -> dict[str, str]:
        with contextlib.suppress(fleet.sqs.exceptions.QueueDoesNotExist):
            stop(keys)
        return {}

    fleet.stop = again  # type: ignore[method-assign]
