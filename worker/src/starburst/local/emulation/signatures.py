"""Verify the SigV4 signature of a request, as AWS does, with a key that the emulator knows.

The emulator's own primitives do the arithmetic. What it leaves open is closed here: it verifies
nothing of root's, nothing where it names no IAM action, no body hash, no unsigned ``x-amz-`` header
and no date that it cannot read. SigV2, SigV4a and bodies signed in chunks, which no SDK of ours
sends, are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starburst.local.emulator import ACCOUNT

from .patching import module
from .root_key import root_secret

__all__ = ["Claim", "Head", "Refused", "check", "check_payload", "claim", "signed_for"]

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w{4,128})/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,"
    r" ?SignedHeaders=([a-z0-9-]+(?:;[a-z0-9-]+)*), ?Signature=([0-9a-f]{64})",
    re.ASCII,
)
_SCOPE = re.compile(r"(\w{4,128})/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request", re.ASCII)
_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_QUERY = {
    f"X-Amz-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
}
_TOKEN = "X-Amz-Security-Token"  # noqa: S105 - a parameter's name
_PAYLOAD = "x-amz-content-sha256"
_NO_PAYLOAD_HASH = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
"""What S3 takes over TLS; the second has the payload's checksum behind it."""
_MOST_EXPIRES = timedelta(days=7)
_SKEW = timedelta(minutes=15)
_NOBODY = "The security token included in the request is invalid."


class Refused(Exception):
    """A request that AWS would refuse before it asks a policy.

    Args:
        code: AWS's code for it.
        message: what to tell.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request without its body, as it arrived.

    Attributes:
        method: in capitals.
        path: with its percent signs.
        query: every value of every parameter.
        headers: by name in small letters; each was there once.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who a request says that it is from, until `check` has believed it.

    Attributes:
        key: a key that is known, and active, with the session token that belongs to it.
        service: what the signature is for.
        presigned: whether it stands in the query.
        parts: the signature, as the emulator wants it.
        secret: the key's.
    """

    key: str
    service: str
    presigned: bool
    parts: Any
    secret: str


def signed_for(head: Head) -> str:
    """Return the service that a request says to be signed for, for the form of an answer only."""
    query = head.query.get("X-Amz-Credential", [""])[0]
    found = _SCOPE.search(head.headers.get("authorization", query))
    return found[4] if found else ""


def claim(head: Head) -> Claim:
    """Return who asks, by a key that is known and a time that is fresh.

    Raises:
        Refused: there is no signature of a form that AWS would take, or it is not such a key's.
    """
    foreign = [name for name in head.query if name.lower().startswith("x-amz-")]
    authorization = head.headers.get("authorization")
    if authorization is None:
        if not foreign:
            raise Refused("MissingAuthenticationToken", "The request is not signed.")
        found, expires = _in_query(head.query, foreign)
        token = head.query.get(_TOKEN, [""])[0]
    else:
        match = _HEADER.fullmatch(authorization)
        if match is None or foreign:
            raise Refused("IncompleteSignature", "The request is not signed by SigV4, once.")
        found = (*match.groups(), head.headers.get("x-amz-date", ""))
        expires, token = None, head.headers.get("x-amz-security-token", "")
    parts = module("core.sigv4").HeaderSignature(*found)
    _require_signed(head, parts.signed_headers.split(";"))
    _require_fresh(parts, expires)
    return Claim(
        key=parts.access_key_id,
        service=parts.service,
        presigned=authorization is None,
        parts=parts,
        secret=_secret(parts.access_key_id, token),
    )


def check(given: Claim, head: Head, body: bytes) -> None:
    """Believe a claim.

    Args:
        given: what `claim` returned.
        head: the same request.
        body: the body; nothing where the head has its hash, or needs none.

    Raises:
        Refused: the key's owner did not sign this.
    """
    failure = module("core.sigv4").header_signature_failure(
        given.parts,
        given.secret,
        head.method,
        head.path,
        head.query,
        head.headers,
        body,
        presigned=given.presigned,
    )
    if failure is not None:
        raise Refused(*failure)


def check_payload(given: Claim, head: Head, body: bytes) -> None:
    """Compare a body with the hash of it that was signed.

    Raises:
        Refused: it is another body, or S3 is told no hash at all.
    """
    if given.presigned:
        return
    signed = head.headers.get(_PAYLOAD)
    if signed is None and given.service != "s3":
        return  # Then `check` has hashed the body itself.
    if given.service == "s3" and signed in _NO_PAYLOAD_HASH:
        return
    if signed != hashlib.sha256(body).hexdigest():
        raise Refused(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )


def _in_query(
    query: Mapping[str, list[str]], names: Sequence[str]
) -> tuple[tuple[str, ...], timedelta]:
    """Return the parts of a presigned URL, and how long it is good."""
    scope = _SCOPE.fullmatch(query.get("X-Amz-Credential", [""])[0])
    sound = (
        set(names) - {_TOKEN} == _QUERY
        and all(len(query[name]) == 1 for name in names)
        and query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    )
    if scope is None or not sound or scope[4] != "s3":
        raise Refused("IncompleteSignature", "The request is not signed by SigV4, once.")
    seconds = query["X-Amz-Expires"][0]
    expires = timedelta(seconds=int(seconds)) if re.fullmatch(r"[0-9]{1,6}", seconds) else None
    if not expires or expires > _MOST_EXPIRES:
        raise Refused("AuthorizationQueryParametersError", "X-Amz-Expires must be 1 to 604800.")
    rest = (query[name][0] for name in ("X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date"))
    return (*scope.groups(), *rest), expires


def _require_signed(head: Head, signed: Sequence[str]) -> None:
    left = {name for name in head.headers if name.startswith("x-amz-")} - set(signed)
    if left or "host" not in signed:
        what = ", ".join(sorted(left or {"host"}))
        raise Refused("SignatureDoesNotMatch", f"There are headers that were not signed: {what}")


def _require_fresh(parts: Any, expires: timedelta | None) -> None:
    if not _TIME.fullmatch(parts.amz_date):
        raise Refused("IncompleteSignature", "The request needs an X-Amz-Date.")
    try:
        signed = datetime.strptime(parts.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused("IncompleteSignature", "X-Amz-Date is no date.") from error
    now = datetime.now(UTC)
    if expires is None:
        skewed = module("core.sigv4").request_time_failure(parts, now=now)
        if skewed is not None:
            raise Refused(*skewed)
    elif not signed - _SKEW <= now <= signed + expires:
        raise Refused("RequestExpired", "Request has expired")


def _secret(key: str, token: str) -> str:
    """Return a known key's secret; the emulator compares the session token and the expiry."""
    root = root_secret(key)
    if root is not None:
        if token:
            raise Refused("InvalidToken", _NOBODY)
        return root
    evaluator = module("core.iam_evaluator")
    found = evaluator.resolve_credential(key, ACCOUNT, token)
    if isinstance(found, evaluator.CredentialResolutionError):
        raise Refused(found.code, found.message)
    return str(found.secret_access_key)
