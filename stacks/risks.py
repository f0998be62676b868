"""What settings allow and a security officer would ask about: told at every synthesis.

None of it is wrong in itself, so none is refused (but restricted data beside a bucket of somebody
else, and what a profile asks a reason for: those need the reason first). An accepted risk stands in
``Environment.accepted_risks`` with the reason: synthesis is then silent, and the evidence keeps
both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stacks.settings import BrokerRole, Environment, MfaUsers, RiskName
from stacks.settings.profiles import risks_of_profiles
from stacks.settings.validation import require

__all__ = ["Risk", "risks"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    """One risk of one environment.

    Attributes:
        name: how ``accepted_risks`` calls it.
        sentence: what could happen, and which setting ends it.
        accepted: why the environment takes it; empty where it is not accepted.
    """

    name: RiskName
    sentence: str
    accepted: str = ""


def risks(environment: Environment) -> tuple[Risk, ...]:
    """Return the risks that the settings of an environment take, accepted ones too.

    Raises:
        SettingsError: a risk is accepted that the settings do not take.
    """
    accepted = {each.risk: each.reason for each in environment.accepted_risks}
    found = dict(_found(environment))
    for name in accepted:
        field = f"environment {environment.name}: accepted_risks"
        require(name in found, field, name, ", ".join(found) or "() where settings take none")
    return tuple(
        Risk(name=name, sentence=sentence, accepted=accepted.get(name, ""))
        for name, sentence in found.items()
    )


def _found(environment: Environment) -> Iterator[tuple[RiskName, str]]:
    yield from risks_of_profiles(environment)
    yield from _leaves_by_name(environment)
    if environment.data_class != "restricted":
        return
    yield from _reached_by_people(environment)
    yield from _leaves_by_network(environment)
    yield from _record(environment)
    if not environment.security_emails:
        yield (
            "no-security-contact",
            "alarms of theft and change reach the platform team alone, whom they may be about: "
            "set security_emails to addresses of the security team",
        )


def _reached_by_people(environment: Environment) -> Iterator[tuple[RiskName, str]]:
    if not environment.trusted_cidrs:
        yield (
            "analysts-anywhere",
            "stolen credentials of an analyst read restricted data from any address in the world: "
            "set trusted_cidrs to the public addresses of your offices and VPN",
        )
    if isinstance(environment.identity, BrokerRole):
        yield (
            "broker-names-anybody",
            f"whoever holds {environment.identity.arn} reads restricted data as any analyst, under "
            "any name: set identity to a SamlProvider or an IdentityCenter",
        )
    if isinstance(environment.identity, MfaUsers):
        yield (
            "long-lived-keys",
            "analysts of restricted data are IAM users, whose access keys last until they "
            "are deleted: set identity to a SamlProvider or an IdentityCenter",
        )
    pickling = [each.name for each in environment.workspaces if each.limits.pickle_results]
    if pickling:
        yield (
            "pickled-results",
            f"sessions of {', '.join(pickling)} may ask for results='pickle', with which a worker "
            "that was taken over runs code on the laptop of an analyst of restricted data: set "
            "limits=Limits(pickle_results=False, …)",
        )


def _leaves_by_network(environment: Environment) -> Iterator[tuple[RiskName, str]]:
    network = environment.network
    if network.egress == "nat":
        yield (
            "way-out",
            "code on a worker can send restricted data to any address in the internet: set "
            "network=Network(egress='isolated', …)",
        )
    if network.existing is not None and network.existing.endpoints == "reuse":
        yield (
            "endpoints-of-others",
            "restricted data leave by endpoints whose policies are their owner's, perhaps to "
            "another account: set existing.endpoints='create', or have the owner narrow them",
        )


def _leaves_by_name(environment: Environment) -> Iterator[tuple[RiskName, str]]:
    """Whoever owns a bucket sees the names that are asked for: also of data that are not secret."""
    others = {
        f"{read.objects} of account {read.account}": None
        for workspace in environment.workspaces
        for read in workspace.named_reads
        if read.owner == "other"
    }
    if others:
        yield (
            "reads-of-others",
            f"workers read {', '.join(others)}, whose owner sees each name that is asked for, and "
            "names can carry data out: copy what they need into data/ and take it out of reads",
        )


def _record(environment: Environment) -> Iterator[tuple[RiskName, str]]:
    if not environment.audit.trail:
        yield (
            "record-of-others",
            "no trail of the kit's tells who read restricted data, and its alarms hear what "
            "EventBridge passes on of another one: set audit=Audit(trail=True, …), or make sure "
            "that the organization's trail has the bucket's data events",
        )
    elif environment.audit.lock == "governance":
        yield (
            "record-can-be-erased",
            "a principal with s3:BypassGovernanceRetention can delete the record of who read "
            "restricted data: set audit=Audit(lock='compliance', …)",
        )
