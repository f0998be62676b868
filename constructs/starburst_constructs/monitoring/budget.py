"""A workspace's monthly budget: people hear at half, at four fifths and at all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import CfnResource
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from starburst.contract import COST_TAG
from starburst_constructs.naming import name_following

__all__ = ["THRESHOLDS", "WorkspaceBudget"]

THRESHOLDS: Final = (50, 80, 100)
"""Percent of the budget actually spent (S19)."""


class WorkspaceBudget(Construct):
    """Alerts on what a workspace has spent this month.

    Billing data lags by hours, so a budget tells, or freezes what was spent long since, and the
    controller's totals hold meanwhile. It counts what carries the workspace's ``COST_TAG``: workers
    above all. The tag must be activated once as a cost allocation tag in the account that pays.

    Who is told, and when, cannot be changed in a budget, only replaced with it; so they are in its
    name (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/365).

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: how the budget's name begins; unique in the account.
        booked: value of ``COST_TAG`` that it counts.
        monthly_usd: the budget.
        emails: who is told, 1 to 10.
        topic: told as well when all of it is spent.
        freezes: whether the topic has the controller freeze the workspace.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        booked: str,
        monthly_usd: float,
        emails: Sequence[str],
        topic: sns.Topic,
        freezes: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        people = [
            budgets.CfnBudget.SubscriberProperty(address=email, subscription_type="EMAIL")
            for email in emails
        ]
        machine = budgets.CfnBudget.SubscriberProperty(
            address=topic.topic_arn, subscription_type="SNS"
        )
        budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=name_following(
                    name, list(emails), THRESHOLDS, *(["freezes"] if freezes else [])
                ),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=monthly_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{COST_TAG}${booked}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type="ACTUAL",
                        comparison_operator="GREATER_THAN",
                        threshold=threshold,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[*people, machine] if threshold == max(THRESHOLDS) else people,
                )
                for threshold in THRESHOLDS
            ],
        )
        if freezes:
            # In one stack with it: what is published before its policy admits it is lost.
            for beside in topic.node.find_all():
                if isinstance(beside, CfnResource) and not isinstance(beside, sns.CfnTopic):
                    budget.add_resource_dependency(beside)
