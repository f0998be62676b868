"""What to do about an error of ours: a command to type where there is one."""

from __future__ import annotations

import shlex
import sys
from typing import Final

from starburst.errors import (
    AccessDenied,
    EnvironmentNotFound,
    KeyUnavailable,
    LocalEnvironmentError,
    StarburstError,
    VersionMismatch,
    WorkspaceNotFound,
)

__all__ = ["INSTALL_LOCAL", "fix_of", "log_in", "set_clock"]

INSTALL_LOCAL: Final = "pip install 'starburst[local]'"
_SHOW: Final = "show this to your platform engineer"
_CLOCKS: Final = {
    "linux": "sudo timedatectl set-ntp true",
    "darwin": "sudo sntp -sS time.apple.com",
    "win32": "w32tm /resync",
}

_FIXES: Final[dict[type[StarburstError], str]] = {
    LocalEnvironmentError: "unset STARBURST_LOCAL_STATE, or run within: starburst local -- COMMAND",
    EnvironmentNotFound: (
        "name it with -e or STARBURST_ENVIRONMENT, its Region with AWS_REGION, and its account "
        "with --profile; your platform engineer knows all three"
    ),
    WorkspaceNotFound: "name one of these with -w or STARBURST_WORKSPACE",
    VersionMismatch: "install the release that it names: pip install starburst==RELEASE",
    KeyUnavailable: f"{_SHOW}: only they can enable the key",
}


def log_in(profile: str | None) -> str:
    """Return how to log in again."""
    named = f" --profile {shlex.quote(profile)}" if profile else ""
    return (
        f"log in: aws sso login{named}; without single sign-on, as docs/how-to/stay-logged-in.md "
        "says"
    )


def set_clock() -> str:
    """Return how to set this machine's clock."""
    command = _CLOCKS.get(sys.platform)
    return "set this computer's clock" + ("" if command is None else f": {command}")


def fix_of(error: StarburstError, *, profile: str | None = None) -> str:
    """Return what to do about an error that stopped the doctor.

    Args:
        error: what Starburst raised.
        profile: the AWS profile that was used.
    """
    from starburst._client.access.aws_errors import LOG_IN, waits_for  # noqa: PLC0415 - slow to import

    by_cause = {
        LOG_IN: log_in(profile),
        "this computer's clock is wrong": set_clock(),
        "no way to AWS": (
            "connect to the network (VPN, HTTPS_PROXY, a page that asks for a login), and look "
            "whether the Region is the right one"
        ),
        "AWS is busy": "ask again in a minute",
    }.get(waits_for(error))
    return by_cause or _by_kind(error, profile)


def _by_kind(error: StarburstError, profile: str | None) -> str:
    if isinstance(error, LocalEnvironmentError) and "starburst[local]" in str(error):
        return INSTALL_LOCAL
    if isinstance(error, AccessDenied):
        return (
            f"{log_in(profile)}, to the workspace's analyst role; if it was that one, {_SHOW}: it "
            "names the permission"
        )
    return next((fix for kind, fix in _FIXES.items() if isinstance(error, kind)), _SHOW)
