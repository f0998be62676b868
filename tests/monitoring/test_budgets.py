"""Each workspace has a budget; people hear at 50, 80 and 100 percent, the topic at 100."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from environments import ALL
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
    for workspace in environment.workspaces:
        budget = budgets[f"starburst-{environment.name}-{workspace.name}"]
        assert budget["Budget"]["BudgetLimit"] == {
            "Amount": workspace.monthly_budget_usd,
            "Unit": "USD",
        }
        assert budget["Budget"]["CostFilters"] == {
            "TagKeyValue": [f"user:starburst-workspace${workspace.name}"]
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
        assert heard[100][-1][0] == "SNS"
        assert {
            one["Notification"]["NotificationType"]
            for one in budget["NotificationsWithSubscribers"]
        } == {"ACTUAL"}


def named(*, usd: float, emails: tuple[str, ...]) -> str:
    stack = cdk.Stack(cdk.App(), "cost")
    WorkspaceBudget(
        stack,
        "Budget",
        name="starburst-prod-genomics",
        workspace="genomics",
        monthly_usd=usd,
        emails=emails,
        topic=sns.Topic(stack, "Topic"),
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
