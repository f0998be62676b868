"""What wakes the controller is called as AWS calls it, and who may tell people of it."""

from __future__ import annotations

import pytest

from environments import ALL
from stacks.settings import Environment
from tests.some import some
from tests.stacks.reading import Template, resources, statement

EVENTS = {
    "aws.cloudformation": "CloudFormation Stack Status Change",
    "aws.ecs": "ECS Task State Change",
}
"""What EventBridge calls them: a rule for any other name never fires, and nobody hears of it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def environment(request: pytest.FixtureRequest) -> Environment:
    return request.param


@pytest.fixture
def control(templates: dict[str, Template], environment: Environment) -> Template:
    return templates[f"{environment.name}/control"]


def test_rules_listen_to_events_by_the_names_that_aws_gives_them(control: Template) -> None:
    rules = [one["Properties"] for one in resources(control, "AWS::Events::Rule").values()]
    patterns = [rule["EventPattern"] for rule in rules if "EventPattern" in rule]
    for pattern in some(patterns):
        [source] = pattern["source"]
        assert pattern["detail-type"] == [EVENTS[source]]
    assert all(rule["State"] == "ENABLED" for rule in some(rules))


def test_only_alarms_and_budgets_of_the_account_publish(
    control: Template, environment: Environment
) -> None:
    place = f"{environment.region}:{environment.account}"
    # A budget belongs to no Region.
    budgets = {"budgets": f"arn:aws:budgets::{environment.account}:*"}
    alarms = {"cloudwatch": f"arn:aws:cloudwatch:{place}:alarm:*"}
    for name, policy in some(resources(control, "AWS::SNS::TopicPolicy").items()):
        sources = alarms if name.startswith("Security") else {**budgets, **alarms}
        document = policy["Properties"]["PolicyDocument"]
        allowed = [each for each in document["Statement"] if each["Effect"] == "Allow"]
        assert len(allowed) == len(sources)
        for service, source in sources.items():
            grant = statement(document, f"{service.capitalize()}Publishes")
            assert grant["Principal"] == {"Service": f"{service}.amazonaws.com"}
            assert grant["Action"] == "sns:Publish"
            assert grant["Condition"] == {
                "StringEquals": {"aws:SourceAccount": environment.account},
                "ArnLike": {"aws:SourceArn": source},
            }


def test_the_controller_is_told_where_everything_is(
    control: Template, environment: Environment
) -> None:
    [function] = resources(control, "AWS::Lambda::Function").values()
    told = function["Properties"]["Environment"]["Variables"]
    role = f"arn:aws:iam::{environment.account}:role/starburst-{environment.name}-controller"
    assert (told["STARBURST_ENVIRONMENT"], told["STARBURST_ROLE"]) == (environment.name, role)
    assert told["STARBURST_PARAMETER"] == f"/starburst/{environment.name}/runtime"
    assert told["STARBURST_SESSION_DAYS"] == str(environment.storage.session_days)
    queues = resources(control, "AWS::SQS::Queue")
    wakes = queues[told["STARBURST_WAKES"]["Ref"]]["Properties"]
    assert wakes["QueueName"] == f"starburst-{environment.name}-wakes"
    for name, of in (("BUCKET", "storage:ExportsOutputRefData"), ("KEY_ARN", "DataKey")):
        assert of in str(told[f"STARBURST_{name}"]), name
    assert str(told["STARBURST_SUBNETS"]).count("workersSubnet") == environment.network.zones
