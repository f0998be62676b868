"""Who may ask the controller for what: colleagues of one workspace try each other's sessions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection, connect
from starburst._client.access.controller import Control
from starburst._client.ending.erase import erase
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.status import StatusDocument
from starburst.contract import ControllerDoor, SessionKeys
from starburst.errors import SessionNotFound
from starburst.local import LocalEnvironment

DENIED = ("AccessDenied", "AccessDeniedException")


@pytest.fixture
def alice(local_environment: LocalEnvironment) -> Connection:
    return connect("local", "demo", user="alice")


@pytest.fixture
def bob(local_environment: LocalEnvironment) -> Connection:
    return connect("local", "demo", user="bob")


@pytest.fixture
def session(alice: Connection) -> Iterator[Session]:
    options = SessionOptions(workers=1, cpu=0.25, memory=0.5, idle_timeout=60)
    session = open_session(alice, options, progress=False)
    yield session
    session.cleanup(force=True)


def ask(connection: Connection, payload: object, function: str = "") -> Any:
    """Return the controller's answer, or AWS's error code."""
    try:
        answer = connection.functions.invoke(
            FunctionName=function or connection.document.controller,
            Payload=json.dumps(payload).encode(),
        )
    except ClientError as error:
        return error.response.get("Error", {}).get("Code", "")
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def request(action: str, key: str) -> dict[str, object]:
    return {"protocol": 1, "action": action, "key": key}


def test_an_analyst_reaches_one_alias_and_nothing_beside_it(alice: Connection) -> None:
    controller = alice.document.controller
    assert controller.endswith(f":{ControllerDoor.ANALYSTS}")
    function = controller.rpartition(":")[0]
    name = function.rpartition(":")[2]
    sweep = {"starburst": "sweep"}
    for other in (
        function,
        f"{function}:service",
        f"{function}:officers",
        f"{function}:$LATEST",
        name,
        f"{name}:service",
    ):
        assert ask(alice, sweep, other) in DENIED, other
    with pytest.raises(ClientError, match="AccessDenied"):
        alice.functions.invoke(
            FunctionName=function,
            Qualifier=ControllerDoor.SERVICE,
            Payload=json.dumps(sweep).encode(),
        )


@pytest.mark.parametrize(
    "event",
    [
        {"starburst": "sweep"},
        {"source": "aws.cloudformation"},
        {"source": "aws.ecs", "detail": {"taskArn": "x", "startedBy": "a" * 20}},
        {"starburst": "sweep", "protocol": 1, "action": "refresh"},
    ],
    ids=str,
)
def test_what_is_the_services_an_analyst_may_not_say(alice: Connection, event: object) -> None:
    assert ask(alice, event)["error"]["type"] == "AccessDenied"


def test_the_service_starts_nobodys_session_and_the_function_itself_answers_nobody(
    session: Session, local_environment: LocalEnvironment, alice: Connection
) -> None:
    keys = session.manifest.keys
    administrator = local_environment.client(local_environment.platform_session(), "lambda")
    function = alice.document.controller.rpartition(":")[0]
    payload = json.dumps(request("start", keys.manifest)).encode()
    for name in (function, *(f"{function}:{door}" for door in ("service", "officers", "$LATEST"))):
        answer = administrator.invoke(FunctionName=name, Payload=payload)
        assert json.loads(answer["Payload"].read())["error"]["type"] == "AccessDenied", name


def asked_for(connection: Connection, keys: SessionKeys) -> tuple[bool, int, float, float]:
    """Return of a session's status what only a request changes; sweeps go on meanwhile."""
    text = connection.read(keys.status, purpose="read the status")
    assert text is not None
    status = StatusDocument.from_json(text)
    over = status.state in ("ended", "failed")
    return over, status.workers_wanted, status.started, status.deadline


def test_a_colleague_moves_nothing_of_a_session(
    alice: Connection, bob: Connection, session: Session
) -> None:
    keys = session.manifest.keys
    before = asked_for(alice, keys)
    for action in ("start", "refresh", "stop", "extend"):
        for key in (keys.manifest, keys.request("0f"), keys.prefix + "requests/../manifest.json"):
            answer = ask(bob, request(action, key))
            assert answer["ok"] is False, (action, key)
            assert answer["error"]["type"] in ("AccessDenied", "SessionNotFound")
            assert "\n" not in answer["error"]["message"]
    # Neither by bob's own word, under a name that is alice's but for the user.
    mine = Control(bob, type(keys)(workspace="demo", user="bob", session=keys.session))
    for act in (mine.start, mine.refresh, mine.stop, lambda: mine.extend(time.time() + 60)):
        with pytest.raises(Exception, match="belongs to another user or workspace"):
            act()
    with pytest.raises(ClientError, match="AccessDenied"):
        bob.s3.put_object(
            Bucket=bob.document.bucket,
            Key=keys.request("0f"),
            Body=json.dumps({"protocol": 1, "action": "stop"}).encode(),
            IfNoneMatch="*",
        )
    assert asked_for(alice, keys) == before
    assert session.submit(len, "abc").result() == 3


def test_what_was_asked_once_does_no_harm_when_it_is_asked_again(
    alice: Connection, bob: Connection, session: Session
) -> None:
    """Were the name of a request ever known: it does again what its user asked, or nothing."""
    keys = session.manifest.keys
    control = Control(alice, keys)
    until = control.extend(time.time() + 900)
    page = alice.s3.list_objects_v2(Bucket=alice.document.bucket, Prefix=f"{keys.prefix}requests/")
    asked = [entry["Key"] for entry in page["Contents"]]
    assert asked
    for key in asked:
        answers = [ask(bob, request(a, key)) for a in ("start", "refresh", "stop", "extend")]
        assert sum(answer["ok"] for answer in answers) == 1
    assert control.extend(time.time() + 60) == until
    assert session.submit(len, "abc").result() == 3


def test_a_manifest_of_a_colleague_is_not_started_by_another(
    alice: Connection, bob: Connection, session: Session
) -> None:
    forged = session.manifest.keys
    fresh = type(forged)(workspace="demo", user="alice", session="z" * 20)
    alice.s3.put_object(
        Bucket=alice.document.bucket,
        Key=fresh.manifest,
        Body=session.manifest.to_json().replace(forged.session.encode(), b"z" * 20),
        IfNoneMatch="*",
    )
    assert ask(bob, request("start", fresh.manifest))["error"]["type"] == "AccessDenied"
    with pytest.raises(SessionNotFound):
        Control(alice, fresh).refresh()
    erase(alice, fresh)
