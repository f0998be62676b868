"""Freezing and thawing by the officers' own door: shown first, told plainly, nothing by mistake."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import botocore.exceptions
import pytest

from deploy.incident.command import Clients
from deploy.spending.freeze import main as freeze
from deploy.spending.totals import main as totals
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import freezer_document
from starburst_constructs.policies.incident_statements import Locker
from tests.incident.calls import actions, taken
from tests.incident.environments import AUDIT, LOGS_KEY, Parameters, Trail, make_audit, records
from tests.quick_moto import quick_aws, quick_client

PROD = ["--environment", "prod"]
GENOMICS = [*PROD, "--workspace", "genomics"]
WHY = ["--reason", "a loop starts sessions"]
DOOR = "arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller:officers"
NOON = 1_796_040_000
USED = {"sessions": 3, "workers": 417, "usd_per_hour": 98.5, "usd_per_month": 1250}
ALLOWED = {"sessions": 50, "workers": 500, "usd_per_hour": 150, "usd_per_month": 5000}


class Controller:
    """Lambda, and the controller behind its alias for officers, as far as freezing goes."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.frozen: dict[str, dict[str, Any]] = {}
        self.raises = ""
        self.says: bytes | None = None
        self.broken = False

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == DOOR
        if self.raises:
            error = {"Code": self.raises, "Message": "no"}
            raise botocore.exceptions.ClientError({"Error": error}, "Invoke")  # type: ignore[arg-type]
        event = json.loads(Payload)
        self.asked.append(event)
        answer = self.says or json.dumps(self._answer(event)).encode()
        failed = {"FunctionError": "Unhandled"} if self.broken else {}
        return {"Payload": io.BytesIO(answer), **failed}

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        name = event["workspace"] or "*"
        more: dict[str, Any] = {}
        if event["action"] == "freeze":
            self.frozen[name] = {
                "workspace": name,
                "since": NOON,
                "until": 0,
                **{part: event[part] for part in ("by", "why", "end")},
            }
            more = {"ending": 2 if event["end"] else 0}
        elif event["action"] == "thaw":
            more = {"thawed": [name] if self.frozen.pop(name, None) else []}
        else:
            scopes = [("environment", "prod"), ("workspace", "genomics"), ("person", "alice")]
            more = {
                "scopes": [
                    {"scope": scope, "name": one, "allowed": ALLOWED, "used": USED, "later": 1}
                    for scope, one in scopes
                ],
                "waiting": [
                    {
                        "session": f"s{number}",
                        "workspace": "genomics",
                        "user": "bob",
                        "workers": 400,
                        "usd_per_hour": 79.0,
                        "until": NOON,
                        "place": number + 1,
                        "vcpu": 1600,
                    }
                    for number in range(22)
                ],
            }
        return {"ok": True, "frozen": list(self.frozen.values()), **more}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.chdir(tmp_path)
    with quick_aws():
        s3 = quick_client("s3", "us-east-1")
        make_audit(s3)
        made = {
            "lambda": Controller(),
            "s3": s3,
            "ssm": Parameters(),
            "cloudtrail": Trail(),
            "sts": quick_client("sts", "eu-west-1"),
        }
        yield made.__getitem__


def controller(clients: Clients) -> Controller:
    return cast(Controller, clients("lambda"))


@pytest.mark.parametrize("words", [[*WHY], [*WHY, "--end"], ["--undo"]])
def test_it_only_shows_unless_told(
    clients: Clients, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str]
) -> None:
    assert freeze([*GENOMICS, *words], clients=clients) == 0
    out = capsys.readouterr().out
    assert f"would {'thaw' if '--undo' in words else 'freeze'} genomics of prod" in out
    assert ("would end every session" in out) == ("--end" in words)
    assert "Nothing was changed. Add --apply to do it." in out
    assert controller(clients).asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_is_frozen_told_recorded_and_thawed(
    clients: Clients, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert freeze([*GENOMICS, *WHY, "--record", "a.json", "--apply"], clients=clients) == 0
    out = capsys.readouterr().out
    assert "genomics: no new session starts; running sessions that were told to end: 0" in out
    assert "genomics is frozen since 2026-11-30 12:00 UTC, until it is thawed, by arn:aws:" in out
    assert "a loop starts sessions (running sessions go on)" in out
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["reason"] == "a loop starts sessions"
    [(key, locked)] = records(clients("s3")).items()
    assert key.startswith("incidents/prod/")
    assert json.loads(locked) == written
    assert freeze([*GENOMICS, "--undo", "--record", "b.json", "--apply"], clients=clients) == 0
    out = capsys.readouterr().out
    assert "genomics: thawed" in out
    assert "Nothing of prod is frozen now." in out
    [asked, thawed] = controller(clients).asked
    assert (asked["action"], asked["workspace"], asked["end"]) == ("freeze", "genomics", False)
    assert asked["by"] == written["by"] == thawed["by"]
    assert thawed["action"] == "thaw"


def test_all_is_frozen_as_one_and_its_sessions_end_where_that_is_chosen(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert freeze([*PROD, *WHY, "--end", "--apply"], clients=clients) == 0
    out = capsys.readouterr().out
    assert (
        "every workspace: no new session starts; running sessions that were told to end: 2" in out
    )
    assert [one["workspace"] for one in controller(clients).asked] == [None]
    # One that is frozen by all is not thawed by its own name, and that is said.
    assert freeze([*GENOMICS, "--undo", "--record", "b.json", "--apply"], clients=clients) == 0
    out = capsys.readouterr().out
    assert "genomics: was not frozen by itself" in out
    assert "every workspace is frozen since" in out


def test_it_answers_in_json_as_well(clients: Clients, capsys: pytest.CaptureFixture[str]) -> None:
    both = [*GENOMICS, "--workspace", "markets", *WHY, "--json", "--apply"]
    assert freeze(both, clients=clients) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [(one["workspace"], one["ok"]) for one in answers] == [
        ("genomics", True),
        ("markets", True),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say why, which analysts are told"),
        (["--reason", " "], "say why"),
        (["--reason", "a\x1b[31mb"], "one line of 200 printable characters"),
        (["--reason", "a" * 201], "one line of 200 printable characters"),
        (["--undo", "--end"], "--end is about freezing"),
        ([*WHY, "--workspace", "genomica"], "prod has no workspace genomica; it has genomics"),
    ],
)
def test_a_slip_freezes_nothing(
    clients: Clients, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert freeze([*PROD, *words, "--apply"], clients=clients) == 2
    assert said in capsys.readouterr().err
    assert controller(clients).asked == []


REFUSED = {"ok": False, "error": {"type": "AccessDenied", "message": "by aliases only"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"says": json.dumps(REFUSED).encode()}, "refused (AccessDenied): by aliases only"),
        ({"says": b'{"ok": false}'}, "the controller refused (StarburstError): without a reason"),
        ({"says": b"Task timed out", "broken": True}, "failed while asked to freeze: Task timed"),
        ({"says": b"[]"}, "cannot be read"),
        ({"says": b'{"ok": true}'}, "the controller's answer on frozen cannot be read"),
        ({"raises": "ResourceNotFoundException"}, "has no alias officers: an earlier release"),
        ({"raises": "AccessDeniedException"}, "python -m deploy.freeze --permission prints"),
    ],
)
def test_what_was_not_done_is_said_and_is_no_success(
    clients: Clients, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], said: str
) -> None:
    for name, value in changes.items():
        setattr(controller(clients), name, value)
    assert freeze([*GENOMICS, *WHY, "--apply"], clients=clients) == 2
    assert said in capsys.readouterr().err


def test_totals_say_what_is_used_frozen_and_waited_for(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert freeze([*GENOMICS, *WHY, "--apply"], clients=clients) == 0
    capsys.readouterr()
    assert totals(PROD, clients=clients) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == (
        "workspace genomics: 3 of 50 sessions, 417 of 500 workers, 98.50 of 150 USD an hour, "
        "1,250 of 5,000 USD this month"
    )
    assert lines[0].startswith("environment prod: ")
    assert lines[2].startswith("person alice: ")
    assert lines[3].startswith("genomics is frozen since")
    assert lines[4] == (
        "place 1: bob in genomics waits until 2026-11-30 12:00 UTC for 400 workers at 79.00 USD an "
        "hour (session s0)"
    )
    assert lines[-1] == "2 more wait: --json prints all"
    assert len(lines) == 4 + 20 + 1
    assert totals([*GENOMICS, "--json"], clients=clients) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert [one["workspace"] for one in controller(clients).asked[1:]] == [None, "genomics"]


def test_it_prints_exactly_the_permission_that_it_takes(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert freeze([*GENOMICS, "--permission"], clients=clients) == 0
    printed = json.loads(capsys.readouterr().out)
    placement = Placement(account="222233334444", region="eu-west-1")
    locker = Locker(bucket=AUDIT, key_arn=LOGS_KEY)
    assert printed == freezer_document("prod", locker=locker, placement=placement)
    assert list(complaints(Policy.parse("p", printed))) == []
    calls = taken(clients("s3"))
    assert freeze([*GENOMICS, *WHY, "--record", "a.json", "--apply"], clients=clients) == 0
    assert freeze([*GENOMICS, "--undo", "--record", "b.json", "--apply"], clients=clients) == 0
    assert calls == actions(printed, "s3")
    [door] = [one for one in printed["Statement"] if one["Sid"] == "AskAsAnOfficer"]
    assert (door["Action"], door["Resource"]) == (["lambda:InvokeFunction"], [DOOR])
    capsys.readouterr()
    assert totals([*GENOMICS, "--permission"], clients=clients) == 0
    assert json.loads(capsys.readouterr().out) == freezer_document("prod", placement=placement)
