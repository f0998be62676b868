"""Lambda's entry reads its variables, makes its clients once, and names what is missing."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from starburst.contract.sweep_line import FINISHED, SWEEP
from starburst.controller import handler
from starburst.controller.state.environment import Settings
from starburst.errors import ConfigurationError
from tests.controller.moto_world import moto_world
from tests.controller.world import BUCKET, REGION, World
from tests.manifests import a_manifest

VARIABLES = {
    "STARBURST_ENVIRONMENT": "prod",
    "STARBURST_BUCKET": BUCKET,
    "STARBURST_KEY_ARN": "arn:aws:kms:eu-west-1:123456789012:key/data",
    "STARBURST_CLUSTER": "workers",
    "STARBURST_SUBNETS": "subnet-a,subnet-b",
    "STARBURST_SECURITY_GROUP": "sg-workers",
    "STARBURST_PARAMETER": "/starburst/prod/runtime",
    "STARBURST_WAKES": "https://sqs/starburst-prod-wakes",
}


class Context:
    """What Lambda passes."""

    def __init__(self, alias: str) -> None:
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:123456789012:function:c{alias}"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.mark.parametrize("name", VARIABLES)
def test_a_missing_variable_is_named(name: str) -> None:
    rest = {key: value for key, value in VARIABLES.items() if key != name}
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment(rest)


def test_settings_are_what_the_variables_say() -> None:
    settings = Settings.from_environment({**VARIABLES, "STARBURST_SESSION_DAYS": "30"})
    assert settings.subnets == ("subnet-a", "subnet-b")
    assert settings.session_days == 30


def test_the_entry_serves_with_one_set_of_clients(
    sdk: boto3.session.Session,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with moto_world(sdk, monkeypatch) as world:
        serve(world, monkeypatch)
    [line] = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["event"], said["result"]) == (SWEEP, FINISHED), "its one sweep printed one line"


def serve(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (VARIABLES | {"AWS_DEFAULT_REGION": REGION}).items():
        monkeypatch.setenv(name, value)
    boto3.client("ecs", region_name=REGION).create_cluster(clusterName="workers")
    handler._controller.cache_clear()
    try:
        first = handler._controller()
        swept: dict[str, Any] = handler.handle({"starburst": "sweep"}, Context(":service"))
        body = b'{"protocol": 1, "action": "refresh"}'
        key = world.put(a_manifest().keys.request("0f"), body)
        payload = {"protocol": 1, "action": "refresh", "key": key}
        refused = handler.handle(payload, Context(":analysts"))
        nobody = [
            handler.handle(payload, Context(alias)) for alias in ("", ":7", ":$LATEST", ":x:y")
        ]
        assert handler._controller() is first
    finally:
        handler._controller.cache_clear()

    assert swept == {"ok": True, "sessions": 0, "orphan_tasks": 0, "orphan_queues": 0}
    assert refused["error"]["type"] == "SessionNotFound"
    assert [answer["error"]["type"] for answer in nobody] == ["AccessDenied"] * 4
