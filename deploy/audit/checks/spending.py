"""Whether budgets tell people, and the controller holds the limits that the settings have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject
from deploy.incident.command import runtime
from starburst.aws.calls import code_of
from starburst.contract import MAX_WORKERS

__all__ = ["BUDGETS", "LIMITS"]

_GONE: Final = "NotFoundException"


def _budgets(subject: Subject) -> Iterator[Finding]:
    budgets, account = subject.client("budgets"), subject.environment.account
    for one, wanted in subject.of_kind("AWS::Budgets::Budget"):
        # CloudFormation's reference of a budget is its name.
        name = wanted.get("Budget", {}).get("BudgetName", one.physical)
        try:
            budgets.describe_budget(AccountId=account, BudgetName=name)
            told = budgets.describe_notifications_for_budget(AccountId=account, BudgetName=name)
        except ClientError as error:
            if code_of(error) != _GONE:
                raise
            yield Finding(
                resource=f"budget {name}",
                what="is gone",
                why="nobody hears what is spent",
                do="deploy the cost stack again",
            )
            continue
        if not told["Notifications"]:
            yield Finding(
                resource=f"budget {name}",
                what="tells nobody",
                why="nobody hears what is spent",
                do="deploy the cost stack again",
            )


def _limits(subject: Subject) -> Iterator[Finding]:
    document = runtime(subject.environment, subject.client)
    wanted = {one.name: one for one in subject.environment.workspaces}
    for name, found in document.workspaces.items():
        own = wanted.get(name)
        if own is not None and found.limits != own.limits:
            yield Finding(
                resource=f"workspace {name}",
                what="has other limits in the runtime document than in its settings",
                why="the controller holds those of the document",
                do="deploy the publishing stack again, and see in the trail who wrote it",
            )
        elif found.limits.workers > MAX_WORKERS:
            yield Finding(
                resource=f"workspace {name}",
                what=f"allows {found.limits.workers:,} workers to a session",
                why=f"{MAX_WORKERS} are the most",
                do="lower its limit",
            )
    for name in sorted(wanted.keys() - document.workspaces.keys()):
        yield Finding(
            resource=f"workspace {name}",
            what="is not in the runtime document",
            why="nobody can work in it",
            do="deploy the publishing stack again",
        )


BUDGETS: Final = Check(name="budgets", look=_budgets, items=(10,))
LIMITS: Final = Check(name="limits", look=_limits, items=(11,))
