"""Which events wake the controller: a worker that may need another, an opening that has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import botocore.session
import pytest

from starburst_constructs.compute.waking import LOST, SETTLED


def meets(value: Any, rules: Iterable[Any]) -> bool:
    """Whether EventBridge takes a value, None for one that is not there."""
    for rule in rules:
        match rule:
            case {"exists": bool(there)}:
                if (value is not None) is there:
                    return True
            case {"anything-but": [*words]}:
                if value is not None and value not in words:
                    return True
            case _:
                if value == rule:
                    return True
    return False


def lets_through(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event meets all of a pattern; of a list, one element must."""
    for key, wanted in pattern.items():
        value = event.get(key)
        if isinstance(wanted, Mapping):
            inside = value if isinstance(value, list) else [value or {}]
            if not any(lets_through(wanted, one) for one in inside):
                return False
        elif not meets(value, wanted):
            return False
    return True


def stopped(code: str | None, *exits: int | None) -> dict[str, Any]:
    containers = [{"exitCode": one} if one is not None else {"name": "worker"} for one in exits]
    return {"containers": containers, **({"stopCode": code} if code else {})}


@pytest.mark.parametrize(
    ("event", "lost"),
    [
        (stopped("EssentialContainerExited", 0), False),
        (stopped("UserInitiated", 0), False),
        (stopped("UserInitiated", 137), False),
        (stopped("UserInitiated", None), False),
        (stopped("EssentialContainerExited", 1), True),
        (stopped("EssentialContainerExited", 137), True),
        (stopped("EssentialContainerExited", None), True),
        (stopped("EssentialContainerExited", 0, 1), True),
        (stopped("SpotInterruption", 143), True),
        (stopped("SpotInterruption", 0), True),
        (stopped("TaskFailedToStart", None), True),
        (stopped("TerminationNotice", 0), True),
    ],
)
def test_a_worker_that_may_need_another_wakes_and_no_other_does(
    event: dict[str, Any], lost: bool
) -> None:
    """A fleet that is done, or that somebody stopped, sends nothing."""
    assert any(lets_through(each, event) for each in LOST) is lost


def test_every_end_of_an_update_is_heard_of() -> None:
    shapes = botocore.session.get_session().get_service_model("cloudformation")
    known: set[str] = {*shapes.shape_for("StackStatus").metadata["enum"]}
    ends = {one for one in known if one.startswith("UPDATE_") and "IN_PROGRESS" not in one}
    # Only an update that was told not to roll back stays failed; the controller's are not.
    assert ends - {"UPDATE_FAILED"} == {*SETTLED}
