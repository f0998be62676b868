"""A whole first day in the local environment: all of it but what is AWS's alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.rehearsal.asking.subject import stacks_of
from deploy.rehearsal.checks import ALL
from deploy.rehearsal.first_day import main
from starburst.local import LocalEnvironment
from starburst.local.emulator import ACCOUNT


@pytest.fixture
def signed_in(
    local_environment: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> LocalEnvironment:
    """The shell of a platform engineer: what boto3 and the CDK CLI read is in its variables."""
    credentials = local_environment.platform_session().get_credentials()
    assert credentials is not None
    keys = credentials.get_frozen_credentials()
    for name, value in {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token or "",
        "AWS_ENDPOINT_URL": local_environment.endpoint,
        "AWS_CA_BUNDLE": local_environment.ca_bundle,
        "NODE_EXTRA_CA_CERTS": local_environment.ca_bundle,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return local_environment


def test_a_first_day_deploys_asks_and_destroys(signed_in: LocalEnvironment, tmp_path: Path) -> None:
    """What the emulator cannot answer must not seem to hold: then it belongs among the others."""
    at_once = [replace(check, within=0) for check in ALL]
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return ACCOUNT

    arguments = ["--environment", "local", "--stops", "3", "--folder", str(tmp_path), "--mask"]
    assert main(arguments, ask=ask, checks=at_once) == 1
    assert len(asked) == 1
    [path] = tmp_path.glob("local-2*.json")
    document = json.loads(path.read_text())
    verdicts = {each["name"]: each["verdict"] for each in document["findings"]}
    local = {check.name for check in ALL if check.local}
    held = {name for name, verdict in verdicts.items() if verdict == "held"}
    assert held == {"deployment", *local, "destruction"}, verdicts
    assert verdicts.keys() == {"deployment", *(check.name for check in ALL), "destruction"}
    assert ACCOUNT not in path.read_text()

    def client(service: str) -> object:
        return signed_in.client(signed_in.platform_session(), service)

    assert not stacks_of(document["throw_away"], client)
    assert stacks_of("local", client)
    assert not list(tmp_path.glob("*unfinished*"))
