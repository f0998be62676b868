"""How every part of the runtime talks to AWS: retries, time-outs, and what its errors say."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from starburst.untrusted.terminal_text import one_line

__all__ = [
    "CONFLICT",
    "CONNECTIONS",
    "DENIED",
    "EXPIRED",
    "MISSING",
    "OUTRUN",
    "QUEUE_GONE",
    "TAKEN",
    "TROUBLE",
    "client_config",
    "code_of",
    "is_permanent",
    "outlast",
    "quoted",
    "words_of",
]

CONNECTIONS: Final = 16

MISSING: Final = frozenset({"NoSuchKey", "404"})
"""How S3 says that a key does not exist, to callers that may know."""

DENIED: Final = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
    | {"KMS.AccessDeniedException", "KmsAccessDenied"}
)
"""How AWS refuses a caller, and how SQS says that KMS refuses the caller its queue's key.

S3 says the same of a key that does not exist to callers that may not list the bucket; see
:mod:`starburst.aws.absence`.
"""

EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
"""How AWS says that a login has ended."""

QUEUE_GONE: Final = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue"}
)
"""How SQS says that it knows no such queue: one that was deleted, or that was made a moment ago.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
"""

TAKEN: Final = frozenset({"PreconditionFailed", "412"})
"""How S3 says that a write-once key exists: by another's hand, or by one's own lost first try."""

CONFLICT: Final = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
"""How S3 says that a write met another one, or a deletion, under way at its key: it is to be sent
again, and then S3 knows whether the key is taken.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, ``If-None-Match``.
"""

OUTRUN: Final = TAKEN | CONFLICT
"""How S3 says that a conditional write came second."""

TROUBLE: Final = (ClientError, BotoCoreError)
"""What a call raises after botocore's own retries, the reading of a body included."""


_TRIES: Final = 4
_PAUSE: Final = 0.5

_T = TypeVar("_T")

_REFUSED: Final = frozenset({400, 405, 411, 413, 414, 416, 422, 501})
"""HTTP statuses with which AWS turns down the request itself. 403 and 404 are not among them: a
permission, a key or an object may come back."""

_PASSES: Final = (
    *("AccessDenied", "BadDigest", "Expired", "IncompleteBody", "IncompleteSignature"),
    *("InvalidClientTokenId", "InvalidSignature", "InvalidToken", "KMS", "Kms", "Limit"),
    *("NotReady", "OverLimit"),
    *("PriorRequest", "RequestTime", "SHA256Mismatch", "SignatureDoesNotMatch", "SlowDown"),
    *("Throttl", "TooMany", "TransactionInProgress", "UnrecognizedClient", "ExceededException"),
)
"""What stands in the code of an error that comes with such a status and passes all the same: AWS is
busy, credentials are being renewed, a key is disabled, a policy is on its way (KMS and SQS refuse
with 400), the bytes were damaged on theirs."""


def client_config(*, fips: bool = False) -> Config:
    """Return the configuration of every boto3 client.

    Standard retries with jitter cover throttling and S3's 503.

    Args:
        fips: call FIPS endpoints; else ``AWS_USE_FIPS_ENDPOINT`` and the profile decide, as always.
    """
    return Config(
        use_fips_endpoint=fips or None,
        retries={"mode": "standard", "max_attempts": 6},
        max_pool_connections=CONNECTIONS,
        connect_timeout=10,
        read_timeout=60,
        user_agent_extra="starburst/0.1",
    )


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return AWS's error code, such as ``NoSuchKey``; empty for an error that AWS never sent."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def is_permanent(error: BaseException) -> bool:
    """Whether AWS turns the request itself down, so that the same one will never succeed.

    Example:
        >>> said = {"Error": {"Code": "InvalidRange"}, "ResponseMetadata": {"HTTPStatusCode": 416}}
        >>> is_permanent(ClientError(said, "GetObject"))
        True
    """
    if not isinstance(error, ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = code_of(error)
    if code == "InvalidObjectState":  # 403: it lies in an archive, where nothing of ours is put
        return True
    return status in _REFUSED and not any(word in code for word in _PASSES)


def quoted(error: ClientError) -> str:
    """Return AWS's words, fit for a terminal, and make the error itself so.

    AWS quotes names that others chose, and Python prints the error as the cause of ours.
    """
    error.args = tuple(map(one_line, error.args))
    return one_line(error.response.get("Error", {}).get("Message", ""))


def outlast(read: Callable[[], _T]) -> _T:
    """Read once more where AWS is in trouble with one object, after botocore's own retries."""
    for attempt in range(_TRIES - 1):
        try:
            return read()
        except TROUBLE:
            time.sleep(_PAUSE * 2**attempt)
    return read()


def words_of(error: ClientError | BotoCoreError) -> str:
    """Return the error as people read it, its code first."""
    if isinstance(error, ClientError):
        return f"{code_of(error)}: {error.response.get('Error', {}).get('Message', '')}"
    return str(error)
