"""What AWS answers when it fails, and clients that answer so."""

from __future__ import annotations

import io
from typing import Any

from botocore.exceptions import (
    ClientError,
)


def refusal(code: str, status: int = 400) -> ClientError:
    said: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "Operation")


class Faulty:
    """An AWS client whose named calls fail while ``error`` is set."""

    def __init__(self, client: Any, *names: str) -> None:
        self._client = client
        self._names = names
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.error is None or (self._names and name not in self._names):
            return getattr(self._client, name)
        error = self.error

        def fail(**_: object) -> Any:
            raise error

        return fail


def squares(count: int) -> list[int]:
    return [x * x for x in range(count)]


class RawBody(io.BytesIO):
    """A response's body as botocore reads it."""

    def stream(self, **_: object) -> Any:
        yield self.read()


def sdk_config() -> Any:
    from starburst.aws.calls import client_config  # noqa: PLC0415 - the runtime's own retries

    return client_config()
