"""Logging in with a second factor, where there is no single sign-on (S4)."""

from __future__ import annotations

import re
from typing import Final

import boto3
from botocore.exceptions import ClientError

from starburst.aws.calls import client_config, quoted
from starburst.aws.jitter import own_jitter
from starburst.contract import PRINCIPAL_NAME, USER_TAG
from starburst.errors import ConfigurationError

from .aws_errors import aws_errors
from .connection import region

__all__ = ["login"]

_SHORTEST: Final = 900
_LONGEST: Final = 43_200
_CODE: Final = re.compile(r"\d{6}")
_CHAINED: Final = "role chaining"
"""In what STS says of a role that assumes another for longer than an hour.

Source: https://repost.aws/knowledge-center/iam-role-chaining-limit
"""


def login(
    role_arn: str,
    token_code: str,
    *,
    serial_number: str,
    user: str,
    seconds: int = 3600,
    profile: str | None = None,
) -> boto3.session.Session:
    """Become an analyst with an MFA code; pass what comes back as ``aws=`` to ``connect``.

    Args:
        role_arn: the workspace's analyst role.
        token_code: the six digits that the device shows now.
        serial_number: the device, such as ``arn:aws:iam::123456789012:mfa/alice``.
        user: your IAM user name; it becomes the session's name and its ``userName`` tag, so that
            the audit trail names a person.
        seconds: how long it lasts, 900 to the role's longest session (43,200 at most).
        profile: an AWS profile with your long-term credentials.

    Raises:
        ConfigurationError: an argument is malformed, and AWS was not asked; or the profile's own
            login is a role's, and ``seconds`` more than the hour that AWS grants then.
        AccessDenied: a wrong code, or the role does not trust you.

    Example:
        >>> device = "arn:aws:iam::123456789012:mfa/alice"
        >>> aws = login(role, "123456", serial_number=device, user="alice")  # doctest: +SKIP
        >>> starburst.connect("prod", "genomics", aws=aws)                   # doctest: +SKIP
    """
    if not isinstance(token_code, str) or not _CODE.fullmatch(token_code):
        raise ConfigurationError(
            "token_code is not the six digits that the MFA device shows, as text: leading zeros "
            "count"
        )
    if not isinstance(user, str) or not PRINCIPAL_NAME.fullmatch(user):
        raise ConfigurationError(f"user {user!r} is not 3 to 32 lower-case letters and digits")
    if type(seconds) is not int or not _SHORTEST <= seconds <= _LONGEST:
        raise ConfigurationError(
            f"seconds={seconds!r} is not a whole number from {_SHORTEST} to {_LONGEST:,}"
        )
    with aws_errors("log in with MFA"):
        aws = boto3.session.Session(profile_name=profile, region_name=region())
        sts = own_jitter(aws.client("sts", config=client_config()))
        try:
            keys = sts.assume_role(
                RoleArn=role_arn,
                RoleSessionName=user,
                SerialNumber=serial_number,
                TokenCode=token_code,
                DurationSeconds=seconds,
                Tags=[{"Key": USER_TAG, "Value": user}],
            )["Credentials"]
        except ClientError as error:
            if _CHAINED in quoted(error):
                raise ConfigurationError(
                    f"seconds={seconds:,}: the profile's login is a role's, and AWS lets a role "
                    "that another role assumes last for one hour. Pass seconds=3600, or a profile "
                    "with the credentials of an IAM user"
                ) from error
            raise
    return boto3.session.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=aws.region_name,
    )
