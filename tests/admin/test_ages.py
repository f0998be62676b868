"""Ages of keys, images, credentials: by AWS's own dates, and never passed over in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.exceptions
import pytest

from starburst import admin
from starburst._client.admin.ages import KIND_DAYS, ask_ages
from starburst._client.admin.office import Office
from starburst.cli import main
from tests.quick_moto import quick_aws, quick_client

REGION = "eu-west-1"
TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": "data", "KeyPolicy": {}}},
        "Worker": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "starburst-prod-genomics",
                "ContainerDefinitions": [
                    {
                        "Name": "worker",
                        "Memory": 512,
                        "Image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/worker:1",
                    }
                ],
            },
        },
    }
}


class Refusing:
    """A client of which one call is refused."""

    def __init__(self, client: Any, call: str) -> None:
        self._client, self._call = client, call

    def __getattr__(self, name: str) -> Any:
        if name == self._call:
            return self._refuse
        return getattr(self._client, name)

    def get_paginator(self, name: str) -> Any:
        return self if name == self._call else self._client.get_paginator(name)

    def paginate(self, **_: Any) -> Any:
        self._refuse()

    def _refuse(self, **_: Any) -> Any:
        error: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise botocore.exceptions.ClientError(error, self._call)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with quick_aws():
        made = {
            name: quick_client(name, REGION)
            for name in ("cloudformation", "kms", "ecs", "ecr", "iam")
        }
        made["ecr"].create_repository(repositoryName="worker")
        made["ecr"].put_image(
            repositoryName="worker", imageTag="1", imageManifest=json.dumps(MANIFEST)
        )
        for stack in ("starburst-prod-foundation", "starburst-dev-foundation"):
            made["cloudformation"].create_stack(StackName=stack, TemplateBody=json.dumps(TEMPLATE))
        made["iam"].create_user(UserName="alice")
        made["iam"].create_access_key(UserName="alice")
        made["iam"].create_login_profile(UserName="alice", Password="ThisIsAFakePassword")
        made["iam"].create_user(UserName="robot")
        yield made


MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 1,
        "digest": "sha256:" + "a" * 64,
    },
    "layers": [],
}


def office(clients: dict[str, Any]) -> Office:
    return Office(
        environment="prod",
        account="123456789012",
        region=REGION,
        caller="ada",
        client=clients.__getitem__,
    )


def in_days(days: float) -> float:
    return (datetime.now(UTC) + timedelta(days=days)).timestamp()


def test_each_kind_is_told_and_due_from_its_own_day_on(clients: dict[str, Any]) -> None:
    found = ask_ages(office(clients))
    assert found.unread == ()
    assert sorted(one.kind for one in found.ages) == ["access key", "image", "key", "password"]
    assert not any(one.due for one in found.ages)
    for kind, days in KIND_DAYS.items():
        for at, due in ((days - 1, False), (days + 1, True)):
            ages = ask_ages(office(clients), now=in_days(at)).ages
            assert [one.due for one in ages if one.kind == kind] == [due], (kind, at)


def test_only_the_environments_own_keys_are_told(clients: dict[str, Any]) -> None:
    stacks = clients["cloudformation"].list_stack_resources(StackName="starburst-prod-foundation")
    [own] = [
        one["PhysicalResourceId"]
        for one in stacks["StackResourceSummaries"]
        if one["ResourceType"] == "AWS::KMS::Key"
    ]
    [key] = [one.name for one in ask_ages(office(clients)).ages if one.kind == "key"]
    assert key.startswith(own)


def test_a_rotation_makes_a_key_young(clients: dict[str, Any]) -> None:
    late = in_days(400)

    class Rotated:
        def __getattr__(self, name: str) -> Any:
            return getattr(clients_kms, name)

        def get_paginator(self, name: str) -> Any:
            assert name == "list_key_rotations"
            return self

        def paginate(self, **_: Any) -> list[Any]:
            return [{"Rotations": [{"RotationDate": datetime.fromtimestamp(late, UTC)}]}]

    clients_kms = clients["kms"]
    [old] = [one for one in ask_ages(office(clients), now=in_days(401)).ages if one.kind == "key"]
    assert old.due
    clients["kms"] = Rotated()
    [key] = [one for one in ask_ages(office(clients), now=in_days(401)).ages if one.kind == "key"]
    assert not key.due
    assert key.days == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("service", "call", "words", "left"),
    [
        ("cloudformation", "list_stacks", "none of its keys and images", 2),
        ("kms", "describe_key", "cannot look at key", 3),
        ("ecs", "describe_task_definition", "cannot look at task definition", 3),
        ("ecr", "describe_images", "cannot look at image", 3),
        ("iam", "list_users", "cannot look at the account's IAM users", 2),
    ],
)
def test_a_call_that_is_denied_is_told_and_hides_nothing_else(
    clients: dict[str, Any], service: str, call: str, words: str, left: int
) -> None:
    clients[service] = Refusing(clients[service], call)
    found = ask_ages(office(clients))
    [told] = found.unread
    assert words in told
    assert "AccessDenied" in told or "no" in told
    assert len(found.ages) == left


def test_an_image_elsewhere_and_an_environment_that_is_not_there(clients: dict[str, Any]) -> None:
    clients["ecs"] = _Elsewhere()
    [told] = ask_ages(office(clients)).unread
    assert "is in no registry of ECR" in told
    for stack in ("starburst-prod-foundation", "starburst-dev-foundation"):
        clients["cloudformation"].delete_stack(StackName=stack)
    [told] = ask_ages(office(clients)).unread
    assert told.startswith("no stack of prod")


class _Elsewhere:
    def describe_task_definition(self, **_: Any) -> Any:
        return {"taskDefinition": {"containerDefinitions": [{"image": "python:3.11"}]}}


@pytest.fixture
def asked(clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr("starburst.admin.open_office", lambda **_: office(clients))
    return lambda: None


def test_the_command_tells_ages_and_what_it_could_not_see(
    clients: dict[str, Any], asked: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["admin", "ages"]) == 0
    out = capsys.readouterr().out
    assert "alice: AKIA" in out
    assert "worker:1" in out
    assert main(["admin", "ages", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["due"] for one in said["ages"]] == [False] * 4
    assert len(admin.ages().ages) == 4
    clients["iam"] = Refusing(clients["iam"], "list_users")
    assert main(["admin", "ages"]) == 1
    assert "cannot look at the account's IAM users" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("days", "told"), [(58, ""), (60, "in 30 days"), (91, "due")])
def test_what_is_due_before_the_next_month_is_told(
    clients: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    days: int,
    told: str,
) -> None:
    found = ask_ages(office(clients), now=in_days(days))
    monkeypatch.setattr(admin, "ages", lambda **_: found)
    assert main(["admin", "ages"]) == 0
    [password] = [one for one in capsys.readouterr().out.splitlines() if "password" in one]
    assert password.split("90")[-1].strip() == told
    assert main(["admin", "ages", "--json"]) == 0
    [left] = [
        one["days_left"]
        for one in json.loads(capsys.readouterr().out)["ages"]
        if one["kind"] == "password"
    ]
    assert left == pytest.approx(max(0, 90 - days), abs=0.1)
