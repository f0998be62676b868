"""What AWS refuses, as our typed errors: what was tried, why it failed, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from starburst.aws.calls import code_of, quoted
from starburst.errors import AccessDenied, ConfigurationError, KeyUnavailable, SessionError
from starburst.untrusted.terminal_text import one_line

__all__ = ["DENIED", "aws_errors", "is_passing"]

DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403", "UnauthorizedOperation"}
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
_KEY_UNUSABLE: Final = frozenset(
    {"KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"}
    | {"KmsDisabled", "KmsInvalidState", "KmsNotFound"}
)
"""How S3 and SQS say that the key which encrypts what they keep is disabled or gone."""

_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_BUSY: Final = frozenset(
    {
        "SlowDown",
        "ThrottlingException",
        "Throttling",
        "RequestThrottled",
        "TooManyRequestsException",
        "KMS.ThrottlingException",
        "KmsThrottled",
    }
)
_SERVER_ERROR: Final = 500
_NOT_REACHED: Final = (
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)
"""Also a network that still asks for a login: it answers with a certificate of its own."""


@contextmanager
def aws_errors(purpose: str) -> Iterator[None]:
    """Raise our errors for AWS's while trying to ``purpose`` (a verb phrase)."""
    try:
        yield
    except ClientError as error:
        code, said = code_of(error), quoted(error)
        if code in _EXPIRED:
            raise AccessDenied(
                f"cannot {purpose}: your credentials have expired. Log in again; the session goes "
                "on without you, and starburst.attach(id) finds it"
            ) from error
        if code in _SKEWED:
            raise ConfigurationError(
                f"cannot {purpose}: AWS says that this computer's clock is wrong ({said or code}). "
                "Set the clock; the session goes on without you, and starburst.attach(id) finds it"
            ) from error
        if code in _KEY_UNUSABLE:
            raise KeyUnavailable(
                f"cannot {purpose}: the key that encrypts this environment's data is not usable "
                f"({code}: {said}). Nothing was sent unencrypted, and nothing is lost: once the "
                "key is enabled again, starburst.attach(id) finds the session. Ask your platform "
                "engineer whether the key was disabled on purpose"
            ) from error
        if code in DENIED:
            raise AccessDenied(
                f"cannot {purpose}: AWS refused ({said or code}). Are these the credentials of an "
                "analyst of this workspace? If so, show this to your platform engineer"
            ) from error
        raise SessionError(f"cannot {purpose}: AWS answered {one_line(code)}: {said}") from error
    except (NoCredentialsError, CredentialRetrievalError, TokenRetrievalError, SSOError) as error:
        raise ConfigurationError(
            f"cannot {purpose}: there are no valid AWS credentials ({one_line(error)}). Log in "
            "(for example `aws sso login`), or name a profile with AWS_PROFILE or profile=. A "
            "session that is running goes on without you, and starburst.attach(id) finds it"
        ) from error
    except EndpointConnectionError as error:
        raise ConfigurationError(
            f"cannot {purpose}: {one_line(error)}. Is the network there?"
        ) from error
    except BotoCoreError as error:
        raise ConfigurationError(f"cannot {purpose}: {one_line(error)}") from error


def is_passing(error: BaseException) -> bool:
    """Whether what :func:`aws_errors` raised may pass by itself: no network, or AWS is busy."""
    cause = error.__cause__
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or code_of(cause) in _BUSY
    return isinstance(cause, _NOT_REACHED)
