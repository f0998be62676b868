"""Links to files in a home: one that anybody may follow for minutes, and one into AWS's console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from botocore.config import Config

from starburst._client.numbers import whole
from starburst.aws.calls import client_config
from starburst.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from starburst._client.access.connection import Connection

    from .places import Place

__all__ = ["MOST_SECONDS", "console_address", "console_link", "link"]

MOST_SECONDS: Final = 900
"""That a link may live; the bucket's policy takes no older signature."""

_CONSOLES: Final = {
    "cn": "console.amazonaws.cn",
    "us-gov": "console.amazonaws-us-gov.com",
}
"""By what a region begins with, where it is not AWS's ordinary console.

Source: https://docs.aws.amazon.com/general/latest/gr/rande.html
"""


def link(place: Place, name: str, *, seconds: object) -> str:
    """Return a link to a file by which anybody who has it reads that file.

    Raises:
        ConfigurationError: the workspace allows none, or it would live for too long.
        DataNotFound: there is no such file.
    """
    lifetime = whole("seconds", seconds, least=1, most=MOST_SECONDS)
    connection = place.connection
    if connection is None or not connection.document.workspaces[connection.workspace].home_links:
        where = "" if connection is None else f" of {connection.workspace}"
        raise ConfigurationError(
            f"the homes{where} have no links: whoever holds one reads the file without logging "
            "in, so a platform engineer has to allow them (Workspace.home_links). "
            f"`starburst home get {name}` brings the file here"
        )
    with place.errors(f"look for {place.path(name)}"):
        if not place.has(name):
            raise place.missing(name)
    with place.errors(f"make a link to {place.path(name)}"):
        return _signing(connection).generate_presigned_url(
            "get_object",
            Params={"Bucket": place.bucket, "Key": place.key(name)},
            ExpiresIn=lifetime,
        )


def console_link(place: Place, name: str) -> str:
    """Return the address at which AWS's console shows a folder, or a file in it.

    Raises:
        ConfigurationError: the local environment has no console.
    """
    connection = place.connection
    if connection is None or connection.local:
        raise ConfigurationError("the local environment has no console: ls() lists what is there")
    return console_address(place.bucket, place.key(name), region=connection.document.region)


def console_address(bucket: str, key: str, *, region: str) -> str:
    """Return the address of an object, or of what begins so, in AWS's console.

    Example:
        >>> console_address("b", "home/genomics/alice/", region="eu-west-1")
        'https://eu-west-1.console.aws.amazon.com/s3/buckets/b?region=eu-west-1&prefix=home/genomics/alice/'
    """
    start = next((each for each in _CONSOLES if region.startswith(f"{each}-")), "")
    host = _CONSOLES.get(start, f"{region}.console.aws.amazon.com")
    kind = "buckets" if key.endswith("/") else "object"
    return f"https://{host}/s3/{kind}/{bucket}?region={region}&prefix={quote(key)}"


def _signing(connection: Connection) -> S3Client:
    """Return a client that signs for the bucket's own region, as other regions' refuse it."""
    if connection.aws is None:
        return connection.s3
    config = client_config(fips=connection.document.fips).merge(
        Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    )
    endpoint = connection.s3.meta.endpoint_url if connection.local else None
    return connection.aws.client(
        "s3", region_name=connection.document.region, config=config, endpoint_url=endpoint
    )
