"""Whether budgets tell whom they must, at each threshold, and count anything at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject
from starburst.contract import COST_TAG as TAG

__all__ = ["BUDGETS", "COST_TAG"]

_THRESHOLDS: Final = {50.0, 80.0, 100.0}
_WHERE: Final = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference"


def _look(subject: Subject) -> Answer:
    environment, budgets = subject.environment, subject.clients("budgets")
    names = [each.physical for each in subject.resources("AWS::Budgets::Budget")]
    held, failed, facts = [], [], {}
    if len(names) < len(environment.workspaces):
        failed.append(f"{len(names)} budgets for {len(environment.workspaces)} workspaces")
    for name in names:
        about = {"AccountId": environment.account, "BudgetName": name}
        kinds: dict[float, Counter[str]] = {}
        for each in budgets.describe_notifications_for_budget(**about)["Notifications"]:
            told = {key: value for key, value in each.items() if key != "NotificationState"}
            people = budgets.describe_subscribers_for_notification(**about, Notification=told)
            kinds[each["Threshold"]] = Counter(
                one["SubscriptionType"] for one in people["Subscribers"]
            )
        # How many and of which kind; addresses are nobody's business.
        facts[name] = {f"{at:g} %": dict(found) for at, found in sorted(kinds.items())}
        wrong = [*_wrong(kinds)]
        failed += [f"{name}: {words}" for words in wrong]
        if not wrong:
            held.append(f"{name}: people hear at 50, 80 and 100 %, the topic at 100 %")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


def _wrong(kinds: Mapping[float, Counter[str]]) -> Iterator[str]:
    for at in sorted(_THRESHOLDS):
        if at not in kinds:
            yield f"nobody hears at {at:g} %"
        elif not kinds[at]["EMAIL"]:
            yield f"no address hears at {at:g} %"
    if not kinds.get(max(_THRESHOLDS), Counter())["SNS"]:
        yield "the topic does not hear of a spent budget"


BUDGETS: Final = Check(
    name="budgets",
    asks="Has each budget its three notifications, with those who hear?",
    why="Notifications can only be made with a budget: what is missing stays missing.",
    sources=(
        f"{_WHERE}/API_budgets_DescribeNotificationsForBudget.html",
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/365",
    ),
    look=_look,
)


def _count(subject: Subject) -> Answer:
    """Return what Cost Explorer says; a refusal is the caller's to report, never a yes."""
    answer = subject.clients("ce").list_cost_allocation_tags(TagKeys=[TAG], Type="UserDefined")
    found = {one["TagKey"]: one["Status"] for one in answer["CostAllocationTags"]}
    facts = {"status": found.get(TAG, "not there")}
    if found.get(TAG) == "Active":
        return Answer(held=(f"costs are counted by {TAG}",), facts=facts)
    return Answer(
        failed=(
            f"the cost allocation tag {TAG} is {facts['status'].lower()}: every budget "
            "reads zero until it is activated in the account that pays",
        ),
        facts=facts,
    )


COST_TAG: Final = Check(
    name="cost tag",
    asks="Are costs counted by the tag that budgets filter by?",
    why="Until the tag is activated, once, in the account that pays, every budget reads zero.",
    sources=(f"{_WHERE}/API_ListCostAllocationTags.html",),
    look=_count,
    local=False,
)
