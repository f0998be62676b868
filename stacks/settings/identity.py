"""Who may become an analyst, and who vouches for their name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stacks.settings.validation import matches

__all__ = ["IAM_ARN", "BrokerRole", "IdentityProvider", "MfaUsers", "SamlProvider"]

IAM_ARN: Final = r"arn:aws(-[a-z]+)*:iam::"


@dataclass(frozen=True, kw_only=True, slots=True)
class SamlProvider:
    """Analysts come through a SAML identity provider that sets the ``userName`` session tag."""

    arn: str
    audience: str = "https://signin.aws.amazon.com/saml"

    def __post_init__(self) -> None:
        """Refuse what is no SAML provider."""
        allowed = "arn:aws:iam::<12 digits>:saml-provider/<name>"
        matches("identity.arn", self.arn, IAM_ARN + r"\d{12}:saml-provider/[\w.-]{1,128}", allowed)
        matches("identity.audience", self.audience, r"https://\S+", "an https:// address")


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerRole:
    """Analysts come through one role (a login broker) that tags their session with ``userName``."""

    arn: str

    def __post_init__(self) -> None:
        """Refuse what is no role."""
        allowed = "arn:aws:iam::<12 digits>:role/<name>"
        matches("identity.arn", self.arn, IAM_ARN + r"\d{12}:role/[\w+=,.@/-]{1,512}", allowed)


@dataclass(frozen=True, kw_only=True, slots=True)
class MfaUsers:
    """Analysts are IAM users of one account, each with MFA; their IAM user name is ``userName``.

    For organizations without single sign-on (S4). IAM itself ties the tag to the user, so nobody
    can take another's name. ``starburst.login`` asks for the code.
    """

    account: str

    def __post_init__(self) -> None:
        """Refuse what is no account."""
        matches("identity.account", self.account, r"\d{12}", "twelve digits")


IdentityProvider = SamlProvider | BrokerRole | MfaUsers
