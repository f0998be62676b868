"""Secrets that workers start with, by the ARN of each: no value is ever a setting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from stacks.settings.annotations import typed
from stacks.settings.validation import between, distinct, matches, require
from starburst_constructs.named_secrets import NamedSecret
from starburst_constructs.placement import Placement

__all__ = ["MOST_SECRETS", "Secret", "check_owned", "check_secrets"]

MOST_SECRETS: Final = 20
"""Variables of one workspace: each stands in its task definition and its launch role."""

_VARIABLE: Final = r"[A-Za-z_][A-Za-z0-9_]{0,63}"

_OURS: Final = ("AWS_", "ECS_", "FARGATE_", "LD_", "PYTHON", "STARBURST_")
"""How the variables begin that AWS, the loader, Python and the kit read."""

_TAKEN: Final = frozenset(
    {
        *("HOME", "HOSTNAME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "USER"),
        *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("BOTO_CONFIG", "OPENSSL_CONF", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
    }
)
"""What a worker's process is told by these names; by the last ones, how it reaches AWS."""

_ARN: Final = re.compile(
    r"arn:aws:secretsmanager:([a-z0-9-]+):(\d{12}):secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}"
)
"""A whole ARN: without the six characters, another secret made later by that name would do."""

_JSON_KEY: Final = r"[\w/+=.@-]{1,128}"
"""No colon, which would begin the version in what ECS reads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A secret of AWS Secrets Manager that a workspace's workers start with (G4, A24).

    Attributes:
        variable: name of the environment variable in which tasks find it.
        arn: of the secret, whole: with the six characters behind its name, of the environment's own
            account and Region.
        json_key: which value of a secret that holds a JSON object; None for all of its text. Of one
            secret several variables may take a key each.
        key_arn: of the customer managed key that encrypts it; None for ``aws/secretsmanager``. The
            key's own policy has to let the account's IAM policies use it.

    Example:
        >>> arn = "arn:aws:secretsmanager:eu-west-1:222233334444:secret:portal-a1B2c3"
        >>> Secret(variable="PORTAL_TOKEN", arn=arn).json_key is None
        True
    """

    variable: str
    arn: str
    json_key: str | None = None
    key_arn: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name that is not free, and what names no one secret."""
        me = "secrets:"
        typed(f"{me} ", self)
        allowed = "a letter or _, then up to 63 letters, digits and _"
        matches(f"{me} variable", self.variable, _VARIABLE, allowed)
        taken = self.variable.upper().startswith(_OURS) or self.variable.upper() in _TAKEN
        allowed = (
            f"names that do not begin with {', '.join(_OURS)} and are none of "
            f"{', '.join(sorted(_TAKEN))}: a worker is told other things by these"
        )
        require(not taken, f"{me} variable", self.variable, allowed)
        allowed = (
            "arn:aws:secretsmanager:<region>:<account>:secret:<name>-<six characters>, whole, as "
            "`aws secretsmanager describe-secret` prints it"
        )
        matches(f"{me} arn", self.arn, _ARN, allowed)
        if self.json_key is not None:
            allowed = "1 to 128 letters, digits and _/+=.@-, or None for the whole text"
            matches(f"{me} json_key", self.json_key, _JSON_KEY, allowed)
        if self.key_arn is not None:
            pattern = r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[\w-]{1,64}"
            matches(f"{me} key_arn", self.key_arn, pattern, "arn:aws:kms:<region>:<account>:key/…")

    @property
    def named(self) -> NamedSecret:
        """What policies and task definitions say of it."""
        return NamedSecret(
            variable=self.variable,
            arn=self.arn,
            json_key=self.json_key or "",
            key_arn=self.key_arn or "",
        )


def check_secrets(me: str, given: Iterable[Secret]) -> None:
    """Refuse too many of them, a variable twice, and one secret under two keys.

    Args:
        me: how its settings begin in a refusal.
        given: as the workspace has them.

    Raises:
        SettingsError: with the first that does not fit.
    """
    found = tuple(given)
    between(f"number of secrets of {me.rstrip(':')}", len(found), 0, MOST_SECRETS)
    distinct(f"{me} secrets", (each.variable for each in found))
    keys: dict[str, str | None] = {}
    for each in found:
        first = keys.setdefault(each.arn, each.key_arn)
        allowed = f"{first!r} as before: a secret is encrypted under one key"
        require(each.key_arn == first, f"{me} secrets: key_arn", each.key_arn, allowed)


def check_owned(secrets: Mapping[str, Iterable[Secret]], *, placement: Placement) -> None:
    """Refuse what is in another Region or of another account: no worker could start with it.

    Args:
        secrets: of workspaces, by the name of each.
        placement: of the environment.

    Raises:
        SettingsError: with the first ARN that is not the environment's own.
    """
    where = f"of account {placement.account} in {placement.region}"
    for name, given in secrets.items():
        for each in given:
            me = f"workspace {name}: secrets:"
            for field, arn in (("arn", each.arn), ("key_arn", each.key_arn)):
                own = arn is None or arn.split(":")[3:5] == [placement.region, placement.account]
                allowed = (
                    f"one {where}: the endpoints let workers reach their own account's alone. "
                    "Replicate the secret there, or copy it"
                )
                require(own, f"{me} {field}", arn, allowed)
