"""Reading what a workspace says of packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst.aws.calls import code_of
from starburst.contract import PackagesDocument, packages_parameter
from starburst.errors import ConfigurationError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["is_lax", "read_document"]


def read_document(connection: Connection) -> PackagesDocument:
    """Return the document of the connection's workspace.

    One that was deployed by an earlier release has none: nothing travels there.

    Raises:
        ConfigurationError: it is of another release.
        AccessDenied: these credentials may not read it.
    """
    usual = PackagesDocument(policy=connection.document.workspaces[connection.workspace].packages)
    if connection.ssm is None:
        return usual
    name = packages_parameter(connection.document.environment, connection.workspace)
    with aws_errors(f"read {name}"):
        try:
            text = connection.ssm.get_parameter(Name=name)["Parameter"].get("Value", "")
        except ClientError as error:
            if code_of(error) == "ParameterNotFound" or usual.policy == "image":
                return usual
            raise
    try:
        return PackagesDocument.from_json(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{name} cannot be used: {error}. Update starburst, or redeploy the environment"
        ) from error


def is_lax(connection: Connection, document: PackagesDocument) -> bool:
    """Whether workers have this interpreter's packages, as those of a lax local environment do."""
    return connection.local and document.image is None
