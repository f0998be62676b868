"""Officers freeze and thaw in the local environment; nobody else's credentials do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from deploy.audit.command import audit, templates
from deploy.audit.subject import Subject
from deploy.incident.command import Clients
from deploy.spending.freeze import main as freeze
from deploy.spending.totals import main as totals
from deploy.tools.local import Deployment
from environments import LOCAL
from starburst._client.access.connection import connect
from starburst._client.admin.office import Office
from starburst._client.admin.overview import ask_sessions, stop_session
from starburst._client.admin.report import ask_report
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst.errors import AccessDenied, SessionsFrozen
from starburst.local import LocalEnvironment
from starburst_assurance.proofs.deployed.reading.asking import Asking
from starburst_assurance.proofs.deployed.reading.survey import PARTS
from starburst_assurance.proofs.deployed.run import read
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_constructs.identity.auditing import auditor_document
from tests.e2e.expecting import expected_of
from tests.e2e.test_kept_evidence import Roles
from tests.some import some

OTHER = ["--environment", "local", "--workspace", "other"]
SMALL = SessionOptions(workers=1, cpu=0.25, memory=0.5, idle_timeout=60)


@pytest.fixture
def roles(local_environment: LocalEnvironment) -> Iterator[Roles]:
    roles = Roles(local_environment)
    yield roles
    roles.remove()


@pytest.fixture
def officer(
    roles: Roles,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Clients:
    """Return the clients of a role that has exactly the policy that the command prints."""
    monkeypatch.chdir(tmp_path)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": everything})
    administrator = roles.make("printing", document)
    assert freeze([*OTHER, "--permission"], clients=administrator) == 0
    return roles.make("officer", capsys.readouterr().out)


def test_an_officer_freezes_and_thaws_and_nobody_else_does(
    officer: Clients, local_environment: LocalEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = connect("local", "other", user="alice")
    local = local_environment

    def of(session: boto3.Session) -> Clients:
        return lambda service: local.client(session, service)

    why = ["--reason", "a loop starts sessions", "--apply"]
    analyst = local.analyst_session(user="alice", workspace="other")
    assert freeze([*OTHER, *why, "--record", "a.json"], clients=of(analyst)) == 2
    assert "AccessDenied" in capsys.readouterr().err
    try:
        assert freeze([*OTHER, *why, "--record", "b.json"], clients=officer) == 0
        assert "other: no new session starts" in capsys.readouterr().out
        with pytest.raises(SessionsFrozen, match="a loop starts sessions"):
            open_session(alice, SMALL, progress=False)
        assert totals(OTHER, clients=officer) == 0
        assert "other is frozen since " in capsys.readouterr().out
    finally:
        assert freeze([*OTHER, "--undo", "--apply", "--record", "c.json"], clients=officer) == 0
    assert "Nothing of local is frozen now." in capsys.readouterr().out
    session = open_session(alice, SMALL, progress=False)
    session.cleanup(force=True)


def test_an_officer_sees_and_stops_sessions_of_others_and_no_analyst_does(
    officer: Clients, local_environment: LocalEnvironment
) -> None:
    """The officer's role has exactly what is printed, so what is seen needs no more than that."""
    local = local_environment

    def office(clients: Clients) -> Office:
        return Office(
            environment="local",
            account=local.account,
            region=local.region,
            caller="ada",
            client=clients,
        )

    alice = connect("local", "other", user="alice")
    session = open_session(alice, SMALL, progress=False)
    analyst = local.analyst_session(user="mallory", workspace="other")
    with pytest.raises(AccessDenied, match=r"deploy\.totals --permission"):
        ask_sessions(office(lambda service: local.client(analyst, service)))
    own = office(officer)
    [seen] = [one for one in ask_sessions(own).sessions if one.session == session.id]
    assert (seen.user, seen.workspace, seen.workers) == ("alice", "other", 1)
    assert stop_session(own, session.id, why="a loop").state == "ended"
    assert "stopped by ada: a loop" in str(session.status())
    report = ask_report(own, f"{datetime.now(UTC):%Y-%m}")
    assert ("other", "alice") in {(row.workspace, row.analyst) for row in report.rows}
    session.cleanup(force=True)


def test_what_is_deployed_is_what_its_code_says_by_the_permission_that_is_printed(
    roles: Roles, local_environment: LocalEnvironment, deployment: Deployment
) -> None:
    policy = auditor_document("local", placement=LOCAL.placement)
    found = audit(
        Subject(
            environment=LOCAL,
            clients=roles.make("auditor", json.dumps(policy)),
            expected=templates(deployment.outdir),
        )
    )
    # The emulator asks for a budget by the call's own name; AWS by budgets:ViewBudget.
    assert set(found.unseen) <= {"budgets"}
    told = [str(one) for each in found.findings.values() for one in each]
    assert [one for one in told if "root of account" not in one] == []


def test_what_stands_is_read_by_the_permission_that_is_printed(
    roles: Roles, deployment: Deployment
) -> None:
    policy = auditor_document("local", placement=LOCAL.placement)
    auditor = roles.make("auditor", json.dumps(policy))
    found = read(deployment.outdir, "local", auditor, expect=expected_of(deployment.outdir))
    assert found.account.unread == ()
    assert found.account.keys

    asked = {"iam:GetAccountAuthorizationDetails", "kms:ListGrants", "s3:GetBucketAcl"}
    for statement in some(policy["Statement"]):
        statement["Action"] = [one for one in statement["Action"] if one not in asked]
    blind = roles.make("blind", json.dumps(policy))
    with pytest.raises(ProofError, match="iam:GetAccountAuthorizationDetails"):
        read(deployment.outdir, "local", blind, expect=expected_of(deployment.outdir))
    missing = Asking(clients=blind)
    for service in ("kms", "s3"):
        PARTS[service](missing, found.layout)
    assert {one.call for one in missing.unread} == asked - {"iam:GetAccountAuthorizationDetails"}
