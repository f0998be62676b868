"""Containing stops what runs, keeps it stopped, deletes nothing, and can be taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deploy.incident.command import Clients
from deploy.incident.contain import main
from environments import PROD as PROD_ITSELF
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import (
    container_document,
    launch_denial_document,
)
from starburst_constructs.policies.incident_statements import Locker
from starburst_constructs.policies.retention import Keeping
from tests.incident.calls import actions, taken
from tests.incident.environments import (
    AUDIT,
    BUCKET,
    LOGS_KEY,
    Parameters,
    Trail,
    make_audit,
)
from tests.quick_moto import quick_aws, quick_client

PROD = ["--environment", "prod"]
GENOMICS = [*PROD, "--workspace", "genomics"]
ROLES = [
    "starburst-prod-controller",
    *(
        f"starburst-prod-{purpose}-{workspace}"
        for workspace in ("genomics", "markets")
        for purpose in ("analyst", "steward", "worker")
    ),
]
PLACEMENT = Placement(account="222233334444", region="eu-west-1")


class Ecs:
    """ECS for ``deploy.contain``, in pages of two."""

    def __init__(self) -> None:
        self.apart: tuple[str, ...] = ()
        self.missing = ""
        self.tasks: dict[str, dict[str, Any]] = {}

    def start(self, workspace: str, user: str, session: str = "z" * 20) -> None:
        tags = {
            "starburst-workspace": workspace,
            "starburst:session": session,
            "starburst:user": user,
        }
        cluster = "starburst-prod-genomics" if workspace in self.apart else "starburst-prod"
        arn = f"arn:aws:ecs:eu-west-1:222233334444:task/{cluster}/{len(self.tasks)}"
        self.tasks[arn] = {
            "taskArn": arn,
            "desiredStatus": "RUNNING",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }

    def get_paginator(self, name: str) -> Ecs:
        assert name == "list_tasks"
        return self

    def paginate(self, *, cluster: str) -> Iterator[dict[str, Any]]:
        if cluster == self.missing:
            raise ClientError({"Error": {"Code": "ClusterNotFoundException"}}, "ListTasks")
        live = [
            arn
            for arn, task in self.tasks.items()
            if task["desiredStatus"] == "RUNNING" and f"/{cluster}/" in arn
        ]
        for start in range(0, len(live), 2):
            yield {"taskArns": live[start : start + 2]}

    def describe_tasks(self, *, cluster: str, tasks: list[str], include: list[str]) -> Any:
        assert all(f"/{cluster}/" in arn for arn in tasks)
        assert include == ["TAGS"]
        return {"tasks": [dict(self.tasks[arn]) for arn in tasks]}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        assert f"/{cluster}/" in task
        self.tasks[task] |= {"desiredStatus": "STOPPED", "reason": reason}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clients]:
    """Two workspaces whose analysts have workers running."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        iam = quick_client("iam", "eu-west-1")
        for role in ROLES:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
        ecs = Ecs()
        for user in ("alice", "alice", "bob"):
            ecs.start("genomics", user)
        ecs.start("markets", "carol")
        s3 = quick_client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        make_audit(s3)
        made = {
            "iam": iam,
            "ecs": ecs,
            "s3": s3,
            "ssm": Parameters(),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }
        yield made.__getitem__


def tasks(clients: Clients) -> list[dict[str, Any]]:
    """Return all tasks that ever ran."""
    return list(cast("Ecs", clients("ecs")).tasks.values())


def running(clients: Clients) -> list[str]:
    """Return the users whose workers still run."""
    return sorted(
        tag["value"]
        for task in tasks(clients)
        for tag in task["tags"]
        if tag["key"] == "starburst:user" and task["desiredStatus"] != "STOPPED"
    )


def denied(clients: Clients) -> dict[str, list[str]]:
    """Return the denials by role."""
    iam = clients("iam")
    names = {role: iam.list_role_policies(RoleName=role)["PolicyNames"] for role in ROLES}
    return {role: found for role, found in names.items() if found}


def test_it_only_shows_unless_told(clients: Clients, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(GENOMICS, clients=clients) == 0
    out = capsys.readouterr().out
    assert "would put DenyLaunch-genomics on starburst-prod-controller" in out
    assert "would stop every worker of genomics of prod" in out
    assert "Nothing was changed" in out
    assert running(clients) == ["alice", "alice", "bob", "carol"]
    assert not denied(clients)


def test_a_workspace_is_stopped_denied_and_written_down(clients: Clients, tmp_path: Path) -> None:
    record = tmp_path / "incident.json"
    words = [*GENOMICS, "--reason", "case 7", "--record", str(record), "--apply"]
    assert main(words, clients=clients) == 0
    assert running(clients) == ["carol"]
    assert denied(clients) == {
        "starburst-prod-controller": ["DenyLaunch-genomics"],
        "starburst-prod-analyst-genomics": ["DenyErasing-contained-genomics", "DenyOlderSessions"],
        "starburst-prod-steward-genomics": ["DenyErasing-contained-genomics", "DenyOlderSessions"],
        "starburst-prod-worker-genomics": ["DenyErasing-contained-genomics", "DenyOlderSessions"],
    }
    written = json.loads(record.read_text())
    assert len(written["tasks"]) == 3
    assert {written["reason"], written["what"]} == {
        "case 7",
        "before containing genomics of prod",
    }
    assert [task.get("reason") for task in tasks(clients)] == [*["security: case 7"] * 3, None]


def test_one_user_is_stopped_alone(clients: Clients, tmp_path: Path) -> None:
    words = [*PROD, "--user", "alice", "--record", str(tmp_path / "a"), "--apply"]
    assert main(words, clients=clients) == 0
    assert running(clients) == ["bob", "carol"]
    assert denied(clients) == {
        "starburst-prod-controller": ["DenyLaunch-genomics-alice", "DenyLaunch-markets-alice"],
        **{
            f"starburst-prod-{purpose}-{workspace}": [
                f"DenyErasing-contained-{workspace}-alice",
                *(["DenyOlderSessions-alice"] if purpose != "worker" else []),
            ]
            for purpose in ("analyst", "steward", "worker")
            for workspace in ("genomics", "markets")
        },
    }


def test_one_session_is_stopped_alone(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What she does beside it goes on, and so does her login."""
    cast("Ecs", clients("ecs")).start("genomics", "alice", session="a" * 20)
    words = [*GENOMICS, "--user", "alice", "--session", "a" * 20]
    assert main(words, clients=clients) == 0
    shown = capsys.readouterr().out
    assert f"would stop every worker of session {'a' * 20} of alice in genomics of prod" in shown
    assert "DenyOlderSessions" not in shown
    assert main([*words, "--record", str(tmp_path / "one"), "--apply"], clients=clients) == 0
    assert "its user stays signed in" in capsys.readouterr().out
    assert running(clients) == ["alice", "alice", "bob", "carol"]
    assert [task["desiredStatus"] for task in tasks(clients)][-1] == "STOPPED"
    assert len(json.loads((tmp_path / "one").read_text())["tasks"]) == 1
    assert denied(clients) == {
        "starburst-prod-controller": [f"DenyLaunch-genomics-alice-{'a' * 20}"],
        **{
            f"starburst-prod-{purpose}-genomics": [
                f"DenyErasing-contained-genomics-alice-{'a' * 20}"
            ]
            for purpose in ("analyst", "steward", "worker")
        },
    }
    denial = launch_denial_document(
        "prod", "genomics", user="alice", session="a" * 20, placement=PLACEMENT
    )
    assert denial["Statement"][0]["Condition"] == {
        "StringEquals": {
            "aws:RequestTag/starburst:user": "alice",
            "aws:RequestTag/starburst:session": "a" * 20,
        }
    }
    undo = [*words, "--undo", "--record", str(tmp_path / "two"), "--apply"]
    assert main(undo, clients=clients) == 0
    assert not denied(clients)


@pytest.mark.parametrize("words", [[], ["--apply"]])
def test_a_session_that_nobody_has_is_no_success(
    clients: Clients, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Another's session neither: bob's is not alice's."""
    cast("Ecs", clients("ecs")).start("genomics", "bob", session="b" * 20)
    asked = [*GENOMICS, "--user", "alice", "--session", "b" * 20, *words]
    assert main(asked, clients=clients) == 2
    assert f"no worker of session {'b' * 20} of alice in genomics" in capsys.readouterr().err
    assert not denied(clients)
    assert len(running(clients)) == 5


@pytest.mark.parametrize(
    "words",
    [
        [*GENOMICS, "--session", "a" * 20],
        [*PROD, "--user", "alice", "--session", "a" * 20],
        [*GENOMICS, "--user", "alice", "--session", "a" * 19],
        [*GENOMICS, "--user", "alice", "--session", ""],
    ],
)
def test_a_session_is_one_of_a_user_in_a_workspace(
    clients: Clients, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main([*words, "--apply"], clients=clients) == 2
    assert "one session is --workspace NAME --user NAME --session ID" in capsys.readouterr().err
    assert not denied(clients)
    assert len(running(clients)) == 4


def test_a_whole_environment_stops_with_what_nobody_tagged(
    clients: Clients, tmp_path: Path
) -> None:
    tasks(clients)[0]["tags"].clear()
    assert main([*PROD, "--record", str(tmp_path / "a"), "--apply"], clients=clients) == 0
    assert {task["desiredStatus"] for task in tasks(clients)} == {"STOPPED"}


def test_twice_is_once_and_undo_leaves_no_denial(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*GENOMICS, "--record", str(tmp_path / "a"), "--apply"], clients=clients) == 0
    there = denied(clients)
    again = [*GENOMICS, "--hours", "1", "--record", str(tmp_path / "b"), "--apply"]
    assert main(again, clients=clients) == 0
    out = capsys.readouterr().out
    assert "a later one stays" in out
    assert "0 workers were told to stop" in out
    names = {name for policies in there.values() for name in policies}
    told = out.rpartition("0 workers were told")[0].rpartition("is written down")[2]
    assert names
    assert not [name for name in names if name not in told], "each, before those who stopped"
    assert denied(clients) == there
    for name in ("c", "d"):
        words = [*GENOMICS, "--undo", "--record", str(tmp_path / name), "--apply"]
        assert main(words, clients=clients) == 0
        assert not denied(clients)
        said = capsys.readouterr().out
        assert not [name for name in names if name not in said]
    assert running(clients) == ["carol"]


def test_evidence_is_never_overwritten(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "incident.json"
    record.write_text("evidence")
    words = [*GENOMICS, "--record", str(record), "--apply"]
    assert main(words, clients=clients) == 2
    assert "may be evidence" in capsys.readouterr().err
    assert record.read_text() == "evidence"
    assert not denied(clients)
    assert len(running(clients)) == 4


def test_it_prints_exactly_the_permission_that_it_takes(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*GENOMICS, "--permission"], clients=clients) == 0
    printed = json.loads(capsys.readouterr().out)
    calls = taken(clients("iam"), clients("s3"))
    assert main([*GENOMICS, "--user", "alice"], clients=clients) == 0
    assert main([*GENOMICS, "--record", str(tmp_path / "a"), "--apply"], clients=clients) == 0
    assert main([*GENOMICS, "--undo", "--apply"], clients=clients) == 0
    assert calls == actions(printed, "iam", "s3")
    assert actions(printed, "ecs") == {"ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask"}
    locker = Locker(bucket=AUDIT, key_arn=LOGS_KEY)
    expected = container_document(
        "prod", ["genomics"], bucket=BUCKET, locker=locker, placement=PLACEMENT
    )
    assert printed == expected
    for user in (None, "alice"):
        denial = launch_denial_document("prod", "genomics", user=user, placement=PLACEMENT)
        keeping = Keeping(why="contained", workspace="genomics", user=user)
        for document in (printed, denial, keeping.document):
            assert list(complaints(Policy.parse("p", document))) == []


def test_workers_that_run_apart_are_stopped_in_their_cluster(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apart = tuple(
        replace(one, own_cluster=one.name == "genomics") for one in PROD_ITSELF.workspaces
    )
    monkeypatch.setattr("deploy.incident.command.ALL", (replace(PROD_ITSELF, workspaces=apart),))
    ecs = cast("Ecs", clients("ecs"))
    ecs.apart = ("genomics",)
    ecs.start("genomics", "erin")
    assert main([*GENOMICS, "--permission"], clients=clients) == 0
    allowed = json.dumps(json.loads(capsys.readouterr().out))
    assert ":task/starburst-prod-genomics/*" in allowed
    assert ":cluster/starburst-prod-genomics" in allowed
    assert main([*GENOMICS, "--apply", "--record", "one"], clients=clients) == 0
    left = {
        tag["value"]
        for task in ecs.tasks.values()
        if task["desiredStatus"] == "RUNNING"
        for tag in task["tags"]
        if tag["key"] == "starburst-workspace"
    }
    assert left == {"markets"}


def test_a_cluster_that_is_not_deployed_yet_keeps_no_other_workers_running(
    clients: Clients,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its settings are changed before anything is deployed, and an incident does not wait."""
    apart = tuple(
        replace(one, own_cluster=one.name == "genomics") for one in PROD_ITSELF.workspaces
    )
    monkeypatch.setattr("deploy.incident.command.ALL", (replace(PROD_ITSELF, workspaces=apart),))
    cast("Ecs", clients("ecs")).missing = "starburst-prod-genomics"
    record = tmp_path / "one"
    words = ["--environment", "prod", "--apply", "--record", str(record)]
    assert main(words, clients=clients) == 2
    out, err = capsys.readouterr()
    assert not running(clients)
    assert "4 workers were told to stop" in out
    assert len(json.loads(record.read_text())["tasks"]) == 4
    assert "they cannot be listed (starburst-prod-genomics): " in err


@pytest.mark.parametrize("words", [[], ["--apply"], ["--undo"], ["--undo", "--apply"]])
def test_a_slip_in_the_name_is_no_success(
    clients: Clients, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    clients("s3").put_object(Bucket=BUCKET, Key="sessions/genomics/dave/x/manifest.json", Body=b"")
    assert main([*GENOMICS, "--user", "alcie", *words], clients=clients) == 2
    err = capsys.readouterr().err
    assert "nobody called alcie is known in genomics of prod" in err
    assert "Did you mean alice?" in err
    assert "--in-advance" in err
    assert not denied(clients)
    assert len(running(clients)) == 4
    # Names come from the objects as well.
    assert main([*GENOMICS, "--user", "davey", *words], clients=clients) == 2
    assert "Did you mean dave?" in capsys.readouterr().err


def test_a_user_is_contained_in_advance_and_released(clients: Clients, tmp_path: Path) -> None:
    words = [*GENOMICS, "--user", "newcomer"]
    assert main([*words, "--in-advance", "--apply", "--record", "one"], clients=clients) == 0
    assert denied(clients)["starburst-prod-controller"] == ["DenyLaunch-genomics-newcomer"]
    # Who is contained is known by it.
    assert main([*words, "--undo", "--apply", "--record", "two"], clients=clients) == 0
    assert not denied(clients)
