"""Teach CloudFormation ``AWS::Budgets::Budget``; stock refuses a template with one."""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, add_type, call

__all__ = ["PATCH"]


def _apply() -> None:
    budgets = module("services.budgets")
    responses = module("core.responses")

    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        budget = {"BudgetName": f"{stack}-{logical_id}", **properties["Budget"]}
        if "BudgetLimit" in budget:
            limit = budget["BudgetLimit"]
            budget["BudgetLimit"] = {"Amount": str(limit["Amount"]), "Unit": limit["Unit"]}
        call(
            budgets._create_budget,
            {
                "AccountId": responses.get_account_id(),
                "Budget": budget,
                "NotificationsWithSubscribers": properties.get("NotificationsWithSubscribers", []),
                "ResourceTags": properties.get("ResourceTags", []),
            },
        )
        return str(budget["BudgetName"]), {}

    def delete(physical_id: str, _properties: Properties) -> None:
        budgets._delete_budget({"AccountId": responses.get_account_id(), "BudgetName": physical_id})

    add_type("AWS::Budgets::Budget", create=create, delete=delete)


PATCH = Patch(name="budgets", stock="refuses AWS::Budgets::Budget", apply=_apply)
