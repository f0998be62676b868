"""Who changes the trust of what the settings name: others' roles that reach data, and who vouches.

Whoever may take such a role, or signs for such a provider, is let in by the kit's own policies,
which go by the ARN: a role that was deleted and made again under its name is the same to them. What
stands in another account is not heard of here, and neither is Identity Center's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starburst_constructs.monitoring.noticed.patterns import (
    every,
    is_text,
    named,
    of_service,
    pattern,
    some,
)

__all__ = ["PROVIDER_CALLS", "TRUST_CALLS", "trust_changes"]

TRUST_CALLS: Final = ("CreateRole", "UpdateAssumeRolePolicy")
"""Calls of IAM that change who may take a role."""

PROVIDER_CALLS: Final = ("CreateSAMLProvider", "DeleteSAMLProvider", "UpdateSAMLProvider")
"""Calls of IAM that change whose word of a person is taken."""

_ROLES: Final = 4
"""Names for which a pattern has room, beside all else."""


def trust_changes(arns: Sequence[str], *, by: str) -> Mapping[str, str]:
    """Return filters of the trail by what they find.

    Args:
        arns: of roles and SAML providers of this account.
        by: the condition of who makes the change.
    """
    roles = [_name(arn) for arn in arns if ":role/" in arn]
    found = {
        f"NamedRoles{start // _ROLES}": pattern(
            of_service("iam"),
            named(*TRUST_CALLS),
            some(
                *(
                    is_text("requestParameters.roleName", name)
                    for name in roles[start : start + _ROLES]
                )
            ),
            by,
        )
        for start in range(0, len(roles), _ROLES)
    }
    providers = [arn for arn in arns if ":saml-provider/" in arn]
    for number, arn in enumerate(providers):
        found[f"Provider{number}"] = pattern(
            of_service("iam"),
            some(
                every(named(PROVIDER_CALLS[0]), is_text("requestParameters.name", _name(arn))),
                every(
                    named(*PROVIDER_CALLS[1:]), is_text("requestParameters.sAMLProviderArn", arn)
                ),
            ),
            by,
        )
    return found


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
