"""Each workspace has a budget; people hear at 50, 80 and 100 percent, the topic at 100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

import app
from environments import ALL, DEV
from stacks.settings import Environment
from starburst_constructs.monitoring.budget import WorkspaceBudget


@pytest.mark.parametrize("environment", ALL, ids=lambda one: one.name)
def test_each_workspace_has_its_budget(
    templates: Mapping[str, Any], environment: Environment
) -> None:
    budgets = {
        one["Properties"]["Budget"]["BudgetName"].rpartition("-")[0]: one["Properties"]
        for one in templates[f"{environment.name}/cost"]["Resources"].values()
        if one["Type"] == "AWS::Budgets::Budget"
    }
    assert len(budgets) == len(environment.workspaces)
    assert environment.has_budgets
    for workspace in environment.workspaces:
        budget = budgets[f"starburst-{environment.name}-{workspace.name}"]
        assert budget["Budget"]["BudgetLimit"] == {
            "Amount": workspace.monthly_budget_usd,
            "Unit": "USD",
        }
        assert (budget["Budget"]["BudgetType"], budget["Budget"]["TimeUnit"]) == ("COST", "MONTHLY")
        assert budget["Budget"]["CostFilters"] == {
            "TagKeyValue": [f"user:starburst-cost${environment.name}/{workspace.name}"]
        }
        emails = [("EMAIL", email) for email in workspace.budget_emails]
        heard = {
            one["Notification"]["Threshold"]: [
                (who["SubscriptionType"], who["Address"]) for who in one["Subscribers"]
            ]
            for one in budget["NotificationsWithSubscribers"]
        }
        assert heard[50] == heard[80] == emails
        assert heard[100][:-1] == emails
        kind, topic = heard[100][-1]
        assert kind == "SNS"
        assert ("Spent" in str(topic)) is environment.freeze_at_budget
        told = [one["Notification"] for one in budget["NotificationsWithSubscribers"]]
        assert sorted(one.pop("Threshold") for one in map(dict, told)) == [50, 80, 100]
        for one in told:
            # Percent of what was spent: a forecast, or dollars, would tell at another time.
            assert one["NotificationType"] == "ACTUAL"
            assert one["ComparisonOperator"] == "GREATER_THAN"
            assert one.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE"


def test_a_spent_budget_freezes_where_the_environment_says_so(
    templates: Mapping[str, Any],
) -> None:
    """By a topic that nothing but budgets of the account publishes to, which people hear too."""
    for environment in ALL:
        resources = templates[f"{environment.name}/cost"]["Resources"].values()
        kinds = {one["Type"] for one in resources} - {"AWS::Budgets::Budget", "AWS::CDK::Metadata"}
        variables = [
            one["Properties"]["Environment"]["Variables"]
            for one in templates[f"{environment.name}/control"]["Resources"].values()
            if one["Type"] == "AWS::Lambda::Function"
        ]
        account, region = environment.account, environment.region
        topic = f"arn:aws:sns:{region}:{account}:starburst-{environment.name}-budgets"
        frozen = [one for one in variables if one.get("STARBURST_BUDGETS") == topic]
        assert len(frozen) == environment.freeze_at_budget
        if not environment.freeze_at_budget:
            assert not kinds
            continue
        by_kind = {kind: [o for o in resources if o["Type"] == kind] for kind in sorted(kinds)}
        [made] = by_kind["AWS::SNS::Topic"]
        assert made["Properties"]["TopicName"] == f"starburst-{environment.name}-budgets"
        assert "LogsKey" in str(made["Properties"]["KmsMasterKeyId"])
        [allowed] = by_kind["AWS::Lambda::Permission"]
        alias = f"arn:aws:lambda:{region}:{account}:function:starburst-{environment.name}"
        assert allowed["Properties"]["FunctionName"] == f"{alias}-controller:service"
        assert allowed["Properties"]["Principal"] == "sns.amazonaws.com"
        assert allowed["Properties"]["SourceAccount"] == account
        assert "Spent" in allowed["Properties"]["SourceArn"]["Ref"]
        told = {
            (one["Properties"]["Protocol"], one["Properties"]["Endpoint"])
            for one in by_kind["AWS::SNS::Subscription"]
        }
        assert told == {
            ("lambda", f"{alias}-controller:service"),
            *(("email", one) for one in environment.alert_emails),
        }
    assert [one.name for one in ALL if one.freeze_at_budget] == ["regulated"]


def test_running_sessions_end_where_that_is_chosen_alone(
    templates: Mapping[str, Any], tmp_path: Path
) -> None:
    assert "STARBURST_BUDGETS_END" not in str(templates["regulated/control"])
    chosen = replace(DEV, freeze_at_budget=True, end_at_budget=True)
    assembly = app.build([chosen], outdir=str(tmp_path), validate=False).synth()
    [control] = [
        stack.template
        for stack in assembly.stacks_recursively
        if stack.hierarchical_id == "dev/control"
    ]
    variables = Template.from_json(control).find_resources("AWS::Lambda::Function").values()
    [own] = [one["Properties"]["Environment"]["Variables"] for one in variables]
    assert own["STARBURST_BUDGETS_END"] == "true"
    # What the stack of the budgets may still import stays, whichever topic they name now.
    assert any("Alerts" in name for name in control["Outputs"])


def named(*, usd: float, emails: tuple[str, ...], freezes: bool = False) -> str:
    stack = cdk.Stack(cdk.App(), "cost")
    WorkspaceBudget(
        stack,
        "Budget",
        name="starburst-prod-genomics",
        booked="prod/genomics",
        monthly_usd=usd,
        emails=emails,
        topic=sns.Topic(stack, "Topic"),
        freezes=freezes,
    )
    [budget] = [
        one
        for one in Template.from_stack(stack).to_json()["Resources"].values()
        if one["Type"] == "AWS::Budgets::Budget"
    ]
    name = budget["Properties"]["Budget"]["BudgetName"]
    assert name.startswith("starburst-prod-genomics-")
    return name


def test_another_address_makes_another_budget_and_another_amount_does_not() -> None:
    """CloudFormation replaces a budget for its notifications: under its own name it is refused."""
    first = named(usd=500, emails=("a@example.com",))
    assert named(usd=900, emails=("a@example.com",)) == first
    assert named(usd=500, emails=("a@example.com", "b@example.com")) != first
    assert named(usd=500, emails=("a@example.com",), freezes=True) != first
