"""Every command prints letters, whatever hostile text reaches it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

import deploy.incident.contain
import deploy.incident.erase
import deploy.incident.events
import deploy.incident.hold
import deploy.incident.isolate
import deploy.incident.restore
import deploy.incident.revoke
from starburst._client.access.connection import Connection
from starburst._protocol.sealed.failure import Failure
from starburst.cli import main
from tests.attacks.hostile import EVIL, clean, client_error, names_as_on_aws
from tests.attacks.test_names import Keeps, clients, connection, fleet, hostile, sdk
from tests.incident.test_contain import Ecs
from tests.incident.test_contain import clients as incident
from tests.incident.test_versions import HERS
from tests.runtime.fleet import BUCKET as DATA
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened
from tests.statuses import a_status

__all__ = ["clients", "connection", "fleet", "incident", "sdk"]


class Raising:
    """A client of AWS whose every call fails, in words that an attacker chose."""

    def __init__(self, code: str) -> None:
        self._code = code
        self.exceptions = type("Codes", (), {"NoSuchEntityException": KeyError})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: Any, **__: Any) -> Any:
            raise client_error(self._code, f"{EVIL}\nforged line")

        pages = type("Pages", (), {"paginate": fail})
        return (lambda _: pages()) if name == "get_paginator" else fail


PROD = ["--environment", "prod"]


COMMANDS: dict[str, tuple[Any, list[str]]] = {
    "events": (deploy.incident.events, PROD),
    "contain": (deploy.incident.contain, [*PROD, "--apply"]),
    "hold": (deploy.incident.hold, [*HERS, "--apply"]),
    "erase": (deploy.incident.erase, [*HERS, "--apply"]),
    "restore": (deploy.incident.restore, [*HERS, "--at", "2026-01-01T12:00:00Z"]),
    "isolate": (deploy.incident.isolate, [*PROD, "--apply"]),
}


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", EVIL])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_aws_refuses_prints_letters(
    command: str,
    code: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    module, words = COMMANDS[command]
    # Steps that do not wait for one another are all tried.
    refused = 2 if command in ("contain", "events") else 1
    assert module.main(words, clients=lambda _: Raising(code)) == refused
    said = capsys.readouterr()
    clean(said.out + said.err)
    assert not [line for line in said.err.splitlines() if line.startswith("forged")]


def test_a_revocation_that_iam_refuses_prints_letters(capsys: pytest.CaptureFixture[str]) -> None:
    iam: Any = Raising("AccessDenied")
    assert deploy.incident.revoke.main([*PROD, "--apply"], clients=lambda _: iam) == 2
    clean(capsys.readouterr().err)


def test_events_are_lines_of_letters(capsys: pytest.CaptureFixture[str]) -> None:
    session = boto3.Session("testing", "testing", region_name="eu-west-1")
    logs, trail = session.client("logs"), session.client("cloudtrail")
    row = [
        {"field": "@timestamp", "value": "2026-01-01 12:00:00.000"},
        {"field": "@message", "value": f"{EVIL.replace(chr(0xD800), '')}\nforged" + "x" * 200_000},
    ]
    with Stubber(logs) as stub, Stubber(trail) as trails:
        arn = "arn:aws:logs:eu-west-1:222233334444:log-group:trail:*"
        found = {"Trail": {"CloudWatchLogsLogGroupArn": arn}}
        trails.add_response("get_trail", found, {"Name": "starburst-prod"})
        trails.add_response("get_trail_status", {"IsLogging": True}, {"Name": "starburst-prod"})
        for _ in range(3):
            stub.add_response("start_query", {"queryId": "q"}, None)
            stub.add_response(
                "get_query_results", {"status": "Complete", "results": [row]}, {"queryId": ANY}
            )
        made = {"logs": logs, "cloudtrail": trail}
        assert deploy.incident.events.main(PROD, clients=made.__getitem__) == 3
    out = capsys.readouterr().out
    clean(out)
    assert len(out) < 30_000
    assert not [line for line in out.splitlines() if line.startswith("forged")]


def test_containing_whom_others_tagged_prints_letters(
    incident: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ecs: Ecs = incident("ecs")
    ecs.start("genomics", f"alice{EVIL}\nforged")
    record = tmp_path / "record.json"
    words = [*PROD, "--workspace", "genomics", "--record", str(record), "--apply"]
    assert deploy.incident.contain.main(words, clients=incident) == 0
    said = capsys.readouterr()
    clean(said.out + said.err)
    clean(record.read_text())
    tags = json.loads(record.read_text())["tasks"][-1]["tags"]
    assert any(tag["value"].endswith("forged") for tag in tags)


@pytest.fixture
def evil_names(clients: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with names_as_on_aws():
        yield {**clients, "s3": Keeps(clients["s3"], "results/")}


@pytest.mark.parametrize("command", ["hold", "erase", "restore"])
def test_commands_about_objects_print_letters(
    evil_names: dict[str, Any],
    command: str,
    *,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    module = COMMANDS[command][0]
    at = ["--at", datetime.now(UTC).isoformat()] if command == "restore" else []
    for apply in ([], ["--apply"]):
        module.main([*HERS, *apply, *at], clients=evil_names.__getitem__)
        said = capsys.readouterr()
        assert said.out + said.err
        clean(said.out + said.err)
    for receipt in tmp_path.iterdir():
        clean(receipt.read_text())


@pytest.mark.parametrize(
    "words",
    [
        ["sessions"],
        ["status", "ID"],
        ["extend", "ID"],
        ["stop", "ID"],
        ["stop", "--erase", "ID"],
        ["doctor"],
        ["status", EVIL],
        ["estimate", "--workers", "1", "--hours", "1", "--region", EVIL],
        ["local", "--", EVIL.replace("\x00", "")],
    ],
    ids=lambda words: ascii(words[:2]),
)
def test_the_command_line_prints_letters(
    words: list[str],
    *,
    connection: Connection,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fleet.extend = lambda _: {"deadline": 5.0}  # type: ignore[attr-defined]
    session = opened(connection, fleet)
    keys = session.manifest.keys
    status = json.loads(a_status(session=keys.session, workers_running=0, deadline=2).to_json())
    status["reason"] = f"{EVIL}\nforged line"
    fleet.s3.put_object(Bucket=DATA, Key=keys.status, Body=json.dumps(status).encode())
    monkeypatch.setattr("starburst.aws.cost_tag.billing", lambda _: Raising("Other"))
    with names_as_on_aws():
        hostile(fleet.s3, DATA, keys.prefix)
        session.detach()
        for s3 in (Raising("AccessDenied"), Raising("Other"), Keeps(fleet.s3, "results/")):
            seen = replace(connection, s3=s3)  # type: ignore[arg-type]
            monkeypatch.setattr(
                "starburst._client.access.connection.connect", lambda *_, seen=seen, **__: seen
            )
            main([session.id if word == "ID" else word for word in words])
            said = capsys.readouterr()
            clean(said.out + said.err)
            lines = (said.out + said.err).splitlines()
            assert not [line for line in lines if line.startswith("forged")]


def test_a_log_line_of_the_client_is_letters(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        try:
            raise Failure(
                type_name=EVIL, text=EVIL, traceback=EVIL, builtin=False, kind="raised"
            ).rebuild()
        except Exception:
            logging.getLogger("mine").exception("a task failed")
    clean(caplog.text)


def test_nobody_forgot_a_command() -> None:
    """Each command of an incident ends in ``conclude``, and is tried above."""
    folder = Path(deploy.incident.erase.__file__).parent
    named = {path.stem for path in folder.glob("*.py") if "conclude(" in path.read_text()} - {
        "command"
    }
    assert named == {*COMMANDS, "revoke"}
    for name in named:
        text = (folder / f"{name}.py").read_text()
        assert "sys.std" not in text
        assert "print(" not in text
