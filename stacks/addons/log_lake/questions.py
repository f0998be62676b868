"""The queries that are saved in the lake's workgroup, and what each asks of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from stacks.addons.log_lake.catalog import statement
from stacks.addons.log_lake.conditions import as_sql
from stacks.audit import told_by_trail
from starburst_constructs.monitoring.noticed.listening import Watched
from starburst_constructs.monitoring.noticed.reads import PEOPLE
from starburst_constructs.monitoring.watch import MANY_FAILED_LOGINS
from starburst_constructs.naming import role_arn

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["ALARMS", "ASKED", "questions", "title", "titles"]

ASKED: Final[Mapping[str, str]] = {
    "what CloudTrail saw of Identity Center instances": "identity_center_instances",
    "reads from elsewhere": "reads_from_elsewhere",
    "errors that workers printed": "worker_errors",
    "calls that AWS refused": "refused_calls",
    "who read what": "who_read_what",
    "who read how much": "who_read_how_much",
    "what is new": "what_is_new",
    "reads by S3's own log": "reads_by_access_log",
    "who used how much": "who_used_how_much",
    "refused flows": "refused_flows",
    "flows to unexpected places": "flows_elsewhere",
    "who sends most": "top_talkers",
}
"""Questions whose SQL is a file, by their name in the console."""

OF_FLOWS: Final = frozenset({"flows_elsewhere", "refused_flows", "top_talkers"})
"""Those that ask flow logs, which only a VPC of the kit's own has here."""

ALARMS: Final[Mapping[str, str]] = {
    "Trespasses": "what would ring: workers past the controller",
    "Weakenings": "what would ring: the record weakened",
    "Openings": "what would ring: ways opened by hand",
    "Deployments": "what would ring: ways opened by a deployment",
    "Strangers": "what would ring: strangers at data",
    "FailedLogins": "what would ring: many failed logins",
    "Outsiders": "what would ring: people outside trusted networks",
    "Downloads": "what would ring: large downloads",
}
"""Questions that ask of the past what the trail's alarms ask of the minute, by alarm."""

_SHOWN: Final = (
    "time_dt, api.service.name AS service, api.operation, actor.user.uid AS who, "
    "actor.session.issuer, src_endpoint.ip, cloud.region, api.response.error, metadata.uid"
)
_WEEK: Final = (
    "eventday >= date_format(current_timestamp - INTERVAL '7' DAY, '%Y/%m/%d')\n"
    "  AND time_dt > current_timestamp - INTERVAL '7' DAY"
)
"""The folders first: Athena reads no other."""


def questions(
    about: Watched,
    *,
    bucket: str,
    endpoint: str,
    trusted: Sequence[str],
    bounds: Mapping[str, int],
    flows: bool,
    vpc: str,
) -> dict[str, str]:
    """Return all saved queries of an environment, by name.

    Args:
        about: what its alarms watch.
        bucket: name of the data bucket.
        endpoint: id of the S3 endpoint.
        trusted: blocks of addresses that people come from.
        bounds: what a person may download in an hour, in bytes and in objects.
        flows: whether there are flow logs of ours.
        vpc: the block of the VPC.
    """
    filled = {
        "{bucket}": bucket,
        "{endpoint}": endpoint,
        "{vpc}": vpc,
        "{trusted}": _within(trusted) if trusted else "false",
    }
    found = {}
    for name, file in ASKED.items():
        if flows or file not in OF_FLOWS:
            text = statement(file, views=False)
            for place, value in filled.items():
                text = text.replace(place, value)
            found[name] = text
    for alarm, patterns in about.filters().items():
        either = "\n  OR ".join(f"({as_sql(one)})" for one in patterns.values())
        found[ALARMS[alarm]] = _many(either) if alarm == "FailedLogins" else _any(either)
    if about.bucket is not None:
        if trusted:
            found[ALARMS["Outsiders"]] = _any(_outside(about, trusted))
        if bounds:
            found[ALARMS["Downloads"]] = _downloads(about, bounds)
    return dict(sorted(found.items()))


def title(name: str) -> str:
    """Return the construct id of a saved query.

    Example:
        >>> title("who read what")
        'AskWhoReadWhat'
    """
    return "Ask" + "".join(word.capitalize() for word in re.findall(r"\w+", name))


def titles(environment: Environment) -> list[str]:
    """Return the construct ids of all saved queries of an environment."""
    flows = environment.network.existing is None
    alarms = [name for name in told_by_trail(environment) if name in ALARMS]
    alarms += ["Downloads"] if environment.audit.bounds else []
    asked = [name for name, file in ASKED.items() if flows or file not in OF_FLOWS]
    return [title(name) for name in sorted([*asked, *(ALARMS[one] for one in alarms)])]


def _any(condition: str) -> str:
    return (
        f"SELECT {_SHOWN}\nFROM cloudtrail\nWHERE {_WEEK} AND (\n  {condition}\n)\n"
        "ORDER BY time_dt DESC"
    )


def _many(condition: str) -> str:
    """Return a query for so many in a quarter of an hour that the alarm would have rung."""
    return (
        'SELECT CAST(floor("time" / 900000) AS bigint) AS quarter, min(time_dt) AS first, '
        "count(DISTINCT metadata.uid) AS refused,\n"
        "  array_agg(DISTINCT coalesce(actor.user.uid, actor.user.name)) AS who,\n"
        "  array_agg(DISTINCT src_endpoint.ip) AS addresses\n"
        f"FROM cloudtrail\nWHERE {_WEEK} AND (\n  {condition}\n)\nGROUP BY 1\n"
        f"HAVING count(DISTINCT metadata.uid) >= {MANY_FAILED_LOGINS}\nORDER BY 1 DESC"
    )


def _people(about: Watched) -> str:
    each = (
        role_arn(about.environment, f"{purpose}-", account=about.placement.account)
        for purpose in PEOPLE
    )
    return " OR ".join(f"actor.session.issuer LIKE '{one}%'" for one in each)


def _outside(about: Watched, trusted: Sequence[str]) -> str:
    """Return the condition that a person touches data from an address that is not trusted."""
    return (
        f"api.service.name = 's3.amazonaws.com' AND ({_people(about)})\n"
        f"  AND json_extract_scalar(api.request.data, '$[\"bucketName\"]') = '{about.bucket}'\n"
        f"  AND src_endpoint.ip IS NOT NULL AND src_endpoint.uid IS NULL\n"
        f"  AND NOT ({_within(trusted)})"
    )


def _within(blocks: Sequence[str]) -> str:
    # A service's name stands where an address is not, and is in no block.
    return " OR ".join(
        f"coalesce(contains('{ip_network(one)}', TRY_CAST(src_endpoint.ip AS IPADDRESS)), FALSE)"
        for one in blocks
    )


def _downloads(about: Watched, bounds: Mapping[str, int]) -> str:
    """Return a query for people who downloaded more in an hour than their bound."""
    sent = "json_extract_scalar(unmapped['additionalEventData'], '$[\"bytesTransferredOut\"]')"
    having = " OR ".join(_over(bounds))
    return "\n".join(
        (
            "SELECT hour, who, count(*) AS objects, sum(bytes) AS bytes",
            "FROM (",
            "  SELECT DISTINCT metadata.uid, date_trunc('hour', time_dt) AS hour,",
            f"    actor.user.uid AS who, CAST({sent} AS double) AS bytes",
            "  FROM cloudtrail",
            f"  WHERE {_WEEK}",
            "    AND api.service.name = 's3.amazonaws.com' AND api.operation = 'GetObject'",
            f"    AND ({_people(about)}) AND api.response.error IS NULL",
            ")",
            "GROUP BY hour, who",
            f"HAVING {having}",
            "ORDER BY hour DESC",
        )
    )


def _over(bounds: Mapping[str, int]) -> Iterator[str]:
    if "bytes" in bounds:
        yield f"sum(bytes) > {bounds['bytes']}"
    if "objects" in bounds:
        yield f"count(*) > {bounds['objects']}"
