"""Whether AWS counts costs by the kit's tag: where it does not, every budget reads zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config

from .calls import DENIED, TROUBLE, code_of

if TYPE_CHECKING:
    import boto3

__all__ = ["CostTag", "billing", "look_at_cost_tag"]

_REGION: Final = "us-east-1"
_ACTIVATE: Final = (
    "in the account that pays (Billing, Cost allocation tags); it takes effect within a day"
)
_ELSEWHERE: Final = (
    "ask with credentials of the account that pays, where ce:ListCostAllocationTags is allowed: "
    "python -m deploy.tools.idle_cost"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostTag:
    """What AWS says of the cost allocation tag.

    Attributes:
        active: whether costs are counted by it; None where this caller cannot know.
        text: that in a sentence without its dot, with what is to be done.
    """

    active: bool | None
    text: str


def billing(session: boto3.session.Session) -> Any:  # noqa: ANN401 - a client of boto3
    """Return a client of Cost Explorer that gives up within seconds.

    It has no private endpoint, so who calls from an isolated network must not be held up.
    """
    once = Config(
        retries={"mode": "standard", "max_attempts": 1}, connect_timeout=3, read_timeout=10
    )
    # boto3 overloads client by literals; this one has no types here.
    make: Any = session.client
    return make("ce", region_name=_REGION, config=once)


def look_at_cost_tag(client: Any, tag: str) -> CostTag:  # noqa: ANN401 - any client of boto3
    """Ask AWS once whether budgets count what workspaces cause.

    Args:
        client: of Cost Explorer; only the account that pays may ask.
        tag: that budgets filter by.
    """
    try:
        found = client.list_cost_allocation_tags(TagKeys=[tag], Type="UserDefined")
    except TROUBLE as error:
        code = code_of(error)
        why = "these credentials may not ask" if code in DENIED else code or type(error).__name__
        return CostTag(
            active=None,
            text=f"whether budgets count what workspaces cause is unknown ({why}): {_ELSEWHERE}",
        )
    states = [
        one.get("Status") for one in found.get("CostAllocationTags", ()) if one.get("TagKey") == tag
    ]
    if "Active" in states:
        return CostTag(active=True, text=f"budgets count what carries the tag {tag}")
    seen = "is not active" if states else "is not known to billing, a day after the first session"
    return CostTag(
        active=False,
        text=f"the cost allocation tag {tag} {seen}, so every budget reads zero: "
        f"activate it {_ACTIVATE}",
    )
