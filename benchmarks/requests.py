"""How many AWS requests trivial tasks take, counted by the server, and what those cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import starburst
from starburst.local import LocalEnvironment
from starburst.pricing.prices import load

from .harness import FLEET, Row
from .work import nothing

__all__ = ["measure"]

_GOAL = 30_000
_USD = 0.10
_OTHERS = "staRburst $37.8 to $443, Lithops $17.2 (counted earlier, list prices)"


def measure(local: LocalEnvironment, *, tasks: int = 10_000) -> list[Row]:
    """Return the rows of this workload: one whole ``map``, its session included."""
    starburst.map(nothing, range(10), **FLEET)  # so that first uses are not counted
    before = _counted(local)
    if starburst.map(nothing, range(tasks), **FLEET) != list(range(tasks)):
        raise SystemExit("the results are wrong; the requests of a wrong run mean nothing")
    used = _counted(local) - before
    total = used.total() * 1_000_000 / tasks
    million = _price(used) / tasks * 1e6
    by_action: Counter[str] = Counter()
    for (_, action), count in used.items():
        by_action[action] += count
    most = ", ".join(f"{count} {action}" for action, count in by_action.most_common(4))
    return [
        Row(
            workload=f"AWS requests per million trivial tasks (from {tasks:,})",
            goal=f"≤ {_GOAL:,}",
            ours=f"{total:,.0f} ({most}, …)",
            theirs="",
            met=total <= _GOAL,
        ),
        Row(
            workload="their price",
            goal=f"≤ ${_USD:.2f}",
            ours=f"${million:.2f}",
            theirs=_OTHERS,
            met=million <= _USD,
        ),
    ]


def _counted(local: LocalEnvironment) -> Counter[tuple[str, str]]:
    """Return how often each role made each request so far."""
    counts: Mapping[str, Mapping[str, int]] = local.request_counts()
    return Counter({(role, a): n for role, actions in counts.items() for a, n in actions.items()})


def _price(used: Counter[tuple[str, str]]) -> float:
    """Return what S3 and SQS charge for these requests, USD; other services are not counted."""
    prices = load("eu-west-1")
    usd = 0.0
    for (_, action), count in used.items():
        service, _, name = action.partition(":")
        if service == "sqs":
            usd += count * prices.need("sqs_million") / 1e6
        elif service == "s3" and name.startswith(("Put", "List")):
            usd += count * prices.need("s3_put_thousand") / 1e3
        elif service == "s3" and name.startswith("Get"):
            usd += count * prices.need("s3_get_thousand") / 1e3
    return usd
