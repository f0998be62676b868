"""The record of processing activities of an environment: Article 30(1) of the GDPR (A9, S35).

What settings say is written from them; what they cannot say is written as yours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stacks.settings import IdentityCenter, MfaUsers, SamlProvider
from stacks.settings.profiles.places import EEA_REGIONS
from starburst.contract.times import RECORD_DAYS

if TYPE_CHECKING:
    from stacks.settings import Activity, Environment, Workspace

__all__ = ["YOURS", "Entry", "record"]

YOURS: Final = "yours"
"""Who says what no setting says."""

_SETTINGS: Final = "settings"
_KIT: Final = "the kit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One statement of the record.

    Attributes:
        workspace: of which it is; empty for the environment as a whole.
        article: which part of Article 30(1) asks for it, such as ``30(1)(f)``.
        asks: what for, in words.
        says: the statement; of an entry that is yours, what to write there.
        by: who says so: ``settings``, ``the kit``, or ``yours``.
        controls: names of the controls that hold it.
    """

    workspace: str = ""
    article: str
    asks: str
    says: str
    by: str
    controls: tuple[str, ...] = ()


def record(environment: Environment) -> tuple[Entry, ...]:
    """Return the record of an environment: of all of it, then of each workspace."""
    return (
        *_responsible(environment),
        *_transfers(environment),
        *_kept(environment),
        *_measures(environment),
        *_rights(),
        *(
            entry
            for workspace in environment.workspaces
            for entry in _of_workspace(environment, workspace)
        ),
    )


def _yours(article: str, asks: str, says: str, *, workspace: str = "") -> Entry:
    return Entry(workspace=workspace, article=article, asks=asks, says=says, by=YOURS)


def _said(
    article: str,
    asks: str,
    says: str,
    *,
    by: str = _SETTINGS,
    workspace: str = "",
    controls: tuple[str, ...] = (),
) -> Entry:
    return Entry(
        workspace=workspace, article=article, asks=asks, says=says, by=by, controls=controls
    )


def _responsible(environment: Environment) -> Iterator[Entry]:
    article, said = "30(1)(a)", environment.processing
    if said is None:
        yield _yours(article, "controller and contact", "name them in Environment.processing")
        return
    yield _said(article, "controller", said.controller)
    yield _said(article, "contact of the controller", said.contact)
    if said.representative is not None:
        yield _said(article, "representative", said.representative)
    if said.protection_officer is not None:
        yield _said(article, "data protection officer", said.protection_officer)
    else:
        says = "name one in Processing.protection_officer, where Article 37 asks for one"
        yield _yours(article, "data protection officer", says)


def _transfers(environment: Environment) -> Iterator[Entry]:
    outside = [each for each in environment.allowed_regions if each not in EEA_REGIONS]
    where = f"data lie in {environment.region}, and may be in "
    where += ", ".join(environment.allowed_regions)
    held = ("allowed-regions",)
    if outside:
        where += f"; {', '.join(outside)}: outside the European Economic Area"
        yield _said("30(1)(e)", "transfers", where, controls=held)
        yield _yours("30(1)(e)", "safeguards of transfers", "say which, for each of these Regions")
    else:
        inside = f"{where}, all in the European Economic Area"
        yield _said("30(1)(e)", "transfers", inside, controls=held)
    identity = environment.identity
    if isinstance(identity, IdentityCenter):
        yield _said("30(1)(e)", "directory of people", f"Identity Center in {identity.region}")
    else:
        yield _yours("30(1)(e)", "directory of people", "where your identity provider keeps names")
    yield _yours(
        "30(1)(d)",
        "processor",
        "Amazon Web Services: keep the Data Processing Addendum, and its list of sub-processors",
    )


def _kept(environment: Environment) -> Iterator[Entry]:
    article, storage = "30(1)(f)", environment.storage
    held = ("erasure", "versions")
    yield _said(
        article,
        "sessions: functions, inputs, results",
        f"{storage.session_days} days, and {storage.noncurrent_days} more as older versions",
        controls=held,
    )
    yield _said(
        article,
        "packages",
        f"{storage.packages_days} days after the last session that could name them",
        controls=held,
    )
    yield _said(article, "controller's records, with user names", f"{RECORD_DAYS} days", by=_KIT)
    days = environment.log_retention_days
    yield _said(article, "logs", f"{days} days", controls=("logs-are-kept",))
    yield _said(
        article,
        "access logs of buckets, with user names",
        f"{storage.access_log_days} days",
        controls=("access-logs",),
    )
    if environment.audit.trail:
        locked = ", locked until then" if environment.production else ""
        yield _said(
            article,
            "trail, with user names and addresses",
            f"{environment.audit.log_days} days{locked}",
            controls=("trail", "evidence-is-locked"),
        )
    else:
        yield _yours(article, "trail", "how long the organization's trail is kept")
    for addon in environment.addons:
        says = f"what it keeps, and how long: {addon.page}"
        yield _yours(article, f"add-on {addon.name}", says)


def _measures(environment: Environment) -> Iterator[Entry]:
    isolated = environment.network.egress == "isolated"
    yield _reads(environment)
    chosen: Sequence[tuple[str, tuple[str, ...]]] = (
        (
            f"encrypted at rest with keys of the environment ({environment.storage.encryption})",
            ("encrypted-with-our-key", "keys-rotate"),
        ),
        (f"people come {_identity(environment)}", ("people-are-federated",)),
        (
            "workers have no way to the internet"
            if isolated
            else "workers reach the internet through NAT gateways",
            ("no-internet", "endpoints") if isolated else ("endpoints",),
        ),
        (
            "alarms of theft and change reach " + (", ".join(_told(environment)) or "nobody"),
            ("alarms", "security-contact"),
        ),
    )
    always: Sequence[tuple[str, tuple[str, ...]]] = (
        (
            "encrypted in transit, and sealed with a key of each session",
            ("tls-only", "sealed-in-transit"),
        ),
        (
            "a person reaches their own folder of their own workspace",
            ("own-folder", "own-workspace", "named-principals"),
        ),
        ("a result is written once, and versions are kept", ("written-once", "versions")),
        ("theorems of who may do what are proved at each synthesis", ("least-privilege",)),
    )
    for by, told in ((_SETTINGS, chosen), (_KIT, always)):
        for says, controls in told:
            yield _said("30(1)(g)", "security measure", says, by=by, controls=controls)


def _reads(environment: Environment) -> Entry:
    """Return who records what is read: with a trail of somebody else's no setting says it."""
    if not environment.audit.trail:
        says = "say whether the organization's trail has the data events of the data bucket"
        return _yours("30(1)(g)", "record of who read which object", says)
    recorded = environment.audit.data_events
    return _said(
        "30(1)(g)",
        "security measure",
        "who read which object is recorded"
        if recorded
        else "reads of objects are not recorded by the kit's trail",
        controls=("trail", "data-events") if recorded else ("trail",),
    )


def _identity(environment: Environment) -> str:
    identity = environment.identity
    if isinstance(identity, MfaUsers):
        return f"as IAM users of account {identity.account} with a second factor"
    if isinstance(identity, SamlProvider):
        return f"from the identity provider {identity.arn}"
    if isinstance(identity, IdentityCenter):
        return f"from IAM Identity Center of account {identity.account}"
    return f"through the role {identity.arn}, which names them"


def _told(environment: Environment) -> tuple[str, ...]:
    return environment.security_emails or environment.alert_emails


def _rights() -> Iterator[Entry]:
    yield _said(
        "15 and 20",
        "access and export",
        "the person: starburst home, starburst data and attach(…).collect(); a workspace's data as "
        "it ends: python -m deploy.retire --archive",
        by=_KIT,
    )
    yield _said(
        "17",
        "erasure, with a receipt",
        "python -m deploy.erase --user NAME (docs/how-to/erase-a-persons-data.md)",
        by=_KIT,
        controls=("erasure",),
    )
    says = "answer requests, and find a data subject's data among those of a workspace"
    yield _yours("12 to 22", "requests of data subjects", says)


def _of_workspace(environment: Environment, workspace: Workspace) -> Iterator[Entry]:
    name, said = workspace.name, environment.processing
    activities = said.activities if said is not None else ()
    activity = next((each for each in activities if each.workspace == name), None)
    yield from _purposes(name, activity)
    yield _said(
        "30(1)(d)",
        "recipients by the settings",
        "; ".join(_recipients(workspace)),
        workspace=name,
        controls=("own-workspace", "engineers-see-no-data"),
    )
    for asks, days in (("data", workspace.data_days), ("homes", workspace.home_days)):
        if days is None:
            says = "until they are erased: say when that is"
            yield _yours("30(1)(f)", asks, says, workspace=name)
        else:
            says = f"{days} days"
            yield _said("30(1)(f)", asks, says, workspace=name, controls=("erasure",))


def _purposes(name: str, activity: Activity | None) -> Iterator[Entry]:
    if activity is None:
        for article, asks in (
            ("30(1)(b)", "purpose"),
            ("30(1)(c)", "whose data, and which"),
        ):
            says = "say it in an Activity of Environment.processing"
            yield _yours(article, asks, says, workspace=name)
        return
    told = (
        ("30(1)(b)", "purpose", (activity.purpose,)),
        ("30(1)(c)", "categories of data subjects", activity.subjects),
        ("30(1)(c)", "categories of personal data", activity.data),
        ("30(1)(d)", "further recipients", activity.recipients),
        ("30(1)(e)", "transfers to third countries", activity.transfers),
    )
    for article, asks, words in told:
        if words:
            yield _said(article, asks, "; ".join(words), workspace=name)


def _recipients(workspace: Workspace) -> Iterator[str]:
    yield "its analysts, each of their own sessions and homes; all of them of its data"
    if workspace.data_writers == "steward":
        yield "its steward"
    for read in workspace.named_reads:
        if read.owner == "other":
            yield f"account {read.account}, which sees the names that are asked of {read.objects}"
