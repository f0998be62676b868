"""A worker whose session is over ends, whatever it is at, and whoever says or does not say so."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst.contract.times import GONE_SECONDS, GRACE_SECONDS, OVERDUE_SECONDS, STOP_SECONDS
from starburst.worker.ending.aws_time import AwsTime
from starburst.worker.ending.lifetime import Lifetime
from starburst.worker.ending.watch import Watch
from starburst.worker.ending.word import Told, Word
from starburst.worker.settings.timings import Timings
from tests.runtime.wire import s3_error
from tests.statuses import a_status

from .test_handing_on import waiting
from .virtual_aws import outage
from .virtual_session import VirtualSession

DEADLINE = 1000.0
OVERDUE = DEADLINE + OVERDUE_SECONDS
PATIENT = Timings(most_failures=10**9)
LONG = 1e6


def lives(session: VirtualSession, **words: Any) -> None:
    """Have a worker live, and its end be watched over."""
    worker = session.worker()
    session.watch(worker, **{"deadline": DEADLINE, **words})
    session.run(worker)


def said(session: VirtualSession) -> tuple[float, str]:
    """When a worker began to end itself, and why."""
    [line] = session.logged("ends itself")
    assert len(session.logged("stopped")) == 1
    return line["now"], line["why"]


def idle() -> VirtualSession:
    return VirtualSession([1.0], idle_seconds=LONG)


# What it is at.


def test_an_idle_worker_ends_itself_soon_after_its_sessions_deadline() -> None:
    session = idle()
    lives(session)
    at, why = said(session)
    assert OVERDUE <= at <= OVERDUE + 2
    assert session.logged("ends itself")[0]["deadline"] == DEADLINE
    assert session.time.now - at < 1, "the long poll is broken off"
    assert "past its deadline" in why
    assert session.outcomes() == session.squares()


def test_a_task_that_goes_on_is_let_go_after_its_grace_without_a_word_against_it() -> None:
    session = VirtualSession([1.0, LONG, 1.0], idle_seconds=LONG)
    lives(session)
    assert OVERDUE + GRACE_SECONDS <= session.time.now <= DEADLINE + GONE_SECONDS
    assert session.outcomes() == [0, None, None], "what is done is committed"
    assert sorted(waiting(session)) == [(1, 2, 0), (2, 3, 0)], "as if nobody had ever received them"
    assert session.children == 0
    session.check()


def test_a_task_that_ends_within_the_grace_is_committed() -> None:
    session = VirtualSession([OVERDUE + 60.0, 1.0], idle_seconds=LONG)
    lives(session)
    assert session.outcomes() == [0, None]
    assert waiting(session) == [(1, 2, 0)]
    session.check()


def test_a_worker_that_aws_does_not_answer_ends_by_the_time_that_it_was_told_last() -> None:
    session = VirtualSession([1.0], [1.0], idle_seconds=LONG, timings=PATIENT)

    def cut() -> None:
        for call in ("receive_message", "get_status", "delete_message", "put_node", "get_node"):
            session.meet(call, *[outage()] * 10_000)

    session.time.call_at(500.0, cut)
    session.tell(deadline=DEADLINE)
    lives(session)
    at, _ = said(session)
    assert OVERDUE <= at <= OVERDUE + 2
    assert session.time.now - at < 1
    [line] = session.logged("no word")  # once, however often it looks
    assert (line["error"], "aws.invalid" in line["why"]) == ("EndpointConnectionError", True)


def test_a_worker_whose_queue_is_hidden_ends() -> None:
    session = VirtualSession(idle_seconds=LONG, timings=Timings(deletion_seconds=LONG))
    session.sqs.deleted = True
    lives(session)
    assert said(session)[0] <= OVERDUE + 2


# Who says when.


@pytest.mark.parametrize("told", [10.0, DEADLINE + OVERDUE_SECONDS - 0.5], ids=["early", "late"])
def test_an_extension_moves_the_end(told: float) -> None:
    session = idle()
    later = DEADLINE + 5000
    session.tell(deadline=DEADLINE)
    session.time.call_at(told, lambda: session.tell(deadline=later))
    lives(session)
    at, _ = said(session)
    assert later + OVERDUE_SECONDS <= at <= later + OVERDUE_SECONDS + 2


def test_an_older_word_that_is_put_back_takes_no_extension_back() -> None:
    session = idle()
    session.tell(deadline=DEADLINE + 5000)
    session.time.call_at(500.0, lambda: session.tell(deadline=DEADLINE - 900))
    lives(session)
    assert said(session)[0] >= DEADLINE + 5000


@pytest.mark.parametrize("state", ["ended", "failed"])
def test_a_session_that_has_ended_ends_its_workers_within_a_look(state: str) -> None:
    session = idle()
    session.time.call_at(300.0, lambda: session.tell(state=state, deadline=DEADLINE))
    lives(session)
    at, why = said(session)
    assert 300 <= at <= 300 + session.timings.status_seconds + 2
    assert why == "its session has ended"


FORGERIES = {
    "none": None,
    "garbage": b"\x80\x04evil",
    "another session's": a_status(session="b" * 20, state="ended", deadline=9e9).to_json(),
    "no deadline": b'{"protocol": 1, "session": "%s", "state": "running"}' % (b"a" * 20),
    "no number": a_status(state="running", deadline="9999999").to_json(),
    "beyond all time": a_status(state="running", deadline=9e15).to_json(),
    "an older protocol's": a_status(state="ended").to_json().replace(b'ol": 1', b'ol": 0'),
    "huge": b" " * 70_000 + a_status(state="ended").to_json(),
}


@pytest.mark.parametrize("body", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_is_no_word_of_its_session_neither_ends_a_worker_nor_lets_it_live(
    body: bytes | None,
) -> None:
    session = idle()
    if body is not None:
        session.s3.objects[session.keys.status] = body
    lives(session)
    assert OVERDUE <= said(session)[0] <= OVERDUE + 2


def test_a_later_release_may_say_more() -> None:
    session = idle()
    session.tell(deadline=DEADLINE + 5000)
    text = session.s3.objects[session.keys.status]
    session.s3.objects[session.keys.status] = text.replace(b"{", b'{"place": {"of": 3}, ', 1)
    lives(session)
    assert said(session)[0] >= DEADLINE + 5000


def test_no_word_lets_a_worker_live_longer_than_a_session_of_its_workspace_may() -> None:
    session = idle()
    session.tell(deadline=DEADLINE + 1e8)
    lives(session, longest_seconds=7200.0)
    at, why = said(session)
    assert 7200 + OVERDUE_SECONDS <= at <= 7200 + OVERDUE_SECONDS + 2
    assert "a session of its workspace lasts 7200 s" in why


def test_a_worker_that_nobody_told_a_deadline_keeps_to_its_sessions_status() -> None:
    session = idle()
    session.time.call_at(30.0, lambda: session.tell(deadline=DEADLINE))
    lives(session, deadline=None)
    assert OVERDUE <= said(session)[0] <= OVERDUE + 2


def test_the_word_is_read_each_minute_and_what_has_not_changed_costs_no_body() -> None:
    session = idle()
    session.tell(deadline=DEADLINE)
    lives(session)
    assert session.s3.calls["get_status"] == pytest.approx(OVERDUE / 60, abs=2)
    assert not session.logged("no word")


# What time it is.


def test_the_time_is_that_of_the_last_answer_of_aws() -> None:
    """Its own clock was wrong, or jumped, or stood still: it is never asked."""
    session = idle()
    session.time.call_at(300.0, lambda: setattr(session, "ahead", 400.0))
    lives(session)
    assert OVERDUE - 400 <= said(session)[0] <= OVERDUE - 400 + 2


def test_before_aws_has_told_any_time_a_worker_has_its_age_alone() -> None:
    life = Lifetime(longest_seconds=100.0, deadline=10.0, overdue_seconds=20.0)
    assert life.left(now=None, age=0.0) == 120.0
    assert not life.over(now=None, age=119.0)
    why = "it is 120 s old, and a session of its workspace lasts 100 s"
    assert life.over(now=None, age=120.0) == why


def test_a_worker_must_end_exactly_when_nothing_is_left() -> None:
    life = Lifetime(longest_seconds=1e9, deadline=10.0, overdue_seconds=20.0)
    assert (life.left(now=29.5, age=0.0), life.over(now=29.5, age=0.0)) == (0.5, "")
    assert life.left(now=30.0, age=0.0) == 0.0
    assert life.over(now=30.0, age=0.0) == "its session is 20 s past its deadline"
    assert Lifetime(longest_seconds=5.0, deadline=None, overdue_seconds=1.0).over(now=9.0, age=6.0)


def test_one_server_whose_clock_is_wrong_ends_nobody() -> None:
    session = idle()

    def be_wrong_once() -> None:
        session.ahead = 3600.0
        session.answered()
        session.ahead = 0.0

    for at in range(5, 900, 50):
        session.time.call_at(float(at), be_wrong_once)
    lives(session)
    assert OVERDUE <= said(session)[0] <= OVERDUE + 2


NO_DATES = (
    *(None, "", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"),
    "Thu, 01 Jan 99999999999 00:00:00 GMT",
)


@pytest.mark.parametrize("date", NO_DATES)
def test_an_answer_without_a_date_leaves_the_time_as_it_was(date: Any) -> None:
    time = AwsTime()
    time.hear({"ResponseMetadata": {"HTTPHeaders": {"date": date}}})
    time.hear({})
    assert time.now() is None
    time.hear({"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(5000, usegmt=True)}}})
    time.hear({"ResponseMetadata": {"HTTPHeaders": {"date": date}}})
    assert time.now() == pytest.approx(5000, abs=60)


# What does not stop.


def watched(session: VirtualSession, *, stop: Callable[[], None], **words: Any) -> Watch:
    return Watch(
        Lifetime(longest_seconds=50.0, deadline=None, overdue_seconds=10.0),
        time=AwsTime(clock=session.time),
        stop=stop,
        kill=lambda: session.killed.append(session.time.now),
        timings=session.timings,
        clock=session.time,
        **words,
    )


def refuses() -> Word | None:
    raise s3_error(403, "AccessDenied")


def breaks() -> Word | None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize("look", [lambda: None, refuses, breaks])
def test_who_does_not_stop_is_ended_as_ecs_would_end_it(look: Callable[[], Word | None]) -> None:
    """The worker is told once; nothing that a look meets holds up the end."""
    session, told = VirtualSession(), list[float]()
    watch = watched(session, look=look, stop=lambda: told.append(session.time.now))
    for _ in itertools.takewhile(lambda _: not session.killed, range(100)):
        session.time.sleep(watch.turn())
    assert told == [pytest.approx(60.0, abs=1)]
    assert session.killed == [pytest.approx(60.0 + STOP_SECONDS, abs=1)]


def test_the_same_trouble_is_told_anew_once_it_had_passed() -> None:
    session = idle()
    session.tell(deadline=DEADLINE)
    session.meet("get_status", outage(), outage(), None, outage())
    lives(session)
    assert len(session.logged("no word")) == 2


def test_a_look_asks_for_what_is_new_only_and_raises_what_it_meets() -> None:
    session = VirtualSession()
    asked: list[dict[str, Any]] = []

    class S3:
        def get_object(self, **words: Any) -> dict[str, Any]:
            asked.append(words)
            return session.s3.get_object(**words)

    s3: Any = S3()
    told = Told(s3, "bucket", keys=session.keys)
    with pytest.raises(ClientError, match="NoSuchKey"):
        told.look()
    session.tell(session="b" * 20)
    for _ in range(2):  # what was not taken is no reason to ask for less
        with pytest.raises(ValueError, match="another session"):
            told.look()
    session.tell(state="ended", deadline=7.0)
    word = Word(session=session.keys.session, state="ended", deadline=7.0)
    assert (told.look(), told.look(), told.look()) == (word, None, None)
    assert ["IfNoneMatch" in words for words in asked] == [False] * 4 + [True] * 2
    assert {(words["Bucket"], words["Key"]) for words in asked} == {("bucket", session.keys.status)}
    session.tell(state="running", deadline=8.0)
    assert (told.look() or word).final is False


def test_the_thread_that_watches_holds_up_no_process_and_ends_with_its_worker() -> None:
    looks, looked = list[int](), threading.Event()

    def look() -> None:
        looks.append(1)
        looked.set()

    life = Lifetime(longest_seconds=1e9, deadline=None, overdue_seconds=0.0)
    watch = Watch(
        life, time=AwsTime(), look=look, stop=lambda: None, kill=lambda: None, timings=Timings()
    )
    thread = watch.start()
    assert (thread.daemon, thread.name) == (True, "starburst-watch")
    assert looked.wait(60)
    watch.close()
    thread.join(60)
    assert (thread.is_alive(), looks) == (False, [1])


def test_a_worker_that_has_ended_is_watched_no_more() -> None:
    looks: list[int] = []

    def look() -> Word | None:
        looks.append(1)
        return None

    watch = watched(VirtualSession(), look=look, stop=lambda: None)
    watch.close()
    watch._run()
    assert not looks
