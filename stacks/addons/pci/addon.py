"""The add-on's settings, and what the kit must know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, get_args

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.pci.stack import PciStack
from stacks.addons.pci.tables import RowsEnd
from stacks.settings.addon import FREE, Addon, Price
from stacks.settings.once import Holding, Single
from stacks.settings.validation import one_of, require

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Pci"]

SecurityHub = Literal["create", "standard", "elsewhere"]
Detector = Literal["addon", "elsewhere"]

HUB: Final = Single(type="AWS::SecurityHub::Hub")
STANDARD: Final = Single(
    type="AWS::SecurityHub::Standard",
    kind="pci-dss",
    called="AWS::SecurityHub::Standard of PCI DSS",
)

_DETECTOR: Final = "guardduty"
"""Name of the add-on that has a detector."""


@dataclass(frozen=True, kw_only=True)
class Pci(Addon):
    """Has the account looked at by Security Hub's PCI DSS standard 4.0.1, and by GuardDuty (P19).

    Attributes:
        security_hub: what of it the account lacks. ``create``: it is not on, so it is switched on,
            with the standard. ``standard``: it is on, by another environment or by hand, without
            the standard. ``elsewhere``: the organization switches both on, as central configuration
            does; nothing is deployed then.
        detector: who has the account's GuardDuty detector: the ``addon`` of that name in this
            environment, or somebody ``elsewhere``, such as the organization.
    """

    name: ClassVar[str] = "pci"
    summary: ClassVar[str] = (
        "Security Hub's PCI DSS standard looks at the account, and GuardDuty is asked for."
    )
    page: ClassVar[str] = "docs/addons/pci.md"

    security_hub: SecurityHub = "create"
    detector: Detector = "addon"

    def __post_init__(self) -> None:
        """Refuse words that mean nothing here."""
        one_of("pci.security_hub", self.security_hub, get_args(SecurityHub))
        one_of("pci.detector", self.detector, get_args(Detector))

    def check(self, environment: Environment) -> None:
        """Refuse an environment of which nobody says who has the detector."""
        named = tuple(addon.name for addon in environment.addons)
        allowed = (
            f"also the add-on '{_DETECTOR}', or Pci(detector='elsewhere') where the organization "
            "has the account's detector (PCI DSS 4.0.1, 11.5.1)"
        )
        has = self.detector == "elsewhere" or _DETECTOR in named
        require(has, f"environment {environment.name}: addons", named, allowed)

    def once(self, environment: Environment) -> Mapping[Single, Holding]:
        """Return who has Security Hub, and who its standard."""
        del environment
        makes = {"create": (HUB, STANDARD), "standard": (STANDARD,), "elsewhere": ()}
        leaving = {HUB: "standard", STANDARD: "elsewhere"}
        return {
            each: Holding(
                owner="this" if each in makes[self.security_hub] else "elsewhere",
                leaving=f"Pci(security_hub='{word}')",
            )
            for each, word in leaving.items()
        }

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack, where there is anything to switch on, and look at every table."""
        cdk.Aspects.of(stage).add(RowsEnd())
        if self.security_hub == "elsewhere":
            return
        core = Core.of(stage)
        PciStack(
            stage,
            self.name,
            region=core.environment.region,
            hub=self.security_hub == "create",
            **core.stack_options(self.name),
        )

    def prices(self) -> Mapping[str, Price]:
        """Return that neither is billed for existing: Security Hub costs by its checks."""
        return dict.fromkeys(("AWS::SecurityHub::Hub", "AWS::SecurityHub::Standard"), FREE)

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "it knows no AWS::SecurityHub::Hub and no AWS::SecurityHub::Standard, so that the "
            "stack does not deploy there; the hub's settings are tried on moto, and the standard "
            "nowhere",
        )
