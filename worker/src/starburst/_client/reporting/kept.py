"""The record of how a session went that stays where its inputs and results are erased: sealed.

Signed by the session's client, so that no worker can write one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starburst._client.access.aws_errors import aws_errors
from starburst._client.history.course import Bar, Kind, Slow, Story, WorkerCourse
from starburst._client.tasks.task_list import Tally
from starburst._protocol.sealed.envelope import seal, unseal
from starburst._protocol.sealed.header import Header
from starburst._protocol.sealed.signing import verify
from starburst._protocol.sealed.tables import dump_table, load_table
from starburst.errors import IntegrityError, SessionEnded

if TYPE_CHECKING:
    from starburst._client.session_core import SessionCore
    from starburst._protocol.sealed.session_key import SessionKey

__all__ = ["check_kept", "keep_report", "open_record", "read_record", "seal_record"]

_NAME: Final = "report"
_TYPES: Final = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}

T = TypeVar("T")


def keep_report(core: SessionCore) -> None:
    """Write down how the session went, before its results are erased.

    Raises:
        StarburstError: AWS refused.
    """
    story = core.collector.course.story()
    tally = core.status(None).tasks  # what was given up in the end is no failed work
    body = seal_record(tally, story, session=core.id, key=core.key)
    with aws_errors("keep the session's report"):
        core.connection.s3.put_object(
            Bucket=core.connection.document.bucket, Key=core.manifest.keys.report, Body=body
        )


def read_record(core: SessionCore) -> tuple[Tally, Story] | None:
    """Return what was written down of the session; None where nothing was.

    Raises:
        IntegrityError: what stands there is not what a client of the session wrote.
    """
    body = core.connection.read(core.manifest.keys.report, purpose="read the session's report")
    return None if body is None else open_record(body, session=core.id, key=core.key)


def check_kept(core: SessionCore) -> None:
    """Refuse to look for results that were erased.

    Raises:
        SessionEnded: the session ended well, and its results went to who opened it.
    """
    if not len(core.tasks) and core.status(None).tasks.total:
        raise SessionEnded(
            f"the results of session {core.id} were erased when it ended well. `starburst report "
            f"{core.id}` and `starburst logs {core.id}` show what is left; map(keep=True) keeps "
            "results"
        )


def seal_record(tally: Tally, story: Story, *, session: str, key: SessionKey) -> bytes:
    """Return the record as it is stored."""
    if key.signing is None:
        raise IntegrityError("only a session's client writes its report down")
    table = [
        astuple(tally),
        [astuple(each) for each in story.workers],
        [astuple(each) for each in story.bars],
        [astuple(each) for each in story.slowest],
        [astuple(each) for each in story.kinds.values()],
        sorted(story.durations.items()),
        sorted(story.peaks.items()),
        [story.tasks, story.timed, story.retries, story.seconds],
    ]
    sealed = seal([dump_table(table)], key=key.data, header=_header(session))
    return bytes(key.signing.sign(sealed))


def open_record(body: bytes, *, session: str, key: SessionKey) -> tuple[Tally, Story]:
    """Verify, decrypt and read a record.

    Raises:
        IntegrityError: it is not what a client of the session wrote.
    """
    plain = unseal(verify(body, public=key.public), key=key.data, expect=_header(session))
    try:
        tally, workers, bars, slowest, kinds, durations, peaks, sums = load_table(plain)
        tasks, timed, retries, seconds = sums
        return _made(Tally, tally), Story(
            workers=[_made(WorkerCourse, each) for each in workers],
            bars=[_made(Bar, each) for each in bars],
            slowest=[_made(Slow, each) for each in slowest],
            kinds={kind.name: kind for kind in (_made(Kind, each) for each in kinds)},
            durations=Counter({int(number): int(many) for number, many in durations}),
            peaks=Counter({int(number): int(many) for number, many in peaks}),
            tasks=int(tasks),
            timed=int(timed),
            retries=int(retries),
            seconds=float(seconds),
        )
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"the session's report is malformed: {error}") from None


def _header(session: str) -> Header:
    return Header(session=session, kind="input", name=_NAME, attempt=0, format="report")


def _made(cls: type[T], row: Sequence[Any]) -> T:
    """Return a value of a class whose fields are plain; raise ValueError for other ones."""
    known = fields(cls)  # type: ignore[arg-type]
    if type(row) is not list or len(row) != len(known):
        raise ValueError(f"a {cls.__name__} has {len(known)} fields")
    for field, value in zip(known, row, strict=True):
        if type(value) not in _TYPES[str(field.type)]:
            raise ValueError(f"{cls.__name__}.{field.name} is {value!r:.40}")
    return cls(**{field.name: value for field, value in zip(known, row, strict=True)})
