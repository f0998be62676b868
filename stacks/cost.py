"""What workspaces may cost before people are told: one budget each."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.control import ControlStack
from stacks.settings import Environment
from starburst.contract import task_family
from starburst_constructs.monitoring.budget import WorkspaceBudget

__all__ = ["CostStack"]


class CostStack(cdk.Stack):
    """The budgets of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose workspaces have budgets.
        control: for the topic that hears of a spent budget.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        control: ControlStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        for workspace in environment.workspaces:
            WorkspaceBudget(
                self,
                f"Budget-{workspace.name}",
                name=task_family(environment.name, workspace.name),
                workspace=workspace.name,
                monthly_usd=workspace.monthly_budget_usd,
                emails=workspace.budget_emails,
                topic=control.alerts,
            )
