"""What the e-mail says: totals by severity and where the report is, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from hub import SEVERITIES

__all__ = ["OTHER", "Link", "Place", "console", "no_report", "report"]

OTHER: Final = "UNLABELLED"
"""How findings are counted that name no severity, or one that Security Hub does not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What is reported on, and where.

    Attributes:
        environment: its name.
        account: twelve digits.
        region: of the bucket.
        hub_region: whose findings these are.
    """

    environment: str
    account: str
    region: str
    hub_region: str

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"account {self.account}, {self.hub_region}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that opens a report for whoever has it.

    Attributes:
        url: the link, which is as good as the report.
        until: when it ends.
    """

    url: str
    until: datetime


def report(
    place: Place, totals: Mapping[str, int], *, run: datetime, link: str, opened: Link | None
) -> tuple[str, str]:
    """Return subject and text for a report that lies there.

    Args:
        place: of the findings.
        totals: by severity.
        run: what the report is called by.
        link: to the report in the console.
        opened: a link that needs no login; None where none was chosen.
    """
    count = sum(totals.values())
    worst = [f"{totals[one]} {one.lower()}" for one in SEVERITIES[:2] if totals.get(one)]
    short = "no findings" if not count else ", ".join([*worst, f"{count} in all"])
    named = [one for one in (*SEVERITIES, OTHER) if one in SEVERITIES or totals.get(one)]
    table = "\n".join(f"{one.capitalize():<15}{totals.get(one, 0):>9}" for one in named)
    told = f"{table}\n{'In all':<15}{count:>9}" if count else "There are no active findings."
    text = f"""\
Active findings of Security Hub, {place}, for the run of {run:%Y-%m-%d %H:%M} UTC.

{told}

The report, for those who may read it:
{link}
"""
    if opened is not None:
        text += f"""
Until {opened.until:%Y-%m-%d %H:%M:%S} UTC this link opens it for whoever has it, without a login.
Do not forward it. After that it is dead; use the one above.
{opened.url}
"""
    return _subject(place, short), text


def no_report(place: Place, why: str, *, run: datetime) -> tuple[str, str]:
    """Return subject and text for a run without a report; ``why`` says what to do."""
    text = f"""\
There is no report of Security Hub's findings, {place}, for the run of {run:%Y-%m-%d %H:%M} UTC.

{why}
"""
    return _subject(place, "no report"), text


def console(place: Place, *, bucket: str, key: str) -> str:
    """Return the link to a report in the console, which asks who somebody is."""
    asked = urlencode({"region": place.region, "prefix": key})
    return f"https://{place.region}.console.aws.amazon.com/s3/object/{quote(bucket)}?{asked}"


def _subject(place: Place, short: str) -> str:
    """Return a subject as SNS takes it: ASCII, of fewer than 100 characters."""
    return f"Security Hub, {place.environment}: {short}"[:99]
