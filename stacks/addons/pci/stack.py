"""Security Hub in one Region, with the PCI DSS standard."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_securityhub as securityhub
from constructs import Construct

__all__ = ["PciStack"]

_STANDARD = "standards/pci-dss/v/4.0.1"
"""https://docs.aws.amazon.com/securityhub/latest/userguide/pci-standard.html"""


class PciStack(cdk.Stack):
    """What the account has once in the Region; both stay when the stack goes.

    Another environment of the account, or a person, may have come to count on them.

    Args:
        scope: the stage.
        construct_id: the add-on's name.
        region: whose standard it is.
        hub: switch Security Hub on as well, without the standards that AWS would add.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, region: str, hub: bool, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        standard = securityhub.CfnStandard(
            self, "Standard", standards_arn=f"arn:aws:securityhub:{region}::{_STANDARD}"
        )
        standard.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        if hub:
            switch = securityhub.CfnHub(
                self,
                "Hub",
                auto_enable_controls=True,
                control_finding_generator="SECURITY_CONTROL",
                enable_default_standards=False,
            )
            switch.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
            standard.add_resource_dependency(switch)
