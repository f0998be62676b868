"""A queue that is not seen is waited for a minute, and once its deletion is believed no more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.tasks import session_queue
from starburst._client.tasks.session_queue import SessionQueue
from starburst.errors import AccessDenied, SessionEnded, SessionError
from tests.runtime.wire import no_queue, s3_error

REFUSED = s3_error(403, "AccessDenied")


class Sqs:
    """SQS that shows a queue or not, in a time that only waiting passes.

    Attributes:
        until: when the queue is seen.
        error: what is said before.
        asked: when it was asked for something.
        state: what the controller says of the session.
        closed: when the session is closed.
    """

    def __init__(self, until: float = 0.0) -> None:
        self.until = until
        self.error: Exception = no_queue()
        self.now = 1000.0
        self.asked: list[float] = []
        self.names: list[str] = []
        self.state: str | SessionError | None = None
        self.closed = float("inf")

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < 5000, "it waits for ever"

    def is_set(self) -> bool:
        return self.now >= self.closed

    def set(self) -> None:
        self.closed = self.now

    def read(self) -> Any:
        if isinstance(self.state, SessionError):
            raise self.state
        return self.state and SimpleNamespace(state=self.state)

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:
        self.names.append(QueueName)
        self._meet()
        return {"QueueUrl": "url"}

    def ask(self, url: str) -> str:
        assert url == "url"
        self._meet()
        return "answer"

    def _meet(self) -> None:
        self.asked.append(self.now - 1000.0)
        assert len(self.asked) < 200, "it asks for ever, and no time passes"
        if self.now < 1000.0 + self.until:
            raise self.error


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Sqs:
    made = Sqs()
    monkeypatch.setattr(session_queue, "time", made)
    return made


def queue(sqs: Sqs, *, url: str | None = "url") -> SessionQueue:
    document: Any = SimpleNamespace(environment="test")
    terms: dict[str, Any] = {**dict.fromkeys(("s3", "kms", "functions")), "sqs": sqs}
    connection = Connection(
        document=document, workspace="study", user="alice", timings=Timings(), **terms
    )
    statuses: Any = sqs
    made: Any = SessionQueue(connection, connection.keys("0f" * 10), statuses=statuses, url=url)
    made._closing = sqs
    return made


def test_a_queue_is_looked_for_each_second_until_it_is_seen_and_its_url_is_kept(sqs: Sqs) -> None:
    sqs.until = 58.5
    mine = queue(sqs, url=None)
    assert mine.call("ask", sqs.ask) == "answer"
    assert sqs.asked == [*map(float, range(60)), 59.0]
    assert sqs.names == ["starburst-test-study-" + "0f" * 10] * 60
    assert mine.call("ask", sqs.ask) == "answer"
    assert mine.url() == "url"
    assert len(sqs.names) == 60


def test_its_deletion_is_believed_after_a_minute_and_then_at_once(sqs: Sqs) -> None:
    """Each call has a minute of its own, until one has seen none for a minute."""
    mine = queue(sqs)
    for since in (0.0, 100.0):
        sqs.now, sqs.until = 1000.0 + since, since + 50.0
        assert mine.call("ask", sqs.ask) == "answer"
    sqs.now, sqs.until = 1200.0, 1e6
    sqs.asked.clear()
    with pytest.raises(SessionEnded, match="takes no more tasks"):
        mine.call("ask", sqs.ask)
    assert sqs.asked == [200.0 + n for n in range(61)]
    with pytest.raises(SessionEnded):
        mine.call("ask", sqs.ask)
    assert len(sqs.asked) == 62


@pytest.mark.parametrize(
    ("state", "looks"),
    [("ended", 1), ("failed", 1), ("running", 61), (None, 61), (SessionError("busy"), 61)],
)
def test_the_controllers_word_is_believed_where_it_says_that_the_session_is_over(
    sqs: Sqs, state: Any, looks: int
) -> None:
    sqs.until, sqs.state = 1e6, state
    with pytest.raises(SessionEnded, match="0f0f"):
        queue(sqs).call("ask", sqs.ask)
    assert len(sqs.asked) == looks


def test_who_leaves_waits_no_longer_for_a_queue_that_may_come(sqs: Sqs) -> None:
    sqs.until = 1e6
    mine = queue(sqs)
    sqs.closed = 1003.0
    with pytest.raises(SessionError, match="cannot ask") as caught:
        mine.call("ask", sqs.ask)
    assert not isinstance(caught.value, SessionEnded)
    assert sqs.asked == [0.0, 1.0, 2.0, 3.0]


def test_closing_is_what_says_that_a_client_leaves(sqs: Sqs) -> None:
    sqs.until = 1e6
    mine = queue(sqs)
    mine.close()
    with pytest.raises(SessionError, match="cannot ask"):
        mine.call("ask", sqs.ask)
    assert sqs.asked == [0.0]


def test_a_refusal_is_no_deletion(sqs: Sqs) -> None:
    sqs.until, sqs.error = 1e6, REFUSED
    with pytest.raises(AccessDenied, match="cannot ask"):
        queue(sqs).call("ask", sqs.ask)
    with pytest.raises(AccessDenied, match="find the session's queue"):
        queue(sqs, url=None).url()
    sqs.error = no_queue()
    with pytest.raises(SessionEnded):
        queue(sqs, url=None).url()
    assert len(sqs.asked) == 3
