"""A receipt says exactly what went and what stayed, in its file and where it is locked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from deploy.incident.erase import main
from tests.incident.environments import AUDIT, BUCKET
from tests.incident.refusals.scenes import ALICE, HERS, SESSION, account
from tests.incident.refusals.settings import ARN
from tests.small_aws.account import SmallAws
from tests.small_aws.errors import AwsError
from tests.small_aws.order import is_effect
from tests.small_aws.s3 import VersionedS3

TIMES = ("asked", "finished", "kept")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def storage(aws: SmallAws) -> VersionedS3:
    return cast("VersionedS3", aws.services["s3"])


def hers(s3: VersionedS3) -> list[tuple[str, str]]:
    return [one for one in s3.buckets[BUCKET] if one[0].startswith(ALICE)]


def digest(versions: Iterable[tuple[str, str]]) -> str:
    lines = sorted(f"{json.dumps([*one])}\n" for one in versions)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def expected(there: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    return {
        "environment": "prod",
        "prefixes": ["sessions/genomics/alice/", "home/genomics/alice/"],
        "by": ARN,
        "objects": 3,
        "versions": 6,
        "markers": 1,
        "bytes": 3 * len("old" + "newer"),
        "names_sha256": digest(there),
        "not_erased": {},
        "not_erased_sha256": "",
        **more,
    }


def plain(receipt: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in receipt.items() if name not in TIMES}


def locked(s3: VersionedS3, command: str) -> dict[str, Any]:
    [one] = [o for o in s3.buckets[AUDIT].values() if f"-{command}-" in o.key]
    return json.loads(one.body)


def test_it_is_shown_before_and_kept_after(capsys: pytest.CaptureFixture[str]) -> None:
    aws = account()
    s3 = storage(aws)
    there = hers(s3)
    assert main(HERS, clients=aws) == 0
    out = capsys.readouterr().out
    end = out.rindex("}") + 1
    assert plain(json.loads(out[:end])) == expected(there)
    shared, *others = out[end:].split("\n")[1:4]
    assert shared.startswith("would not touch data/genomics/: the workspace's, whoever put it")
    assert others == [
        "would erase 6 versions and 1 markers, for ever",
        "Nothing was changed. Add --apply to do it.",
    ]
    assert main([*HERS, "--apply"], clients=aws) == 0
    [path] = Path().glob("erased-*.json")
    receipt = json.loads(path.read_text())
    assert plain(receipt) == expected(there)
    assert len(receipt["kept"]) == 3
    assert receipt["kept"][0].startswith("data/genomics/: the workspace's")
    assert receipt["asked"] <= receipt["finished"]
    assert locked(s3, "erased") == receipt
    assert locked(s3, "erase") == {**receipt, "finished": ""}
    *_, last, done, shared = capsys.readouterr().out.splitlines()
    assert [last, done] == [
        "6 versions and 1 markers below sessions/genomics/alice/, home/genomics/alice/",
        f"are erased; {path} is the receipt",
    ]
    assert shared == f"not touched: {receipt['kept'][0]}"


def test_it_counts_what_stayed_by_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    aws = account()
    s3 = storage(aws)
    there = hers(s3)
    reasons = {"manifest.json": "AccessDenied", "results/0": "InvalidArgument"}
    s3.answer_of = lambda key, version: (
        AwsError(code, "no") if (code := reasons.get(key.removeprefix(ALICE))) else None
    )
    assert main([*HERS, "--apply", "--receipt", "r.json"], clients=aws) == 2
    out, err = capsys.readouterr()
    stayed = [one for one in there if one[0].removeprefix(ALICE) in reasons]
    assert hers(s3) == stayed
    receipt = json.loads(Path("r.json").read_text())
    assert plain(receipt) == expected(
        there,
        not_erased={"AccessDenied": 2, "InvalidArgument": 3},
        not_erased_sha256=digest(stayed),
    )
    assert locked(s3, "erased") == receipt
    lines = out.splitlines()
    said = lines.index(
        "6 versions and 1 markers below sessions/genomics/alice/, home/genomics/alice/"
    )
    assert [line.split(" (version")[0] for line in lines[said + 1 :]] == [
        f"stays: {key}" for key, _ in sorted(stayed, key=lambda one: one[0])
    ]
    assert "2 for AccessDenied, 3 for InvalidArgument. r.json says so" in err


def test_a_receipt_that_is_in_its_file_alone_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = account()
    s3 = storage(aws)
    put = s3.put_object

    def once(**words: Any) -> Any:
        if "-erased-" in words["Key"]:
            raise AwsError("AccessDenied", "no", 403)
        return put(**words)

    monkeypatch.setattr(s3, "put_object", once)
    assert main([*HERS, "--apply", "--receipt", "r.json"], clients=aws) == 2
    out, err = capsys.readouterr()
    assert "erasing is done and r.json says what went, but the record could not be locked" in err
    assert "is the receipt" not in out
    assert json.loads(Path("r.json").read_text())["finished"]
    assert hers(s3) == []


@pytest.mark.parametrize(
    "name",
    [
        f"_control/active/{'b' * 20}.json",  # bob's
        f"_control/active/{'c' * 20}.json",  # without a manifest in hers
        f"_control/ended/{SESSION}.json",
        f"{SESSION}.json",
    ],
)
def test_sessions_of_others_and_ended_ones_keep_nothing(name: str) -> None:
    aws = account()
    s3 = storage(aws)
    s3.store(BUCKET, name)
    s3.store(BUCKET, f"sessions/genomics/alice/{'c' * 20}/results/0")
    assert main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 0
    assert hers(s3) == []


def test_each_active_session_of_hers_keeps_everything(capsys: pytest.CaptureFixture[str]) -> None:
    aws = account()
    s3, later = storage(aws), "c" * 20
    s3.store(BUCKET, f"sessions/genomics/alice/{later}/manifest.json")
    s3.store(BUCKET, f"_control/active/{later}.json")
    before = hers(s3)
    assert main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 2
    assert f"{later} is active" in capsys.readouterr().err
    assert hers(s3) == before


@pytest.mark.parametrize("which", [0, -2])
def test_one_version_on_hold_keeps_everything(
    which: int, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = account()
    s3 = storage(aws)
    there = hers(s3)
    s3.buckets[BUCKET][there[which]].held = True
    assert main([*HERS, "--apply", "--receipt", "r"], clients=aws) == 2
    assert "1 versions are on hold as evidence, so nothing was erased" in capsys.readouterr().err
    assert hers(s3) == there
    assert not [call for call in aws.calls if is_effect(call)]
    # A marker holds no data: nobody asks for its hold.
    asked = [call.words["VersionId"] for call in aws.calls if "LegalHold" in call.operation]
    assert sorted(asked) == sorted(v for k, v in there if not s3.buckets[BUCKET][k, v].marker)
