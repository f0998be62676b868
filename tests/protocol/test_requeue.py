"""The request to send again what makes no progress: what it says, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst.contract import PROTOCOL
from starburst.errors import IntegrityError

LIVE = "0123456789abcdef-ABCDEF"


def message(live: Any) -> str:
    return json.dumps({"protocol": PROTOCOL, "requeue": {"live": live}})


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_it_travels_with_all_the_workers_that_run(count: int) -> None:
    made = RequeueMessage(live=frozenset(f"{n:032x}" for n in range(count)))
    assert read_message(made.to_body()) == made
    assert made.to_body() == RequeueMessage(live=made.live).to_body()
    assert len(made.to_body()) < 60 + 35 * count  # of a megabyte that SQS takes


@pytest.mark.parametrize(
    "live",
    [
        *(None, "0f", {"0f": 1}, 5, [5], [None], [["0f"]]),
        *([""], ["a b"], ["a/b"], ["x" * 65], [LIVE, "é"], [LIVE, LIVE, 7], [LIVE, "a\n"]),
        [f"{n:032x}" for n in range(1001)],
    ],
    ids=lambda live: f"{live!r:.20}",
)
def test_what_names_no_workers_is_refused(live: Any) -> None:
    with pytest.raises(IntegrityError, match="message is malformed: it names"):
        read_message(message(live))


@pytest.mark.parametrize("asked", [None, [], "live", {}])
def test_what_asks_for_nothing_is_refused(asked: Any) -> None:
    with pytest.raises(IntegrityError, match="it names no workers"):
        read_message(json.dumps({"protocol": PROTOCOL, "requeue": asked}))


def test_names_of_every_length_that_ecs_has_are_workers() -> None:
    live = frozenset({"a", LIVE, "x" * 64})
    assert read_message(message(sorted(live))) == RequeueMessage(live=live)


def test_a_lease_is_no_such_request() -> None:
    lease = ChunkMessage(
        chunk="p000001-00000", lo=0, hi=1, pack="p000001", offset=0, length=9, inline=None
    )
    assert read_message(lease.to_body()) == lease
    with pytest.raises(IntegrityError, match="names no workers"):
        RequeueMessage.from_fields(json.loads(lease.to_body()))
