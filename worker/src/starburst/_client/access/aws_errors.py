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

from starburst.aws.calls import CONFLICT, DENIED, EXPIRED, QUEUE_GONE, code_of, quoted
from starburst.errors import AccessDenied, ConfigurationError, KeyUnavailable, SessionError
from starburst.untrusted.terminal_text import one_line

__all__ = ["LOG_IN", "aws_errors", "waits_for"]

LOG_IN: Final = "log in again"
"""What a wait needs whose login has ended."""

_KEY_UNUSABLE: Final = frozenset(
    {"KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"}
    | {"KMS.InvalidStateException", "KmsDisabled", "KmsInvalidState", "KmsNotFound"}
)
"""How S3 and SQS say that the key which encrypts what they keep is disabled or gone."""

_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_SIGNED_WRONG: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
_NOT_NOW: Final = ("Signature expired", "Signature not yet current")
"""How a signature is refused for its time, and not for its secret: KMS, SQS, Lambda and SSM have no
code of their own for that, as S3 has.

Source: https://github.com/JuliaCloud/AWS.jl/issues/206, an answer as it came.
"""

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

_NO_LOGIN: Final = (CredentialRetrievalError, NoCredentialsError, SSOError, TokenRetrievalError)


@contextmanager
def aws_errors(purpose: str) -> Iterator[None]:
    """Raise our errors for AWS's while trying to ``purpose`` (a verb phrase)."""
    try:
        yield
    except ClientError as error:
        code, said = code_of(error), quoted(error)
        if code in EXPIRED:
            raise AccessDenied(
                f"cannot {purpose}: your credentials have expired. Log in again; the session goes "
                "on without you, and starburst.attach(id) finds it"
            ) from error
        if _is_skewed(error):
            raise ConfigurationError(
                f"cannot {purpose}: AWS says that this computer's clock is wrong ({said or code}). "
                "Set the clock; the session goes on without you, and starburst.attach(id) finds it"
            ) from error
        if code in _SIGNED_WRONG:
            raise ConfigurationError(
                f"cannot {purpose}: AWS takes the signature for another's ({said or code}). The "
                "secret does not belong to the access key: log in again"
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
    except _NO_LOGIN as error:
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


def waits_for(error: BaseException) -> str:
    """Return why what :func:`aws_errors` raised may pass by itself; empty where it does not.

    AWS is busy or out of reach, a clock is set, a policy is on its way, somebody logs in again.
    """
    cause = error.__cause__
    if isinstance(cause, _NO_LOGIN):
        return LOG_IN
    if isinstance(cause, _NOT_REACHED):
        return "no way to AWS"
    if not isinstance(cause, ClientError):
        return ""
    code = code_of(cause)
    status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    for passes, words in (
        (code in EXPIRED, LOG_IN),
        (_is_skewed(cause), "this computer's clock is wrong"),
        (code in DENIED, "AWS refuses access"),
        (code in _BUSY or code in CONFLICT or status >= _SERVER_ERROR, "AWS is busy"),
        (code in QUEUE_GONE, "no queue yet"),
    ):
        if passes:
            return words
    return ""


def _is_skewed(error: ClientError) -> bool:
    """Whether AWS refuses a request for its time: this computer's clock is wrong."""
    code = code_of(error)
    said = str(error.response.get("Error", {}).get("Message", ""))
    return code in _SKEWED or (code in _SIGNED_WRONG and said.startswith(_NOT_NOW))
