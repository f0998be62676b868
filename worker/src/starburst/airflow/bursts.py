"""A burst in steps that different processes take: send it, look at it, take its results, end it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Self

from starburst._client.attaching import attach_session
from starburst._client.opening import open_core
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.errors import (
    PayloadError,
    SessionEnded,
    SessionError,
    SessionNotFound,
    StarburstError,
    TaskError,
)

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._protocol.status import StatusDocument

__all__ = ["Burst", "begin", "end", "send", "send_to", "take"]

_TURNS: Final = 100
"""Sessions that a try may leave unfinished; it is restarted a few times at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """Where the tasks of a burst are: what travels between Airflow's processes.

    Attributes:
        session: whose they are.
        first: the number of the first of them in the session.
        count: how many they are.
        own: whether the session was opened for them, and ends with them.
    """

    session: str
    first: int
    count: int
    own: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote; a trigger's event may say more."""
        return cls(**{field.name: said[field.name] for field in fields(cls)})


def begin(connection: Connection, options: SessionOptions, ids: Iterator[str]) -> Session:
    """Open the session of a try; or find it, where an earlier process of the same try opened it.

    Raises:
        SessionTaken: another process of this try is about to begin.
        StarburstError: as :func:`starburst.session` does.
    """

    def is_alive(_: Session, status: StatusDocument) -> bool:
        return status.state in ("starting", "running")

    return _begun(connection, options, ids, tasks=None, whole=is_alive)[0]


def send(
    connection: Connection,
    function: Callable[..., Any],
    inputs: Iterable[Any],
    *,
    options: SessionOptions,
    ids: Iterator[str],
) -> Burst:
    """Send a burst in a session of its own, once for each try.

    Where an earlier process of the same try has sent all of it, that is found. What it left half
    sent is ended and erased: nobody can tell which inputs are missing.

    Raises:
        SessionTaken: another process of this try is about to send.
        StarburstError: as :func:`starburst.session` and its ``map`` do.
    """
    inputs = list(inputs)

    def is_whole(session: Session, _: StatusDocument) -> bool:
        tally = session.tally
        return tally.total == len(inputs) and not tally.cancelled

    session, found = _begun(connection, options, ids, tasks=len(inputs), whole=is_whole)
    if not found:
        _submit(session, function, inputs)
    return Burst(session=session.id, first=0, count=len(inputs), own=True)


def send_to(
    connection: Connection, id: str, function: Callable[..., Any], inputs: Iterable[Any]
) -> Burst:
    """Send a burst to a session that others look after, behind what is in it.

    Raises:
        SessionNotFound: there is none of that id.
        SessionEnded: it takes no more work.
    """
    inputs = list(inputs)
    session = attach_session(connection, id, progress=False, count_only=True)
    first = session.tally.total
    _submit(session, function, inputs)
    return Burst(session=id, first=first, count=len(inputs), own=False)


def take(connection: Connection, burst: Burst) -> list[Any]:
    """Wait for the results of a burst, if they are not all there; return them in order.

    Raises:
        Exception: what the first of the calls that failed raised, with a note of how many did.
        CancelledError: some were cancelled, and none failed.
        StarburstError: the session ended before, or cannot be found.
    """
    session = attach_session(connection, burst.session, progress=False)
    try:
        futures = session.futures[burst.first : burst.first + burst.count]
        if len(futures) != burst.count:
            raise SessionError(
                f"session {burst.session} holds {len(futures):,} of the {burst.count:,} inputs of "
                "this burst. Clear the task, so that it is sent anew"
            )
        results, failed = [], []
        for number, future in enumerate(futures):
            error = future.exception()
            if error is None:
                results.append(future.result())
            else:
                failed.append((number, error))
        if failed:
            number, error = failed[0]
            error.add_note(
                f"raised for input {number}, counted from 0; {len(failed):,} of {burst.count:,} "
                "calls failed"
            )
            raise error
        return results
    finally:
        session.detach()


def end(connection: Connection, burst: Burst, *, erase: bool) -> None:
    """End a burst: its own session, or its calls in one that others look after.

    Args:
        connection: where.
        burst: which.
        erase: its session's objects as well; in a session of others nothing is erased.

    Raises:
        StarburstError: the controller could not be asked.
    """
    try:
        session = attach_session(connection, burst.session, progress=False, count_only=True)
    except SessionNotFound:
        return  # erased, so it has ended
    if burst.own:
        session.cleanup(force=erase)
        return
    try:
        session.cancel(session.futures[burst.first : burst.first + burst.count])
    finally:
        session.detach()


def _begun(
    connection: Connection,
    options: SessionOptions,
    ids: Iterator[str],
    *,
    tasks: int | None,
    whole: Callable[[Session, StatusDocument], bool],
) -> tuple[Session, bool]:
    """Return the session of a try, and whether it was there already."""
    for id in islice(ids, _TURNS):
        found = _found(connection, id, whole)
        if found is not None:
            return found, True
        try:
            core = open_core(connection, options, tasks=tasks, progress=False, session=id)
        except SessionEnded:  # one of this id was ended, and erased since
            end(connection, Burst(session=id, first=0, count=0, own=True), erase=True)
            continue
        return Session(core), False
    raise SessionError(
        f"{_TURNS} sessions of this try were begun and not finished. Clear the task, so that "
        "Airflow counts another try"
    )


def _found(
    connection: Connection, id: str, whole: Callable[[Session, StatusDocument], bool]
) -> Session | None:
    """Return the session of an id if it can be gone on with; end and erase what cannot."""
    try:
        session = attach_session(connection, id, progress=False, count_only=True)
    except SessionNotFound:
        return None
    status = session._core.statuses.read()  # the controller need not know of it
    if status is not None and whole(session, status):
        return session
    session.cleanup(force=True)
    return None


def _submit(session: Session, function: Callable[..., Any], inputs: list[Any]) -> None:
    """Send calls, and let go of the session; it ends where not all of them can be sent."""
    first = session.tally.total
    try:
        session.map(function, inputs)
        session._core.dispatcher.flush()
        if session.tally.failed:
            _check_sent(session, first)
    except BaseException:
        session._core.clean_up_or_warn(force=False)
        raise
    session.detach()


def _check_sent(session: Session, first: int) -> None:
    """Raise what hindered the sending of a call; what calls raised is not for now."""
    for future in session.futures[first:]:
        error = future.exception() if future.done() and not future.cancelled() else None
        if isinstance(error, StarburstError) and not isinstance(error, TaskError | PayloadError):
            raise error
