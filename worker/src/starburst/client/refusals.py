"""What AWS refuses, as our typed errors: what was tried, why it failed, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from starburst.aws import code_of
from starburst.errors import AccessDenied, ConfigurationError, SessionError

__all__ = ["DENIED", "aws_errors", "is_passing"]

DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403", "UnauthorizedOperation"}
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_BUSY: Final = frozenset(
    {
        "SlowDown",
        "ThrottlingException",
        "Throttling",
        "RequestThrottled",
        "TooManyRequestsException",
    }
)
_SERVER_ERROR: Final = 500
_UNHEARD: Final = (
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
)


@contextmanager
def aws_errors(purpose: str) -> Iterator[None]:
    """Raise our errors for AWS's while trying to ``purpose`` (a verb phrase)."""
    try:
        yield
    except ClientError as error:
        code, said = code_of(error), error.response.get("Error", {}).get("Message", "")
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
        if code in DENIED:
            raise AccessDenied(
                f"cannot {purpose}: AWS refused ({said or code}). Are these the credentials of an "
                "analyst of this workspace? If so, show this to your platform engineer"
            ) from error
        raise SessionError(f"cannot {purpose}: AWS answered {code}: {said}") from error
    except (NoCredentialsError, TokenRetrievalError, UnauthorizedSSOTokenError) as error:
        raise ConfigurationError(
            f"cannot {purpose}: there are no valid AWS credentials. Log in (for example "
            "`aws sso login`), or name a profile with AWS_PROFILE or profile="
        ) from error
    except EndpointConnectionError as error:
        raise ConfigurationError(f"cannot {purpose}: {error}. Is the network there?") from error
    except BotoCoreError as error:
        raise ConfigurationError(f"cannot {purpose}: {error}") from error


def is_passing(error: BaseException) -> bool:
    """Whether what :func:`aws_errors` raised may pass by itself: no network, or AWS is busy."""
    cause = error.__cause__
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or code_of(cause) in _BUSY
    return isinstance(cause, _UNHEARD)
