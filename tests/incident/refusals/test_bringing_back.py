"""What is brought back is what was there: its bytes, its metadata, whatever hid it, and once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.incident.restore import main
from tests.incident.environments import BUCKET
from tests.incident.refusals.scenes import ALICE, HERS, account
from tests.small_aws.account import SmallAws
from tests.small_aws.errors import AwsError
from tests.small_aws.s3 import VersionedS3

KEY = f"{ALICE}results/9"
WORDS = [*HERS, "--at", "2026-01-01T00:15:00Z", "--apply"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def changed() -> tuple[SmallAws, VersionedS3]:
    """Return an account where an object was overwritten after a quarter past."""
    aws = account()
    s3 = cast("VersionedS3", aws.services["s3"])
    then = s3.store(BUCKET, KEY, b"then" * 1000, metadata={"sealed": "yes"}, kind="text/x-sealed")
    assert then.at.minute == 14
    s3.store(BUCKET, f"{ALICE}results/8", b"kept")
    s3.store(BUCKET, KEY, b"later")
    return aws, s3


def newest(s3: VersionedS3) -> Any:
    return [one for one in s3.buckets[BUCKET].values() if one.key == KEY][-1]


@pytest.mark.parametrize("hidden", [False, True], ids=["overwritten", "and deleted"])
def test_an_earlier_version_comes_back_as_it_was_and_once(hidden: bool) -> None:
    aws, s3 = changed()
    if hidden:
        s3.store(BUCKET, KEY, marker=True)
    before = dict(s3.buckets[BUCKET])
    assert main(WORDS, clients=aws) == 0
    back = newest(s3)
    assert (back.body, back.kind) == (b"then" * 1000, "text/x-sealed")
    assert back.metadata == {"sealed": "yes", "starburst-restored": "v000014"}
    assert before.items() <= s3.buckets[BUCKET].items()  # nothing was taken away
    after = dict(s3.buckets[BUCKET])
    assert main(WORDS, clients=aws) == 0
    assert s3.buckets[BUCKET] == after


def test_whatever_number_of_markers_hides_it_is_taken_away() -> None:
    aws, s3 = changed()
    for _ in range(3):
        s3.store(BUCKET, f"{ALICE}results/8", marker=True)
    assert main(WORDS, clients=aws) == 0
    assert s3.bodies(BUCKET)[f"{ALICE}results/8"] == b"kept"
    hiding = [o for o in s3.buckets[BUCKET].values() if o.marker and o.key.endswith("results/8")]
    assert hiding == []


def test_what_was_deleted_at_the_moment_and_written_anew_is_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A deletion is nothing to bring back: what came later stays."""
    aws, s3 = changed()
    there = f"{ALICE}results/0"
    s3.store(BUCKET, there, b"anew")
    before = [one for one in s3.buckets[BUCKET].values() if one.key == there]
    assert main(WORDS, clients=aws) == 0
    assert [one for one in s3.buckets[BUCKET].values() if one.key == there] == before
    assert "1 were not there" in capsys.readouterr().out


def test_what_could_not_be_brought_back_is_not_counted_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, s3 = changed()
    s3.store(BUCKET, f"{ALICE}results/8", marker=True)

    def refused(**_: Any) -> None:
        raise AwsError("AccessDenied", "no", 403)

    monkeypatch.setattr(s3, "put_object", refused)
    assert main(WORDS, clients=aws) == 2
    out, err = capsys.readouterr()
    assert "1 to bring back from deletion, 0 from an earlier version;" in out
    assert "1 objects could not be brought back, all others are" in err


def test_all_of_it_is_sent_again_after_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    aws, s3 = changed()
    put, conflicts, slept = s3.put_object, [409, 409], list[float]()
    monkeypatch.setattr("starburst.aws.write_once.time", SimpleNamespace(sleep=slept.append))

    def conflicting(**words: Any) -> Any:
        if conflicts and words["Key"] == KEY:
            words["Body"].read()  # S3 has read some of it
            raise AwsError("ConditionalRequestConflict", "another is under way", conflicts.pop())
        return put(**words)

    monkeypatch.setattr(s3, "put_object", conflicting)
    assert main(WORDS, clients=aws) == 0
    assert newest(s3).body == b"then" * 1000
    assert slept == [0.1, 0.2]
