"""What AWS Budgets says of a budget, in the plain text that its topic carries. Pure.

A budget that was spent says so once a month, hours late. Its message has one line for each fact:
https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starburst.contract import RuntimeDocument
from starburst.contract.names import task_family
from starburst.errors import StarburstError

__all__ = ["BudgetUnread", "Spent", "spent_budget", "workspace_of"]

_FACT: Final = re.compile(
    r"^(Budget Name|Budgeted Amount|Alert Type|Alert Threshold): *(.+?)\s*$", re.M
)
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")
_MARK: Final = "AWS Budget Notification"
_CENT: Final = 0.01
_ALL_OF_IT: Final = 100.0


class BudgetUnread(StarburstError):
    """A message of a budget's topic freezes nothing that should perhaps be frozen: people look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """A budget that is spent.

    Attributes:
        budget: its name.
        words: what it says, for people.
    """

    budget: str
    words: str


def spent_budget(notice: Mapping[str, Any], *, topic: str) -> Spent | None:
    """Return the budget that a message of SNS says is spent; None where it says something else.

    Args:
        notice: the ``Sns`` of one record that Lambda passes on.
        topic: ARN of the one topic that is believed.

    Raises:
        BudgetUnread: it comes from elsewhere, or cannot be read.
    """
    if not topic or notice.get("TopicArn") != topic:
        raise BudgetUnread(
            f"a message of topic {notice.get('TopicArn')!r:.200} freezes nothing: that of this "
            f"environment's budgets is {topic or 'none'}"
        )
    text = notice.get("Message")
    if not isinstance(text, str) or _MARK not in text:
        return None  # other alarms may share the topic
    facts: dict[str, str] = {}
    for name, value in _FACT.findall(text):
        facts.setdefault(name, value)
    try:
        budget, kind = facts["Budget Name"], facts["Alert Type"]
        amount, threshold = facts["Budgeted Amount"], facts["Alert Threshold"]
        whole, reached = _number(amount), _number(threshold)
    except (KeyError, ValueError) as error:
        raise BudgetUnread(f"a budget's message cannot be read: it lacks {error}") from error
    full = reached >= (_ALL_OF_IT if "%" in threshold else whole - _CENT)
    if kind != "ACTUAL" or not full:
        return None
    return Spent(budget=budget, words=f"its {amount} of this month are spent")


def workspace_of(budget: str, document: RuntimeDocument) -> str:
    """Return the workspace of a budget, whose name is that of its workers and eight characters.

    Raises:
        BudgetUnread: it is no budget of this environment's workspaces.
    """
    for name in document.workspaces:
        stem = task_family(document.environment, name)
        if budget.startswith(f"{stem}-") and "-" not in budget.removeprefix(f"{stem}-"):
            return name
    raise BudgetUnread(
        f"budget {budget!r:.200} is of no workspace of environment {document.environment}, and "
        "freezes nothing"
    )


def _number(words: str) -> float:
    found = _NUMBER.search(words)
    if found is None:
        raise ValueError(f"a number in {words!r:.80}")
    return float(found[0].replace(",", ""))
