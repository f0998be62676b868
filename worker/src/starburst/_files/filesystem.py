"""A place as a file system of fsspec's: s3fs with the login and endpoint of a connection."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Final

from starburst.aws.absent_files import answers_for_absent
from starburst.errors import ConfigurationError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

    from .places import Place

__all__ = ["filesystem_of"]

_INSTALL: Final = (
    "s3fs is not installed here, by which files are opened in the middle: "
    'pip install "starburst[data]"'
)


def filesystem_of(place: Place) -> Any:  # noqa: ANN401 - s3fs has no types
    """Return an s3fs file system that may do what the place's client may.

    Raises:
        ConfigurationError: s3fs is not installed.
    """
    try:
        import s3fs  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        raise ConfigurationError(_INSTALL) from error
    if place.connection is None:
        return s3fs.S3FileSystem()
    return _class_of(s3fs.S3FileSystem)(**_terms(place.connection))


@functools.cache
def _class_of(files: Any) -> Any:  # noqa: ANN401 - s3fs has no types
    """Return s3fs's class as ours is: no two logins share one, and what is absent is said so."""

    class Files(files):  # type: ignore[misc] # likewise
        cachable = False  # codespell:ignore cachable - as fsspec spells it
        _call_s3 = answers_for_absent(files._call_s3)

        def __reduce__(self) -> Any:  # noqa: ANN401 - never
            raise TypeError(
                "a file system holds its person's login, which stays here: ask for one within the "
                "task, by starburst.data.filesystem()"
            )

    return Files


def _terms(connection: Connection) -> dict[str, Any]:
    if connection.aws is None:
        raise ConfigurationError("this connection was made without a login of its own")
    verify: dict[str, Any] = {}
    if connection.local:
        verify = {"endpoint_url": connection.s3.meta.endpoint_url, "verify": connection.ca_bundle}
    return {
        "session": _session(connection.aws),
        "client_kwargs": {"region_name": connection.document.region, **verify},
        "config_kwargs": {
            "use_fips_endpoint": connection.document.fips or None,
            **({"proxies": {}} if connection.local else {}),
        },
    }


def _session(aws: Any) -> Any:  # noqa: ANN401 - aiobotocore has no types
    """Return aiobotocore's session, which asks boto3's for keys at each request."""
    from aiobotocore.credentials import AioCredentials  # noqa: PLC0415 - comes with s3fs
    from aiobotocore.session import AioSession  # noqa: PLC0415 - likewise

    held = aws.get_credentials()
    if held is None:
        raise ConfigurationError("there are no AWS credentials: log in, or name a profile")

    class Renewed(AioCredentials):  # type: ignore[misc] # likewise
        async def get_frozen_credentials(self) -> Any:  # noqa: ANN401 - botocore's
            return await asyncio.to_thread(held.get_frozen_credentials)

    session = AioSession()
    session._credentials = Renewed("as", "held", method="starburst")
    again = getattr(held, "after_answer", None)
    if again is not None:  # see starburst._client.access.renewal
        session.register("needs-retry", again)
    return session
