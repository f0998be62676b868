"""Attempts: what workers write down of a range that they run again, or have run for long.

SQS counts how often a message was delivered, but whoever may receive it can drive that count up.
An attempt is an object ``results/<chunk>/<lo>-<hi>.<number>``, written once, with the worker's name
sealed in it: it takes the session's key to make one. It proves that a task was begun before it is
given up, and that a range is in somebody's hands before it is sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws import ABSENT, TAKEN, code_of, is_permanent, words_of
from starburst.contract import SessionKeys
from starburst.envelope import Header, seal, unseal
from starburst.errors import IntegrityError
from starburst.result_nodes import attempt_name
from starburst.tables import dump_table, load_table, text

from .refusal import refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Attempts"]

_MOST: Final = 99
_MOST_BYTES: Final = 4096


class Attempts:
    """The attempts at a session's ranges.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: its data key.
    """

    def __init__(self, s3: S3Client, bucket: str, *, keys: SessionKeys, key: bytes) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._key = key
        self._begun: set[tuple[str, int, int]] = set()

    def begin(self, chunk: str, lo: int, hi: int, *, worker: str) -> None:
        """Write down that a worker runs a range; once for each process and range."""
        if (chunk, lo, hi) in self._begun:
            return
        for number in range(1, _MOST + 1):
            if self._write(attempt_name(chunk, lo, hi, number=number), worker):
                break
        self._begun.add((chunk, lo, hi))

    def workers(self, chunk: str, lo: int, hi: int) -> list[str]:
        """Return who began a range so far, one entry for each attempt that was written down.

        What stands in an attempt's place and is none counts as nobody's.
        """
        found: list[str] = []
        for number in range(1, _MOST + 1):
            name = attempt_name(chunk, lo, hi, number=number)
            try:
                sealed = self._read(name)
                if sealed is None:
                    break
                plain = unseal(
                    sealed, key=self._key, expect=self._header(name), max_bytes=_MOST_BYTES
                )
                (worker,) = load_table(plain)
                found.append(text(worker))
            except (IntegrityError, TypeError, ValueError) as error:
                refused(IntegrityError(f"attempt {name} is none: {error}"), attempt=name)
        return found

    def _write(self, name: str, worker: str) -> bool:
        body = bytes(seal([dump_table([worker])], key=self._key, header=self._header(name)))
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=self._keys.results + name, Body=body, IfNoneMatch="*"
            )
        except ClientError as error:
            if code_of(error) not in TAKEN:
                raise
            return False
        return True

    def _read(self, name: str) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._keys.results + name)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            if is_permanent(error):
                raise IntegrityError(f"it cannot be read: {words_of(error)}") from error
            raise
        return answer["Body"].read(_MOST_BYTES + 1)

    def _header(self, name: str) -> Header:
        return Header(
            session=self._keys.session, kind="result", name=name, attempt=0, format="attempt"
        )
