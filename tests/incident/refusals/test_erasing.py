"""Erasing takes every version there is, by pages and batches, and says of each that stays why."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError
from botocore.parsers import ResponseParserError

from starburst.aws.erasing import Kept, erase_below, told
from tests.small_aws.account import Call, SmallAws
from tests.small_aws.errors import AwsError
from tests.small_aws.s3 import VersionedS3

BUCKET = "data"
BUSY = [AwsError(code, "busy", 503) for code in ("SlowDown", "InternalError", "ServiceUnavailable")]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("starburst.aws.erasing.time", SimpleNamespace(sleep=pauses.append))
    return pauses


def bucket(keys: int, *, size: int = 1000) -> tuple[SmallAws, VersionedS3]:
    """Return S3 with keys of seven versions, the newest of every third a delete marker."""
    s3 = VersionedS3(BUCKET, size=size)
    for version in range(7):
        for number in range(keys):
            s3.store(BUCKET, f"ours/{number:04}", marker=version == 6 and number % 3 == 0)
    s3.store(BUCKET, "others/0")
    return SmallAws(services={"s3": s3}), s3


def calls(aws: SmallAws, operation: str) -> list[Call]:
    return [call for call in aws.calls if call.operation == operation]


def passes(aws: SmallAws) -> int:
    return sum("KeyMarker" not in call.words for call in calls(aws, "ListObjectVersions"))


# 7 versions of a key never fit a page evenly, so keys straddle pages.
@pytest.mark.parametrize(("keys", "size"), [(500, 1000), (300, 2500), (25, 3), (1, 1)])
def test_every_version_on_every_page_goes_in_one_pass(
    keys: int, size: int, slept: list[float]
) -> None:
    aws, s3 = bucket(keys, size=size)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept) == (7 * keys, ())
    assert [key for key, _ in s3.buckets[BUCKET]] == ["others/0"]
    assert passes(aws) == 2  # the second finds nothing
    batches = [len(call.words["Delete"]["Objects"]) for call in calls(aws, "DeleteObjects")]
    assert sum(batches) == 7 * keys
    assert max(batches) <= 1000
    assert slept == []


def test_several_prefixes_are_erased_and_counted_together() -> None:
    aws, s3 = bucket(2)
    done = erase_below(aws("s3"), BUCKET, ["others/", "ours/"])
    assert done.gone == 15
    assert not s3.buckets[BUCKET]


@pytest.mark.parametrize("busy", BUSY, ids=lambda error: error.code)
def test_what_s3_was_too_busy_for_is_asked_again_until_it_goes(
    busy: AwsError, slept: list[float]
) -> None:
    aws, s3 = bucket(3, size=10)
    left = {"ours/0001": 3}

    def answer(key: str, version: str) -> AwsError | None:
        if not left.get(key):
            return None
        left[key] -= 1
        return busy

    s3.answer_of = answer
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept) == (21, ())
    assert slept == [0.2]  # three of its seven in the first pass, all in the second


def test_what_s3_stays_too_busy_for_is_told_in_the_end_and_all_else_is_gone(
    slept: list[float],
) -> None:
    aws, s3 = bucket(3, size=10)
    s3.answer_of = lambda key, version: BUSY[0] if key == "ours/0001" else None
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert {(one.key, one.reason, one.words) for one in done.kept} == {
        ("ours/0001", "SlowDown", "busy")
    }
    assert (done.gone, len(done.kept)) == (14, 7)
    assert slept == [0.2, 0.4, 0.8, 1.6, 3.2]
    assert len(s3.buckets[BUCKET]) == 7 + 1


@pytest.mark.parametrize("names", [True, False], ids=["by version", "by key alone"])
def test_what_s3_refuses_is_asked_once_and_named(
    slept: list[float], monkeypatch: pytest.MonkeyPatch, names: bool
) -> None:
    aws, s3 = bucket(4, size=10)
    delete = s3.delete_objects

    def answered(**words: Any) -> Any:
        answer = delete(**words)
        for error in answer.get("Errors", ()) if not names else ():
            if error["Key"] == "ours/0001":  # the last of its kind in the batch
                del error["VersionId"]
        return answer

    monkeypatch.setattr(s3, "delete_objects", answered)
    s3.buckets[BUCKET]["ours/0001", "v000002"].held = True
    s3.answer_of = lambda key, version: (
        AwsError("InvalidArgument", "not this one") if key == "ours/0003" else None
    )
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    reasons = {(one.key, one.reason): one.words for one in done.kept}
    assert reasons == {
        ("ours/0001", "AccessDenied"): "object protected by object lock",
        ("ours/0003", "InvalidArgument"): "not this one",
    }
    assert (done.gone, len(done.kept)) == (20, 8)
    asked = [
        (one["Key"], one["VersionId"])
        for call in calls(aws, "DeleteObjects")
        for one in call.words["Delete"]["Objects"]
    ]
    assert len(asked) == len(set(asked))
    assert calls(aws, "DeleteObject") == []
    assert slept == []


def test_what_is_written_meanwhile_goes_as_well() -> None:
    aws, s3 = bucket(3, size=10)
    late = iter(range(5))

    def write() -> None:
        if (number := next(late, None)) is not None:
            s3.store(BUCKET, f"ours/late-{number}", marker=number == 4)

    s3.meddle = write
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept) == (26, ())
    assert [key for key, _ in s3.buckets[BUCKET]] == ["others/0"]


def test_a_writer_that_never_ends_is_told_of() -> None:
    aws, s3 = bucket(1)
    s3.store(BUCKET, "ours/held", held=True)
    s3.meddle = lambda: [s3.store(BUCKET, f"ours/again-{n}") for n in range(2)]
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert done.gone > 20
    assert passes(aws) == 21
    reasons = Counter(one.reason for one in done.kept)
    assert reasons == {"AccessDenied": 1, "written while it was erased": 2}


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "NoSuchBucket"])
@pytest.mark.parametrize("operation", ["delete_objects", "list_object_versions"])
def test_what_no_name_could_have_caused_ends_it(
    operation: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, s3 = bucket(2, size=3)
    real, asked = getattr(s3, operation), []

    def second(**words: object) -> object:
        asked.append(words)
        if len(asked) == 3:
            raise AwsError(code, "no more", 403)
        return real(**words)

    monkeypatch.setattr(s3, operation, second)
    with pytest.raises(ClientError, match=code):
        erase_below(aws("s3"), BUCKET, ["ours/"])


def test_a_page_with_nothing_new_hides_no_other_that_is_to_be_asked_again(
    slept: list[float],
) -> None:
    aws, s3 = bucket(3, size=7)
    for key, version in [*s3.buckets[BUCKET]]:
        s3.buckets[BUCKET][key, version].held = key == "ours/0002"  # all of the last page
    first = ("ours/0000", "v000001")
    busy = [BUSY[0]] * 3
    s3.answer_of = lambda key, version: busy.pop() if (key, version) == first and busy else None
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, {one.key for one in done.kept}) == (14, {"ours/0002"})


ALONE = ("ours/\x01", "ours/\r", "ours/\ufffe")
"""Names that XML cannot carry, or carries as others."""


@pytest.mark.parametrize("name", ALONE)
def test_a_name_that_xml_cannot_carry_goes_by_itself(name: str) -> None:
    aws, s3 = bucket(1)
    s3.store(BUCKET, name)
    held = s3.store(BUCKET, f"{name}x", held=True)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert done.gone == 8
    assert done.kept == (
        Kept(
            key=held.key,
            version=held.version,
            reason="AccessDenied",
            words="object protected by object lock",
        ),
    )
    assert len(calls(aws, "DeleteObjects")) == 1
    alone = [call.words["Key"] for call in calls(aws, "DeleteObject")]
    assert sorted(alone) == [name, held.key]


def test_all_such_names_go_in_the_pass_that_lists_them() -> None:
    aws, s3 = bucket(1)
    for name in ALONE:
        s3.store(BUCKET, f"{name}z")
    assert erase_below(aws("s3"), BUCKET, ["ours/"]).gone == 7 + len(ALONE)
    assert passes(aws) == 2  # the second finds nothing


def alone(error: Exception) -> tuple[SmallAws, VersionedS3, list[Exception]]:
    """Return S3 whose next deletion of one object alone meets an error, and others do not."""
    aws, s3 = bucket(0)
    for name in ALONE:
        s3.store(BUCKET, name)
    delete, errors = s3.delete_object, [error]

    def met(**words: Any) -> Any:
        if words["Key"] == ALONE[0] and errors:
            raise errors.pop()
        return delete(**words)

    s3.delete_object = met  # type: ignore[method-assign]
    return aws, s3, errors


@pytest.mark.parametrize(
    "busy", [*BUSY, AwsError("OperationAborted", "busy", 409), AwsError("Odd", "busy", 500)]
)
def test_one_that_s3_was_too_busy_for_alone_is_asked_again(
    busy: AwsError, slept: list[float]
) -> None:
    aws, s3, _ = alone(busy)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept, slept) == (3, (), [0.2])
    assert passes(aws) == 3
    assert [key for key, _ in s3.buckets[BUCKET]] == ["others/0"]


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "404"])
def test_one_that_is_gone_already_is_gone(code: str) -> None:
    aws, s3, errors = alone(AwsError(code, "no such thing", 404))
    del s3.buckets[BUCKET][next(one for one in s3.buckets[BUCKET] if one[0] == "others/0")]
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert errors == []
    # It was listed, so it is asked for once more, and goes.
    assert not s3.buckets[BUCKET]
    assert (done.gone, done.kept) == (3, ())


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (AwsError("AccessDenied", "locked", 403), "AccessDenied", "locked"),
        (AwsError("InvalidArgument", "not this", 400), "InvalidArgument", "not this"),
        (ParamValidationError(report="too long"), "ParamValidationError", "too long"),
        (ResponseParserError("no XML"), "ResponseParserError", "no XML"),
        (UnicodeError("surrogates"), "UnicodeError", "surrogates"),
    ],
    ids=lambda value: getattr(value, "code", type(value).__name__),
)
def test_one_that_cannot_be_asked_for_stays_with_its_reason(
    error: Exception, reason: str, words: str
) -> None:
    aws, _, _ = alone(error)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    [kept] = done.kept
    assert (done.gone, kept.key, kept.reason) == (2, ALONE[0], reason)
    assert kept.words.endswith(words)
    assert "An error occurred" not in kept.words


@pytest.mark.parametrize(
    "error",
    [AwsError("ExpiredToken", "over", 400), ConnectionClosedError(endpoint_url="https://s3")],
    ids=lambda error: type(error).__name__,
)
def test_what_no_name_could_have_caused_ends_it_alone_as_well(error: Exception) -> None:
    aws, _, _ = alone(error)
    with pytest.raises((ClientError, ConnectionClosedError)):
        erase_below(aws("s3"), BUCKET, ["ours/"])


def spoilt(s3: VersionedS3, *errors: Exception) -> None:
    """Let the next deletions of many at once meet errors."""
    delete, left = s3.delete_objects, [*errors]

    def met(**words: Any) -> Any:
        if left:
            raise left.pop()
        return delete(**words)

    s3.delete_objects = met  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "error",
    [AwsError("MalformedXML", "not well-formed"), ResponseParserError("no XML")],
    ids=lambda error: type(error).__name__,
)
def test_a_batch_that_one_name_spoils_goes_one_by_one(error: Exception) -> None:
    aws, s3 = bucket(2)
    spoilt(s3, error)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept) == (14, ())
    assert len(calls(aws, "DeleteObject")) == 14
    assert len(s3.buckets[BUCKET]) == 1


@pytest.mark.parametrize("busy", [*BUSY, AwsError("Odd", "busy", 500)], ids=lambda e: e.code)
def test_a_batch_that_s3_is_too_busy_for_is_sent_again_and_not_one_by_one(
    busy: AwsError, slept: list[float]
) -> None:
    aws, s3 = bucket(2)
    spoilt(s3, busy, busy)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept, slept) == (14, (), [0.2, 0.4])
    assert calls(aws, "DeleteObject") == []
    # Where it stays so, each of the batch is told of.
    aws, s3 = bucket(2)
    spoilt(s3, *[busy] * 9)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, len(done.kept)) == (0, 14)


def test_what_a_batch_only_pretends_to_delete_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    aws, s3 = bucket(2)
    monkeypatch.setattr(s3, "delete_objects", lambda **_: {})
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept) == (14, ())
    assert len(calls(aws, "DeleteObjects")) == 1
    assert passes(aws) == 3


def test_what_s3_lists_although_it_says_that_it_is_gone_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws, s3 = bucket(2)
    for name in ("delete_object", "delete_objects"):
        monkeypatch.setattr(s3, name, lambda **_: {})
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert done.gone == 0
    assert {one.reason for one in done.kept} == {"listed still"}
    assert len(done.kept) == 14
    assert len(calls(aws, "DeleteObjects")) == 1
    assert len(calls(aws, "DeleteObject")) == 14  # once each, by another way
    assert passes(aws) == 4


def test_so_many_are_named_as_are_read_and_the_rest_is_counted() -> None:
    kept = [Kept(key=str(n), version="v", reason="No", words="no") for n in range(7)]
    assert told(kept[:5]) == "; ".join(f"{n} (version v): No: no" for n in range(5))
    assert told(kept).endswith("4 (version v): No: no; and 2 more")
