"""That every table of the environment, of any add-on, says when its rows end."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_dynamodb as dynamodb
from constructs import IConstruct

from stacks.settings.addon import AddonError

__all__ = ["RowsEnd"]


@jsii.implements(cdk.IAspect)
class RowsEnd:
    """Refuses, at synthesis, a table that keeps its rows for ever.

    Raises:
        AddonError: names the table, and how it is mended.
    """

    def visit(self, node: IConstruct) -> None:
        """Look at one construct."""
        if not isinstance(node, dynamodb.CfnTable | dynamodb.CfnGlobalTable):
            return
        stated = cdk.Stack.of(node).resolve(node.time_to_live_specification) or {}
        if stated.get("enabled") is not True or not stated.get("attributeName"):
            raise AddonError(
                f"{node.node.path} keeps its rows for ever, and with the add-on 'pci' each table "
                "says when they end (PCI DSS 4.0.1, Requirement 3.2): name the attribute that "
                "holds a row's end, time_to_live_attribute=…"
            )
