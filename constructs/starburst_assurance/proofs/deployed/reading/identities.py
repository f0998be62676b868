"""Read who is in an account: roles, users and groups, their policies, who vouches for them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from starburst_assurance.proofs.deployed.reading.account import Managed, Principal
from starburst_assurance.proofs.deployed.reading.asking import Asking, as_document
from starburst_assurance.proofs.reading.errors import ProofError

__all__ = ["read_principals", "read_providers"]

_OF_CLOUDFORMATION: Final = "aws:cloudformation:"


def read_principals(
    asking: Asking, ours: Collection[str]
) -> tuple[dict[str, Principal], dict[str, Managed]]:
    """Return roles, users and groups by ARN, and the managed policies that they have.

    Args:
        asking: makes the calls.
        ours: ARNs of roles that are asked for by themselves as well.

    Raises:
        ProofError: the account does not say who is in it, so nothing can be proved of it.
    """
    principals: dict[str, Principal] = {}
    managed: dict[str, Managed] = {}
    asked = len(asking.unread)
    with asking.noting("iam:GetAccountAuthorizationDetails", "the account"):
        for page in asking.pages("iam", "get_account_authorization_details"):
            for one in (*_roles(page), *_users(page), *_groups(page)):
                principals[one.arn] = one
            managed.update(_managed(page))
    if len(asking.unread) > asked:
        raise ProofError(
            f"{asking.unread[-1]}; without it nothing is proved of what stands in the account"
        )
    for arn in sorted(principals.keys() & set(ours)):
        principals[arn] = _asked_alone(asking, principals[arn])
    wanted = {
        arn
        for one in principals.values()
        for arn in (*one.attached, *filter(None, (one.boundary,)))
    }
    for arn in sorted(wanted - managed.keys()):
        found = asking.answer("iam:GetPolicyVersion", arn, lambda arn=arn: _policy(asking, arn))
        if found is not None:
            managed[arn] = found
    return principals, managed


def read_providers(asking: Asking) -> dict[str, str]:
    """Return identity providers by ARN, each with what tells it from another.

    That is the hash of a SAML provider's metadata, in which its certificates are, and the address,
    audiences and thumbprints of an OpenID one.
    """
    iam, found = asking.client("iam"), dict[str, str]()
    saml = asking.answer("iam:ListSAMLProviders", "the account", iam.list_saml_providers) or {}
    for one in saml.get("SAMLProviderList", []):
        arn = one["Arn"]
        answer = asking.answer(
            "iam:GetSAMLProvider", arn, lambda arn=arn: iam.get_saml_provider(SAMLProviderArn=arn)
        )
        if answer is not None:
            digest = hashlib.sha256(answer["SAMLMetadataDocument"].encode()).hexdigest()
            found[arn] = f"metadata with the SHA-256 {digest}"
    openid = asking.answer(
        "iam:ListOpenIDConnectProviders", "the account", iam.list_open_id_connect_providers
    )
    for one in (openid or {}).get("OpenIDConnectProviderList", []):
        arn = one["Arn"]
        answer = asking.answer(
            "iam:GetOpenIDConnectProvider",
            arn,
            lambda arn=arn: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn),
        )
        if answer is not None:
            audiences = ", ".join(sorted(answer.get("ClientIDList", [])))
            thumbs = ", ".join(sorted(answer.get("ThumbprintList", [])))
            found[arn] = (
                f"the address {answer.get('Url')}, audiences {audiences or 'none'} and "
                f"thumbprints {thumbs or 'none'}"
            )
    return found


def _roles(page: Mapping[str, Any]) -> Iterator[Principal]:
    for one in page["RoleDetailList"]:
        yield Principal(
            kind="role",
            trust=as_document(one["AssumeRolePolicyDocument"]),
            **_common(one, "RolePolicyList"),
        )


def _users(page: Mapping[str, Any]) -> Iterator[Principal]:
    for one in page["UserDetailList"]:
        groups = tuple(one.get("GroupList", []))
        yield Principal(kind="user", groups=groups, **_common(one, "UserPolicyList"))


def _groups(page: Mapping[str, Any]) -> Iterator[Principal]:
    for one in page["GroupDetailList"]:
        yield Principal(kind="group", **_common(one, "GroupPolicyList"))


def _common(one: Mapping[str, Any], inline: str) -> dict[str, Any]:
    return {
        "arn": one["Arn"],
        "inline": {
            each["PolicyName"]: as_document(each["PolicyDocument"]) for each in one.get(inline, [])
        },
        "attached": _arns(each["PolicyArn"] for each in one.get("AttachedManagedPolicies", [])),
        "boundary": _boundary(one),
        "tags": _tags(one),
    }


def _asked_alone(asking: Asking, role: Principal) -> Principal:
    """Return a role with what the account's own list may leave out."""
    iam = asking.client("iam")
    answer = asking.answer("iam:GetRole", role.arn, lambda: iam.get_role(RoleName=role.name))
    if answer is None:
        return role
    one = answer["Role"]
    return replace(
        role, boundary=_boundary(one) or role.boundary, longest=one.get("MaxSessionDuration")
    )


def _boundary(one: Mapping[str, Any]) -> str | None:
    return (one.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn") or None


def _tags(one: Mapping[str, Any]) -> dict[str, str]:
    tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags") or ()}
    return {key: value for key, value in tags.items() if not key.startswith(_OF_CLOUDFORMATION)}


def _arns(arns: Iterable[str]) -> tuple[str, ...]:
    # The emulator's bootstrap attaches a policy without a name, which allows nothing.
    return tuple(dict.fromkeys(filter(None, arns)))


def _managed(page: Mapping[str, Any]) -> Iterator[tuple[str, Managed]]:
    for one in page["Policies"]:
        for version in one["PolicyVersionList"]:
            if version["IsDefaultVersion"]:
                document = as_document(version["Document"])
                yield one["Arn"], Managed(document=document, version=version["VersionId"])


def _policy(asking: Asking, arn: str) -> Managed:
    iam = asking.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    return Managed(document=as_document(found["Document"]), version=version)
