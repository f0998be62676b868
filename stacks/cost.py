"""What workspaces may cost before people are told, or they are frozen: one budget each."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.control import ControlStack
from stacks.foundation import FoundationStack
from stacks.settings import Environment
from starburst.contract import ControllerDoor, booked_on, task_family
from starburst_constructs.monitoring.alerts import BudgetTopic
from starburst_constructs.monitoring.budget import WorkspaceBudget
from starburst_constructs.naming import budgets_topic_name, controller_name

__all__ = ["CostStack"]


class CostStack(cdk.Stack):
    """The budgets of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose workspaces have budgets.
        foundation: for the key of the topic that freezes.
        control: for the topic that hears of a spent budget.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        control: ControlStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        topic: sns.Topic = control.alerts
        if environment.freeze_at_budget:
            # By names: an import would hold what either setting of it takes away.
            function = f"function:{controller_name(environment.name)}"
            topic = BudgetTopic(
                self,
                "Spent",
                name=budgets_topic_name(environment.name),
                key=foundation.logs_key,
                placement=environment.placement,
                alias_arn=environment.placement.arn(
                    "lambda", f"{function}:{ControllerDoor.SERVICE}"
                ),
                emails=environment.alert_emails,
            )
        for workspace in environment.workspaces:
            if workspace.monthly_budget_usd is None:
                continue
            WorkspaceBudget(
                self,
                f"Budget-{workspace.name}",
                name=task_family(environment.name, workspace.name),
                booked=booked_on(environment.name, workspace.name),
                monthly_usd=workspace.monthly_budget_usd,
                emails=workspace.budget_emails,
                topic=topic,
                freezes=environment.freeze_at_budget,
            )
