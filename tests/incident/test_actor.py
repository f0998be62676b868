"""What one actor did is asked of the trail, wherever its events are, and of nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from deploy.incident.command import Scope
from deploy.incident.events import actor_events, main
from environments import PROD
from stacks.settings import Audit
from starburst_constructs.monitoring.queries import OF_AN_ACTOR, in_detail, of_actor

GROUP = "starburst-trail-events"
OWN = Scope(environment=PROD, workspaces=("genomics",))
FORWARDED = Scope(environment=replace(PROD, audit=Audit(trail=False)), workspaces=("genomics",))
ROW = [{"field": "userIdentity.arn", "value": "alice"}, {"field": "bytes", "value": "7000000000"}]


@pytest.mark.parametrize("about", [OWN, FORWARDED], ids=["own trail", "another's"])
def test_four_questions_are_asked_of_one_actor(about: Scope) -> None:
    session = boto3.Session(
        region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    logs, trail = session.client("logs"), session.client("cloudtrail")
    own = about.environment.audit.trail
    with Stubber(logs) as stub, Stubber(trail) as trails:
        if own:
            arn = f"arn:aws:logs:eu-west-1:222233334444:log-group:{GROUP}:*"
            trails.add_response("get_trail", {"Trail": {"CloudWatchLogsLogGroupArn": arn}})
            trails.add_response("get_trail_status", {"IsLogging": True})
        for query in OF_AN_ACTOR.values():
            asked = of_actor(query, "alice")
            expected: dict[str, Any] = {
                "logGroupNames": [GROUP if own else "/aws/events/starburst/prod/trail"],
                "startTime": ANY,
                "endTime": ANY,
                "queryString": asked if own else in_detail(asked),
            }
            stub.add_response("start_query", {"queryId": "q"}, expected)
            stub.add_response("get_query_results", {"status": "Complete", "results": [ROW]})
        clients = {"logs": logs, "cloudtrail": trail}.__getitem__
        answers = list(actor_events(about, clients, "alice", pause=lambda _: None))
        stub.assert_no_pending_responses()
        trails.assert_no_pending_responses()
    assert [each.about for each in answers] == list(OF_AN_ACTOR)
    [event] = answers[0].events
    assert event.at is None, "a sum has no time"
    assert event.fields["bytes"] == "7000000000"


@pytest.mark.parametrize("actor", ['alice" or 1=1', "a", "x|y", "a b"])
def test_what_is_no_name_never_reaches_a_query(
    actor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--environment", "prod", "--actor", actor])
    assert "is no name" in capsys.readouterr().err
