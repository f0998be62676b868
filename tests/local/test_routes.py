"""Every route that the emulator registers, unsigned, forged and as an analyst: few answer.

The routes are read from the emulator itself: AWS's model of every service in its registry, and
every path that its source names. A new version's new routes are therefore walked too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import ministack
import pytest
from botocore.credentials import Credentials

from starburst.local import LocalEnvironment
from tests.local.raw import FORM, Answer, Door, keys

METHODS = ("GET", "PUT", "POST", "DELETE")
CONNECTIONS = 4

READY = "GET /_starburst/ready"

WHO_AM_I = "sts:GetCallerIdentity"
ANALYSTS = {
    WHO_AM_I,  # AWS refuses it to nobody.
    # HEAD has no body: that there is no such bucket is all that is said.
    *("s3:HeadBucket", "s3:HeadObject"),
    # What is no ARN is said to be none before a policy is asked.
    *("logs:TagResource", "logs:UntagResource", "logs:ListTagsForResource"),
}
"""What is answered to an analyst who asks about nothing in particular."""


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    service: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def paths_in_source() -> set[str]:
    """Return every path, or beginning of one, that the emulator's source names."""
    root = Path(ministack.__file__).parent
    found = set()
    for file in (
        root / "app.py",
        root / "core/router.py",
        *sorted((root / "services").rglob("*.py")),
    ):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                path = re.match(r"\^?((?:/[A-Za-z0-9_\-.:{}$]*)+)", node.value)
                if path and len(path[1]) < 100:
                    found.add(re.sub(r"\{\w*\}", "xxx", path[1]))
    return found


def paths() -> Iterator[Route]:
    for path in sorted(paths_in_source()):
        for method in METHODS:
            yield Route(f"{method} {path}", "s3", method, path)
            if path.endswith("/") and path != "/":
                yield Route(f"{method} {path}xxx", "s3", method, f"{path}xxx/xxx")


def operations() -> Iterator[Route]:
    """Yield every operation of every service in the emulator's registry, as its SDK sends it."""
    app: Any = __import__("ministack.app", fromlist=["app"])
    actions: Any = __import__("ministack.core.iam_actions", fromlist=["core"])
    other = {
        "documentdb": "docdb",
        "elasticloadbalancing": "elbv2",
        "elasticmapreduce": "emr",
        "monitoring": "cloudwatch",
        "states": "stepfunctions",
        "tagging": "resourcegroupstaggingapi",
    }
    session = botocore.session.get_session()
    known: set[str] = {*session.get_available_services()}
    for registered in app.SERVICE_REGISTRY:
        names = actions._BOTOCORE_SERVICE_MAP.get(registered) or [other.get(registered, registered)]
        for name in known.intersection(names):
            model = session.get_service_model(name)
            protocol = model.metadata["protocol"]
            others = {"json", "query"}.intersection(model.metadata.get("protocols", ()))
            for operation in model.operation_names:
                yield route(model, operation, protocol)
                # Where a service speaks several, SDKs send the first, and others may be answered.
                for second in sorted(others - {protocol}):
                    yield route(model, operation, second, f" in {second}")


def route(model: Any, name: str, protocol: str, said: str = "") -> Route:
    operation = model.operation_model(name)
    full = f"{model.signing_name}:{name}{said}"
    if protocol == "json":
        version = model.metadata.get("jsonVersion", "1.0")
        target = f"{model.metadata['targetPrefix']}.{name}"
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        return Route(full, model.signing_name, "POST", "/", tuple(headers.items()), b"{}")
    if protocol in ("query", "ec2"):
        body = f"Action={name}&Version={model.api_version}".encode()
        return Route(full, model.signing_name, "POST", "/", (("Content-Type", FORM),), body)
    target = re.sub(r"\{\w+\+?\}", "xxx", operation.http["requestUri"])
    method = operation.http["method"]
    return Route(full, model.signing_name, method, target, (), b"{}" if method == "POST" else b"")


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    return [*paths(), *operations()]


def answered(
    local: LocalEnvironment, routes: Sequence[Route], ask: Callable[[Door, Route], Answer]
) -> dict[str, Answer]:
    """Return the answers that refused nothing, by route."""

    def walk(some: Sequence[Route]) -> dict[str, Answer]:
        with Door(local.endpoint) as door:
            asked = {route.name: ask(door, route) for route in some}
        return {name: answer for name, answer in asked.items() if not refuses(answer)}

    parts = [routes[start::CONNECTIONS] for start in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return {name: found for part in pool.map(walk, parts) for name, found in part.items()}


def refuses(answer: Answer) -> bool:
    """Whether nobody answered, or S3 did, for a bucket that is not there: AWS says so too."""
    # SSM and Logs say it with 400, on AWS too.
    return (
        answer.status == 403
        or (answer.status == 400 and b"AccessDenied" in answer.body)
        or (answer.status == 404 and b"<Code>NoSuchBucket</Code>" in answer.body)
    )


def test_the_walk_knows_the_routes_of_the_attacks(routes: list[Route]) -> None:
    names = {route.name for route in routes}
    assert len(routes) > 6000
    assert names >= {
        *("POST /taskdefinitions", "POST /tasks", "POST /oauth2/token", "GET /health"),
        *("GET /_ministack/sqs/messages", "GET /v2/credentials", "POST /WriteGetObjectResponse"),
        *("ecs:RunTask", "lambda:InvokeWithResponseStream", "cognito-idp:AdminGetUser"),
        *("GET /_aws/lambda-url/", "GET /v20180820/tags/", "GET /iceberg"),
    }


def test_unsigned_nothing_answers_but_that_it_is_ready(
    deployed: LocalEnvironment, routes: list[Route]
) -> None:
    ours = [
        Route(f"{method} /_starburst/{question}", "starburst", method, f"/_starburst/{question}")
        for method in METHODS
        for question in ("ready", "requests", "reads", "workers", "", "xxx")
    ]

    def ask(door: Door, route: Route) -> Answer:
        return door.knock(route.method, route.target, dict(route.headers), route.body or None)

    found = answered(deployed, [*routes, *ours], ask)
    assert found.keys() == {READY}
    assert found[READY].body == b'{"ready": true}'


def test_with_a_forged_signature_nothing_answers(
    deployed: LocalEnvironment, routes: list[Route]
) -> None:
    root, analyst = keys(deployed.root_session()), keys(deployed.analyst_session())
    forged = [Credentials(true.access_key, "forged", true.token) for true in (root, analyst)]

    def ask(door: Door, route: Route) -> Answer:
        given = {"headers": dict(route.headers), "body": route.body}
        # Half as one and half as the other.
        who = forged[len(route.name) % 2]
        return door.signed(who, route.service, route.method, route.target, **given)

    assert not answered(deployed, routes, ask)


def test_an_analyst_is_answered_what_their_policy_names(
    deployed: LocalEnvironment, routes: list[Route]
) -> None:
    analyst = keys(deployed.analyst_session(user="alice", workspace="demo"))

    def ask(door: Door, route: Route) -> Answer:
        given = {"headers": dict(route.headers), "body": route.body}
        return door.signed(analyst, route.service, route.method, route.target, **given)

    found = answered(deployed, routes, ask)
    assert found.keys() == ANALYSTS
    assert [name for name, answer in found.items() if answer.status == 200] == [WHO_AM_I]
