"""Requests that no SDK would send: unsigned, forged, or signed over any path and header."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from starburst.local.emulator import REGION

JSON_1_0 = "application/x-amz-json-1.0"
JSON_1_1 = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def refused(self) -> bool:
        return self.status == 403


@dataclass
class Door:
    """A few kept connections to the emulator, without any belief in its certificate."""

    endpoint: str
    connection: http.client.HTTPSConnection = field(init=False)

    def __post_init__(self) -> None:
        # Another user of the machine cannot read the authority's file, and need not.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        parts = urlsplit(self.endpoint)
        self.connection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port, timeout=20, context=context
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    def knock(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send it as it is, and once more if the kept connection was closed meanwhile."""
        for attempt in (1, 2):
            try:
                given = headers or {}
                skip = any(name.lower() == "host" for name in given)
                self.connection.putrequest(
                    method, target, skip_host=skip, skip_accept_encoding=True
                )
                for name, value in given.items():
                    self.connection.putheader(name, value)
                if body is not None and not any(n.lower() == "content-length" for n in given):
                    self.connection.putheader("Content-Length", str(len(body)))
                self.connection.endheaders(body)
                response = self.connection.getresponse()
                found = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, found, response.read())
            except (http.client.HTTPException, OSError):
                self.connection.close()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def signed(
        self,
        who: Credentials,
        service: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send it with a signature that is good for exactly this."""
        request = sign(who, service, method, self.endpoint + target, headers=headers, body=body)
        return self.knock(method, target, dict(request.headers.items()), body)

    def presigned(
        self, who: Credentials, method: str, target: str, body: bytes | None = None
    ) -> Answer:
        request = AWSRequest(method=method, url=self.endpoint + target)
        S3SigV4QueryAuth(who, "s3", REGION, expires=60).add_auth(request)
        return self.knock(method, str(request.url).removeprefix(self.endpoint), None, body)


def sign(
    who: Credentials,
    service: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    region: str = REGION,
) -> AWSRequest:
    request = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body)
    (S3SigV4Auth if service == "s3" else SigV4Auth)(who, service, region).add_auth(request)
    return request


def keys(session: boto3.Session) -> Credentials:
    """Return the keys that a session has now."""
    found: Any = session.get_credentials()
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)
