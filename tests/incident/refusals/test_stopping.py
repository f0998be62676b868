"""Each worker that ECS does not stop is named, and all others stop."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from deploy.incident.contain import main
from tests.incident.refusals.scenes import HERS, account
from tests.small_aws.account import SmallAws
from tests.small_aws.ecs import TaskEcs
from tests.small_aws.errors import AwsError
from tests.small_aws.iam import InlineIam
from tests.some import some

ALICE = {"starburst-workspace": "genomics", "starburst:user": "alice"}
REFUSALS = {
    "denied": AwsError("AccessDeniedException", "not authorized to perform: ecs:StopTask"),
    "denied in ECS's own words": AwsError("ClientException", "not permitted to perform this"),
    "throttled": AwsError("ThrottlingException", "Rate exceeded"),
    "broken": AwsError("ServerException", "Service Unavailable", 500),
    "cluster gone": AwsError("ClusterNotFoundException", "Cluster not found."),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def contain(aws: SmallAws, *more: str) -> int:
    return main([*HERS, "--apply", "--record", "record.json", *more], clients=aws)


def cluster(aws: SmallAws) -> TaskEcs:
    return cast("TaskEcs", aws.services["ecs"])


def owners(ecs: TaskEcs) -> list[str]:
    """Return whose tasks still run."""
    return [ecs.tasks[arn]["tags"][1]["value"] for arn in ecs.running]


def stops(aws: SmallAws) -> list[str]:
    return [call.words["task"] for call in aws.calls if call.operation == "StopTask"]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("which", [{0}, {1}, {0, 1, 2}], ids=["first", "middle", "all"])
def test_a_worker_that_does_not_stop_is_named_and_counted_out(
    refusal: AwsError, which: set[int], capsys: pytest.CaptureFixture[str]
) -> None:
    aws = account()
    ecs = cluster(aws)
    hers = [arn for arn in ecs.tasks if "alice" in str(ecs.tasks[arn])]
    ecs.refusals = {hers[number]: refusal for number in which}
    assert contain(aws) == 2
    out, err = capsys.readouterr()
    assert f"{len(hers) - len(which)} workers were told to stop" in out
    assert f"{len(which)} steps were NOT done, all others were" in err
    for arn in ecs.refusals:
        assert f"stop {arn}: " in err
        assert refusal.code in err
    assert "deploy.contain --permission" in err
    assert "run the same command again" in err
    assert "is contained" not in out + err
    assert [arn for arn in ecs.running if arn in hers] == [*ecs.refusals]
    # Each is asked once: who runs it again decides when.
    assert sorted(stops(aws)) == sorted(hers)
    ecs.refusals = {}
    assert main([*HERS, "--apply", "--record", "again.json"], clients=aws) == 0
    assert owners(ecs) == ["bob", "carol"]


def test_the_same_name_in_another_workspace_goes_on() -> None:
    aws = account()
    cluster(aws).start(**{**ALICE, "starburst-workspace": "markets"})
    assert contain(aws) == 0
    assert owners(cluster(aws)) == ["bob", "carol", "alice"]


def test_who_stopped_by_themselves_is_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    aws = account()
    ecs = cluster(aws)
    gone = AwsError("InvalidParameterException", "The referenced task was not found.")
    ecs.refusals = dict.fromkeys([*ecs.tasks][:1], gone)
    assert contain(aws) == 0
    assert "NOT DONE" not in capsys.readouterr().out


def test_a_cluster_that_is_gone_keeps_no_role_from_being_denied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    cluster(aws).cluster = "another"
    words = ["--environment", "prod", "--apply", "--record", "record.json"]
    assert main(words, clients=aws) == 2
    out, err = capsys.readouterr()
    assert "write down what runs: " in err
    assert "stop workers: they cannot be listed: " in err
    assert "ClusterNotFoundException" in err
    assert "is written down" not in out
    assert json.loads(Path("record.json").read_text())["tasks"] is None
    denied = {role for role, found in cast("InlineIam", aws.services["iam"]).roles.items() if found}
    assert len(denied) == 7


def test_all_roles_of_all_workspaces_are_denied_for_twelve_hours() -> None:
    aws = account()
    before = datetime.now(UTC).replace(microsecond=0)
    assert main(["--environment", "prod", "--apply", "--record", "r.json"], clients=aws) == 0
    after = datetime.now(UTC)
    roles = cast("InlineIam", aws.services["iam"]).roles
    kept = {
        f"starburst-prod-{kind}-{name}": {f"DenyErasing-contained-{name}", "DenyOlderSessions"}
        for kind in ("analyst", "steward", "worker")
        for name in ("genomics", "markets")
    }
    launches = {"DenyLaunch-genomics", "DenyLaunch-markets"}
    assert {role: {*found} for role, found in roles.items()} == {
        **kept,
        "starburst-prod-controller": launches,
    }
    for role in kept:
        [statement] = roles[role]["DenyOlderSessions"]["Statement"]
        until = datetime.fromisoformat(
            statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"].replace("Z", "+00:00")
        )
        assert before + timedelta(hours=12) <= until <= after + timedelta(hours=12)


def test_its_record_is_a_first_write_to_our_own_bucket_with_a_checksum() -> None:
    """Object Lock asks for the checksum, the bucket's policy for the first write."""
    aws = account()
    assert contain(aws) == 0
    [call] = [call for call in aws.calls if call.operation == "PutObject"]
    words = {name: value for name, value in call.words.items() if name not in ("Body", "Key")}
    assert words == {
        "Bucket": "starburst-prod-audit-files",
        "ContentType": "application/json",
        "ExpectedBucketOwner": "222233334444",
        "ChecksumAlgorithm": "SHA256",
        "IfNoneMatch": "*",
    }
    assert json.loads(call.words["Body"]) == json.loads(Path("record.json").read_text())


def test_lists_that_lag_behind_stop_nobody_twice() -> None:
    aws = account()
    cluster(aws).lags = 3
    assert contain(aws) == 0
    assert sorted(stops(aws)) == sorted({*stops(aws)})
    assert owners(cluster(aws)) == ["bob", "carol"]


def test_who_is_listed_and_has_stopped_is_neither_written_down_nor_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = account()
    ecs = cluster(aws)
    gone = next(iter(ecs.tasks))
    ecs.tasks[gone]["desiredStatus"] = "STOPPED"
    monkeypatch.setattr(ecs, "list_tasks", lambda **_: {"taskArns": [*ecs.tasks]})
    assert contain(aws) == 0
    written = [task["taskArn"] for task in json.loads(Path("record.json").read_text())["tasks"]]
    assert sorted(stops(aws)) == sorted(written)
    assert len(written) == 2
    assert gone not in written


def test_each_change_is_told_its_record_is_locked_under_its_name_and_a_second_run_advised(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    words = ["--environment", "prod", "--apply", "--record"]
    told = []
    for more in (["r.json"], ["u.json", "--undo"]):
        roles = cast("InlineIam", aws.services["iam"]).roles
        before = {(role, policy) for role, found in roles.items() for policy in found}
        assert main([*words, *more], clients=aws) == 0
        after = {(role, policy) for role, found in roles.items() for policy in found}
        out = capsys.readouterr().out
        for role, policy in some(before ^ after):
            assert f"{role}: {policy} " in out
        told.append("Run it again in a minute: IAM takes some seconds" in out)
    assert told == [True, False]
    keys = [call.words["Key"] for call in aws.calls if call.operation == "PutObject"]
    assert ["contain" in key for key in keys] == [True, False]
    assert ["release" in key for key in keys] == [False, True]


def test_hundreds_of_workers_are_described_in_batches_and_all_stop() -> None:
    aws = account()
    ecs = cluster(aws)
    ecs.size = 100
    for _ in range(230):
        ecs.start(**ALICE)
    assert contain(aws) == 0
    assert owners(ecs) == ["bob", "carol"]
    assert len(json.loads(Path("record.json").read_text())["tasks"]) == 233


def test_who_starts_while_others_stop_is_stopped_too(capsys: pytest.CaptureFixture[str]) -> None:
    aws = account()
    ecs, late = cluster(aws), [ALICE] * 2
    ecs.on_stop = lambda arn: (late and ecs.start(**late.pop()), None)[1]
    assert contain(aws) == 0
    assert owners(ecs) == ["bob", "carol"]
    assert "5 workers were told to stop" in capsys.readouterr().out


def test_who_goes_on_to_start_is_told_beside_a_record_that_is_not_locked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws = account()
    ecs = cluster(aws)
    ecs.on_stop = lambda arn: (ecs.start(**ALICE), None)[1]
    del aws.services["s3"].buckets["starburst-prod-audit-files"]  # type: ignore[attr-defined]
    assert contain(aws) == 2
    err = capsys.readouterr().err
    assert "3 workers were started meanwhile" in err
    assert "run the same command again in a minute" in err
    assert "the record could not be locked" in err
    assert stops(aws) == [*dict.fromkeys(stops(aws))]
    assert len(stops(aws)) == 15  # five looks, and one more for what is left


def test_a_denial_that_was_just_put_is_taken_away_though_iam_does_not_show_it_yet() -> None:
    aws = account()
    iam = cast("InlineIam", aws.services["iam"])
    iam.lags = True
    assert contain(aws) == 0
    words = [*HERS, "--undo", "--in-advance", "--apply", "--record", "undo.json"]
    assert main(words, clients=aws) == 0
    assert {role: found for role, found in iam.roles.items() if found} == {}


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, "and 1 more"), (8, "and 3 more")])
def test_five_of_those_that_were_refused_are_named_and_the_rest_counted(
    count: int, more: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = account()
    ecs = cluster(aws)
    for _ in range(count - 3):
        ecs.start(**ALICE)
    ecs.refusals = dict.fromkeys(ecs.tasks, REFUSALS["denied"])
    assert contain(aws) == 2
    out, err = capsys.readouterr()
    assert out.count("NOT DONE: stop arn:aws:ecs:") == count
    assert f"{count} steps were NOT done, all others were" in err
    assert err.count("stop arn:aws:ecs:") == 5
    assert (more in err) if more else (" more" not in err)


def test_a_reason_is_cut_to_what_ecs_keeps() -> None:
    aws = account()
    assert contain(aws, "--reason", "x" * 400) == 0
    reasons = {call.words["reason"] for call in aws.calls if call.operation == "StopTask"}
    assert reasons == {f"security: {'x' * 245}"}
