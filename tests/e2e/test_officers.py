"""Officers freeze and thaw in the local environment; nobody else's credentials do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from deploy.incident.command import Clients
from deploy.spending.freeze import main as freeze
from deploy.spending.totals import main as totals
from starburst._client.access.connection import connect
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst.errors import SessionsFrozen
from starburst.local import LocalEnvironment
from tests.e2e.test_kept_evidence import Roles

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
