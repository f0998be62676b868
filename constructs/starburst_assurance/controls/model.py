"""What a control is: a promise, where it is asked for, and everything that checks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["UNVERIFIED", "Area", "Control", "Framework", "Item"]


class Framework(StrEnum):
    """Whose ids a control answers."""

    FSBP = "AWS FSBP"
    CIS = "CIS AWS v5.0"
    NIST = "NIST 800-53 R5"
    HIPAA = "HIPAA"
    PCI = "PCI DSS 3.2.1"


class Area(StrEnum):
    """What a control is about."""

    IDENTITY = "Identity and roles"
    DATA = "Data"
    NETWORK = "Network"
    WORK = "Workers and controller"
    RECORD = "Record and alarms"
    COST = "Cost and limits"
    YOURS = "Yours to do"


UNVERIFIED: Final = frozenset(
    {
        *("CloudWatch.16", "EC2.172", "EC2.55", "EC2.56", "ECR.5", "ECS.16", "ECS.17", "ECS.20"),
        *("GuardDuty.12", "Inspector.2", "S3.22", "S3.23", "SQS.3"),
    }
)
"""Ids of FSBP that one list names only; all others stand in two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """One promise.

    The packs name the NIST, HIPAA and PCI ids of their own rules; so only ids that no pack brings
    are written here.

    Attributes:
        name: in words with dashes.
        title: the promise, a sentence without its dot.
        area: what it is about.
        rows: of the requirements that ask for it.
        fsbp: ids of AWS Foundational Security Best Practices (Security Hub).
        cis: recommendations of the CIS AWS Foundations Benchmark v5.0.
        nist: controls of NIST 800-53 R5 that no pack brings.
        hipaa: paragraphs of the Security Rule that no pack brings.
        nag: rules of cdk-nag; without a pack's name, in every pack that has them.
        guard: controls of AWS Control Tower.
        rules: our own, without ``starburst-``.
        theorems: names.
        tests: as pytest names them.
        yours: how-to sections below ``docs/`` that say what is left to do.
        kinds: CloudFormation types it is about, where no rule says so.
    """

    name: str
    title: str
    area: Area
    rows: tuple[str, ...] = ()
    fsbp: tuple[str, ...] = ()
    cis: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()
    hipaa: tuple[str, ...] = ()
    nag: tuple[str, ...] = ()
    guard: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    theorems: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    yours: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def written(self) -> Iterator[tuple[Framework, str]]:
        """The ids that are written here."""
        yield from ((Framework.FSBP, each) for each in self.fsbp)
        yield from ((Framework.CIS, each) for each in self.cis)
        yield from ((Framework.NIST, each) for each in self.nist)
        yield from ((Framework.HIPAA, each) for each in self.hipaa)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One line of the security guide's checklist (S39).

    Attributes:
        number: from 1.
        text: in the guide's words.
        controls: that answer it.
    """

    number: int
    text: str
    controls: tuple[str, ...]
