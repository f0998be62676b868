"""Erasing takes every version there is, by pages and batches, and says of each that stays why."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

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


def test_what_s3_refuses_is_asked_once_and_named(slept: list[float]) -> None:
    aws, s3 = bucket(4, size=10)
    s3.buckets[BUCKET]["ours/0002", "v000003"].held = True
    s3.answer_of = lambda key, version: (
        AwsError("InvalidArgument", "not this one") if key == "ours/0003" else None
    )
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    reasons = {(one.key, one.reason): one.words for one in done.kept}
    assert reasons == {
        ("ours/0002", "AccessDenied"): "object protected by object lock",
        ("ours/0003", "InvalidArgument"): "not this one",
    }
    assert (done.gone, len(done.kept)) == (20, 8)
    asked = [
        (one["Key"], one["VersionId"])
        for call in calls(aws, "DeleteObjects")
        for one in call.words["Delete"]["Objects"]
    ]
    assert len(asked) == len(set(asked))
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
    s3.meddle = lambda: (s3.store(BUCKET, "ours/again"), None)[1]
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert done.gone > 20
    assert passes(aws) == 21
    assert {one.reason for one in done.kept} == {"written while it was erased"}


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


@pytest.mark.parametrize("name", ["ours/\x01", "ours/\r", "ours/\ufffe"])
def test_a_name_that_xml_cannot_carry_goes_by_itself(name: str) -> None:
    aws, s3 = bucket(1)
    s3.store(BUCKET, name)
    held = s3.store(BUCKET, f"{name}x", held=True)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert done.gone == 8
    assert [(one.key, one.version, one.reason) for one in done.kept] == [
        (held.key, held.version, "AccessDenied")
    ]
    assert {call.words["Key"] for call in calls(aws, "DeleteObject")} == {name, held.key}


def test_a_batch_that_one_name_spoils_goes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    aws, s3 = bucket(2)

    def spoilt(**_: object) -> None:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed")

    monkeypatch.setattr(s3, "delete_objects", spoilt)
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert (done.gone, done.kept) == (14, ())
    assert len(calls(aws, "DeleteObject")) == 14
    assert len(s3.buckets[BUCKET]) == 1


def test_what_s3_lists_although_it_says_that_it_is_gone_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws, s3 = bucket(2)
    monkeypatch.setattr(s3, "delete_objects", lambda **_: {})
    monkeypatch.setattr(
        s3, "delete_object", lambda **words: {} if words["Key"] == "ours/0001" else None
    )
    done = erase_below(aws("s3"), BUCKET, ["ours/"])
    assert done.gone == 0
    assert {one.reason for one in done.kept} == {"listed still"}
    assert len(done.kept) == 14
    assert len(calls(aws, "DeleteObject")) == 14  # once each, by another way


def test_so_many_are_named_as_are_read_and_the_rest_is_counted() -> None:
    kept = [Kept(key=str(n), version="v", reason="No", words="no") for n in range(7)]
    assert told(kept[:5]) == "; ".join(f"{n} (version v): No: no" for n in range(5))
    assert told(kept).endswith("4 (version v): No: no; and 2 more")
