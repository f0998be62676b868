"""What watches over the end of a run's worker, which is a thread here and no process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from typing import Any

from botocore.exceptions import ClientError

from starburst.contract import SessionKeys, WorkerVariable
from starburst.worker.ending.aws_time import AwsTime
from starburst.worker.ending.lifetime import Lifetime
from starburst.worker.ending.watch import Watch
from starburst.worker.ending.word import Told, Word
from starburst.worker.settings.timings import Timings
from tests.runtime.fleet import BUCKET

from .faulty import Faulty
from .faulty_s3 import FaultyS3
from .order.notes import What
from .workers import Signals

__all__ = ["variables_of", "watched"]

_LONGEST_SECONDS = 7 * 86_400.0


class _Looks(FaultyS3):
    """S3 as a watch sees it: as unkind as it is, and without the plan's own faults."""

    def get_object(self, **words: Any) -> dict[str, Any]:
        def read(given: Mapping[str, Any]) -> dict[str, Any]:
            answer = self.sky.s3.get_object(**given)
            return {**answer, "Body": io.BytesIO(answer["Body"].read())}

        answer: dict[str, Any] = self.ask("s3", "GetObject", words, read)
        return answer


def variables_of(task: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that an ECS task was started with."""
    (container,) = task["overrides"]["containerOverrides"]
    return {entry["name"]: entry["value"] for entry in container["environment"]}


@contextlib.contextmanager
def watched(
    hands: Faulty, keys: SessionKeys, task: Mapping[str, Any], *, signals: Signals, timings: Timings
) -> Iterator[None]:
    """Have a worker's end be watched over meanwhile.

    Args:
        hands: the worker's own view of AWS.
        keys: its session.
        task: as ECS knows it.
        signals: by which it hears that it is to end.
        timings: what it waits for.
    """
    sky, time = hands.sky, AwsTime()
    s3: Any = _Looks(sky, hands.who, mortal=True, dead=hands.dead, folder=keys.prefix)
    told = Told(s3, BUCKET, keys=keys)

    def look() -> Word | None:
        date = {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(sky.clock.time())}}}
        try:
            word = told.look()
        except ClientError:
            time.hear(date)
            raise
        time.hear(date)
        return word

    def kill() -> None:
        sky.notes.add(hands.who, What.STRUCK)
        hands.dead.set()

    watch = Watch(
        Lifetime(
            longest_seconds=_LONGEST_SECONDS,
            deadline=float(variables_of(task)[WorkerVariable.DEADLINE]),
            overdue_seconds=timings.overdue_seconds,
        ),
        time=time,
        look=look,
        stop=signals.raise_alarm,
        kill=kill,
        timings=timings,
    )
    thread = watch.start()
    try:
        yield
    finally:
        watch.close()
        thread.join()
