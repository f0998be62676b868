"""A client of a session that is in a test alone: its keys, and a connection to what plays AWS."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey

__all__ = ["connection_to", "new_key"]


def new_key() -> tuple[SessionKey, SigningKey]:
    """Return the keys of a session, and the one that signs."""
    signer = SigningKey.generate()
    key = SessionKey(
        data=bytes(32),
        wrapped_data="",
        public=signer.public,
        signing=signer,
        wrapped_signing="",
    )
    return key, signer


def connection_to(aws: Any, timings: Timings) -> Connection:
    """Return a connection whose every service is played by one object."""
    document: Any = SimpleNamespace(bucket="bucket", environment="test")
    return Connection(
        document=document,
        workspace="study",
        user="alice",
        s3=aws,
        sqs=aws,
        kms=aws,
        functions=aws,
        timings=timings,
    )
