"""Any account of the machine reaches the local environment's port; none gets anything from it.

Loopback keeps nobody out: another Unix user, a container that shares the host's network, and a page
in the analyst's browser (whose name was rebound to 127.0.0.1) can all send requests to it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from botocore.credentials import Credentials

from starburst.local import LocalEnvironment
from starburst.local.emulator import ACCOUNT, REGION
from tests.local.raw import FORM, JSON_1_1, Door, keys
from tests.local.scene import Scene

FORMS = {"Content-Type": FORM}
CONTROLLER = "starburst-local-controller"
ECS = "AmazonEC2ContainerServiceV20141113"


@pytest.fixture
def door(deployed: LocalEnvironment) -> Iterator[Door]:
    with Door(deployed.endpoint) as door:
        yield door


def as_json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_a_stranger_runs_no_command(door: Door, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    container = {"name": "x", "image": "x", "command": ["touch", str(mark)]}
    definition = as_json(
        family="evil",
        taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/starburst-local-admin",
        containerDefinitions=[container],
    )
    task = as_json(taskDefinition="evil", cluster="default", count=1)
    assert door.knock("POST", "/taskdefinitions", body=definition).refused
    assert door.knock("POST", "/tasks", body=task).refused
    for operation, body in (("RegisterTaskDefinition", definition), ("RunTask", task)):
        target = {"X-Amz-Target": f"{ECS}.{operation}", "Content-Type": JSON_1_1}
        assert door.knock("POST", "/", target, body).refused
    assert not mark.exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/2021-11-15/functions/{CONTROLLER}/response-streaming-invocations"),
        ("POST", f"/2015-03-31/functions/{CONTROLLER}/invocations"),
        ("GET", "/2015-03-31/functions"),
        ("GET", "/"),
        ("GET", "/_starburst/workers"),
        ("GET", "/_starburst/requests"),
        ("GET", "/_starburst/anything"),
        ("GET", "/v2/credentials/x"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/v2/_catalog"),
        ("GET", "/health"),
        ("GET", "/_localstack/health"),
        ("GET", "/_ministack/sqs/messages"),
        ("POST", "/_ministack/reset"),
        ("GET", "/_aws/lambda-url/x/"),
        ("OPTIONS", "/"),
    ],
)
def test_a_stranger_is_told_nothing(door: Door, method: str, path: str) -> None:
    answer = door.knock(method, path, body=b"{}" if method == "POST" else None)
    assert answer.refused
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_strangers_token_request_writes_no_key_file(door: Door) -> None:
    def key_files() -> set[Path]:
        roots = {Path("/tmp"), Path(tempfile.gettempdir())}  # noqa: S108 - looked into only
        return {path for root in roots for path in root.glob("ministack-*/*")}

    before = key_files()
    body = urlencode({"grant_type": "client_credentials", "client_id": "x"}).encode()
    answer = door.knock("POST", "/oauth2/token", FORMS, body)
    assert answer.refused
    assert key_files() == before


def test_what_starts_unsigned_as_a_presigned_url_is_refused_too(door: Door) -> None:
    query = urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"test/20260101/{REGION}/s3/aws4_request",
            "X-Amz-Date": "20260101T000000Z",
            "X-Amz-Expires": "604800",
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": "0" * 64,
        }
    )
    assert door.knock("GET", f"/?{query}").refused
    assert door.knock("POST", f"/tasks?{query}", body=b"{}").refused


def test_the_roots_name_is_not_its_secret(door: Door, deployed: LocalEnvironment) -> None:
    root = keys(deployed.root_session())
    for forged in (Credentials(root.access_key, "root"), Credentials(root.access_key, "test")):
        body = b"Action=ListRoles&Version=2010-05-08"
        answer = door.signed(forged, "iam", "POST", "/", headers=FORMS, body=body)
        assert answer.status == 403, answer.body
        assert door.signed(forged, "s3", "GET", "/").refused
        assert door.signed(forged, "starburst", "GET", "/_starburst/workers").refused


def test_the_controllers_keys_cannot_be_worked_out(door: Door, deployed: LocalEnvironment) -> None:
    # The stock emulator makes a function's keys of its name and its role's.
    functions = deployed.client(deployed.platform_session(), "lambda")
    found = functions.get_function_configuration(FunctionName=CONTROLLER)
    functions.invoke(FunctionName=CONTROLLER, Payload=b"{}")
    digest = hashlib.sha256(f"{found['FunctionArn']}:{found['Role']}".encode()).hexdigest()
    guessed = Credentials(
        f"ASIA{digest[:16].upper()}",
        hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    assert door.signed(guessed, "sts", "POST", "/", headers=FORMS, body=body).refused


@pytest.mark.parametrize(
    "header",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:443"},
        {"Host": "starburst.s3.127.0.0.1"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-Proto": "http"},
    ],
    ids=lambda header: "=".join(*header.items()),
)
def test_a_page_in_the_browser_gets_nothing(
    door: Door, deployed: LocalEnvironment, header: dict[str, str]
) -> None:
    for path in ("/_starburst/ready", "/"):
        assert door.knock("GET", path, header).refused
    # Not even with keys that the page would have stolen, so that no page can be used to use them.
    signed = door.signed(keys(deployed.root_session()), "s3", "GET", "/", headers=header)
    assert signed.refused


def test_no_answer_is_for_pages(door: Door, deployed: LocalEnvironment) -> None:
    root = keys(deployed.root_session())
    body = b"Action=ListRoles&Version=2010-05-08"
    for answer in (
        door.signed(root, "s3", "GET", "/"),
        door.signed(root, "iam", "POST", "/", headers=FORMS, body=body),
        door.knock("GET", "/_starburst/ready"),
    ):
        assert answer.status == 200
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_no_socket_is_opened_to_a_stranger(door: Door) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "mqtt",
    }
    for path in ("/", "/mqtt", "/_aws/execute-api/x/y"):
        assert door.knock("GET", path, upgrade).refused


def test_nothing_was_left_behind_by_all_that(deployed: LocalEnvironment) -> None:
    scene = Scene(deployed)
    assert scene.root("ecs").list_task_definitions(familyPrefix="evil")["taskDefinitionArns"] == []
