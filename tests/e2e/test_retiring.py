"""In the local environment a workspace is retired by exactly the permission that is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import deploy.incident.command
from deploy.incident.command import Clients
from deploy.retire.command import main
from environments import LOCAL
from starburst.contract import ControllerDoor, RuntimeDocument, queue_name, runtime_parameter
from starburst.contract.areas import DATA
from starburst.local import LocalEnvironment
from starburst_constructs.naming import retired_parameter, role_name
from tests.e2e.test_kept_evidence import Roles

LEAVING = ["--environment", "local", "--workspace", "leaving"]
CHECK = ["--environment", "local", "--check"]
KEY = DATA.prefix("leaving") + "cohort.csv"


@pytest.fixture
def roles(local_environment: LocalEnvironment) -> Iterator[Roles]:
    roles = Roles(local_environment)
    yield roles
    roles.remove()


@pytest.fixture
def writer(roles: Roles) -> Clients:
    """Return the clients of a role that may do all, also to data, as LOCAL names it."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return roles.make("holder", json.dumps({"Version": "2012-10-17", "Statement": everything}))


@pytest.fixture
def bucket(
    roles: Roles, writer: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """Deploy one more workspace, drained, as far as this needs it; return the data bucket."""
    monkeypatch.chdir(tmp_path)
    ssm, name = writer("ssm"), runtime_parameter("local")
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    document = RuntimeDocument.from_json(before)
    leaving = replace(document.workspaces["other"], draining=True)
    now = replace(document, workspaces={**document.workspaces, "leaving": leaving})
    monkeypatch.setattr(deploy.incident.command, "ALL", (_settings("leaving"),))
    roles.make(role_name("local", "analyst", "leaving"), json.dumps(_nothing()))
    ssm.put_parameter(Name=name, Value=now.to_json(), Type="String", Overwrite=True)
    try:
        writer("s3").put_object(Bucket=document.bucket, Key=KEY, Body=b"rows")
        yield document.bucket
    finally:
        ssm.put_parameter(Name=name, Value=before, Type="String", Overwrite=True)


def _settings(*names: str) -> object:
    more = tuple(replace(LOCAL.workspaces[0], name=name, draining=True) for name in names)
    return replace(LOCAL, workspaces=(*LOCAL.workspaces, *more))


def _nothing() -> object:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": statement}


def an_hour_later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_it_is_retired_and_then_dropped_by_what_is_printed(
    bucket: str,
    roles: Roles,
    writer: Clients,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def printed(*words: str) -> str:
        capsys.readouterr()
        assert main([*words, "--permission"], clients=writer) == 0
        return capsys.readouterr().out

    # The emulator asks DeleteObjects by its short name; AWS, for versions, by DeleteObjectVersion.
    policy = printed(*LEAVING, "--archive", "a.tar")
    versions = '"s3:DeleteObjectVersion"'
    retirer = roles.make("eraser", policy.replace(versions, f'"s3:DeleteObject", {versions}'))
    checker = roles.make("checker", printed(*CHECK))
    words = [*LEAVING, "--archive", "a.tar", "--apply", "--receipt", "r.json"]
    monkeypatch.setattr(deploy.incident.command, "ALL", (LOCAL,))
    assert main(CHECK, clients=checker) == 2
    assert "leaving, which is deployed and is not retired" in capsys.readouterr().err
    monkeypatch.setattr(deploy.incident.command, "ALL", (_settings("leaving"),))
    assert main(words, clients=checker, clock=an_hour_later) == 1
    assert main(words, clients=retirer) == 2
    assert "was deployed a moment ago" in capsys.readouterr().err
    assert main(words, clients=retirer, clock=an_hour_later) == 0, capsys.readouterr().err
    found = writer("s3").list_object_versions(Bucket=bucket, Prefix=DATA.prefix("leaving"))
    assert "Versions" not in found
    assert Path("a.tar").stat().st_size
    monkeypatch.setattr(deploy.incident.command, "ALL", (LOCAL,))
    assert main(CHECK, clients=checker) == 0
    assert "leaving may go" in capsys.readouterr().out
    writer("ssm").delete_parameter(Name=retired_parameter("local", "leaving"))


def test_the_queue_of_a_workspace_that_was_removed_goes_with_the_next_sweep(
    writer: Clients, local_environment: LocalEnvironment
) -> None:
    sqs, name = writer("sqs"), queue_name("local", "removed", "z" * 20)
    sqs.create_queue(QueueName=name)
    document = json.loads(
        writer("ssm").get_parameter(Name=runtime_parameter("local"))["Parameter"]["Value"]
    )
    administrator = local_environment.client(local_environment.platform_session(), "lambda")
    answer = administrator.invoke(
        FunctionName=f"{document['controller'].rpartition(':')[0]}:{ControllerDoor.SERVICE}",
        Payload=json.dumps({"source": "aws.cloudformation"}).encode(),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", []) == []
