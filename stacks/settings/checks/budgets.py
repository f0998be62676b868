"""Monthly budgets: where CloudFormation makes them, and that what is to freeze has one."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.settings.validation import require
from stacks.settings.workspace import Workspace
from stacks.settings.zones import WITHOUT_BUDGETS

__all__ = ["check_budgets"]


def check_budgets(
    me: str, workspaces: Iterable[Workspace], *, region: str, freezes: bool, ends: bool
) -> None:
    """Refuse budgets in a Region that makes none, and a freeze that nothing would ever bring.

    Args:
        me: how messages begin, such as ``environment prod:``.
        workspaces: with their budgets.
        region: of the stacks.
        freezes: whether a spent budget freezes its workspace.
        ends: whether it ends what runs as well.
    """
    for workspace in workspaces:
        name, usd = workspace.name, workspace.monthly_budget_usd
        makes = usd is None or region not in WITHOUT_BUDGETS
        allowed = (
            f"None in {region}, where CloudFormation makes no budgets: totals hold there as "
            "everywhere, and docs/how-to/hold-totals.md says how to make a budget by hand"
        )
        require(makes, f"workspace {name}: monthly_budget_usd", usd, allowed)
        allowed = f"False where workspace {name} has no budget: monthly_budget_usd is None"
        require(usd is not None or not freezes, f"{me} freeze_at_budget", freezes, allowed)
    allowed = "False without freeze_at_budget: new sessions would start at once"
    require(freezes or not ends, f"{me} end_at_budget", ends, allowed)
