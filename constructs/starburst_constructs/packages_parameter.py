"""What a workspace says of packages, in Parameter Store."""

from __future__ import annotations

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from starburst.contract import PackagesDocument, packages_parameter
from starburst.errors import ConfigurationError
from starburst_constructs.runtime_parameter import ADVANCED_BYTES, STANDARD_BYTES

__all__ = ["PackagesParameter"]


class PackagesParameter(ssm.StringParameter):
    """The parameter ``/starburst/<environment>/packages/<workspace>``.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        workspace: its name.
        document: its content.

    Raises:
        ConfigurationError: the document would not fit into any parameter.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        workspace: str,
        document: PackagesDocument,
    ) -> None:
        text = document.to_json()
        size = len(text.encode())
        if size > ADVANCED_BYTES:
            listed = len(document.image or ())
            raise ConfigurationError(
                f"environment {environment}: workspace {workspace}: what it says of packages takes "
                f"{size} bytes ({len(document.allowed)} allowed, {listed} in the image) and "
                f"Parameter Store holds {ADVANCED_BYTES}; shorten allowed_packages, or put fewer "
                "packages into the image"
            )
        super().__init__(
            scope,
            construct_id,
            parameter_name=packages_parameter(environment, workspace),
            description=f"Starburst: which packages workers of workspace {workspace} may have",
            string_value=text,
            tier=(
                ssm.ParameterTier.STANDARD if size <= STANDARD_BYTES else ssm.ParameterTier.ADVANCED
            ),
        )
