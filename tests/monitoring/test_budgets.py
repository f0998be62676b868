"""Each workspace has a budget; people hear at 50, 80 and 100 percent, the topic at 100."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from environments import ALL
from stacks.settings import Environment


@pytest.mark.parametrize("environment", ALL, ids=lambda one: one.name)
def test_each_workspace_has_its_budget(
    templates: Mapping[str, Any], environment: Environment
) -> None:
    budgets = {
        one["Properties"]["Budget"]["BudgetName"]: one["Properties"]
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
