"""The rules of ``profile="pci"``: what PCI DSS asks of settings (P19, A25).

Numbers are those of PCI DSS 4.0.1 where AWS Security Hub's guide or AWS's post names them. The
standard's own text is not here: it is the PCI Security Standards Council's.
https://docs.aws.amazon.com/securityhub/latest/userguide/pci-standard.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.settings.identity import MfaUsers
from stacks.settings.profiles.parts import (
    has_addon,
    isolated,
    kept_a_year,
    reads_recorded,
    restricted,
    told,
    took,
)
from stacks.settings.profiles.rule import Refusal, Rule

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["PCI"]


def _judged(environment: Environment) -> Refusal | None:
    pack = "PCI.DSS.321"
    if pack in environment.packs:
        return None
    return Refusal("packs", environment.packs, f"also '{pack}'")


def _second_factor(environment: Environment) -> Refusal | None:
    risk = "second-factor-elsewhere"
    if isinstance(environment.identity, MfaUsers) or took(environment, risk):
        return None
    return Refusal(
        "identity",
        type(environment.identity).__name__,
        f"MfaUsers, or AcceptedRisk(risk='{risk}', reason=…) that names who asks for the second "
        "factor",
    )


def _prints_sealed(environment: Environment) -> Refusal | None:
    if environment.task_output == "session":
        return None
    return Refusal("task_output", environment.task_output, "'session'")


def _addon(environment: Environment) -> Refusal | None:
    return has_addon(environment, "pci", "Pci(…) of stacks.addons.pci")


PCI: Final = (
    Rule(
        name="pci-pack",
        asked_by="PCI DSS 4.0.1, Requirement 2.2",
        why="cdk-nag's pack judges each synthesis by version 3.2.1, the newest that it has",
        broken=_judged,
    ),
    Rule(
        name="pci-data-class",
        asked_by="PCI DSS 4.0.1, Requirement 3",
        why="account data are restricted data",
        broken=restricted,
    ),
    Rule(
        name="pci-no-way-out",
        asked_by="PCI DSS 4.0.1, Requirement 1.3",
        why="in Fargate's VPC the network is yours, and nothing on a worker needs the internet",
        broken=isolated,
    ),
    Rule(
        name="pci-prints-sealed",
        asked_by="PCI DSS 4.0.1, Requirement 3.5",
        why="what a task prints may hold account data, and a log's mask does not know them all",
        broken=_prints_sealed,
    ),
    Rule(
        name="pci-second-factor",
        asked_by="PCI DSS 4.0.1, 8.4.2",
        why="whoever reaches account data shows a second factor, and only MfaUsers has the kit ask",
        broken=_second_factor,
    ),
    Rule(
        name="pci-reads-recorded",
        asked_by="PCI DSS 4.0.1, 10.2.1",
        why="each access of a person to account data is recorded",
        broken=reads_recorded,
    ),
    Rule(
        name="pci-alarms-told",
        asked_by="PCI DSS 4.0.1, Requirement 10.4",
        why="alarms reach somebody who is not among those who deploy",
        broken=told,
    ),
    Rule(
        name="pci-logs-a-year",
        asked_by="PCI DSS 4.0.1, 10.5.1",
        why="logs are kept for twelve months at least",
        broken=kept_a_year,
    ),
    Rule(
        name="pci-addon",
        asked_by="PCI DSS 4.0.1, Requirements 10.4.2 and 11.5.1",
        why="Security Hub's PCI standard and GuardDuty look at the account",
        broken=_addon,
    ),
)
"""In the order of the standard's requirements, but for the first two, on which all others stand."""
