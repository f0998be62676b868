"""Reading the cancel list: what is known is not sent again, what arrives damaged is read again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._protocol.sealed.cancel_list import (
    CancelledTasks,
    cancel_key,
    read_cancel_list,
    seal_cancel_list,
)
from starburst._protocol.sealed.envelope import Header, seal
from starburst._protocol.sealed.signing import SigningKey
from starburst._protocol.sealed.tables import dump_table
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from tests.runtime.wire import s3_error

KEY = bytes(range(32))
SIGNER = SigningKey.generate()
KEYS = SessionKeys(workspace="study", user="alice", session="s" * 20)
TASKS = CancelledTasks.of([1, 2, 9])
GOOD = seal_cancel_list(TASKS, session=KEYS.session, key=KEY, signer=SIGNER)
BAD = GOOD[:-1] + bytes([GOOD[-1] ^ 1])


class Bodies:
    """S3 that gives each reader the next of these, and notes what was asked."""

    def __init__(self, *answers: bytes | ClientError) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    def get_object(self, **words: str) -> Any:
        self.asked.append(words)
        answer = self.answers.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        return {"Body": io.BytesIO(answer), "ETag": f'"{len(self.asked)}"'}


def read(s3: Any, known: str | None = None) -> tuple[CancelledTasks, str] | None:
    return read_cancel_list(
        s3,
        "bucket",
        KEYS,
        key=KEY,
        public=SIGNER.public,
        known=known,
        absent=lambda error: error.response["Error"]["Code"] == "NoSuchKey",
    )


def test_what_arrives_damaged_is_read_three_times() -> None:
    s3 = Bodies(BAD, BAD, GOOD)
    assert read(s3) == (TASKS, '"3"')
    assert s3.asked == [{"Bucket": "bucket", "Key": cancel_key(KEYS)}] * 3
    s3 = Bodies(BAD, BAD, BAD, GOOD)
    with pytest.raises(IntegrityError):
        read(s3)
    assert len(s3.asked) == 3


@pytest.mark.parametrize("code", ["304", "NotModified"])
def test_what_is_known_is_asked_for_by_its_etag(code: str) -> None:
    s3 = Bodies(s3_error(304, code), GOOD)
    assert read(s3, known='"7"') is None
    assert read(s3, known='"7"') == (TASKS, '"2"')
    assert [words["IfNoneMatch"] for words in s3.asked] == ['"7"', '"7"']


def test_a_list_that_is_not_there_cancels_nothing_and_one_that_is_refused_is_told() -> None:
    assert read(Bodies(s3_error(404, "NoSuchKey"))) is None
    for error in (s3_error(403, "AccessDenied"), s3_error(503, "SlowDown")):
        s3 = Bodies(error, GOOD)
        with pytest.raises(ClientError):
            read(s3)
        assert len(s3.asked) == 1


@pytest.mark.parametrize(
    "ranges",
    [
        [[1, 1]],
        [[2, 1]],
        [[-1, 3]],
        [[1, 3], [3, 5]],
        [[1, 3], [2, 5]],
        [[5, 6], [1, 2]],
        [[1, "3"]],
        [[True, 3]],
        [[1.0, 3]],
        [[1]],
        [1, 2],
    ],
    ids=str,
)
def test_ranges_that_no_client_writes_are_refused(ranges: Any) -> None:
    header = Header(
        session=KEYS.session, kind="input", name="cancelled", attempt=0, format="ranges"
    )
    made = SIGNER.sign(seal([dump_table(ranges)], key=KEY, header=header))
    with pytest.raises(IntegrityError, match="the cancel list is malformed"):
        read(Bodies(*[bytes(made)] * 3))


def test_a_range_from_the_first_task_on_and_none_at_all_are_lists() -> None:
    for tasks in (CancelledTasks.of([0, 2]), CancelledTasks()):
        sealed = seal_cancel_list(tasks, session=KEYS.session, key=KEY, signer=SIGNER)
        assert read(Bodies(sealed)) == (tasks, '"1"')


def test_a_list_of_another_session_is_not_this_ones() -> None:
    other = seal_cancel_list(TASKS, session="t" * 20, key=KEY, signer=SIGNER)
    forged = seal_cancel_list(TASKS, session=KEYS.session, key=KEY, signer=SigningKey.generate())
    for sealed in (other, forged):
        with pytest.raises(IntegrityError):
            read(Bodies(*[sealed] * 3))
