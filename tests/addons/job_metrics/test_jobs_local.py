"""Job metrics in the local environment: deployed by the real CLI, fed an event, asked by SQL."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starburst.local import LocalEnvironment
from tests.addons.conftest import HERE, templates_of
from tests.addons.job_metrics.conftest import messages, stopped, told

CONTROLLER = "starburst-local-controller"
SPEAKER = """
import json
from pathlib import Path


def handle(event, context):
    door = context.invoked_function_arn.rpartition(":")[2]
    if door != "records" or event.get("action") != "sessions":
        return {"ok": False, "error": {"message": f"{door}: {event.get('action')}"}}
    return json.loads(Path(ANSWER).read_text())
"""
CLUSTER = "arn:aws:ecs:eu-west-1:111122223333:cluster/starburst-local"


def speaking(answer: Path, handler: str) -> bytes:
    """Return a function's code that answers what stands in a file."""
    *packages, module, _ = handler.split(".")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        source = f"{SPEAKER}\n\nANSWER = {str(answer)!r}\n"
        archive.writestr("/".join((*packages, f"{module}.py")), source)
        # Without them the package that is installed here would be taken.
        for depth in range(1, len(packages) + 1):
            archive.writestr("/".join((*packages[:depth], "__init__.py")), "")
    return body.getvalue()


class Services:
    """Who feeds job metrics, and who asks them."""

    def __init__(self, local: LocalEnvironment, answer: Path) -> None:
        self.answer = answer
        session = local.root_session()
        self.lambdas = local.client(session, "lambda")
        self.events = local.client(session, "events")
        self.sqs = local.client(session, "sqs")
        self.dynamodb = local.client(session, "dynamodb")
        self.athena = local.client(session, "athena")
        self.s3 = local.client(session, "s3")
        self.formation = local.client(session, "cloudformation")
        found = self.formation.describe_stack_resources(StackName="starburst-local-jobs")
        self.made: dict[str, list[str]] = {}
        for each in found["StackResources"]:
            self.made.setdefault(each["ResourceType"], []).append(each["PhysicalResourceId"])

    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.lambdas.invoke(
            FunctionName=f"starburst-local-jobs-{name}", Payload=json.dumps(event).encode()
        )
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    def says(self, answer: dict[str, Any]) -> None:
        """Have the controller say it."""
        self.answer.write_text(json.dumps(answer))

    def rows(self) -> list[dict[str, Any]]:
        [table] = self.made["AWS::DynamoDB::Table"]
        return self.dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :hour",
            ExpressionAttributeValues={":hour": {"S": "job_workers#2026-11-28T12"}},
        )["Items"]

    def ask(self, query: str) -> list[list[str | None]]:
        begun = self.athena.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": "starburst_local_lake"},
            WorkGroup="starburst-local-jobs",
        )
        one = begun["QueryExecutionId"]
        said: Any = {"Status": {"State": "QUEUED"}}
        while said["Status"]["State"] in ("QUEUED", "RUNNING"):
            said = self.athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]
        assert said["Status"]["State"] == "SUCCEEDED", said["Status"]
        rows = self.athena.get_query_results(QueryExecutionId=one)["ResultSet"]["Rows"]
        return [[each.get("VarCharValue") for each in row["Data"]] for row in rows[1:]]


@pytest.fixture(scope="module")
def services(
    addons_local: LocalEnvironment, here: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """With code behind the controller's doors that says what a test wants, for as long.

    ``tests/admin/test_records_door.py`` asks the real one.
    """
    answer = tmp_path_factory.mktemp("controller") / "answer.json"
    functions = addons_local.client(addons_local.root_session(), "lambda")
    known = functions.get_function_configuration(FunctionName=CONTROLLER)
    [real] = [
        each["Properties"]["Code"]
        for each in templates_of(here, HERE)["local/control"]["Resources"].values()
        if each.get("Properties", {}).get("FunctionName") == CONTROLLER
    ]
    functions.update_function_code(
        FunctionName=CONTROLLER, ZipFile=speaking(answer, known["Handler"])
    )
    try:
        yield Services(addons_local, answer)
    finally:
        functions.update_function_code(FunctionName=CONTROLLER, **real)


def test_a_stopped_worker_is_counted_and_read_back_by_sql(services: Services) -> None:
    event = stopped("1", clusterArn=CLUSTER)
    # AWS lets nobody else speak for ECS: what its rule would send is sent to the queue.
    rules = services.events.list_rules(NamePrefix="starburst-local-jobs-Stops")["Rules"]
    matched = services.events.test_event_pattern(
        EventPattern=rules[0]["EventPattern"], Event=json.dumps(event)
    )
    assert matched["Result"] is True
    url = services.sqs.get_queue_url(QueueName="starburst-local-jobs")["QueueUrl"]
    services.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    # By queue and mapping; a deadline bounds the wait, and the row ends it.
    until = time.monotonic() + 60
    while not services.rows() and time.monotonic() < until:
        pass
    assert len(services.rows()) == 1
    # Told again, and another: directly, as the mapping would.
    answer = services.call(
        "count", {"Records": messages(event, stopped("2", capacityProviderName="FARGATE_SPOT"))}
    )
    assert answer == {"batchItemFailures": []}
    now = time.time()
    services.says(
        {"ok": True, "sessions": [told(started=now - 60, ended=now)], "unread": [], "next": ""}
    )
    assert services.call("hour", {"jobs": "hour"})["hours"] == 2
    found = services.ask(
        "SELECT analyst, bought, round(usd, 5) FROM job_workers "
        "WHERE day = '2026-11-28' ORDER BY bought"
    )
    assert found == [["alice", "on-demand", "0.19748"], ["alice", "spot", "0.09874"]]
    assert services.ask("SELECT session, usd FROM job_sessions") == [[told()["session"], "0.2"]]


def test_an_hour_without_news_writes_nothing(services: Services) -> None:
    services.says({"ok": True, "sessions": [], "unread": [], "next": ""})
    assert services.call("hour", {"jobs": "hour"}) == {"hours": 0}


def test_a_controller_that_refuses_is_told_as_a_failure(services: Services) -> None:
    services.says({"ok": False, "error": {"message": "no"}})
    with pytest.raises(AssertionError, match="sessions were not taken"):
        services.call("hour", {"jobs": "hour"})


def test_all_of_it_was_made(services: Services) -> None:
    assert len(services.made["AWS::Glue::Table"]) == 4
    assert len(services.made["AWS::CloudWatch::Alarm"]) == 5
    assert len(services.made["AWS::Lambda::Function"]) == 2
    assert "AWS::CloudWatch::Dashboard" in services.made
    assert "AWS::Athena::NamedQuery" not in services.made
