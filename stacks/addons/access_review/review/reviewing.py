"""The review of an environment: what each role used, and what would be left of its policies."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from emergency import EMERGENCY, SERVICE_ROLE
from last_accessed import TRACKING_DAYS, Record, Waiting, records_of
from narrowing import Narrowed, granted_services, narrow
from reference import Reference, reference_of
from roles import TROUBLE, Attached, Role, Unreadable, read_role, role_names, words

__all__ = ["Reviewed", "review"]

_NOT_REVIEWED: Final = "not reviewed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewed:
    """What was found of all roles.

    Attributes:
        roles: one object each, as the record has them.
        tracked: by service, the actions that count as tracked, and of which document.
        untold: services of which nobody could say what is tracked, with the reason.
        unread: sentences on what could not be read at all.
    """

    roles: Sequence[Mapping[str, Any]]
    tracked: Mapping[str, Mapping[str, Any]]
    untold: Mapping[str, str]
    unread: Sequence[str]


def review(
    iam: Any,
    *,
    environment: str,
    now: datetime,
    after_days: int,
    fetch: Callable[[str], bytes],
    waiting: Waiting,
) -> Reviewed:
    """Review every role of an environment.

    Args:
        iam: a client of IAM.
        environment: its name.
        now: when.
        after_days: a role, or a policy, that has not stood so long is told, and not narrowed.
        fetch: reads the service reference.
        waiting: for IAM's reports.
    """
    found: dict[str, Role] = {}
    told: list[dict[str, Any]] = []
    unread: list[str] = []
    try:
        names = list(role_names(iam, environment))
    except (*TROUBLE, LookupError) as error:
        names = []
        unread.append(f"IAM did not say which roles there are ({words(error)}): none is reviewed.")
    for name in names:
        try:
            role = read_role(iam, name, environment)
        except Unreadable as error:
            told.append(_entry(name, verdict=_NOT_REVIEWED, why=str(error)))
            continue
        if role is not None:
            found[role.arn] = role
    if not found and not told and not unread:
        unread.append(f"IAM has no role of {environment}: nothing is reviewed.")
    records = dict(records_of(iam, list(found), waiting))
    known = [found[arn] for arn, record in records.items() if isinstance(record, Record)]
    references, untold = _references(known, fetch)
    for arn, role in found.items():
        record = records[arn]
        told.append(
            _entry_of(role, verdict=_NOT_REVIEWED, why=str(record))
            if isinstance(record, Unreadable)
            else _judged(role, record, references, now=now, after_days=after_days)
        )
    return Reviewed(
        roles=sorted(told, key=lambda one: str(one["arn"])),
        tracked={
            one.service: {"version": one.version, "actions": sorted(one.tracked)}
            for one in references.values()
        },
        untold=untold,
        unread=unread,
    )


def _references(
    roles: Sequence[Role], fetch: Callable[[str], bytes]
) -> tuple[dict[str, Reference], dict[str, str]]:
    references: dict[str, Reference] = {}
    untold: dict[str, str] = {}
    wanted = {
        service
        for role in roles
        for policy in role.policies
        if policy.document is not None
        for service in granted_services(policy.document)
    }
    for service in sorted(wanted):
        one = reference_of(service, fetch)
        if isinstance(one, str):
            untold[service] = one
        else:
            references[service] = one
    return references, untold


def _judged(
    role: Role,
    record: Record,
    references: Mapping[str, Reference],
    *,
    now: datetime,
    after_days: int,
) -> dict[str, Any]:
    enough = now - timedelta(days=after_days)
    used = {record.spelled[name]: last.isoformat() for name, last in record.actions.items()}
    services = {name: last and last.isoformat() for name, last in record.services.items()}
    policies, notes = [], []
    for policy in role.policies:
        if policy.document is None:
            notes.append(f"{policy.name} is none of Starburst's policies: look at it yourself.")
            continue
        narrowed = narrow(
            policy.document,
            record=record,
            references=references,
            emergency=EMERGENCY.get(role.purpose or "", frozenset()),
        )
        why = _stays(role, policy, enough, after_days)
        policies.append(_policy(policy, narrowed, why))
    verdict, why = _verdict(role, policies, enough, after_days)
    entry = _entry_of(role, verdict=verdict, why=why)
    return {
        **entry,
        "used": dict(sorted(used.items())),
        "services": dict(sorted(services.items())),
        "policies": policies,
        "notes": notes,
    }


def _stays(role: Role, policy: Attached, enough: datetime, after_days: int) -> str:
    """Return why a policy is not narrowed, whatever of it is unused; empty where it is."""
    if role.purpose is None:
        return SERVICE_ROLE
    if role.created > enough:
        return f"the role is younger than {after_days} days"
    if policy.since is None:
        return "IAM does not say since when a policy inside of a role is as it is"
    if policy.since > enough:
        return f"the policy was written less than {after_days} days ago"
    if policy.shared > 1:
        return f"{policy.shared} have it together, and this is the record of one"
    return ""


def _policy(policy: Attached, narrowed: Narrowed, stays: str) -> dict[str, Any]:
    proposed = narrowed.dropped and not stays
    return {
        "name": policy.name,
        "kind": policy.kind,
        "today": policy.document,
        "proposed": narrowed.document if proposed else policy.document,
        "dropped": narrowed.dropped if proposed else [],
        "unused": narrowed.dropped,
        "kept": narrowed.kept,
        "why": stays,
        "notes": narrowed.notes,
        "diff": _difference(policy.document, narrowed.document) if proposed else "",
    }


def _verdict(
    role: Role, policies: Sequence[Mapping[str, Any]], enough: datetime, after_days: int
) -> tuple[str, str]:
    dropped = sum(len(one["dropped"]) for one in policies)
    unused = sum(len(one["unused"]) for one in policies)
    if dropped:
        return (
            "narrower",
            f"{dropped} actions that IAM tracks were not used in {TRACKING_DAYS} days",
        )
    if role.purpose is None:
        return "kept", SERVICE_ROLE
    if role.created > enough:
        age = f"it is younger than {after_days} days"
        return "young", f"{age}, and {unused} of its tracked actions were not used so far"
    if unused:
        reasons = "; ".join(dict.fromkeys(str(one["why"]) for one in policies if one["why"]))
        return "kept", f"{unused} of its tracked actions were not used, but {reasons}"
    return "nothing to drop", "all that IAM tracks of it was used, or waits for an emergency"


def _difference(today: Mapping[str, Any] | None, proposed: Mapping[str, Any] | None) -> str:
    before, after = (
        json.dumps(one, indent=2, sort_keys=True).splitlines() if one is not None else []
        for one in (today, proposed)
    )
    return "\n".join(difflib.unified_diff(before, after, "today", "proposed", lineterm=""))


def _entry_of(role: Role, *, verdict: str, why: str) -> dict[str, Any]:
    return {
        **_entry(role.arn, verdict=verdict, why=why),
        "purpose": role.purpose,
        "workspace": role.workspace,
        "created": role.created.isoformat(),
    }


def _entry(arn: str, *, verdict: str, why: str) -> dict[str, Any]:
    return {
        "arn": arn,
        "purpose": None,
        "workspace": None,
        "created": None,
        "verdict": verdict,
        "why": why,
        "used": {},
        "services": {},
        "policies": [],
        "notes": [],
    }
