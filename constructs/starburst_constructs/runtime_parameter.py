"""The runtime document in Parameter Store: all that a client must know to use an environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from starburst.contract import RuntimeDocument, runtime_parameter
from starburst.errors import ConfigurationError

__all__ = ["ADVANCED_BYTES", "STANDARD_BYTES", "RuntimeParameter"]

STANDARD_BYTES: Final = 4096
"""The largest value of a standard parameter, which costs nothing."""

ADVANCED_BYTES: Final = 8192
"""The largest value of an advanced parameter."""

_LONGEST_BUCKET: Final = "x" * 63
_LONGEST_ARN: Final = "x" * 120


class RuntimeParameter(ssm.StringParameter):
    """The parameter ``/starburst/<environment>/runtime``.

    Args:
        scope: parent construct.
        construct_id: its id there.
        document: its content; values that only CloudFormation knows may be CDK tokens, but none of
            a workspace's. Where it would be too long, its workspaces are packed.

    Raises:
        ConfigurationError: the document would not fit into any parameter.
    """

    def __init__(self, scope: Construct, construct_id: str, *, document: RuntimeDocument) -> None:
        packed = _size(document) > ADVANCED_BYTES
        size = _size(document, packed=packed)
        if size > ADVANCED_BYTES:
            raise ConfigurationError(
                f"environment {document.environment}: the runtime document of "
                f"{len(document.workspaces)} workspaces may take {size} bytes and Parameter Store "
                f"holds {ADVANCED_BYTES}; split the workspaces over two environments"
            )
        # Its values need no JSON escapes, so the client's own writer is right for tokens too.
        super().__init__(
            scope,
            construct_id,
            parameter_name=runtime_parameter(document.environment),
            description="Starburst: what clients and the controller know of this environment",
            string_value=document.to_json(packed=packed),
            tier=(
                ssm.ParameterTier.STANDARD if size <= STANDARD_BYTES else ssm.ParameterTier.ADVANCED
            ),
        )


def _size(document: RuntimeDocument, *, packed: bool = False) -> int:
    """Return how long the document may get once CloudFormation has put in what are tokens now."""

    def known(value: str, longest: str) -> str:
        return longest if cdk.Token.is_unresolved(value) else value

    widest = replace(
        document,
        bucket=known(document.bucket, _LONGEST_BUCKET),
        key_arn=known(document.key_arn, _LONGEST_ARN),
        controller=known(document.controller, _LONGEST_ARN),
    )
    return len(widest.to_json(packed=packed).encode())
