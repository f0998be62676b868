"""Who may become an analyst, who vouches for their name, and which other roles are let in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stacks.settings.validation import between, distinct, matches, require

__all__ = [
    "IAM_ARN",
    "BrokerRole",
    "IdentityCenter",
    "IdentityProvider",
    "MfaUsers",
    "SamlProvider",
    "WorkspaceGroups",
    "check_break_glass",
    "check_data_roles",
    "check_identity",
    "vouching",
]

IAM_ARN: Final = r"arn:aws(-[a-z]+)*:iam::"

GROUP: Final = r"([0-9a-f]{10}-)?[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}"

MOST_DATA_ROLES: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SamlProvider:
    """Analysts come through a SAML identity provider that sets the ``userName`` session tag.

    Attributes:
        arn: of the provider in IAM.
        audience: AWS's sign-in address that the provider's answers are sent to (``SAML:aud``):
            the global one, or a Region's such as ``https://eu-west-1.signin.aws.amazon.com/saml``.
    """

    arn: str
    audience: str = "https://signin.aws.amazon.com/saml"

    def __post_init__(self) -> None:
        """Refuse what is no SAML provider."""
        allowed = "arn:aws:iam::<12 digits>:saml-provider/<name>"
        matches("identity.arn", self.arn, IAM_ARN + r"\d{12}:saml-provider/[\w.-]{1,128}", allowed)
        matches(
            "identity.audience",
            self.audience,
            r"https://([a-z]{2}(-[a-z]+)+-\d\.)?signin\.aws\.amazon\.com/saml(/acs/[\w-]{1,64})?",
            "https://signin.aws.amazon.com/saml, or with a Region in front of signin",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerRole:
    """Analysts come through one role (a login broker) that tags their session with ``userName``.

    Whoever holds that role is every analyst and steward, under any name: AWS takes its word.

    Attributes:
        arn: of that role.
        platform_arn: of the role by which the platform team comes; None for the same one. With
            another, who holds the broker's role deploys nothing, and reads no log.
    """

    arn: str
    platform_arn: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no role."""
        allowed = "arn:aws:iam::<12 digits>:role/<name>"
        pattern = IAM_ARN + r"\d{12}:role/[\w+=,.@/-]{1,512}"
        matches("identity.arn", self.arn, pattern, allowed)
        if self.platform_arn is not None:
            matches("identity.platform_arn", self.platform_arn, pattern, allowed)


@dataclass(frozen=True, kw_only=True, slots=True)
class MfaUsers:
    """Analysts are IAM users of one account, each with MFA; their IAM user name is ``userName``.

    For organizations without single sign-on (S4). IAM itself ties the tag to the user, so nobody
    can take another's name. ``starburst.login`` asks for the code.

    Attributes:
        account: of the users.
        path: below which the users are, such as ``/analysts/``: no other user gets in, and
            ``deploy.credentials.disable`` is allowed to touch no other.
    """

    account: str
    path: str = "/"

    def __post_init__(self) -> None:
        """Refuse what is no account, and no path."""
        matches("identity.account", self.account, r"\d{12}", "twelve digits")
        matches("identity.path", self.path, r"/([\w.,+=@-]{1,64}/){0,4}", "such as /analysts/")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceGroups:
    """Groups of IAM Identity Center whose members work in one workspace.

    Attributes:
        workspace: its name.
        analysts: id of the group in the identity store.
        stewards: id of another, or None where a workspace has no steward.
    """

    workspace: str
    analysts: str
    stewards: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no id of a group."""
        for name in ("analysts", "stewards"):
            if (group := getattr(self, name)) is not None:
                matches(f"groups of {self.workspace}: {name}", group, GROUP, "a group's id")


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityCenter:
    """People come by permission sets of IAM Identity Center, each under the name it gives (P10).

    A permission set may become one role of the environment and nothing else, so that role stays
    what is proved of it, and what an incident's commands deny.

    Attributes:
        instance_arn: ``arn:aws:sso:::instance/ssoins-…``.
        account: that administers Identity Center: the management account, or a delegated one.
        region: of Identity Center.
        groups: for each workspace, who its analysts and stewards are.
        platform_group: id of the platform team's group; None for nobody.
        user_attribute: of a person in the identity store, which becomes their ``userName``: 3 to
            32 lower-case letters and digits. A role refuses every other name, such as an e-mail
            address: name another attribute then.
        sets_attribute: whether the environment's template configures that attribute. An instance
            has one list of attributes; False where another environment, or the organization, does.
    """

    instance_arn: str
    account: str
    region: str
    groups: tuple[WorkspaceGroups, ...]
    platform_group: str | None = None
    user_attribute: str = "${path:userName}"
    sets_attribute: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no instance, no place, and no attribute."""
        pattern = r"arn:aws:sso:::instance/(sso)?ins-[0-9a-zA-Z.-]{16}"
        matches(
            "identity.instance_arn", self.instance_arn, pattern, "arn:aws:sso:::instance/ssoins-…"
        )
        matches("identity.account", self.account, r"\d{12}", "twelve digits")
        matches("identity.region", self.region, r"[a-z]{2}(-[a-z]+)+-\d", "a Region")
        distinct("identity.groups", (one.workspace for one in self.groups))
        if self.platform_group is not None:
            matches("identity.platform_group", self.platform_group, GROUP, "a group's id")
        pattern = r"\$\{path:[A-Za-z]+(\.[A-Za-z]+)*\}"
        allowed = "one attribute, such as ${path:userName} or ${path:enterprise.employeeNumber}"
        matches("identity.user_attribute", self.user_attribute, pattern, allowed)


IdentityProvider = SamlProvider | BrokerRole | MfaUsers | IdentityCenter


def vouching(identity: IdentityProvider) -> tuple[str, ...]:
    """Return ARNs of who says who a person is; none where IAM or Identity Center does."""
    if isinstance(identity, SamlProvider):
        return (identity.arn,)
    if isinstance(identity, BrokerRole):
        return tuple(filter(None, (identity.arn, identity.platform_arn)))
    return ()


def check_identity(
    me: str, identity: IdentityProvider, *, account: str, workspaces: Iterable[str]
) -> None:
    """Refuse a provider of another account, and groups of workspaces that are not there."""
    if isinstance(identity, IdentityCenter):
        named = {one.workspace for one in identity.groups}
        known = sorted(workspaces)
        for name in known:
            allowed = f"groups for each of {', '.join(known)}"
            require(name in named, f"{me} identity.groups", ", ".join(sorted(named)), allowed)
        for name in sorted(named):
            require(name in known, f"{me} identity.groups", name, ", ".join(known))
    if isinstance(identity, SamlProvider):
        allowed = f"a SAML provider of account {account}"
        require(f":{account}:" in identity.arn, f"{me} identity.arn", identity.arn, allowed)


def check_break_glass(me: str, arn: str | None, *, account: str, production: bool) -> None:
    """Refuse production without a break-glass role, and one that is an everyday role."""
    field = f"{me} break_glass_role_arn"
    allowed = (
        f"arn:aws:iam::{account}:role/<name>: in production it alone ends keys, and reaches data "
        "when no role of the kit can"
    )
    require(arn is not None or not production, field, arn, allowed)
    if arn is None:
        return
    _role(field, arn, account=account)
    allowed = "None where purpose is 'test', whose keys are not kept"
    require(production, field, arn, allowed)


def check_data_roles(me: str, arns: tuple[str, ...], *, account: str) -> None:
    """Refuse what is no role of the account's own, or the kit's, or CDK's."""
    field = f"{me} data_role_arns"
    between(f"number of {field}", len(arns), 0, MOST_DATA_ROLES)
    distinct(field, arns)
    for arn in arns:
        _role(field, arn, account=account)


def _role(field: str, arn: str, *, account: str) -> None:
    pattern = IAM_ARN + rf"{account}:role/[\w+=,.@/-]{{1,512}}"
    matches(field, arn, pattern, f"arn:aws:iam::{account}:role/<name>")
    # The kit's roles never administer keys, and those of cdk bootstrap are everyday ones.
    apart = not arn.rpartition("/")[2].startswith(("starburst-", "cdk-"))
    require(apart, field, arn, "a role of your security team's own")
